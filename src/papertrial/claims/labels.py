"""Labels of claims: short names of the scores that they are about."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.statistic import Statistic


def score_label(claim: JudgedClaim) -> str:
    """Return the label of a claim's score: "test accuracy", "difference in test accuracy".

    Of a curve it is what the claim is about: "validation loss from step 5,960 on".
    """
    name = claim.score_name
    if claim.reach is not None:
        worst = "worst " if claim.reach.reading == "each-seed" else ""
        return f"{worst}{name} {claim.reach.since}"
    return f"difference in {name}" if claim.has_two_sides else name


def theta_label(claim: JudgedClaim, statistic: Statistic) -> str:
    """Return the label of the number that a claim is about: "expected test accuracy"."""
    where = " on new test samples" if claim.is_about_new_samples else ""
    return f"{statistic.about(score_label(claim))}{where}"


def label(claim: JudgedClaim) -> str:
    """Return the label of a claim, and of the number that each seed gives for it.

    This is its score, with a mark if the epoch was chosen on test; of a curve, the score at the
    declared point.
    """
    if claim.reach is not None and claim.reach.reading == "each-step":
        return f"{claim.score_name} at {claim.reach.at(claim.reach.by)}"
    name = score_label(claim)
    return f"{name}, best epoch" if claim.best_epoch_on_test else name


def labels(claims: Sequence[JudgedClaim]) -> list[str]:
    """Return the label of each claim; differences in the same metric are numbered."""
    plain = [label(claim) for claim in claims]
    names = []
    for i, claim in enumerate(claims):
        repeated = claim.has_two_sides and plain.count(plain[i]) > 1
        names.append(f"{plain[i]} ({plain[: i + 1].count(plain[i])})" if repeated else plain[i])
    return names
