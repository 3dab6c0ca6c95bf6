"""Audits of copies of one verification draw the same plots: here they are drawn once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from papertrial.report.render import html
from papertrial.report.render.svg import Plot
from papertrial.store.report_record import Report


@pytest.fixture(scope="package", autouse=True)
def _plots_of_a_report_are_drawn_once() -> Iterator[None]:
    """Keep what was drawn for a report. That a report gives the same drawing: tests/report."""
    drawn = dict[str, dict[str, list[Plot]]]()
    draw = html.plots

    def plots(report: Report) -> dict[str, list[Plot]]:
        text = report.to_json()
        if text not in drawn:
            drawn[text] = draw(report)
        return drawn[text]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "plots", plots)
        yield
