"""The curves of targets, as they are stored and reported."""

from __future__ import annotations

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach_curve import ReachCurve, explain_curve, reach_curves
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Look
from papertrial.record import finite_or_none
from papertrial.store.target_curve import CurveAtPoint, TargetCurve


def target_curves(rule: Rule, look: Look) -> list[TargetCurve | None]:
    """Return the curve in each claim's result; None for a claim that is not about a curve."""
    found = reach_curves(rule, look.outcomes, look.rulings)
    return [_to_record(claim, curve) for claim, curve in zip(rule.claims, found, strict=True)]


def _to_record(claim: JudgedClaim, curve: ReachCurve | None) -> TargetCurve | None:
    if curve is None or claim.reach is None:
        return None
    return TargetCurve(
        unit=claim.reach.unit,
        by=claim.reach.by,
        reading=claim.reach.reading,
        points=tuple(
            CurveAtPoint(
                at=point.at,
                mean=point.mean,
                sd=finite_or_none(point.sd),
                low=finite_or_none(point.low),
                high=finite_or_none(point.high),
                confirmed=point.confirmed,
            )
            for point in curve.points
        ),
        confirmed_from=curve.confirmed_from,
        text=explain_curve(claim, claim.reach, curve),
    )
