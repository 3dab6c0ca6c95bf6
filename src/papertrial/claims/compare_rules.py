"""What a claim takes under each rule that a recipe can register: both horizons, each kind of SD."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from scipy import special

from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.plan import PlanRow, plan
from papertrial.claims.rule import (
    FIRST_LOOK,
    FIRST_LOOK_OF_KNOWN_SD,
    MOST_FIXED,
    GivenSd,
    Horizon,
    Rule,
    SdMeaning,
)
from papertrial.errors import ClaimError

SdSource = Literal["scores"] | SdMeaning
HORIZONS: tuple[Horizon, ...] = ("anytime", "fixed")
_PLAUSIBLE = 0.95  # level of the interval for the SD behind a paper's SD
_SAME = 1e-9  # two SDs that differ by less, relative to their size, differ by rounding


@dataclass(frozen=True)
class ComparedRow(PlanRow):
    """What to expect under one rule, if the SD between seeds is `spread`.

    Attributes:
        horizon: "anytime", or "fixed", which is calibrated to the maximum.
        sd: where the SD comes from: our scores, or `verify.sd` with the meaning that is named.
        given: the SD that the rule is given, in the metric's unit; None if only our scores tell it.
        own: whether this is the rule that was asked about.
        holds: whether the promised error rates hold if the SD is `spread`: not if a known or
            bounded SD is smaller, or if a paper's SD is too far from it.
        reported: whether `spread` is the SD that the paper reports.
    """

    horizon: Horizon
    sd: SdSource
    given: float | None
    own: bool
    holds: bool
    reported: bool


@dataclass(frozen=True)
class Comparison:
    """The rules compared for a claim.

    Attributes:
        rows: by SD, and for each SD by rule, in the same order.
        left_out: why some rules are not compared, each reason once.
    """

    rows: tuple[ComparedRow, ...]
    left_out: tuple[str, ...]


def compare_rules(
    claim: JudgedClaim, rule: Rule, spreads: Sequence[float], *, runs: int | None = None
) -> Comparison:
    """Compare the rules that can be registered for a claim, on the same simulated scores.

    These are anytime and a fixed horizon, each with the SD of our scores, with a known SD, and with
    the paper's SD pooled. A known SD is taken to be the one that is simulated. The paper's SD is
    pooled where it is plausible: where the simulated SD is in its 95 % interval. One of several
    claims is tested at the level of Holm's first, strictest step.

    Args:
        claim: one of the rule's claims.
        rule: what was asked about; the other rules differ from it in the horizon and the SD alone.
        spreads: SDs between seeds, in the metric's unit.
        runs: the number of runs that the claim's `reported_sd` is from; None if it is not known.

    Raises:
        ClaimError: a spread is not positive, or the SD that the rule gives is of no use here.
    """
    reported, all_claims = claim.reported_sd, rule.claims
    paper = GivenSd(reported, "paper", runs) if reported and runs and runs > 1 else None
    rule = replace(rule, claims=(claim,), alpha=rule.alpha / len(all_claims))
    rows = dict[tuple[Rule, float], PlanRow]()
    left_out = list[str]()
    for meaning in ("scores", "known", "paper"):
        for horizon in HORIZONS:
            for sd, planned in _given(meaning, spreads, paper):
                try:
                    other = _with(rule, horizon, sd)
                    _check(other, all_claims, rule.horizon)
                except ClaimError as error:
                    left_out.append(str(error))
                    continue
                rows |= {(other, row.spread): row for row in plan(claim, other, spreads=planned)}
    if rule.sd is not None:
        rows |= {(rule, row.spread): row for row in plan(claim, rule, spreads=spreads)}
    compared = [
        _compared(row, used, rule, reported)
        for (used, _), row in sorted(rows.items(), key=lambda item: item[1].spread)
        if used == rule or not _is_same_test(used, rule)
    ]
    return Comparison(tuple(compared), tuple(dict.fromkeys(left_out)))


def _given(
    meaning: str, spreads: Sequence[float], paper: GivenSd | None
) -> Iterator[tuple[GivenSd | None, list[float]]]:
    """Yield the SDs that a kind of rule is given, each with the spreads to simulate with it."""
    if meaning == "scores":
        yield None, list(spreads)
    elif meaning == "known":
        yield from ((GivenSd(spread, "known"), [spread]) for spread in spreads)
    elif paper is not None:
        plausible = [spread for spread in spreads if _holds(paper, spread)]
        if plausible:
            yield paper, plausible


def _with(rule: Rule, horizon: Horizon, sd: GivenSd | None) -> Rule:
    """Return a rule with another horizon and another knowledge of the SD."""
    first = FIRST_LOOK if sd is None or sd.n is not None else FIRST_LOOK_OF_KNOWN_SD
    return replace(rule, horizon=horizon, sd=sd, first_look=first)


def _check(other: Rule, claims: tuple[JudgedClaim, ...], horizon: Horizon) -> None:
    """Check that a recipe with these claims, and with this horizon so far, may compare this rule.

    Raises:
        ClaimError: the rule cannot be registered with these claims, or its simulation takes long
            and the recipe does not have this horizon.
    """
    for claim in claims:
        choose(claim, other)
    if other.sd is not None and len({(claim.metric, claim.split) for claim in claims}) > 1:
        raise ClaimError("verify.sd is one number, but the claims are about different scores")
    if other.horizon == "fixed" and len(other.seeds) > MOST_FIXED:
        raise ClaimError(f"a fixed horizon has at most {MOST_FIXED} seeds")
    is_slow = other.statistic == "mean" and any(claim.best_of for claim in claims)
    if is_slow and (horizon, other.horizon) == ("anytime", "fixed"):  # 17 s for 15 seeds
        raise ClaimError(
            "a fixed horizon takes long to simulate for kind: best-of; add verify.horizon=fixed"
        )


def _is_same_test(used: Rule, rule: Rule) -> bool:
    """Tell whether two rules of a comparison decide alike: a bound is tested as a known SD."""
    if used.sd is None or rule.sd is None or used.horizon != rule.horizon:
        return False
    return used.sd.n == rule.sd.n and math.isclose(used.sd.value, rule.sd.value, rel_tol=_SAME)


def _compared(row: PlanRow, used: Rule, rule: Rule, reported: float | None) -> ComparedRow:
    return ComparedRow(
        **asdict(row),
        horizon=used.horizon,
        sd="scores" if used.sd is None else used.sd.meaning,
        given=None if used.sd is None else used.sd.value,
        own=used == rule,
        holds=used.sd is None or _holds(used.sd, row.spread),
        reported=reported is not None and math.isclose(row.spread, reported, rel_tol=_SAME),
    )


def _holds(given: GivenSd, spread: float) -> bool:
    """Tell whether the promises of a rule that is given an SD hold if the SD is `spread`."""
    if given.n is None:
        return spread <= given.value * (1 + _SAME)
    freedom = given.n - 1
    below = float(special.chdtr(freedom, freedom * (given.value / spread) ** 2))
    return abs(below - 0.5) <= _PLAUSIBLE / 2
