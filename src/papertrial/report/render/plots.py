"""The plots of claims and of learning: seeds, interval, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from papertrial.claims.run_words import say_runs
from papertrial.numbers import as_written, band, between, number, plural
from papertrial.report.render.confusion import confusion
from papertrial.report.render.decision_sections import decision_anchor
from papertrial.report.render.evidence_plot import evidence_plot
from papertrial.report.render.names import (
    axis,
    has_other_side,
    is_one_look,
    name_and_number,
    score_name,
)
from papertrial.report.render.svg import CLAIM, INK, OURS, SECOND, Plot, canvas, inline, legend
from papertrial.report.render.target_plot import target_plot
from papertrial.report.render.target_sections import target_anchor
from papertrial.store.report_record import ClaimResult, Curve, Report


def plots(report: Report) -> dict[str, list[Plot]]:
    """Return the plots of a report for each section, by its anchor."""
    judged = [] if report.kind == "run" else list(enumerate(report.claims, start=1))
    whose = " of ours" if has_other_side(report) else ""
    drawn = {
        **{
            decision_anchor(i): [evidence_plot(claim, claim.evidence, f"evidence{i}")]
            for i, claim in judged
            if claim.evidence is not None and not is_one_look(report)
        },
        **{
            target_anchor(i): [target_plot(claim, claim.curve, f"target{i}")]
            for i, claim in judged
            if claim.curve is not None
        },
        "spread": [spread(claim, f"spread{i}") for i, claim in judged if claim.scores],
        "narrowing": [
            narrowing(claim, f"narrowing{i}")
            for i, claim in judged
            if claim.intervals and not is_one_look(report)
        ],
        "curves": [
            learning(metric, of, f"curve{i}", whose)
            for i, (metric, of) in enumerate(_by_metric(report.curves).items(), start=1)
        ],
        "classes": confusion(report.confusion, whose),
    }
    kept = {anchor: found for anchor, found in drawn.items() if found}
    return kept if report.seeded else {anchor: _of_runs(found) for anchor, found in kept.items()}


def _of_runs(found: Sequence[Plot]) -> list[Plot]:
    """Return plots whose texts are about runs, not about seeds."""
    return [replace(one, svg=say_runs(one.svg), caption=say_runs(one.caption)) for one in found]


def spread(claim: ClaimResult, name: str) -> Plot:
    """Draw the plot of each seed's score beside the value and the band that counts as the same."""
    seeds = [str(seed) for seed, _ in claim.scores]
    scores = [score for _, score in claim.scores]
    mean, sd = claim.mean, claim.sd
    with canvas() as (figure, axes):
        _limits(axes, claim, scores)
        _draw_claimed(axes, claim)
        if mean is not None:
            axes.axhline(mean, color=OURS, label=f"our mean {number(mean, sd)}")
        axes.plot(
            range(len(seeds)), scores, "o", color=OURS, markersize=6, label="one seed", zorder=3
        )
        axes.set_xticks(range(len(seeds)), seeds, rotation=90 if _crowded(seeds) else 0)
        axes.set_xlim(-0.6, len(seeds) - 0.4)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("seed")
        axes.set_ylabel(_axis(claim))
        legend(axes)
        title = f"Seeds against the claim: {name_and_number(claim, 60)}"
        text = (
            f"{plural(len(seeds), 'dot')}, one for each seed, from {number(min(scores), sd)} to "
            f"{number(max(scores), sd)}. Our mean is {number(mean, sd)}. {_band_in_words(claim)}"
        )
        return Plot(inline(figure, name, title, text), title)


def narrowing(claim: ClaimResult, name: str) -> Plot:
    """Draw the plot of the interval after each seed beside the band that counts as the same."""
    at, lows, highs = zip(*claim.intervals, strict=True)
    scores = [score for _, score in claim.scores]
    with canvas() as (figure, axes):
        bounds = [bound for bound in (*lows, *highs) if bound is not None]
        bottom, top = _limits(axes, claim, [*scores, *bounds])
        _draw_claimed(axes, claim)
        shown = [
            (n, bottom if low is None else low, top if high is None else high)
            for n, low, high in zip(at, lows, highs, strict=True)
            if low is not None or high is not None
        ]
        if shown:
            xs, below, above = zip(*shown, strict=True)
            axes.fill_between(xs, below, above, color=OURS, alpha=0.22, linewidth=0)
            axes.plot(xs, below, color=OURS, linewidth=1.2, label="our interval")
            axes.plot(xs, above, color=OURS, linewidth=1.2)
            if len(shown) == 1:  # a fill without width is invisible
                axes.vlines(xs, below, above, color=OURS, linewidth=2)
        if scores:
            means = [total / n for n, total in enumerate(accumulate(scores), start=1)]
            axes.plot(
                range(1, len(means) + 1), means, "o", color=OURS, markersize=4, label="mean so far"
            )
        axes.set_xlim(0.5, max([*at, len(scores)]) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("finished seeds")
        axes.set_ylabel(_axis(claim))
        legend(axes)
        title = f"The interval over the seeds: {name_and_number(claim, 60)}"
        last = between(lows[-1], highs[-1], claim.sd)
        begun = f" It starts at {plural(shown[0][0], 'seed')}." if shown else ""
        text = f"After {plural(at[-1], 'seed')} our interval is: {last}.{begun} "
        return Plot(inline(figure, name, title, text + _band_in_words(claim)), title)


def learning(metric: str, found: Sequence[Curve], name: str, whose: str = "") -> Plot:
    """Draw the plot of a metric over the epochs: the mean and the range of the seeds."""
    with canvas() as (figure, axes):
        words = []
        for curve, colour, dash in zip(
            found, _colours(len(found)), _dashes(len(found)), strict=True
        ):
            x, mean = curve.x, curve.mean
            mark = "o" if len(x) < 3 else ""
            what = "mean of the seeds" if curve.split == "none" else curve.split
            axes.plot(x, mean, color=colour, linestyle=dash, marker=mark, label=what)
            if curve.seeds > 1:
                axes.fill_between(x, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
            if mean:
                words.append(
                    f"{what} goes from {number(mean[0])} to {number(mean[-1])} at "
                    f"{curve.x_label} {number(x[-1])}"
                )
        seeds = max(curve.seeds for curve in found)
        if all(value.is_integer() for curve in found for value in curve.x):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(found[0].x_label)
        label = metric.replace("_", " ")
        axes.set_ylabel(axis(label, metric))
        legend(axes)
        over = f", mean and range of {seeds} seeds" if seeds > 1 else ""
        title = f"Learning curve{whose}: {label}{over}"
        return Plot(inline(figure, name, title, f"{'; '.join(words)}."), title)


def _by_metric(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve.metric, []).append(curve)
    return found


def _colours(n: int) -> list[str]:
    return [(OURS, SECOND, CLAIM, INK)[i % 4] for i in range(n)]


def _dashes(n: int) -> list[str]:
    return [("-", "--", "-.", ":")[i % 4] for i in range(n)]


def _limits(axes: Axes, claim: ClaimResult, others: Sequence[float]) -> tuple[float, float]:
    """Set and return the limits of a plot's y axis: band, value, mean and all others are within."""
    shown = (*claim.band, claim.value, claim.mean, *others)
    known = [value for value in shown if value is not None]
    low, high = min(known), max(known)
    margin = 0.08 * (high - low) or abs(low) * 0.01 or 0.01
    axes.set_ylim(low - margin, high + margin)
    return low - margin, high + margin


def _draw_claimed(axes: Axes, claim: ClaimResult) -> None:
    low, high = claim.band
    bottom, top = axes.get_ylim()
    if low is not None or high is not None:
        axes.axhspan(
            bottom if low is None else low,
            top if high is None else high,
            color=CLAIM,
            alpha=0.16,
            linewidth=0,
            label="counts as the same",
        )
    label = f"reported {as_written(claim.value)}"
    axes.axhline(claim.value, color=CLAIM, linestyle="--", label=label)


def _crowded(seeds: Sequence[str]) -> bool:
    return sum(map(len, seeds)) + len(seeds) > 48


def _axis(claim: ClaimResult) -> str:
    return axis(score_name(claim.split, claim.metric), claim.metric)


def _band_in_words(claim: ClaimResult) -> str:
    text = f"The reported value is {as_written(claim.value)}"
    if any(edge is not None for edge in claim.band):
        text += f"; {band(*claim.band)} counts as the same"
    return f"{text}."
