"""The section on the laboratories of a combined verdict."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import NOTHING, between, number, plural, sequence
from papertrial.report.render.names import name_and_number
from papertrial.report.render.section import Cell, ReportSection, TableBlock, cells, columns
from papertrial.store.laboratory_records import Laboratories, LaboratoryLine, LabScores
from papertrial.store.report_record import ClaimResult, Report

_HASH = 12  # characters of a hash that distinguish two registrations
_HOW = {
    "same-setup": "All seeds count in one sequence, laboratory after laboratory.",
    "own-sd": "Each laboratory has an SD of its own: the e-values at the ends of the laboratories "
    "are multiplied.",
    "lab-means": "The mean of each laboratory counts as one score, which allows for effects of "
    "laboratories.",
}
_ALONE = (
    "“Alone” is the verdict of one laboratory's seeds. The combined verdict was registered, so do "
    "not choose the most favourable one."
)
_APART = (
    "The laboratories were not registered together: whoever combines them could have left one out, "
    "or combined them because of their verdicts."
)


def laboratories(report: Report) -> Iterator[ReportSection]:
    """Yield the section on laboratories: what each scored, and whether they differ."""
    found = report.laboratories
    if found is None:
        return
    tables = [_places(found)]
    judged = [claim for claim in report.claims if claim.not_judged is None]
    for i, claim in enumerate(judged):
        rows = tuple(_scores(lab, lab.scores[i]) for lab in found.lines)
        heads = columns(
            "Laboratory", ("Seeds", "number"), ("Mean", "number"), ("SD", "number"),
            "Interval", ("Alone", "verdict"),
        )  # fmt: skip
        tables.append(TableBlock(name_and_number(claim, 60), heads, rows))
    text = [_registered(found), _HOW[found.combine], _ALONE if found.registration else _APART]
    notes = tuple(
        f"{_name(claim, judged)}{one.text}"
        for claim, one in zip(judged, found.differences, strict=True)
    )
    yield ReportSection("laboratories", "Laboratories", tuple(text), notes, tuple(tables))


def _registered(found: Laboratories) -> str:
    count = plural(len(found.lines), "laboratory").replace("laboratorys", "laboratories")
    if found.registration is None:
        return f"{count}, registered apart, in the order of their registrations."
    without = f", without number {sequence(found.without)}" if found.without else ""
    return (
        f"{count} of the {found.of} that labs.json registered (SHA-256 "
        f"{found.registration[:_HASH]}), in the registered order{without}."
    )


def _places(found: Laboratories) -> TableBlock:
    heads = columns(
        "Laboratory", "Seeds", ("Failed", "number"), "State", "Device", "Registered",
        ("Pre-registration", "code"), ("Folder", "code"),
    )  # fmt: skip
    rows = tuple(
        (
            Cell(lab.name, lab.host or ""),
            *cells(
                _seeds(lab),
                str(lab.failed),
                lab.state,
                "; ".join(lab.hardware) or lab.device,
                lab.registered,
                lab.preregistration[:_HASH],
                lab.folder,
            ),
        )
        for lab in found.lines
    )
    return TableBlock("Who trained which seeds, and on what", heads, rows)


def _seeds(lab: LaboratoryLine) -> str:
    used, registered = sequence(lab.seeds), len(lab.registered_seeds)
    return used if len(lab.seeds) == registered else f"{used} (of {registered} registered)"


def _scores(lab: LaboratoryLine, scores: LabScores) -> tuple[Cell, ...]:
    return cells(
        lab.name,
        str(scores.n),
        number(scores.mean, scores.sd),
        NOTHING if scores.sd is None else number(scores.sd, scores.sd),
        between(scores.low, scores.high, scores.sd),
        scores.verdict,
    )


def _name(claim: ClaimResult, judged: list[ClaimResult]) -> str:
    return f"{name_and_number(claim, 60)}: " if len(judged) > 1 else ""
