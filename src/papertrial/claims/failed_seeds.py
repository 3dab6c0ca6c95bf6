"""What failed seeds may hide: would a verdict stand if they had scored the worst value?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import score_label
from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.verdict import Verdict
from papertrial.numbers import as_written

_BEYOND = 1e3  # stands for an unbounded worst value, as a multiple of the largest number in sight


def worst_case(rule: Rule, outcomes: Sequence[SeedOutcome]) -> tuple[Verdict, ...] | None:
    """Judge again as if each failed seed had scored the metric's worst value.

    An unbounded worst value (of a loss) is replaced by a number far beyond all others. With such a
    score, the evidence of a test of the mean with the SD of the scores stays below any threshold in
    use, whatever the number is, and that of a test with a known SD is against the claim; the median
    depends only on the side of a score. A failed seed of a difference has the worst
    value on our side and the best value on the other side.

    Returns:
        the verdict on each claim of the rule; None if no seed failed.
    """
    if all(outcome.state == "finished" for outcome in outcomes):
        return None
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    if not finished and any(claim.is_about_new_samples for claim in rule.claims):
        undecided: Verdict = "UNDECIDED"
        return (undecided,) * len(rule.claims)  # no prediction says how many samples there are
    worst = tuple(
        _worst_score(claim, [outcome.scores[j] for outcome in finished])
        for j, claim in enumerate(rule.claims)
    )
    changed = [
        outcome
        if outcome.state == "finished"
        else replace(
            outcome,
            state="finished",
            scores=worst,
            weights=f"failed {outcome.seed}",
            correct=_worst_samples(rule, outcomes),
        )
        for outcome in outcomes
    ]
    if rule.one_look:
        rule = replace(rule, first_look=len(changed))
    return tuple(ruling.verdict for ruling in judge(rule, changed))


def explain_worst_case(
    claim: JudgedClaim, verdict: Verdict, worst: Verdict, failed: int, finished: int
) -> str:
    """Explain in words what failed seeds may hide, and whether the verdict on a claim would stand.

    Args:
        claim: the claim.
        verdict: on the finished seeds.
        worst: the verdict of `worst_case`.
        failed: the number of failed seeds.
        finished: the number of finished seeds.
    """
    low, hides = ("High", "low") if claim.facts.lower_is_better else ("Low", "high")
    if finished == 0:
        what = "No seed finished, so there is no score"
    elif claim.has_two_sides:
        what = "Seeds on which one side trains badly may be the ones that failed"
    elif claim.facts.direction is None:
        what = "Seeds with bad scores may be the ones that failed"
    else:
        what = f"{low} seeds may be the ones that failed, so that our scores are too {hides}"
    would = f"would still be {worst}" if worst == verdict else f"would be {worst}, not {verdict}"
    had = "the failed seed" if failed == 1 else f"the {failed:,} failed seeds"
    if not math.isfinite(claim.facts.worst_value):
        return (
            f"{what}. The worst {score_label(claim)} is unbounded: with a "
            f"value far beyond all others for {had}, the verdict {would}."
        )
    return (
        f"{what}. With the worst {score_label(claim)}, "
        f"{as_written(_worst_number(claim))}, for {had}, the verdict {would}."
    )


def _worst_score(claim: JudgedClaim, scores: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the scores of a failed seed in the worst case: as many as the claim needs."""
    value = claim.facts.worst_value
    if not math.isfinite(value):
        seen = [abs(number) for score in scores for number in score]
        edges = [abs(edge) for edge in claim.band if math.isfinite(edge)]
        value = math.copysign(_BEYOND * max([*seen, *edges, 1.0]), value)
    if not claim.has_two_sides:
        return (value,) * claim.scores_per_seed
    return (value, _best_value(claim))


def _best_value(claim: JudgedClaim) -> float:
    """Return the best value of a claim's metric, for the other side of a failed seed."""
    return 1.0 if claim.facts.is_fraction and not claim.facts.lower_is_better else 0.0


def _worst_samples(rule: Rule, outcomes: Sequence[SeedOutcome]) -> tuple[bytes | None, ...]:
    """Return the result of each sample for a failed seed in the worst case: all are wrong.

    Only claims about new samples need it: of a difference, all are right on the other side.
    """
    known = next((outcome.correct for outcome in outcomes if outcome.correct), ())
    return tuple(
        None if one is None else np.full(len(one), -claim.has_two_sides, dtype=np.int8).tobytes()
        for claim, one in zip(rule.claims, known, strict=False)
    )


def _worst_number(claim: JudgedClaim) -> float:
    """Return the claim's number for a failed seed of a bounded metric."""
    worst = claim.facts.worst_value
    return worst - _best_value(claim) if claim.has_two_sides else worst
