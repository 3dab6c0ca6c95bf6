"""The plot of the evidence for and against a claim, growing seed by seed."""

from __future__ import annotations

from matplotlib.ticker import FuncFormatter, MaxNLocator

from papertrial.numbers import as_written, evidence, plural
from papertrial.report.render.names import name_and_number
from papertrial.report.render.svg import CLAIM, OURS, SECOND, Plot, canvas, inline, legend
from papertrial.store.report_record import ClaimResult, Evidence

_LEAST, _MOST = 1e-2, 1e6  # evidence beyond is drawn at these values
_ROOM = 3  # factor between the highest value and the upper end of the axis


def evidence_plot(claim: ClaimResult, found: Evidence, name: str) -> Plot:
    """Draw the evidence for and against a claim after each seed, beside what it must reach."""
    seeds, supports, opposes = zip(*found.after, strict=True)
    lines = [("for the claim", supports, OURS, "o-")]
    if found.opposes is not None:
        lines.append(("against the claim", opposes, SECOND, "s-"))
    thresholds = _thresholds(found)
    with canvas() as (figure, axes):
        axes.set_yscale("log")
        for label, values, colour, style in lines:
            drawn = [min(max(value, _LEAST), _MOST) for value in values]
            axes.plot(seeds, drawn, style, color=colour, markersize=4, label=label)
        for label, at, colour in thresholds:
            shown = evidence(at, "up")
            axes.axhline(at, color=colour, linestyle="--", label=f"{label}: {shown}")
        highest = max(*(at for _, at, _ in thresholds), *supports, *opposes)
        axes.set_ylim(_LEAST / 2, min(highest, _MOST) * _ROOM)
        axes.set_xlim(0.5, seeds[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: as_written(value)))
        axes.set_xlabel("finished seeds")
        axes.set_ylabel("evidence (log scale)")
        legend(axes)
        title = f"The evidence over the seeds: {name_and_number(claim, 60)}"
        ends = " and ".join(f"{evidence(values[-1])} {label}" for label, values, _, _ in lines)
        needed = " and ".join(f"{evidence(at, 'up')} is {label}" for label, at, _ in thresholds)
        text = f"After {plural(seeds[-1], 'finished seed')} the evidence is {ends}; {needed}."
        if claim.decided_at is not None:
            text += f" That was reached after {plural(claim.decided_at, 'seed')}."
        return Plot(inline(figure, name, title, text), title)


def _thresholds(found: Evidence) -> list[tuple[str, float, str]]:
    """Return the label, the value and the colour of each threshold; one if both are the same."""
    if found.supports is not None and found.opposes in (None, found.supports):
        return [("enough to decide", found.supports, CLAIM)]
    both = (
        ("enough for the claim", found.supports, OURS),
        ("enough against it", found.opposes, SECOND),
    )
    return [(label, at, colour) for label, at, colour in both if at is not None]
