"""A report's head, and its sections in their order, for both the page and the Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from papertrial.claims.run_words import say_runs
from papertrial.report.render import (
    claim_sections,
    decision_sections,
    fold_section,
    laboratory_sections,
    record_sections,
    result_sections,
    seed_sections,
    target_sections,
)
from papertrial.report.render.names import is_one_look, one_line
from papertrial.report.render.new_samples_section import new_samples
from papertrial.report.render.registration_section import preregistration, unregistered
from papertrial.report.render.section import ReportSection, TableBlock, web_address
from papertrial.store.report_record import Report

_OF_OTHERS = ("seeds", "provenance", "not-covered")  # sections with errors, versions and names


@dataclass(frozen=True)
class Head:
    """The content above the sections: the verdict (or ""), then `sentence`, the rest.

    `paper` names the source, `href` links to it. `unregistered` says what a rule costs that was not
    registered in advance.
    """

    eyebrow: str
    verdict: str
    sentence: str
    paper: str
    href: str
    notes: str
    unregistered: tuple[str, ...]
    deviations: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def boxes(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The (kind, title, texts) of each box below the sentence that has texts."""
        boxes = (
            ("warnings", "Not registered in advance", self.unregistered),
            ("deviations", "Deviations", self.deviations),
            ("warnings", "Warnings", self.warnings),
        )
        return tuple(box for box in boxes if box[2])


def head(report: Report) -> Head:
    """Return the head of a report: headline, verdict, deviations, warnings."""
    paper = report.paper
    what = {"run": "Run of", "scores": "Verdict on"}.get(report.kind, "Verification of")
    found = report.laboratories
    by = "" if found is None else f" by {len(found.lines)} laboratories"
    verdict = report.verdict or ""
    say = say_runs if not report.seeded else str
    return Head(
        eyebrow=f"{what} {report.recipe}{by} · {report.task.replace('-', ' ')}",
        verdict=verdict,
        sentence=say(_sentence(one_line(report.headline), verdict, report.recipe)),
        paper=", ".join(one_line(text) for text in (paper.title, paper.where) if text),
        href=web_address(paper.url),
        notes=one_line(paper.notes or ""),
        unregistered=report.unregistered.text if report.unregistered else (),
        deviations=tuple(map(one_line, report.deviations)),
        warnings=tuple(say(one_line(text)) for text in report.warnings),
    )


def _sentence(headline: str, verdict: str, recipe: str) -> str:
    """Return the headline in a report's head, without the verdict, which is shown separately."""
    rest = headline.removeprefix(f"{verdict}: ")
    if rest == headline or rest.startswith(recipe):  # a recipe's name keeps its letters
        return rest
    return f"{rest[:1].upper()}{rest[1:]}"


def sections(report: Report) -> list[ReportSection]:
    """Return a report's sections in their order; an empty section is omitted."""
    run = report.kind == "run"
    made = chain(
        claim_sections.claims(report),
        result_sections.metrics(report) if run else (),
        new_samples(report),
        claim_sections.exact(report),
        laboratory_sections.laboratories(report),
        decision_sections.decisions(report),
        seed_sections.varied(report),
        target_sections.targets(report),
        _claim_plots(report),
        () if run else result_sections.metrics(report),
        fold_section.folds(report),
        result_sections.curves(report),
        result_sections.classes(report),
        result_sections.mistakes(report),
        claim_sections.place(report),
        seed_sections.diverged(report),
        seed_sections.seeds(report),
        record_sections.attempts(report),
        preregistration(report),
        unregistered(report),
        record_sections.provenance(report),
        record_sections.not_covered(report),
        record_sections.reading(report),
        record_sections.command(report),
    )
    return list(made) if report.seeded else [_of_runs(section) for section in made]


def _of_runs(section: ReportSection) -> ReportSection:
    """Return a section on seeds as one on runs, without a change to what others wrote."""
    as_it_is = section.anchor in _OF_OTHERS
    return replace(
        section,
        title=say_runs(section.title),
        text=section.text if as_it_is else tuple(map(say_runs, section.text)),
        notes=section.notes if as_it_is else tuple(map(say_runs, section.notes)),
        tables=tuple(_table_of_runs(table, as_it_is=as_it_is) for table in section.tables),
    )


def _table_of_runs(table: TableBlock, *, as_it_is: bool) -> TableBlock:
    rows = tuple(
        tuple(replace(c, text=say_runs(c.text), small=say_runs(c.small)) for c in row)
        for row in table.rows
    )
    return replace(
        table,
        caption=say_runs(table.caption),
        columns=tuple(replace(one, title=say_runs(one.title)) for one in table.columns),
        rows=table.rows if as_it_is else rows,
    )


def _claim_plots(report: Report) -> Iterator[ReportSection]:
    if report.kind == "run":
        return
    if any(claim.scores for claim in report.claims):
        yield ReportSection("spread", "The seeds against the claimed value", plots=True)
    if any(claim.intervals for claim in report.claims) and not is_one_look(report):
        text = "The interval after each seed; nothing is decided before the first look."
        yield ReportSection("narrowing", "The interval over the seeds", (text,), plots=True)
