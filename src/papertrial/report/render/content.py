"""A report's sections in their order: what the page and the Markdown both say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from papertrial.report.render import claim_sections, record_sections, result_sections
from papertrial.report.render.section import Section, address
from papertrial.report.render.words import one_line

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """What stands above the sections: the verdict (or ""), then `sentence`, without it.

    `paper` names the source, `href` leads to it.
    """

    eyebrow: str
    verdict: str
    sentence: str
    paper: str
    href: str
    notes: str
    deviations: tuple[str, ...]
    warnings: tuple[str, ...]


def head(report: Report) -> Head:
    """Return the head of a report: headline, verdict, deviations, warnings."""
    paper: Report = report.get("paper") or {}
    what = "Run" if report.get("kind") == "run" else "Verification"
    source = [one_line(paper[key]) for key in ("title", "where") if paper.get(key)]
    task = str(report.get("task") or "").replace("-", " ")
    verdict = str(report.get("verdict") or "")
    headline = one_line(report.get("headline") or f"{what} of {report['recipe']}")
    return Head(
        eyebrow=" · ".join(filter(None, (f"{what} of {report['recipe']}", task))),
        verdict=verdict,
        sentence=_sentence(headline, verdict, str(report["recipe"])),
        paper=", ".join(source),
        href=address(paper.get("url")),
        notes=one_line(paper.get("notes") or ""),
        deviations=tuple(one_line(text) for text in report.get("deviations") or ()),
        warnings=tuple(one_line(text) for text in report.get("warnings") or ()),
    )


def _sentence(headline: str, verdict: str, recipe: str) -> str:
    """Return a headline without its verdict, which has a place of its own."""
    rest = headline.removeprefix(f"{verdict}: ")
    if rest == headline or rest.startswith(recipe):  # a name keeps its letters
        return rest
    return f"{rest[:1].upper()}{rest[1:]}"


def sections(report: Report) -> list[Section]:
    """Return the sections that this report has something for, in order."""
    run = report.get("kind") == "run"
    made = chain(
        claim_sections.claims(report),
        result_sections.metrics(report) if run else (),
        claim_sections.exact(report),
        result_sections.varied(report),
        _claim_plots(report),
        () if run else result_sections.metrics(report),
        result_sections.curves(report),
        result_sections.classes(report),
        result_sections.mistakes(report),
        claim_sections.place(report),
        record_sections.diverged(report),
        record_sections.seeds(report),
        record_sections.attempts(report),
        record_sections.preregistration(report),
        record_sections.provenance(report),
        record_sections.not_covered(report),
        record_sections.command(report),
    )
    return list(made)


def _claim_plots(report: Report) -> Iterator[Section]:
    claims = report.get("claims") or ()
    if report.get("kind") == "run":
        return
    if any(claim.get("scores") for claim in claims):
        yield Section("spread", "The seeds against the claimed value", plots=True)
    if any(claim.get("intervals") for claim in claims):
        text = "The interval after each seed; nothing is decided before the first look."
        yield Section("narrowing", "The interval over the seeds", (text,), plots=True)
