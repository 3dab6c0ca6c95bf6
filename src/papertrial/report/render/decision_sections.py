"""The sections on how each claim was decided, in plain words beside the plot of the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import whole
from papertrial.report.render.names import is_one_look, name_and_number, score_name
from papertrial.report.render.section import ReportSection, TableBlock, cells, columns
from papertrial.store.report_record import Report

TITLE = "How this was decided"
_ANCHOR = "decision"


def decision_anchor(number: int) -> str:
    """Return the anchor of the section on the decision of a judged claim, counted from 1."""
    return f"{_ANCHOR}{number}"


def decisions(report: Report) -> Iterator[ReportSection]:
    """Yield a section for each claim: how it was decided, or why it was not."""
    for i, claim in enumerate(report.claims, start=1):
        drawn = claim.evidence is not None and not is_one_look(report)
        yield from _section(
            decision_anchor(i), name_and_number(claim, 60), claim.decision, plots=drawn
        )
    for i, exact in enumerate(report.exact, start=1):
        name = f"{score_name(exact.split, exact.metric)}, reported {whole(exact.value)}"
        yield from _section(f"{_ANCHOR}-exact{i}", name, exact.decision)


def _section(
    anchor: str, name: str, steps: tuple[tuple[str, str], ...], *, plots: bool = False
) -> Iterator[ReportSection]:
    """Yield the section on one decision; none for a single run, which decides nothing."""
    if not steps:
        return
    table = TableBlock(
        "From the claim to the verdict",
        columns("Step", "In words"),
        tuple(cells(question, answer) for question, answer in steps),
    )
    yield ReportSection(anchor, f"{TITLE}: {name}", tables=(table,), plots=plots)
