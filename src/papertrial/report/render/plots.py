"""The plots of claims and of learning: seeds, interval, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from papertrial.numbers import as_written, band, between, number, plural
from papertrial.report.render.confusion import confusion
from papertrial.report.render.svg import CLAIM, INK, OURS, SECOND, Plot, canvas, inline
from papertrial.report.render.words import (
    axis,
    claim_name,
    finite,
    has_other_side,
    one_line,
    reported,
    scored,
)

Report = Mapping[str, Any]


def plots(report: Report) -> dict[str, list[Plot]]:
    """Return the plots of each section, by its anchor."""
    claims = report.get("claims") or ()
    judged = [] if report.get("kind") == "run" else list(enumerate(claims, start=1))
    whose = " of ours" if has_other_side(report) else ""
    drawn = {
        "spread": [spread(claim, f"spread{i}") for i, claim in judged if claim.get("scores")],
        "narrowing": [
            narrowing(claim, f"narrowing{i}") for i, claim in judged if claim.get("intervals")
        ],
        "curves": [
            learning(metric, of, f"curve{i}", whose)
            for i, (metric, of) in enumerate(_by_metric(report).items(), start=1)
        ],
        "classes": confusion(report.get("confusion"), whose),
    }
    return {anchor: found for anchor, found in drawn.items() if found}


def spread(claim: Report, name: str) -> Plot:
    """Draw each seed's score against the claimed value and what counts as the same."""
    seeds = [str(seed) for seed, _ in claim["scores"]]
    scores = [score for _, score in claim["scores"]]
    mean, sd = claim.get("mean"), claim.get("sd")
    with canvas() as (figure, axes):
        _limits(axes, claim, scores)
        _claimed(axes, claim)
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
        _legend(axes)
        title = f"Seeds against the claim: {_against(claim)}"
        text = (
            f"{plural(len(seeds), 'dot')}, one a seed, from {number(min(scores), sd)} to "
            f"{number(max(scores), sd)}. Our mean is {number(mean, sd)}. {_band_in_words(claim)}"
        )
        return Plot(inline(figure, name, title, text), title)


def narrowing(claim: Report, name: str) -> Plot:
    """Draw the interval after each seed, beside what counts as the same."""
    at = [n for n, *_ in claim["intervals"]]
    lows = [finite(low) for _, low, _ in claim["intervals"]]
    highs = [finite(high) for *_, high in claim["intervals"]]
    scores = [score for _, score in claim.get("scores") or ()]
    sd = claim.get("sd")
    with canvas() as (figure, axes):
        bounds = [bound for bound in (*lows, *highs) if bound is not None]
        bottom, top = _limits(axes, claim, [*scores, *bounds])
        _claimed(axes, claim)
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
            if len(shown) == 1:  # a fill of no width is not seen
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
        _legend(axes)
        title = f"The interval over the seeds: {_against(claim)}"
        last = between(lows[-1], highs[-1], sd)
        begun = f" It begins at {plural(shown[0][0], 'seed')}." if shown else ""
        text = f"After {plural(at[-1], 'seed')} our interval is: {last}.{begun} "
        return Plot(inline(figure, name, title, text + _band_in_words(claim)), title)


def learning(metric: str, found: Sequence[Report], name: str, whose: str = "") -> Plot:
    """Draw a metric over the epochs: the mean of the seeds, and from lowest to highest."""
    with canvas() as (figure, axes):
        told = []
        for curve, colour, dash in zip(
            found, _colours(len(found)), _dashes(len(found)), strict=True
        ):
            x, mean = curve["x"], curve["mean"]
            mark = "o" if len(x) < 3 else ""
            label = f"{curve['split']}"
            axes.plot(x, mean, color=colour, linestyle=dash, marker=mark, label=label)
            if curve.get("low") and curve.get("seeds", 1) > 1:
                axes.fill_between(
                    x, curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0
                )
            if mean:
                told.append(
                    f"{label} goes from {number(mean[0])} to {number(mean[-1])} at "
                    f"{curve['x_label']} {number(x[-1])}"
                )
        seeds = max(curve.get("seeds") or 1 for curve in found)
        if all(float(value).is_integer() for curve in found for value in curve["x"]):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(str(found[0].get("x_label") or "epoch"))
        label = metric.replace("_", " ")
        axes.set_ylabel(axis(label, metric))
        _legend(axes)
        over = f", mean and range of {seeds} seeds" if seeds > 1 else ""
        title = f"Learning curve{whose}: {label}{over}"
        return Plot(inline(figure, name, title, f"{'; '.join(told)}."), title)


def _by_metric(report: Report) -> dict[str, list[Report]]:
    found: dict[str, list[Report]] = {}
    for curve in report.get("curves") or ():
        found.setdefault(curve["metric"], []).append(curve)
    return found


def _colours(n: int) -> list[str]:
    return [(OURS, SECOND, CLAIM, INK)[i % 4] for i in range(n)]


def _dashes(n: int) -> list[str]:
    return [("-", "--", "-.", ":")[i % 4] for i in range(n)]


def _limits(axes: Axes, claim: Report, others: Sequence[float]) -> tuple[float, float]:
    """Set the y axis to hold the band, the value and all others, and return it."""
    band = claim.get("band") or (None, None)
    shown = [finite(value) for value in (*band, claim.get("value"), claim.get("mean"), *others)]
    known = [value for value in shown if value is not None]
    low, high = min(known), max(known)
    margin = 0.08 * (high - low) or abs(low) * 0.01 or 0.01
    axes.set_ylim(low - margin, high + margin)
    return low - margin, high + margin


def _claimed(axes: Axes, claim: Report) -> None:
    band = claim.get("band") or (None, None)
    low, high = (finite(side) for side in band)
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
    value = finite(claim.get("value"))
    if value is not None:
        axes.axhline(value, color=CLAIM, linestyle="--", label=f"reported {as_written(value)}")


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=2)


def _crowded(seeds: Sequence[str]) -> bool:
    return sum(map(len, seeds)) + len(seeds) > 48


def _axis(claim: Report) -> str:
    return axis(scored(claim.get("split"), claim.get("metric")), str(claim.get("metric")))


def _against(claim: Report) -> str:
    return f"{claim_name(claim)}, reported {one_line(reported(claim), 60)}"


def _band_in_words(claim: Report) -> str:
    edges = claim.get("band") or (None, None)
    told = f"The reported value is {as_written(claim.get('value'))}"
    if any(finite(edge) is not None for edge in edges):
        told += f"; {band(*edges)} counts as the same"
    return f"{told}."
