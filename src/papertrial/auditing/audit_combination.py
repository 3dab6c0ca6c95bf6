"""Audit a combined verdict: decide again from its copies, and compare with what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.check_pages import compare_pages
from papertrial.auditing.compare_json import ROUNDING, unlike
from papertrial.auditing.finding import Finding, cut_message, findings_of, noted, shortened
from papertrial.errors import PapertrialError
from papertrial.judging.surprising_spreads import surprising_spreads
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
from papertrial.verification.combination_report import combination_report, laboratory_warnings
from papertrial.verification.decide_together import Together, decide_together

_ELSEWHERE = ("folder", "hardware")  # of a laboratory: not in the copies
_WITHOUT_RUNS = (  # of a report, beside claims and laboratories
    "kind", "recipe", "task", "paper", "headline", "verdict", "deviations", "exact", "seeds",
    "varied", "diverged", "earlier", "preregistration",
)  # fmt: skip
_RECIPE = (
    "the copies have no code, so recipe.yaml was not compared with its hash: `papertrial audit` of "
    "a laboratory's verification does that"
)
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
    if not all(lab.is_recipe_checked for lab in made.labs):
        yield noted("recipe", _RECIPE)
    again, stored = combination_report(folder.path, made, None), read_report(folder.path)
    messages = [
        *_differences(COMBINATION, _of_state(state), _decided(made)),
        *_differences(REPORT_JSON, _of_report(stored), _of_report(again)),
        *(
            cut_message(f"{REPORT_JSON}: it lacks the warning: {text}")
            for text in _warnings(made)
            if text not in stored.warnings
        ),
    ]
    agrees = f"decided again, {COMBINATION} and {REPORT_JSON} have the same: {again.verdict}"
    yield from findings_of("verdicts", messages, agrees)


def _differences(file: str, had: dict[str, object], has: dict[str, object]) -> Iterator[str]:
    for one in unlike(has, had, ROUNDING):
        yield (
            f"{file}: {one.where} is {shortened(one.second)}, decided again it is "
            f"{shortened(one.first)}"
        )


def _decided(made: Together) -> dict[str, object]:
    """Return what was decided again, by the names of combination.json."""
    conclusion = made.conclusion
    return {
        "recipe": made.labs[0].registered.recipe,
        "verdict": conclusion.verdict,
        "headline": conclusion.headline,
        "deviations": list(made.labs[0].recipe.deviations),
        "seeds": [outcome.seed for outcome in made.look.outcomes],
        "claims": [line.to_plain() for line in conclusion.lines],
        "laboratories": _without_places(made.found.to_plain()),
    }


def _of_state(state: CombinationState) -> dict[str, object]:
    plain = state.to_plain()
    names = ("recipe", "verdict", "headline", "deviations", "seeds", "claims")
    places = _without_places(state.laboratories.to_plain())
    return {**{name: plain[name] for name in names}, "laboratories": places}


def _of_report(report: Report) -> dict[str, object]:
    """Return what of a report does not rest on the runs, which are not in the folder."""
    plain, found = report.to_plain(), report.laboratories
    claims = [claim.model_copy(update={"new_samples": None}) for claim in report.claims]
    return {
        **{name: plain[name] for name in _WITHOUT_RUNS},
        "claims": [claim.to_plain() for claim in claims],
        "laboratories": None if found is None else _without_places(found.to_plain()),
    }


def _warnings(made: Together) -> list[str]:
    """Return the warnings that follow from the copies."""
    spreads = surprising_spreads(made.asked.rule, made.look)
    return [*laboratory_warnings(made.labs, made.found), *made.asked.warnings, *spreads]


def _without_places(laboratories: dict[str, object]) -> dict[str, object]:
    lines = laboratories["lines"]
    assert isinstance(lines, list), "of laboratories"
    kept = [{k: v for k, v in line.items() if k not in _ELSEWHERE} for line in lines]
    return {**laboratories, "lines": kept}
