"""A report as one HTML file: no script, no outside asset, no request."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata, resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from papertrial.report.render.content import head, sections
from papertrial.report.render.plots import plots
from papertrial.version import __version__

_STYLES = ("style.css", "media.css")
# The mark beside a verdict: its shape says it, not its colour alone.
_MARKS = {
    "REPRODUCED": "yes",
    "REPRODUCED WITH DEVIATIONS": "yes",
    "NOT REPRODUCED": "no",
    "UNDECIDED": "open",
}


def generator() -> str:
    """Return what makes pages here: equal reports give equal pages with equal versions of it."""
    return f"papertrial {__version__}, matplotlib {metadata.version('matplotlib')}"


def render_html(report: Mapping[str, Any]) -> str:
    """Return a report as a page.

    Args:
        report: the dict of report.json; what is absent, None or empty has no section.

    Returns:
        The whole document. Equal reports give equal pages (see `generator`). Every text of the
        report is escaped; the only addresses are links to the paper, and a policy in the page
        forbids it any request.
    """
    package = resources.files("papertrial.report.render")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((package / "report.html.j2").read_text("utf-8"))
    drawn = {
        anchor: [(Markup(plot.svg), plot.caption, plot.wide) for plot in found]
        for anchor, found in plots(report).items()
    }
    return template.render(
        head=head(report),
        sections=sections(report),
        plots=drawn,
        marks=_MARKS,
        generator=generator(),
        style=Markup("".join((package / name).read_text("utf-8") for name in _STYLES)),
    )
