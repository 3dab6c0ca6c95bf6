"""Build the report again from what the folder holds, and compare it with report.json."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from papertrial.auditing.compare_json import ROUNDING, alike
from papertrial.auditing.finding import Finding, cut_message, findings_of, noted
from papertrial.auditing.recorded import Recorded
from papertrial.claims.run_trial import Look
from papertrial.errors import PapertrialError, RunError
from papertrial.progress import Step
from papertrial.record import Record
from papertrial.report.report_files import read_report
from papertrial.store.report_record import Report
from papertrial.store.verification_folder import (
    OUTCOMES,
    REPORT_JSON,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.verification.claim_results import conclude, count_exact
from papertrial.verification.earlier_looks import find_earlier_looks
from papertrial.verification.looks_in_words import looks_at
from papertrial.verification.registration import register
from papertrial.verification.report import verification_report
from papertrial.verification.sample_results import describe_new_samples
from papertrial.verification.verify import finished_state
from papertrial.version import __version__

# All but what names the place, the time and the machine; mistakes need the data.
_REPORT = (
    "kind", "recipe", "task", "paper", "headline", "verdict", "deviations", "claims", "exact",
    "seeds", "varied", "fixed", "diverged", "curves", "confusion", "per_class", "metrics", "folds",
    "not_covered", "reading", "earlier",
)  # fmt: skip
_STATE = ("verdict", "headline", "deviations", "claims")
_MOST = 5  # entries of a list that a message names


def check_report(
    recorded: Recorded, look: Look, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Build the report again from recipe, registration, outcomes and runs, and compare the two.

    Raises:
        RunError: report.json is absent or damaged.
    """
    if recorded.state is None or not recorded.is_finished:
        return
    given = recorded.registered
    made_by = {record.versions.get("papertrial") for record in recorded.finished.values()}
    if None in made_by:
        yield Finding("report", False, f"{OUTCOMES} does not say what papertrial made a seed")
    if made_by - {__version__}:
        versions = ", ".join(sorted(map(str, made_by)))
        message = f"made by papertrial {versions}, this is {__version__}: it was not made again"
        yield noted("report", message)
        return
    try:
        recipe = recorded.recipe()
        asked = register(recipe, threads=given.threads, device=given.device)
        if asked.terms != given.terms:
            reason = "the recipe does not give what is registered"
            yield noted("report", f"{reason}, so the report was not made again")
            return
        asked = asked.on_data(given)
        exact = yield from count_exact(recipe, asked.exact, data)
        runs = recorded.folder.runs_of_seeds()
        new_samples = describe_new_samples(runs, given, asked, look)
        earlier = recorded.state.earlier
        conclusion = conclude(recipe, asked, look, exact, earlier, new_samples)
        again = verification_report(recorded.folder, recipe, asked, look, conclusion, data)
    except PapertrialError as error:
        yield noted("report", f"it was not made again: {error}")
        return
    state = finished_state(recorded.state, recorded.state.ended or "", recipe, look, conclusion)
    stored = read_report(recorded.folder.path)
    messages = [
        *_unlike(VERIFICATION, recorded.state, state, _STATE),
        *_unlike(REPORT_JSON, stored, again, _REPORT),
        *_hidden_attempts(stored, again),
        *_hidden_looks(recorded, look),
    ]
    if stored.warnings == again.warnings:  # else the data differ, or are not here
        messages += _unlike(REPORT_JSON, stored, again, ("mistakes",))
    yield from findings_of("report", messages, f"made again, {REPORT_JSON} says the same")


def _unlike(file: str, stored: Record, again: Record, keys: Sequence[str]) -> list[str]:
    had, has = stored.to_plain(), again.to_plain()
    pairs = {key: (_without_location(had[key]), _without_location(has[key])) for key in keys}
    return [
        cut_message(f"{file}: {key} is not what the folder gives{_changed_entries(*pair)}")
        for key, pair in pairs.items()
        if not alike(*pair, ROUNDING)
    ]


def _without_location(value: object) -> object:
    """Leave out where the other sides of the claims in a report lay, which a move changes."""
    if not isinstance(value, list):
        return value
    return [
        {**one, "versus": None, "reported": None}
        if isinstance(one, dict) and one.get("versus")
        else one
        for one in value
    ]


def _changed_entries(had: object, has: object) -> str:
    """Say which entries of a list in a report differ from those built again; "" if not a list."""
    if not (isinstance(had, list) and isinstance(has, list)):
        return ""
    if len(had) != len(has):
        return f": {len(had)} entries, made again {len(has)}"
    pairs = zip(had, has, strict=True)
    unlike = [i for i, pair in enumerate(pairs, 1) if not alike(*pair, ROUNDING)]
    return f": entry {', '.join(map(str, unlike[:_MOST]))}"


def _hidden_looks(recorded: Recorded, look: Look) -> list[str]:
    """Find verifications beside this one that ended before it and trained its seeds, unnamed."""
    state, root = recorded.state, recorded.folder.path.parent.parent
    if state is None or state.ended is None:
        return []
    found = find_earlier_looks(root, recorded.registered.terms, recorded.folder)
    named = {one.preregistration for one in state.earlier}
    return [
        f"{VERIFICATION} does not name {one.verification}, which trained the same seeds before"
        for one in looks_at([outcome.seed for outcome in look.outcomes], found)
        if one.preregistration not in named and _ended(root / one.verification) < state.ended
    ]


def _ended(path: Path) -> str:
    """Return when a verification finished; a text after every time if it did not."""
    try:
        state = VerificationFolder(path).state
    except RunError:
        return "~"
    return state.ended if state is not None and state.ended is not None else "~"


def _hidden_attempts(stored: Report, again: Report) -> list[str]:
    """Find earlier attempts beside this verification that its report does not list."""
    listed = {Path(attempt.path).name for attempt in stored.attempts}
    mine = next((i for i, attempt in enumerate(again.attempts) if attempt.this), 0)
    # They are listed oldest first; without this one, the folder was moved away from the others.
    return [
        f"{REPORT_JSON}: the attempt {Path(attempt.path).name} is not among its attempts"
        for attempt in again.attempts[:mine]
        if Path(attempt.path).name not in listed
    ]
