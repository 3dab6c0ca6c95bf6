"""The plot of a curve against its target."""

from __future__ import annotations

import math

from matplotlib.ticker import MaxNLocator

from papertrial.numbers import as_written, number, plural
from papertrial.report.render.names import axis, name_and_number, score_name
from papertrial.report.render.svg import CLAIM, INK, OURS, Plot, canvas, inline, legend
from papertrial.store.report_record import ClaimResult
from papertrial.store.target_curve import TargetCurve

_SHARE_BEFORE = 0.5  # of the axis that the points before the declared one may take


def target_plot(claim: ClaimResult, curve: TargetCurve, name: str) -> Plot:
    """Draw the mean of the seeds at each point, its interval, the target and the declared point."""
    xs = [point.at for point in curve.points]
    means = [point.mean for point in curve.points]
    known = [point for point in curve.points if point.low is not None and point.high is not None]
    with canvas() as (figure, axes):
        if known:
            at = [point.at for point in known]
            lows = [math.nan if point.low is None else point.low for point in known]
            highs = [math.nan if point.high is None else point.high for point in known]
            axes.fill_between(at, lows, highs, color=OURS, alpha=0.22, label="interval")
            if len(known) == 1:  # a fill without width is invisible
                axes.vlines(at, lows, highs, color=OURS, linewidth=2)
        axes.plot(xs, means, "o-", color=OURS, markersize=4, label="mean of our seeds")
        axes.axhline(
            claim.value, color=CLAIM, linestyle="--", label=f"target {as_written(claim.value)}"
        )
        axes.axvline(curve.by, color=INK, linestyle=":", label=f"declared: {curve.place}")
        axes.set_ylim(*_limits(claim, curve))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(curve.unit)
        axes.set_ylabel(axis(score_name(claim.split, claim.metric), claim.metric))
        legend(axes)
        title = f"The curve against the target: {name_and_number(claim, 60)}"
        sd = curve.points[-1].sd
        text = (
            f"{plural(len(xs), 'point')}; the mean of our seeds goes from {number(means[0], sd)} "
            f"at {curve.unit} {xs[0]:,} to {number(means[-1], sd)} at {curve.unit} {xs[-1]:,}. "
            f"{curve.text}"
        )
        return Plot(inline(figure, name, title, text), title)


def _limits(claim: ClaimResult, curve: TargetCurve) -> tuple[float, float]:
    """Return the limits of the y axis: around the target and the points from the declared one on.

    Early points, which are far from the target, may lie outside.
    """
    late = [point for point in curve.points if point.at >= curve.by]
    near = [claim.value, *(v for p in late for v in (p.mean, p.low, p.high) if v is not None)]
    low, high = min(near), max(near)
    early = [point.mean for point in curve.points if point.at < curve.by]
    room = _SHARE_BEFORE * max(high - low, 1e-12) / (1 - _SHARE_BEFORE)
    low = max(min([low, *early]), low - room)
    high = min(max([high, *early]), high + room)
    margin = 0.08 * (high - low) or abs(low) * 0.01 or 0.01
    return low - margin, high + margin
