"""The checkpoints of a run that has not ended: written atomically, verified when they are read.

A checkpoint is `checkpoints/step-N.pt`, the state of the training after N optimizer steps, and
beside it a record `step-N.json`, which is written last and has the SHA-256 of the state.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from typing import NamedTuple

from papertrial.errors import RunError
from papertrial.record import Record
from papertrial.store.run_folder import RECORDS, RunFolder

CHECKPOINTS = "checkpoints"
_KEPT = 2  # the second is for a damaged newest one
_NAME = re.compile(r"step-(\d+)\.json")


class CheckpointMark(Record):
    """The record of a checkpoint.

    Attributes:
        step: optimizer steps done.
        sha256: of the state.
        records: length of metrics.jsonl in bytes when the state was stored.
    """

    step: int
    sha256: str
    records: int


class StoredCheckpoint(NamedTuple):
    """The newest intact checkpoint of a run, and a sentence for each one that is damaged."""

    mark: CheckpointMark
    state: bytes
    damaged: tuple[str, ...]


def write_checkpoint(folder: RunFolder, step: int, state: bytes) -> None:
    """Store the state of a training after `step` steps; keep the checkpoint before it, no others.

    Raises:
        RunError: the folder cannot be written to, for example because the disk is full.
    """
    folder.flush(RECORDS)  # or a power cut could leave it shorter than the mark says
    digest = hashlib.sha256(state).hexdigest()
    mark = CheckpointMark(step=step, sha256=digest, records=folder.size(RECORDS))
    folder.write(f"{CHECKPOINTS}/step-{step}.pt", state)
    folder.write_record(f"{CHECKPOINTS}/step-{step}.json", mark)
    for early in _steps(folder)[:-_KEPT]:
        _remove(folder, early)


def read_checkpoint(folder: RunFolder) -> StoredCheckpoint | None:
    """Return the newest intact checkpoint of a run; None if it stored none.

    Raises:
        RunError: there are checkpoints, but all are damaged.
    """
    damaged: list[str] = []
    for step in reversed(_steps(folder)):
        name = f"{CHECKPOINTS}/step-{step}"
        try:
            mark = folder.read_record(f"{name}.json", CheckpointMark)
            state = folder.read(f"{name}.pt")
        except RunError as error:
            damaged.append(f"{folder.path / name}.pt is damaged: {error}")
            continue
        if hashlib.sha256(state).hexdigest() != mark.sha256 or mark.step != step:
            damaged.append(f"{folder.path / name}.pt is damaged: its SHA-256 is not the stored one")
            continue
        return StoredCheckpoint(mark, state, tuple(damaged))
    if damaged:
        listed = "\n".join(f"  {one}" for one in damaged)
        raise RunError(f"no checkpoint of the run {folder.path} is intact; train again\n{listed}")
    return None


def drop_later(folder: RunFolder, step: int) -> None:
    """Remove the checkpoints after a step, which are damaged if a run continues from there."""
    for later in _steps(folder):
        if later > step:
            _remove(folder, later)


def remove_checkpoints(folder: RunFolder) -> None:
    """Remove the checkpoints of a run that has ended."""
    shutil.rmtree(folder.path / CHECKPOINTS, ignore_errors=True)


def _remove(folder: RunFolder, step: int) -> None:
    for ending in ("json", "pt"):  # in this order: a record without a state would be damaged
        with contextlib.suppress(OSError):
            (folder.path / CHECKPOINTS / f"step-{step}.{ending}").unlink(missing_ok=True)


def _steps(folder: RunFolder) -> list[int]:
    """Return the steps of the checkpoints of a run, ascending."""
    place = folder.path / CHECKPOINTS
    names = [_NAME.fullmatch(path.name) for path in place.iterdir()] if place.is_dir() else []
    return sorted(int(match[1]) for match in names if match)
