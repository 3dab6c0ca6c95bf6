"""How long the finished runs in a folder took, to estimate how long more of them will take."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RunError
from papertrial.store.index import scan
from papertrial.store.run_folder import RunFolder
from papertrial.store.verification_folder import all_verification_folders


@dataclass(frozen=True)
class RunSeconds:
    """The duration of a finished run, in seconds, and what it ran on: "cpu" or "cuda:0"."""

    training_hash: str
    seconds: float
    device: str
    threads: int


def run_seconds(root: Path, training_hashes: Collection[str]) -> list[RunSeconds]:
    """Return the durations of the finished runs of these trainings in a folder, newest first.

    Runs inside verifications count too. Damaged runs are skipped.

    Args:
        root: the folder of all runs; there are no runs if it does not exist.
        training_hashes: as `papertrial.recipe.digest.training_hash` gives them.
    """
    found = []
    for entry in scan(root, inside=True):
        if entry.kind != "run" or entry.state != "finished":
            continue
        try:
            folder = RunFolder(entry.path)
            where, seconds = folder.provenance, folder.summary.seconds.total
        except RunError:
            continue
        if where.training_hash in training_hashes:
            there = where.environment
            found.append(RunSeconds(where.training_hash, seconds, there.device, there.threads))
    return [*found, *_seconds_of_programs(root, training_hashes)]


def _seconds_of_programs(root: Path, training_hashes: Collection[str]) -> Iterator[RunSeconds]:
    """Yield the durations of the finished seeds of programs, newest verification first.

    All sides of a seed are recorded together, so each counts for an equal share.
    """
    for folder in reversed(list(all_verification_folders(root))):
        try:
            registered = folder.registered
            if not registered.is_program or not {*registered.digests} & {*training_hashes}:
                continue
            records = [one for one in folder.outcomes() if one.seconds is not None]
        except RunError:
            continue
        for record in records:
            for digest in registered.digests if record.state == "finished" else ():
                seconds = (record.seconds or 0.0) / len(registered.digests)
                yield RunSeconds(digest, seconds, registered.device, registered.threads)
