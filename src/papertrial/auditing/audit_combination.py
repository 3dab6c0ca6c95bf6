"""Audit a combined verdict: decide again from its copies, and compare with what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.check_pages import compare_pages
from papertrial.auditing.compare_json import ROUNDING, unlike
from papertrial.auditing.finding import Finding, findings_of, noted, shortened
from papertrial.errors import PapertrialError
from papertrial.report.report_files import read_report
from papertrial.store.laboratory_folders import (
    COMBINATION,
    LABORATORIES,
    LABS,
    CombinationFolder,
)
from papertrial.store.laboratory_records import CombinationState
from papertrial.store.report_record import Report
from papertrial.store.verification_folder import REPORT_JSON, VerificationFolder
from papertrial.verification.decide_together import Together, decide_together

_ELSEWHERE = ("folder", "hardware")  # of a laboratory: not in the copies
_RUNS = (
    "the runs of the laboratories are not in this folder: `papertrial audit` of each laboratory's "
    "verification checks its scores and trains a seed again"
)


def audit_combination(folder: CombinationFolder) -> Iterator[Finding]:
    """Yield the findings on a combined verdict, from the copies of what laboratories recorded.

    Raises:
        RunError: combination.json or report.json is absent or damaged.
    """
    state = folder.state
    numbers = range(1, len(state.laboratories.lines) + 1)
    copies = [folder.path / LABORATORIES / str(number) for number in numbers]
    if _needs_predictions(copies):
        yield noted(
            "verdicts",
            "claims about new samples were not decided again: the copies have no predictions",
        )
    else:
        yield from _decisions(folder, state, copies)
    yield from compare_pages(folder)
    yield noted("runs", _RUNS)


def _needs_predictions(copies: list[Path]) -> bool:
    registered = VerificationFolder.load(copies[0]).registered
    return any(claim.judged.is_about_new_samples for claim in registered.claims)


def _decisions(
    folder: CombinationFolder, state: CombinationState, copies: list[Path]
) -> Iterator[Finding]:
    """Decide again, and compare with combination.json and report.json."""
    given = folder.path / LABS if state.laboratories.registration is not None else None
    try:
        made = decide_together(copies, folder.path, given, state.laboratories.without)
    except PapertrialError as error:
        yield Finding("laboratories", False, str(error))
        return
    count = len(made.labs)
    yield Finding(
        "laboratories", True, f"the records of {count} laboratories agree with each other"
    )
    again = _told(made)
    for name, stored in (
        (COMBINATION, _of_state(state)),
        (REPORT_JSON, _of_report(read_report(folder.path))),
    ):
        messages = [
            f"{name}: {one.where} is {shortened(one.second)}, decided again it is "
            f"{shortened(one.first)}"
            for one in unlike({key: again[key] for key in stored}, stored, ROUNDING)
        ]
        agrees = f"decided again, {name} has the same: {made.conclusion.verdict}"
        yield from findings_of("verdicts", messages, agrees)


def _told(made: Together) -> dict[str, object]:
    """Return what was decided again, by the names that both files use."""
    conclusion, deviations = made.conclusion, list(made.labs[0].recipe.deviations)
    return {
        "verdict": conclusion.verdict,
        "shown": f"{conclusion.verdict} WITH DEVIATIONS"
        if deviations and conclusion.verdict == "REPRODUCED"
        else conclusion.verdict,
        "headline": conclusion.headline,
        "deviations": deviations,
        "seeds": [outcome.seed for outcome in made.look.outcomes],
        "lines": [line.to_plain() for line in conclusion.lines],
        "claims": [claim.to_plain() for claim in conclusion.claims],
        "laboratories": _without_places(made.found.to_plain()),
    }


def _of_state(state: CombinationState) -> dict[str, object]:
    return {
        "verdict": state.verdict,
        "headline": state.headline,
        "deviations": list(state.deviations),
        "seeds": list(state.seeds),
        "lines": [line.to_plain() for line in state.claims],
        "laboratories": _without_places(state.laboratories.to_plain()),
    }


def _of_report(report: Report) -> dict[str, object]:
    found = report.laboratories
    return {
        "shown": report.verdict,
        "headline": report.headline,
        "deviations": list(report.deviations),
        "seeds": [row.seed for row in report.seeds],
        "claims": [claim.to_plain() for claim in report.claims],
        "laboratories": None if found is None else _without_places(found.to_plain()),
    }


def _without_places(laboratories: dict[str, object]) -> dict[str, object]:
    lines = laboratories["lines"]
    assert isinstance(lines, list), "of laboratories"
    kept = [{k: v for k, v in line.items() if k not in _ELSEWHERE} for line in lines]
    return {**laboratories, "lines": kept}
