"""The runs and verifications in a folder, read from their JSON files only."""

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
_MAX_DEPTH = 2  # root/recipe/run; the root may also be the folder of one recipe
_HEADLINES = ("accuracy", "rmse")  # of classification and regression
_SPLITS = ("train", "validation", "test")


class _DamagedError(Exception):
    """A file of the folder is missing or damaged; the message says which and how."""


@dataclass(frozen=True)
class Entry:
    """A run or a verification, as described by its files.

    Attributes:
        path: its folder.
        kind: "run" or "verification".
        recipe: the recipe's name.
        seeds: the seed of a run; the seeds that decided a verification, or, before its end, those
            that have finished.
        state: one of STATES; "damaged" if a file is missing or cannot be read (see `error`), and
            "stopped" if the files say "running" but the process is gone.
        started: time in UTC; None if it is not known.
        ended: time in UTC; None if it is not known.
        metrics: the metrics of a finished run that are single numbers, by split.
        verdict: the verdict of a finished verification on all its claims, with deviations.
        verdicts: its verdicts by claim: "metric", "split", "value", "verdict", "n", ....
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
        """The split and the metric that represent a run; None if it has no metrics."""
        for split in reversed(_SPLITS):
            metrics = self.metrics.get(split)
            if metrics:
                known = [name for name in _HEADLINES if name in metrics]
                others = [name for name in metrics if name != "loss"]
                return split, [*known, *others, *metrics][0]
        return None

    def number(self, metric: str) -> tuple[str, float] | None:
        """Return the split and the value of a metric, preferring test, then validation; or None."""
        found = ((s, self.metrics.get(s, {}).get(metric)) for s in reversed(_SPLITS))
        return next(((split, value) for split, value in found if value is not None), None)

    def has(self, metric: str) -> bool:
        """Return whether a run computed a metric, or a verification judged it."""
        judged = (verdict.get("metric") == metric for verdict in self.verdicts)
        return self.number(metric) is not None or any(judged)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values."""
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
    """Return the runs and verifications in a folder, newest first.

    Other folders are ignored. A damaged file raises no error; it gives an entry in state "damaged".

    Args:
        root: the folder of all runs, or the folder of one recipe in it.
        inside: include the runs that verifications trained.
    """
    entries = [entry_of(path) for path in _folders(root, 0, inside)]
    oldest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
    # Entries of the same second are ordered by name, so that the order is always the same.
    return sorted(entries, key=lambda e: (e.started or oldest, str(e.path)), reverse=True)


def _folders(folder: Path, depth: int, inside: bool) -> Iterator[Path]:
    try:
        paths = [Path(one.path) for one in os.scandir(folder) if one.is_dir()]
    except OSError:  # the folder cannot be read
        return
    for path in paths:
        if is_entry(path):
            yield path
            if inside and _is_verification(path):
                yield from _folders(path / SEEDS, _MAX_DEPTH, inside)
        elif depth < _MAX_DEPTH - 1:
            yield from _folders(path, depth + 1, inside)


def is_entry(path: Path) -> bool:
    """Return whether a folder is that of a run or a verification, by its files or its name."""
    files = (PROVENANCE, PREREGISTRATION, VERIFICATION)
    return any(_has(path, name) for name in files) or bool(_NAMED.fullmatch(path.name))


def _is_verification(path: Path) -> bool:
    there = _has(path, PREREGISTRATION) or _has(path, VERIFICATION)
    named = _NAMED.fullmatch(path.name)
    return there or (named is not None and named[2] == "verify" and not _has(path, PROVENANCE))


def _has(path: Path, name: str) -> bool:
    return os.path.exists(path / name)  # noqa: PTH110  (Path.exists raises without permission)


def entry_of(path: Path) -> Entry:
    """Read the folder of a run or a verification."""
    kind: Kind = "verification" if _is_verification(path) else "run"
    try:
        return _verification(path) if kind == "verification" else _run(path)
    except _DamagedError as error:
        return Entry(path, kind, path.parent.name, started=_time_in_name(path), error=str(error))


def details(path: Path) -> dict[str, Any]:
    """Return everything in the JSON files of a run's or a verification's folder.

    This is what `Entry.to_json` returns, and: "claims" (of a run, each with the run's result),
    "report" (how a run chose its epoch; None if it is not known), "provenance" (of a verification,
    the rest of verification.json), and "files" with their sizes in bytes.
    """
    entry = entry_of(path)
    kept = _object_or_empty(path, VERIFICATION if entry.kind == "verification" else PROVENANCE)
    summary = _object_or_empty(path, METRICS) if entry.metrics else {}
    claims, report = summary.get("claims"), summary.get("report")
    shown = {*entry.to_json(), "claims"} - {"started", "ended"}
    return {
        **entry.to_json(),
        "claims": [c for c in claims if isinstance(c, dict)] if isinstance(claims, list) else [],
        "report": report if isinstance(report, dict) else None,
        "provenance": {key: value for key, value in kept.items() if key not in shown},
        "files": [
            {"name": file.relative_to(path).as_posix(), "bytes": file.stat().st_size}
            for file in sorted(path.rglob("*"))
            if file.is_file()
        ],
    }


def _object_or_empty(path: Path, name: str) -> dict[str, Any]:
    try:
        return _read_object(path, name)
    except _DamagedError:
        return {}


def _run(path: Path) -> Entry:
    kept = _read_object(path, PROVENANCE)
    state, metrics, error = _state(kept, PROVENANCE), {}, _text(kept.get("error"))
    if state == "finished":
        if not _has(path, RECIPE):
            raise _DamagedError(f"{RECIPE} is missing")
        metrics = _scalar_metrics(_read_object(path, METRICS).get("metrics"))
    return Entry(
        path,
        "run",
        _text(kept.get("recipe")) or path.parent.name,
        _seeds([kept.get("seed")]),
        state,
        _time(kept.get("started")) or _time_in_name(path),
        _time(kept.get("ended")),
        metrics,
        error=error,
    )


def _verification(path: Path) -> Entry:
    kept = _read_object(path, VERIFICATION)
    if not _has(path, PREREGISTRATION):
        raise _DamagedError(f"{PREREGISTRATION} is missing")
    claims = kept.get("claims", kept.get("verdicts"))
    state, seeds = _state(kept, VERIFICATION), kept.get("seeds")
    verdict = _text(kept.get("verdict"))
    if verdict == "REPRODUCED" and kept.get("deviations"):
        verdict += " WITH DEVIATIONS"
    return Entry(
        path,
        "verification",
        _text(kept.get("recipe")) or path.parent.name,
        _seeds(seeds if isinstance(seeds, list) else []) or _finished_seeds(path),
        state,
        _time(kept.get("started")) or _time_in_name(path),
        _time(kept.get("ended")),
        verdict=verdict or None,
        verdicts=tuple(one for one in claims if isinstance(one, dict))
        if isinstance(claims, list)
        else (),
        error=_text(kept.get("error")),
    )


def _finished_seeds(path: Path) -> tuple[int, ...]:
    """Return the seeds that have finished; skip lines that cannot be read."""
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


def _read_object(path: Path, name: str) -> dict[str, Any]:
    try:
        kept = json.loads((path / name).read_bytes(), parse_constant=_reject_constant)
    except OSError as error:
        raise _DamagedError(f"{name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _DamagedError(f"{name} is damaged: {error}") from error
    if not isinstance(kept, dict):
        raise _DamagedError(f"{name} is damaged: it is not a JSON object")
    return kept


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not valid JSON")


def _state(kept: Mapping[str, Any], name: str) -> str:
    state = kept.get("state")
    if state not in STATES:
        raise _DamagedError(f"{name} is damaged: its state is {state!r}")
    return "stopped" if state == "running" and _is_gone(kept) else str(state)


def _is_gone(kept: Mapping[str, Any]) -> bool:
    """Return whether the process that wrote the file ran on this machine and has ended."""
    pid = kept.get("pid")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid < 1:
        return False
    if kept.get("host") != platform.node() or os.name != "posix":
        return False  # not known; on Windows, os.kill would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's process, or not a process number
        return False
    return False


def _scalar_metrics(metrics: object) -> dict[str, dict[str, float]]:
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


def _time_in_name(path: Path) -> datetime.datetime | None:
    """Return the time in the name of a folder; None if there is none."""
    named = _NAMED.fullmatch(path.name)
    return _time(named[1]) if named else None
