"""What lies in a folder of runs: runs and verifications, told from their JSON files alone."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from papertrial.store.run_folder import METRICS, PROVENANCE, RECIPE
from papertrial.store.verification_folder import OUTCOMES, PREREGISTRATION, SEEDS, VERIFICATION

Kind = Literal["run", "verification"]
STATES = ("finished", "running", "stopped", "failed", "interrupted", "damaged")
KINDS = ("run", "verification")
_NAMED = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}-(s\d+|verify)(-\d+)?")
_DEEPEST = 2  # root/recipe/run; a folder of runs may also be a recipe's own
_HEADLINES = ("accuracy", "rmse")  # of classification and regression
_SPLITS = ("train", "validation", "test")


class _DamagedError(Exception):
    """What is wrong with a folder's files."""


@dataclass(frozen=True)
class Entry:
    """A run or a verification, as far as its files tell.

    Attributes:
        path: its folder.
        kind: "run" or "verification".
        recipe: the recipe's name.
        seeds: a run's one seed; those that a verification was decided by, and before that those
            that have finished so far.
        state: one of STATES; "damaged" where a file is absent or cannot be read, see `error`, and
            "stopped" where it is told to be running, but its process is gone.
        started: in UTC; None where nothing tells.
        ended: likewise.
        metrics: of a finished run, those that are one number, by split.
        verdict: of a finished verification, over all its claims; it names deviations.
        verdicts: what it came to, claim by claim: "metric", "split", "value", "verdict", "n", ....
        error: why it failed, or what is damaged.
    """

    path: Path
    kind: Kind
    recipe: str
    seeds: tuple[int, ...] = ()
    state: str = "damaged"
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    verdict: str | None = None
    verdicts: tuple[Mapping[str, Any], ...] = ()
    error: str = ""

    @property
    def headline(self) -> tuple[str, str] | None:
        """The split and the metric that a run is known by; None where it has no number."""
        for split in reversed(_SPLITS):
            metrics = self.metrics.get(split)
            if metrics:
                known = [name for name in _HEADLINES if name in metrics]
                others = [name for name in metrics if name != "loss"]
                return split, [*known, *others, *metrics][0]
        return None

    def number(self, metric: str) -> tuple[str, float] | None:
        """Return a metric and the split it is of, the test split's first; None without it."""
        found = ((s, self.metrics.get(s, {}).get(metric)) for s in reversed(_SPLITS))
        return next(((split, value) for split, value in found if value is not None), None)

    def has(self, metric: str) -> bool:
        """Tell whether a run computed a metric, or a verification judged it."""
        judged = (verdict.get("metric") == metric for verdict in self.verdicts)
        return self.number(metric) is not None or any(judged)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "recipe": self.recipe,
            "seeds": list(self.seeds),
            "state": self.state,
            "started": self.started and self.started.isoformat(),
            "ended": self.ended and self.ended.isoformat(),
            "metrics": {split: dict(values) for split, values in self.metrics.items()},
            "verdict": self.verdict,
            "verdicts": [dict(verdict) for verdict in self.verdicts],
            "error": self.error,
        }


def scan(root: Path, *, inside: bool = False) -> list[Entry]:
    """Return the runs and verifications in a folder of runs, newest first.

    Folders that hold neither are left alone. Whatever a file holds, nothing is raised.

    Args:
        root: the folder of runs, or a recipe's folder in it.
        inside: also the runs that verifications trained.
    """
    entries = [entry_of(path) for path in _folders(root, 0, inside)]
    oldest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
    # Of one second the name decides, so that the order is always the same.
    return sorted(entries, key=lambda e: (e.started or oldest, str(e.path)), reverse=True)


def _folders(folder: Path, depth: int, inside: bool) -> Iterator[Path]:
    try:
        paths = [Path(one.path) for one in os.scandir(folder) if one.is_dir()]
    except OSError:  # unreadable: there is nothing to tell of it
        return
    for path in paths:
        if is_entry(path):
            yield path
            if inside and _is_verification(path):
                yield from _folders(path / SEEDS, _DEEPEST, inside)
        elif depth < _DEEPEST - 1:
            yield from _folders(path, depth + 1, inside)


def is_entry(path: Path) -> bool:
    """Tell whether a folder is that of a run or a verification, by its files or its name."""
    files = (PROVENANCE, PREREGISTRATION, VERIFICATION)
    return any(_has(path, name) for name in files) or bool(_NAMED.fullmatch(path.name))


def _is_verification(path: Path) -> bool:
    there = _has(path, PREREGISTRATION) or _has(path, VERIFICATION)
    named = _NAMED.fullmatch(path.name)
    return there or (named is not None and named[2] == "verify" and not _has(path, PROVENANCE))


def _has(path: Path, name: str) -> bool:
    return os.path.exists(path / name)  # noqa: PTH110  (Path.exists raises where it may not look)


def entry_of(path: Path) -> Entry:
    """Read what a folder of a run or a verification tells."""
    kind: Kind = "verification" if _is_verification(path) else "run"
    try:
        return _verification(path) if kind == "verification" else _run(path)
    except _DamagedError as error:
        return Entry(path, kind, path.parent.name, started=_dated(path), error=str(error))


def details(path: Path) -> dict[str, Any]:
    """Return all that the JSON files of a run's or a verification's folder tell.

    That is what `Entry.to_json` has, and "claims" (of a run: each beside its number), "report" (how
    a run chose its epoch; None where nothing tells), "provenance" (of a verification what
    verification.json tells besides), and "files" with their sizes in bytes.
    """
    entry = entry_of(path)
    kept = _object_or_empty(path, VERIFICATION if entry.kind == "verification" else PROVENANCE)
    summary = _object_or_empty(path, METRICS) if entry.metrics else {}
    claims, report = summary.get("claims"), summary.get("report")
    told = {*entry.to_json(), "claims"}
    return {
        **entry.to_json(),
        "claims": [c for c in claims if isinstance(c, dict)] if isinstance(claims, list) else [],
        "report": report if isinstance(report, dict) else None,
        "provenance": {k: v for k, v in kept.items() if k not in told or k in ("started", "ended")},
        "files": [
            {"name": file.relative_to(path).as_posix(), "bytes": file.stat().st_size}
            for file in sorted(path.rglob("*"))
            if file.is_file()
        ],
    }


def _object_or_empty(path: Path, name: str) -> dict[str, Any]:
    try:
        return _object(path, name)
    except _DamagedError:
        return {}


def _run(path: Path) -> Entry:
    kept = _object(path, PROVENANCE)
    state, metrics, error = _state(kept, PROVENANCE), {}, _text(kept.get("error"))
    if state == "finished":
        if not _has(path, RECIPE):
            raise _DamagedError(f"there is no {RECIPE}")
        metrics = _numbers(_object(path, METRICS).get("metrics"))
    return Entry(
        path,
        "run",
        _text(kept.get("recipe")) or path.parent.name,
        _seeds([kept.get("seed")]),
        state,
        _time(kept.get("started")) or _dated(path),
        _time(kept.get("ended")),
        metrics,
        error=error,
    )


def _verification(path: Path) -> Entry:
    kept = _object(path, VERIFICATION)
    if not _has(path, PREREGISTRATION):
        raise _DamagedError(f"there is no {PREREGISTRATION}")
    told = kept.get("claims", kept.get("verdicts"))
    state, seeds = _state(kept, VERIFICATION), kept.get("seeds")
    verdict = _text(kept.get("verdict"))
    if verdict == "REPRODUCED" and kept.get("deviations"):
        verdict += " WITH DEVIATIONS"
    return Entry(
        path,
        "verification",
        _text(kept.get("recipe")) or path.parent.name,
        _seeds(seeds if isinstance(seeds, list) else []) or _so_far(path),
        state,
        _time(kept.get("started")) or _dated(path),
        _time(kept.get("ended")),
        verdict=verdict or None,
        verdicts=tuple(one for one in told if isinstance(one, dict))
        if isinstance(told, list)
        else (),
        error=_text(kept.get("error")),
    )


def _so_far(path: Path) -> tuple[int, ...]:
    """Return the seeds that finished; a line that cannot be read is left out."""
    try:
        lines = (path / OUTCOMES).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    finished = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record.get("state") == "finished":
            finished.append(record.get("seed"))
    return _seeds(finished)


def _object(path: Path, name: str) -> dict[str, Any]:
    try:
        kept = json.loads((path / name).read_bytes(), parse_constant=_no_number)
    except OSError as error:
        raise _DamagedError(f"{name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _DamagedError(f"{name} is damaged: {error}") from error
    if not isinstance(kept, dict):
        raise _DamagedError(f"{name} is damaged: it is no JSON object")
    return kept


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _state(kept: Mapping[str, Any], name: str) -> str:
    state = kept.get("state")
    if state not in STATES:
        raise _DamagedError(f"{name} is damaged: its state is {state!r}")
    return "stopped" if state == "running" and _is_gone(kept) else str(state)


def _is_gone(kept: Mapping[str, Any]) -> bool:
    """Tell whether the process that wrote it is known not to live: of this machine, by number."""
    pid = kept.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid < 1:
        return False
    if kept.get("host") != platform.node() or os.name != "posix":
        return False  # nothing is known of it; on Windows, os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it lives, and is another user's; or is no process number
        return False
    return False


def _numbers(metrics: object) -> dict[str, dict[str, float]]:
    if not isinstance(metrics, dict):
        raise _DamagedError(f"{METRICS} is damaged: it has no metrics")
    return {
        split: {name: value for name, value in values.items() if _is_number(value)}
        for split, values in metrics.items()
        if isinstance(values, dict)
    }


def _is_number(value: object) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value)  # type: ignore[arg-type]


def _seeds(values: list[Any]) -> tuple[int, ...]:
    return tuple(v for v in values if isinstance(v, int) and not isinstance(v, bool))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return time.astimezone(datetime.UTC) if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _dated(path: Path) -> datetime.datetime | None:
    """Return the time in a folder's name."""
    named = _NAMED.fullmatch(path.name)
    return _time(named[1]) if named else None
