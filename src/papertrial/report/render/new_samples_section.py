"""The section on our scores on this test set and on new test samples of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import between, percent, plural
from papertrial.report.render.names import name_and_number
from papertrial.report.render.section import ReportSection, TableBlock, Title, cells, columns
from papertrial.store.new_samples import NewSamples
from papertrial.store.report_record import ClaimResult, Report

_LONGEST = 60  # characters of a claim's name
_ABOUT = {"test-set": "this test set", "new-samples": "new test samples"}


def new_samples(report: Report) -> Iterator[ReportSection]:
    """Yield the section on new test samples, of the claims whose results of samples are stored."""
    known = [(claim, claim.new_samples) for claim in report.claims if claim.new_samples]
    if not known:
        return
    heads: list[Title] = [
        "Claim",
        ("On this test set", "number"),
        ("On new test samples of the same kind", "number"),
        ("Of", "number"),
        "The verdict is about",
    ]
    rows = tuple(
        cells(
            name_and_number(claim, _LONGEST),
            *_intervals(claim, both),
            _of(both),
            _ABOUT[claim.about],
        )
        for claim, both in known
    )
    levels = sorted({both.level for _, both in known})
    shown = " or ".join(percent(level) for level in levels)
    text = (
        "Our expected score: on this test set, where only the seeds vary, and on new test samples "
        "of the same kind, where seeds and samples vary. Half of the error of the second interval "
        f"is for the choice of the samples. Each side errs with a probability of at most {shown}.",
    )
    table = TableBlock("Our expected score", columns(*heads), rows, stacked=True)
    yield ReportSection("new-samples", "On new test samples", text, tables=(table,))


def _intervals(claim: ClaimResult, both: NewSamples) -> tuple[str, str]:
    test, new = (
        between(low, high, claim.sd) for low, high in (both.on_test_set, both.on_new_samples)
    )
    return test, new


def _of(both: NewSamples) -> str:
    return f"{plural(both.seeds, 'seed')}, {plural(both.samples, 'sample')}"
