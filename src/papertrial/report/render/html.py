"""A report as one HTML file without scripts, external assets or requests."""

from __future__ import annotations

from importlib import metadata, resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from papertrial.report.render.head_and_sections import head, sections
from papertrial.report.render.plots import plots
from papertrial.store.report_record import Report
from papertrial.version import __version__

_STYLES = ("style.css", "media.css")
# The mark beside a verdict differs in shape, not only in colour.
_MARKS = {
    "REPRODUCED": "yes",
    "REPRODUCED WITH DEVIATIONS": "yes",
    "NOT REPRODUCED": "no",
    "UNDECIDED": "open",
}


def generator() -> str:
    """Return the versions that render HTML pages, for the page's generator tag.

    With equal versions, equal reports give equal pages.
    """
    return f"papertrial {__version__}, matplotlib {metadata.version('matplotlib')}"


def render_html(report: Report) -> str:
    """Return a report as an HTML page; an empty part has no section.

    Equal reports give equal pages (see `generator`). Every text of the report is escaped. The only
    URLs are links to the paper, and a policy in the page forbids requests.
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
