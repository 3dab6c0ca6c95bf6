"""The sections on what is recorded: attempts, provenance, the command that repeats it."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import NOTHING, plural, sequence
from papertrial.report.render.section import ReportSection, TableBlock, cells, columns
from papertrial.store.report_record import Attempt, Report

_HASH = 12  # characters of a hash that distinguish two attempts
_SHARED = (
    "“Same seeds” also ended in that attempt. The same training gives them the same scores, so "
    "another rule is one more look at them: after k looks, each side errs at most k times alpha."
)


def attempts(report: Report) -> Iterator[ReportSection]:
    """Yield the section on the recorded attempts: all verifications of this recipe."""
    found = report.attempts
    if not found:
        return
    has_rule = any(attempt.rule for attempt in found)
    shares = any(attempt.shared for attempt in found)
    heads = columns(
        "Attempt", "Started", "State", ("Verdict", "verdict"), ("Seeds", "number"),
        *(["Rule"] if has_rule else []), *(["Same seeds", "Differs in"] if shares else []),
        ("Pre-registration", "code"), ("Path", "code"),
    )  # fmt: skip
    rows = tuple(
        cells(
            f"{i}, this one" if attempt.this else str(i),
            attempt.started or NOTHING,
            attempt.state,
            attempt.verdict or NOTHING,
            str(attempt.n),
            *([attempt.rule or NOTHING] if has_rule else []),
            *([sequence(attempt.shared) or NOTHING, _differs(attempt)] if shares else []),
            attempt.preregistration[:_HASH] or NOTHING,
            attempt.path,
        )
        for i, attempt in enumerate(found, start=1)
    )
    caption = "Every verification of this recipe in the folder of runs"
    text = (_SHARED,) if shares else ()
    table = TableBlock(caption, heads, rows)
    yield ReportSection("attempts", "Attempts", text, tables=(table,))


def _differs(attempt: Attempt) -> str:
    if attempt.this:
        return NOTHING
    return ", ".join(attempt.differs) or "nothing"


def provenance(report: Report) -> Iterator[ReportSection]:
    """Yield the section on the recorded provenance: what the numbers were computed with."""
    folder = [("folder", report.path)] if report.path else []
    rows = tuple(cells(*row) for row in (*report.provenance, *folder))
    table = TableBlock("What the numbers were computed with", columns("What", "Which"), rows)
    yield ReportSection("provenance", "Provenance", tables=(table,))


def not_covered(report: Report) -> Iterator[ReportSection]:
    """Yield the section on what the recorded hashes and copies do not cover."""
    if report.not_covered:
        text = (
            "The training hash covers the recipe, its code outside installed packages and the "
            "files that it names. It does not cover what is listed here. Files that compiled code "
            "opens, environment variables and the network are not traced."
        )
        rows = tuple(map(cells, report.not_covered))
        table = TableBlock("What is not covered", columns("What"), rows)
        yield ReportSection("not-covered", "Not covered", (text,), tables=(table,))


def reading(report: Report) -> Iterator[ReportSection]:
    """Yield the section on what reading the recorded data left out or changed."""
    if report.reading:
        text = "What the model did not learn from as it is written in the files of the data set."
        heads = columns("Action", ("Count", "number"), "What", "Example", "To change this")
        rows = tuple(
            cells(
                note.action,
                plural(note.count, note.unit),
                note.what,
                " ".join(filter(None, (note.example, note.where and f"({note.where})"))) or NOTHING,
                note.change or NOTHING,
            )
            for note in report.reading
        )
        table = TableBlock("What reading the data changed", heads, rows)
        yield ReportSection("reading", "Reading the data", (text,), tables=(table,))


def command(report: Report) -> Iterator[ReportSection]:
    """Yield the section of the recorded command, which repeats the run or the verification."""
    if report.command:
        yield ReportSection("command", "Run it again", code=report.command)
