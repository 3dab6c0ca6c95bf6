"""The two figures: error rates by scenario, and seeds needed by tolerance and rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from papertrial.report.render.svg import (
    CLAIM,
    INK,
    MUTED,
    OURS,
    SECOND,
    canvas,
    inline,
    legend,
)
from rates.row import Row

_STYLE = """<style>
svg { --ink: #1f2328; --muted: #59636e; --line: #d1d9e0; --ours: #0969da; --claim: #bc4c00;
  --second: #1a7f37; font-family: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --muted: #9198a1; --line: #3d444d;
  --ours: #4493f8; --claim: #db6d28; --second: #3fb950; } }
</style>"""
_LINES = ((OURS, "-"), (OURS, "--"), (CLAIM, "-"), (CLAIM, "--"), (SECOND, "-"), (MUTED, "-."))


def write_figures(rows: Sequence[Row], folder: Path) -> None:
    """Write error-rates.svg and seeds-needed.svg to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error-rates.svg").write_text(error_rates(rows), "utf-8")
    (folder / "seeds-needed.svg").write_text(seeds_needed(rows), "utf-8")


def error_rates(rows: Sequence[Row]) -> str:
    """Return the error rates as SVG, with two standard errors to each side and a line at 5 %."""
    drawn = [row for row in rows if row.drawn]
    with canvas(7.5, 1.0 + 0.19 * len(drawn)) as (figure, axes):
        for kind, colour, label in (
            (True, OURS, "at most 5 % by the rule"),
            (False, CLAIM, "the rule's assumptions do not hold"),
        ):
            at = [i for i, row in enumerate(drawn) if row.guaranteed == kind]
            if at:
                x, error = [drawn[i].measured for i in at], [2 * drawn[i].error for i in at]
                axes.errorbar(x, at, xerr=error, fmt="o", ms=3.5, color=colour, label=label)
        axes.axvline(5, color=INK, linestyle="--", linewidth=1, label="5 %")
        axes.set_yticks(range(len(drawn)), [row.drawn for row in drawn], fontsize=7.5)
        axes.set_ylim(len(drawn) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("false verdicts in % (bars: two standard errors)")
        legend(axes)
        most = max((row.measured for row in drawn if row.guaranteed), default=0.0)
        text = f"{len(drawn)} scenarios; the highest rate that the rule bounds is {most:.1f} %."
        return _standalone(inline(figure, "rates", "Rates of false verdicts by scenario", text))


def seeds_needed(rows: Sequence[Row]) -> str:
    """Return the mean number of seeds as SVG, by tolerance and rule."""
    drawn = [row for row in rows if row.tolerance is not None]
    rules = list(dict.fromkeys(row.scenario for row in drawn))
    with canvas(6.5, 4.5) as (figure, axes):
        for rule, (colour, line) in zip(rules, _LINES, strict=False):
            mine = [row for row in drawn if row.scenario == rule]
            x, y = [row.tolerance for row in mine], [row.measured for row in mine]
            axes.plot(x, y, line, marker="o", ms=3.5, color=colour, label=rule)
        axes.set_ylim(0, 15.5)
        axes.set_xlabel("tolerance in SD between seeds")
        axes.set_ylabel("mean seeds, at most 15")
        legend(axes)
        text = f"Seeds until a right claim is REPRODUCED, or 15, for {len(rules)} rules."
        return _standalone(inline(figure, "seeds", "Seeds needed by tolerance and rule", text))


def _standalone(element: str) -> str:
    """Return the <svg> element of a page as a file with colours of its own."""
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head, end, body = element.replace("<svg ", f"<svg {spaces} ", 1).partition("</desc>")
    return f"{head}{end}\n{_STYLE}{body}\n"
