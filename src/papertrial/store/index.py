"""The runs, verifications and laboratories in a folder, read from their JSON files only."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, field_serializer

from papertrial.errors import RunError
from papertrial.record import Part, Record
from papertrial.store.laboratory_folders import COMBINATION, LABS
from papertrial.store.laboratory_records import CombinationState, LabsRegistration
from papertrial.store.run_folder import METRICS, PROVENANCE, RECIPE, RunFolder
from papertrial.store.run_records import ClaimBesideRun, Provenance, ReportedStep, RunSummary
from papertrial.store.verification_folder import OUTCOMES, PREREGISTRATION, SEEDS, VERIFICATION
from papertrial.store.verification_records import (
    ClaimLine,
    Preregistration,
    SeedRecord,
    VerificationState,
)

EntryKind = Literal["run", "verification", "laboratories", "combination"]
EntryState = Literal[
    "registered", "finished", "running", "stopped", "failed", "interrupted", "damaged"
]
Document = Provenance | VerificationState | LabsRegistration | CombinationState
R = TypeVar("R", bound=Record)
_NAMED = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}-(s\d+|verify|labs|combined)(-\d+)?")
_KINDS: dict[str, EntryKind] = {  # by the last part of a folder's name; others are runs
    "verify": "verification", "labs": "laboratories", "combined": "combination",
}  # fmt: skip
_MAX_DEPTH = 2  # root/recipe/run; the root may also be the folder of one recipe
_HEADLINES = ("accuracy", "rmse")  # of classification and regression
_SPLITS = ("train", "validation", "test")
# What details show of an entry, and therefore not again as its provenance.
_SHOWN = {"recipe", "seeds", "state", "verdict", "error", "claims"}


class IndexEntry(Part):
    """A run, a verification, a registration of laboratories or their combination, by its files.

    Attributes:
        path: its folder.
        kind: "run", "verification", "laboratories" for their registration, or "combination".
        recipe: the recipe's name.
        seeds: the seed of a run; the seeds that decided a verification or a combination, or, before
            its end, those that have finished; the seeds that laboratories were given.
        state: "registered" if a verification or laboratories have not started, "damaged" if a file
            is missing or cannot be read (see `error`), and "stopped" if the files say "running" but
            the process is gone.
        started: time in UTC; None if it is not known.
        ended: time in UTC; None if it is not known.
        metrics: the metrics of a finished run that are single numbers, by split.
        verdict: the verdict on all claims together, with deviations.
        verdicts: its claims, each with its verdict.
        error: why it failed, or what is damaged.
    """

    path: Path
    kind: EntryKind
    recipe: str
    seeds: tuple[int, ...] = ()
    state: EntryState = "damaged"
    started: datetime.datetime | None = None
    ended: datetime.datetime | None = None
    metrics: dict[str, dict[str, float]] = Field(default_factory=dict)
    verdict: str | None = None
    verdicts: tuple[ClaimLine, ...] = ()
    error: str = ""

    @field_serializer("path")
    def _path(self, path: Path) -> str:
        return _decoded(str(path))

    @field_serializer("started", "ended")
    def _time(self, time: datetime.datetime | None) -> str | None:
        return None if time is None else time.isoformat()

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
        judged = any(claim.metric == metric for claim in self.verdicts)
        return judged or self.number(metric) is not None


class FileSize(Part):
    """A file of a folder, named relative to it, and its size in bytes."""

    name: str
    bytes: int


class EntryDetails(IndexEntry):
    """An entry and the rest of its documents.

    Attributes:
        claims: the claims of a run, each with the run's result.
        report: how a run chose its epoch; None if it is not known.
        provenance: where it came from; as JSON without what the entry says already. None if the
            file cannot be read.
        files: all files of the folder.
    """

    claims: tuple[ClaimBesideRun, ...] = ()
    report: ReportedStep | None = None
    provenance: Document | None = None
    files: tuple[FileSize, ...] = ()

    @property
    def rest(self) -> dict[str, object]:
        """The provenance as plain values, without what the entry says already."""
        if self.provenance is None:
            return {}
        return self.provenance.model_dump(mode="json", exclude=_SHOWN)

    @field_serializer("provenance")
    def _provenance(self, _: Document | None) -> dict[str, object]:
        return self.rest


def scan(root: Path, *, inside: bool = False) -> list[IndexEntry]:
    """Return an index entry for each run and verification in a folder, newest first.

    Other folders are ignored. A damaged file raises no error; it gives an entry in state "damaged".

    Args:
        root: the folder of all runs, or the folder of one recipe in it.
        inside: include the runs that verifications trained.
    """
    entries = [read_entry(path) for path in _folders(root, 0, inside)]
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
            if inside and _kind_of(path) == "verification":
                yield from _folders(path / SEEDS, _MAX_DEPTH, inside)
        elif depth < _MAX_DEPTH - 1:
            yield from _folders(path, depth + 1, inside)


def is_entry(path: Path) -> bool:
    """Return whether the index lists a folder as a run or a verification, by its files or name."""
    files = (PROVENANCE, PREREGISTRATION, VERIFICATION, COMBINATION, LABS)
    return any(_has(path, name) for name in files) or bool(_NAMED.fullmatch(path.name))


def _kind_of(path: Path) -> EntryKind:
    """Return what a folder has, by its files, or by its name if they are missing."""
    if _has(path, COMBINATION):  # which also has a copy of labs.json
        return "combination"
    if _has(path, PREREGISTRATION) or _has(path, VERIFICATION):
        return "verification"
    if _has(path, PROVENANCE):
        return "run"
    named = _NAMED.fullmatch(path.name)
    if named is not None and named[2] in _KINDS:
        return _KINDS[named[2]]
    return "laboratories" if _has(path, LABS) else "run"


def _has(path: Path, name: str) -> bool:
    return os.path.exists(path / name)  # noqa: PTH110  (Path.exists raises without permission)


def read_entry(path: Path) -> IndexEntry:
    """Read the index entry of a run, a verification, laboratories or a combination."""
    kind = _kind_of(path)
    try:
        return _READERS[kind](path)
    except RunError as error:
        return IndexEntry(
            path=path,
            kind=kind,
            recipe=_decoded(path.parent.name),
            started=_time_in_name(path),
            error=str(error),
        )


def details(path: Path) -> EntryDetails:
    """Read the index entry of a folder, and all else in its JSON files."""
    entry = read_entry(path)
    name, document = _DOCUMENTS[entry.kind]
    summary = _read_or_none(path, METRICS, RunSummary) if entry.metrics else None
    return EntryDetails(
        **dict(entry),
        claims=summary.claims if summary else (),
        report=summary.report if summary else None,
        provenance=_read_or_none(path, name, document),
        files=tuple(
            FileSize(name=_decoded(file.relative_to(path).as_posix()), bytes=file.stat().st_size)
            for file in sorted(path.rglob("*"))
            if file.is_file()
        ),
    )


def _run(path: Path) -> IndexEntry:
    kept = _read(path, PROVENANCE, Provenance)
    metrics: dict[str, dict[str, float]] = {}
    if kept.state == "finished":
        if not _has(path, RECIPE):
            raise RunError(f"{RECIPE} is missing")
        metrics = {
            split: {name: value for name, value in values.items() if isinstance(value, float)}
            for split, values in _read(path, METRICS, RunSummary).metrics.items()
        }
    there = kept.environment
    return IndexEntry(
        path=path,
        kind="run",
        recipe=kept.recipe,
        seeds=(kept.seed,),
        state=_state(kept.state, there.pid, there.host),
        started=_time(kept.started) or _time_in_name(path),
        ended=_time(kept.ended),
        metrics=metrics,
        error=kept.error or "",
    )


def _verification(path: Path) -> IndexEntry:
    if not _has(path, VERIFICATION) and not _has(path, SEEDS):
        return _registered(path)
    kept = _read(path, VERIFICATION, VerificationState)
    if not _has(path, PREREGISTRATION):
        raise RunError(f"{PREREGISTRATION} is missing")
    return IndexEntry(
        path=path,
        kind="verification",
        recipe=kept.recipe,
        seeds=kept.seeds or _finished_seeds(path),
        state=_state(kept.state, kept.pid, kept.host),
        started=_time(kept.started) or _time_in_name(path),
        ended=_time(kept.ended),
        verdict=_with_deviations(kept.verdict, kept.deviations),
        verdicts=kept.claims or (),
        error=kept.error or "",
    )


def _combination(path: Path) -> IndexEntry:
    kept = _read(path, COMBINATION, CombinationState)
    return IndexEntry(
        path=path,
        kind="combination",
        recipe=kept.recipe,
        seeds=kept.seeds,
        state="finished",
        started=_time_in_name(path) or _time(kept.combined),
        ended=_time(kept.combined),
        verdict=_with_deviations(kept.verdict, kept.deviations),
        verdicts=kept.claims,
    )


def _laboratories(path: Path) -> IndexEntry:
    kept = _read(path, LABS, LabsRegistration)
    return IndexEntry(
        path=path,
        kind="laboratories",
        recipe=kept.registered.recipe,
        seeds=kept.registered.seeds,
        state="registered",
        started=_time_in_name(path) or kept.registered.registered,
    )


def _with_deviations(verdict: str | None, deviations: tuple[str, ...]) -> str | None:
    return f"{verdict} WITH DEVIATIONS" if verdict == "REPRODUCED" and deviations else verdict


def _registered(path: Path) -> IndexEntry:
    """Return the index entry of a verification that `papertrial register` left to be started."""
    kept = _read(path, PREREGISTRATION, Preregistration)
    return IndexEntry(
        path=path,
        kind="verification",
        recipe=kept.recipe,
        state="registered",
        started=_time_in_name(path),
    )


def _finished_seeds(path: Path) -> tuple[int, ...]:
    """Return the seeds that have finished so far, for the index entry of a verification."""
    if not _has(path, OUTCOMES):
        return ()
    ended = [
        SeedRecord.from_json(text, f"{OUTCOMES} line {number}")
        for number, (_, text) in enumerate(RunFolder(path).read_lines(OUTCOMES), 1)
    ]
    return tuple(record.seed for record in ended if record.state == "finished")


def _read(path: Path, name: str, kind: type[R]) -> R:
    """Read a document for an index entry; messages name the file without its folder."""
    try:
        text = (path / name).read_bytes()
    except OSError as error:
        raise RunError(f"{name} cannot be read: {error.strerror}") from error
    return kind.from_json(text, name)


def _read_or_none(path: Path, name: str, kind: type[R]) -> R | None:
    try:
        return _read(path, name, kind)
    except RunError:
        return None


def _state(state: EntryState, pid: int, host: str) -> EntryState:
    return "stopped" if state == "running" and _is_gone(pid, host) else state


def _is_gone(pid: int, host: str) -> bool:
    """Return whether an entry has stopped: its process ran on this machine and has ended."""
    if pid < 1 or host != platform.node() or os.name != "posix":
        return False  # not known; on Windows, os.kill would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's process, or not a process number
        return False
    return False


def _decoded(name: str) -> str:
    """Return a name in an index entry as text for JSON: bytes that are not UTF-8 become "�"."""
    return os.fsencode(name).decode(errors="replace")


def _time(text: str | None) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(text or "")
        return time.astimezone(datetime.UTC) if time.tzinfo else time.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):  # the year 1 in UTC may be the year 0
        return None


def _time_in_name(path: Path) -> datetime.datetime | None:
    """Return the start time in the folder name of an index entry; None if the name has none."""
    named = _NAMED.fullmatch(path.name)
    return _time(named[1]) if named else None


_READERS: dict[EntryKind, Callable[[Path], IndexEntry]] = {
    "run": _run, "verification": _verification, "laboratories": _laboratories,
    "combination": _combination,
}  # fmt: skip
_DOCUMENTS: dict[EntryKind, tuple[str, type[Document]]] = {
    "run": (PROVENANCE, Provenance), "verification": (VERIFICATION, VerificationState),
    "laboratories": (LABS, LabsRegistration), "combination": (COMBINATION, CombinationState),
}  # fmt: skip
