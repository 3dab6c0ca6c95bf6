"""For which scores the probabilities of error hold, in words."""

from __future__ import annotations

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import GivenSd, Rule
from papertrial.numbers import as_written, percent


def valid_scores(rule: Rule, claim: JudgedClaim | None = None) -> str:
    """Return in words the scores that the tests of a rule, or of one of its claims, hold for."""
    claims = rule.claims if claim is None else (claim,)
    statistics = {rule.statistic_of(one) for one in claims} or {rule.statistic}
    if statistics == {"median"}:
        return "scores of any continuous distribution"
    if rule.sd is None:
        return "normal scores"
    if rule.sd.meaning == "paper":
        return f"normal scores whose SD is that of the paper, {as_written(rule.sd.value)}"
    return f"sub-Gaussian scores with an SD of at most {as_written(rule.sd.value)}"


def errs_at_most(rule: Rule) -> str:
    """Return the bound on errors: "each side errs at most 5 %, for normal scores"."""
    return f"each side errs at most {percent(rule.alpha)}, for {valid_scores(rule)}"


def taken_as_given(sd: GivenSd | None) -> str:
    """Return what a rule assumes about the SD between seeds; "" if our scores tell it."""
    if sd is None:
        return ""
    value = as_written(sd.value)
    return {
        "known": f"the SD between seeds is taken as known: {value}",
        "bound": f"the SD between seeds is taken to be at most {value}",
        "paper": f"the SD of the paper's {sd.n} runs, {value}, is pooled with ours as if both "
        "were equal",
    }[sd.meaning]
