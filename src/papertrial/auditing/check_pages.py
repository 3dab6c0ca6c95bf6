"""Check that the pages of a report show what report.json holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from papertrial.auditing.finding import Finding, findings_of, noted
from papertrial.auditing.recorded import Recorded
from papertrial.report.render.html import generator
from papertrial.report.report_files import render_again
from papertrial.store.run_folder import RunFolder
from papertrial.store.verification_folder import REPORT_HTML, REPORT_JSON, REPORT_MD

_PLOT = re.compile(r'<svg role="img".*?</svg>', re.DOTALL)
_GENERATOR = re.compile(r'<meta name="generator" content="([^"]*)">')


def check_pages(recorded: Recorded) -> Iterator[Finding]:
    """Render report.json again, and compare with report.html and report.md, byte by byte.

    Another version of papertrial writes other pages, and another one of matplotlib other plots. A
    note says what could not be compared for that reason.

    Raises:
        RunError: report.json or a page is absent or damaged.
    """
    if recorded.is_finished:
        yield from compare_pages(recorded.folder)


def compare_pages(folder: RunFolder) -> Iterator[Finding]:
    """Compare the pages in a folder with its report.json, as `check_pages` does.

    Raises:
        RunError: report.json or a page is absent or damaged.
    """
    messages = list[str]()
    pages = render_again(folder.path)
    had = {name: folder.read(name).decode(errors="replace") for name in pages}
    by = _GENERATOR.search(had[REPORT_HTML])
    if by is None:
        messages.append(f"{REPORT_HTML} does not say what made it: it was changed")
    elif by[1].partition(",")[0] != generator().partition(",")[0]:
        made_by = f"{REPORT_HTML} and {REPORT_MD} were made by {by[1]}, this is {generator()}"
        yield noted("report", f"{made_by}: they cannot be compared with {REPORT_JSON}")
        return
    elif by[1] != generator():
        yield noted(
            "report", f"the plots were made by {by[1]}, this is {generator()}: not compared"
        )
        pages[REPORT_HTML], had[REPORT_HTML] = map(
            _without_plots, (pages[REPORT_HTML], had[REPORT_HTML])
        )
    messages += [
        f"{name} is not what {REPORT_JSON} gives: one was changed"
        for name, page in pages.items()
        if page != had[name] and not (by is None and name == REPORT_HTML)
    ]
    yield from findings_of("report", messages, f"{REPORT_HTML} and {REPORT_MD} show {REPORT_JSON}")


def _without_plots(page: str) -> str:
    """Return a report's HTML page without its plots and the name of what drew them."""
    return _GENERATOR.sub("", _PLOT.sub("", page))
