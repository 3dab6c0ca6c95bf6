"""How long a seed of a verification takes: as the user says, or as long as earlier runs took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from papertrial.cli.size_and_duration import duration
from papertrial.errors import PapertrialError
from papertrial.numbers import plural

if TYPE_CHECKING:
    from papertrial.store.run_seconds import RunSeconds


@dataclass(frozen=True)
class SeedTime:
    """How long a seed takes, all its sides together, and how many seeds train in parallel.

    Attributes:
        seconds: of one seed.
        workers: number of seeds in parallel.
        source: where `seconds` come from, in words.
    """

    seconds: float
    workers: int
    source: str

    def of(self, seeds: int | None) -> float | None:
        """Return the seconds that a number of seeds takes; None stands for more than planned."""
        return None if seeds is None else self.seconds * math.ceil(seeds / self.workers)


def seed_time(
    sides: Sequence[str], runs: Path, given: float | None, workers: int | None
) -> SeedTime | None:
    """Return how long a seed takes: as given, or else by earlier runs; None if nothing tells it.

    Args:
        sides: the training hash of each side that a seed trains, ours first.
        runs: the folder of runs.
        given: seconds of a seed, all sides together.
        workers: seeds in parallel; None for one per core, or one if the earlier runs were on a GPU.

    Raises:
        PapertrialError: the given time is not positive.
    """
    if given is not None:
        if not 0 < given < math.inf:
            raise PapertrialError(f"--seconds-per-seed must be positive, got {given:g}")
        return SeedTime(given, workers or _cores(), "as given")
    from papertrial.store.run_seconds import run_seconds

    return time_of_runs(sides, run_seconds(runs, sides), runs, workers)


def time_of_runs(
    sides: Sequence[str], found: Sequence[RunSeconds], runs: Path, workers: int | None
) -> SeedTime | None:
    """Return how long a seed takes by earlier runs, newest first; None if there are none.

    It is the sum over the sides of the median duration of their runs. Only runs on the same kind of
    device as the newest one count, and only those with one thread, as `verify` trains by default,
    if there are any. The arguments are those of `seed_time`.
    """
    found = [run for run in found if _kind(run) == _kind(found[0])]
    found = [run for run in found if run.threads == 1] or found
    if not found:
        return None
    medians = [
        median(took)
        for side in sides
        if (took := [run.seconds for run in found if run.training_hash == side])
    ]
    source = f"by {plural(len(found), 'earlier run')} in {runs}"
    if len(medians) < len(sides):
        source += "; a side that was not trained yet is assumed to take as long"
    on_cpu = _kind(found[0]) == "cpu"
    seconds = len(sides) * sum(medians) / len(medians)
    return SeedTime(seconds, workers or (_cores() if on_cpu else 1), source)


def describe_time(time: SeedTime | None, recipe: str, runs: Path) -> str:
    """Return the line that says where the times of a plan come from, or how to get them."""
    if time is None:
        return (
            f"times are not known: {runs} has no finished run of this training; give "
            f"--seconds-per-seed (`papertrial check {recipe}` estimates how long a run takes)"
        )
    parallel = f"{plural(time.workers, 'seed')} in parallel (--workers)"
    return f"time: {duration(time.seconds)} for a seed, {time.source}; {parallel}"


def _kind(run: RunSeconds) -> str:
    """Return the kind of device that a run was on: "cuda" for "cuda:1"."""
    return run.device.partition(":")[0]


def _cores() -> int:
    """Return the number of seeds that `verify` trains in parallel on a CPU by default."""
    import joblib

    return int(joblib.cpu_count())
