"""Whether our scores contradict an SD between seeds that a rule takes as known."""

from __future__ import annotations

from scipy.special import chdtrc

from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.numbers import as_written, number

_RARE = 0.01  # chance of a warning if the SD is right


def larger_sd(rule: Rule, ruling: Ruling) -> str:
    """Return a sentence if our SD is too large for the SD that the rule gives; "" otherwise.

    For normal scores (n - 1) s^2 / SD^2 has a chi-squared distribution with n - 1 degrees of
    freedom; the sentence comes where a value this large has a chance of less than 1 %.
    """
    n = len(ruling.scores)
    if rule.sd is None or rule.sd.n is not None or n < 2 or ruling.deterministic:
        return ""
    if chdtrc(n - 1, (n - 1) * (ruling.sd / rule.sd.value) ** 2) >= _RARE:
        return ""
    return (
        f"our SD between seeds, {number(ruling.sd, ruling.sd)}, is larger than verify.sd allows, "
        f"{as_written(rule.sd.value)}: verdicts err more often than {as_written(rule.alpha)}"
    )
