"""The sections on targets that a curve reaches: the curve, point by point."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import between, number
from papertrial.report.render.names import name_and_number
from papertrial.report.render.section import Cell, ReportSection, TableBlock, columns
from papertrial.store.report_record import Report
from papertrial.store.target_curve import CurveAtPoint, TargetCurve

_MOST_ROWS = 40


def target_anchor(number: int) -> str:
    """Return the anchor of the section on the curve of a judged claim, counted from 1."""
    return f"target{number}"


def targets(report: Report) -> Iterator[ReportSection]:
    """Yield a section for each claim on a curve: from which point on it is confirmed."""
    for i, claim in enumerate(report.claims, start=1):
        if claim.curve is None:
            continue
        curve = claim.curve
        shown = _shown(curve)
        table = TableBlock(
            "The scores of our seeds at each evaluated point",
            columns(
                curve.unit.capitalize(),
                ("Mean", "number"),
                ("SD", "number"),
                ("Interval", "number"),
                "Confirmed from here on",
            ),
            tuple(_row(curve, point) for point in shown),
        )
        left_out = len(curve.points) - len(shown)
        more = f"{left_out} of {len(curve.points)} points are left out; report.json has all."
        name = name_and_number(claim, 60)
        yield ReportSection(
            target_anchor(i),
            f"The curve against the target: {name}",
            (curve.text, _what_intervals_are(curve), *([more] if left_out else [])),
            tables=(table,),
            plots=True,
        )


def _row(curve: TargetCurve, point: CurveAtPoint) -> tuple[Cell, ...]:
    return (
        Cell(f"{point.at:,}", "the declared point" if point.at == curve.by else ""),
        Cell(number(point.mean, point.sd)),
        Cell(number(point.sd, point.sd)),
        Cell(between(point.low, point.high, point.sd)),
        Cell("yes" if point.confirmed else "no"),
    )


def _what_intervals_are(curve: TargetCurve) -> str:
    if curve.reading == "each-seed":
        return "An interval is for the median over seeds of the worst score from that point on."
    return "An interval is for the score at that point alone."


def _shown(curve: TargetCurve) -> list[CurveAtPoint]:
    """Return the points to list: all of them, or evenly spaced ones with those that matter."""
    every = -(-len(curve.points) // _MOST_ROWS)
    kept = {curve.by, curve.confirmed_from, curve.points[-1].at}
    return [
        point for i, point in enumerate(curve.points, start=1) if i % every == 0 or point.at in kept
    ]
