"""A matplotlib figure as SVG inside a page: accessible, coloured by the page, reproducible.

matplotlib writes colours as numbers. The figures use colours that nothing else has; each is then
replaced by one of the page's CSS variables, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, GRID, OURS, CLAIM, SECOND = (
    "#010203", "#010204", "#010205", "#010206", "#010207", "#010208",
)  # fmt: skip
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    OURS: "--ours",
    CLAIM: "--claim",
    SECOND: "--second",
}
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be selected, searched and enlarged
    "svg.hashsalt": "papertrial",  # ids depend on the drawing alone
    "text.parse_math": False,  # a class may be called "$5"
    "axes.unicode_minus": True,
    "font.size": 10,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
}
WIDTH, HEIGHT = 5.0, 3.6  # inches: about a phone's width in points, so that text is little shrunk


@dataclass(frozen=True)
class Plot:
    """A drawing for the page: `svg` is the whole element, `caption` the text below it."""

    svg: str
    caption: str
    wide: bool = False


@contextmanager
def canvas(width: float = WIDTH, height: float = HEIGHT) -> Iterator[tuple[Figure, Axes]]:
    """Yield a matplotlib figure and its axes in the report's style, whatever the user's style."""
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def legend(axes: Axes) -> None:
    """Draw the legend of a figure below its axes, if anything in them has a label."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.figure.legend(handles, labels, loc="outside lower center", ncols=2)


def inline(figure: Figure, name: str, title: str, text: str) -> str:
    """Return a matplotlib figure as an <svg> element for a page; call it inside `canvas`.

    Args:
        figure: drawn with the colours of this module.
        name: the prefix of every id in the element; it must be unique in a page.
        title: its accessible name.
        text: its accessible description, for readers who do not see it.
    """
    stream = io.StringIO()
    nameless = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings():
        # The measuring font lacks some scripts; the browser's fonts have them.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set(facecolor="none", edgecolor="none")
        # `Figure.savefig` lays out and then draws, each with a pass over all artists: two are slow.
        drawing: Any = FigureCanvasSVG(figure)  # the method is not in the type stubs
        drawing.print_svg(stream, metadata=nameless)
    whole = stream.getvalue()
    view = re.search(r'viewBox="([^"]*)"', whole)
    assert view is not None  # matplotlib always writes one
    body = whole[whole.index(">", view.end()) + 1 : whole.rindex("</svg>")]
    body = re.sub(r'<style type="text/css">.*?</style>', "", body, flags=re.DOTALL)
    # The page's own font; the size is matplotlib's.
    body = re.sub(r"(?<=[\";]) ?font-family: [^;\"]*;?", "", body)
    body = re.sub(r"(?<=[\";]) ?font: ([0-9.]+px) [^;\"]*;?", r" font-size: \1;", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^)"]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", body)
    body = re.sub(r'(url\(|xlink:href=")#', rf"\1#{name}-", body)
    body = re.sub(r"\n\s*", "\n", body).strip()
    return (
        f'<svg role="img" viewBox="{view[1]}" aria-labelledby="{name}-title" '
        f'aria-describedby="{name}-text">\n<title id="{name}-title">{escape(title)}</title>\n'
        f'<desc id="{name}-text">{escape(text)}</desc>\n{body}\n</svg>'
    )
