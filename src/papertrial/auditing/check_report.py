"""The report made once more from what the folder holds, and compared with report.json."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from papertrial.auditing.check_registration import read_object
from papertrial.auditing.finding import Finding, cut, differing, noted
from papertrial.auditing.record import Kept
from papertrial.claims.run_trial import Look
from papertrial.errors import PapertrialError
from papertrial.progress import Step
from papertrial.store.verification_folder import REPORT_JSON, VERIFICATION
from papertrial.verification.claim_results import exactly, summary
from papertrial.verification.registration import register
from papertrial.verification.report import report as report_of
from papertrial.verification.verify import recipe_of
from papertrial.version import __version__

# All but what names the place, the time and the machine; mistakes need the data.
_REPORT = (
    "kind", "recipe", "task", "paper", "headline", "verdict", "deviations", "claims", "exact",
    "seeds", "varied", "fixed", "diverged", "curves", "confusion", "per_class", "metrics",
    "not_covered",
)  # fmt: skip
_STATE = ("verdict", "headline", "deviations", "claims")
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12  # the same sums elsewhere may differ in their last bits


def check_rebuilt(
    kept: Kept, look: Look, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Make verdicts and report anew from recipe, registration, outcomes and runs, and compare."""
    state = kept.folder.state
    if state.get("state") != "finished":
        return
    given, here = kept.registered, __version__
    made_by = {record["versions"]["papertrial"] for record in kept.records if "versions" in record}
    if made_by - {here}:
        told = ", ".join(map(str, sorted(made_by)))
        yield noted("report", f"made by papertrial {told}, here is {here}: it was not made again")
        return
    try:
        recipe = recipe_of(kept.folder)
        asked = register(recipe, threads=given["threads"], device=given["device"])
        if asked.registered != given:
            told = "the recipe does not register what is registered"
            yield noted("report", f"{told}, so the report was not made again")
            return
        exact = yield from exactly(recipe, asked.exact, data)
        ours = summary(recipe, asked, look, exact)
        whole = report_of(kept.folder, recipe, asked, look, exact, {**state, **ours}, data)
    except (PapertrialError, KeyError, TypeError, ValueError) as error:
        yield noted("report", f"it was not made again: {error}")
        return
    told_report = read_object(kept.folder, REPORT_JSON)
    messages = [
        *_unlike(VERIFICATION, state, ours, _STATE),
        *_unlike(REPORT_JSON, told_report, whole, _REPORT),
        *_hidden_attempts(told_report, whole),
    ]
    if told_report.get("warnings") == whole["warnings"]:
        messages += _unlike(REPORT_JSON, told_report, whole, ("mistakes",))
    yield from differing("report", messages, f"made again, {REPORT_JSON} says the same")


def _unlike(
    name: str, told: Mapping[str, Any], ours: Mapping[str, Any], keys: tuple[str, ...]
) -> list[str]:
    plain = json.loads(json.dumps({key: _placeless(ours.get(key)) for key in keys}))
    said = {key: _placeless(told.get(key)) for key in keys}
    return [
        cut(f"{name}: {key} is not what the folder gives{_where(said[key], plain[key])}")
        for key in keys
        if not _alike(said[key], plain[key])
    ]


def _placeless(value: Any) -> Any:
    """Leave out where the other side of a difference lay: here it lies in the folder."""
    if not isinstance(value, list):
        return value
    return [
        {**one, "versus": None, "reported": None}
        if isinstance(one, dict) and one.get("versus")
        else one
        for one in value
    ]


def _where(told: Any, ours: Any) -> str:
    """Say how many of a list's entries differ; nothing for other values."""
    if not (isinstance(told, list) and isinstance(ours, list)):
        return ""
    if len(told) != len(ours):
        return f": {len(told)} entries, made again {len(ours)}"
    unlike = [i for i, pair in enumerate(zip(told, ours, strict=True), 1) if not _alike(*pair)]
    return f": entry {', '.join(map(str, unlike[:5]))}"


def _alike(one: Any, other: Any) -> bool:
    """Compare plain values, numbers but for their last bits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return bool(one == other)


def _hidden_attempts(told: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Find attempts that lie beside this one, were started before it, and are not told of."""
    rows = [row for row in told.get("attempts") or () if isinstance(row, dict)]
    listed = {Path(str(row.get("path"))).name for row in rows}
    mine = next((row for row in ours["attempts"] if row["this"]), None)
    if mine is None:  # the folder was moved away from the others
        return []
    return [
        f"{REPORT_JSON}: the attempt {Path(row['path']).name} is not among its attempts"
        for row in ours["attempts"]
        if Path(row["path"]).name not in listed
        and str(row["started"] or "") < str(mine["started"] or "")
    ]
