"""A seed to run in a worker process: the task, the place, its progress, and what it gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from papertrial.store.verification_folder import SEEDS, VERSUS
from papertrial.verification.registration import Fixed, Wanted


@dataclass(frozen=True)
class SeedTask:
    """A seed to train: the folder of the verification, and the scores that claims are about.

    `fixed` has what was registered for each side, ours first; each training is preceded by a check.
    """

    folder: Path
    seed: int
    wanted: tuple[Wanted, ...]
    fixed: tuple[Fixed, ...]

    def home(self, arm: int | None) -> Path:
        """Return the folder with the recipe of a side; None is ours."""
        return self.folder if arm is None else self.folder / VERSUS / str(arm)

    def folders(self, arm: int | None) -> Iterator[Path]:
        """Yield the folders for the run of a side: one for each attempt at the seed."""
        name = f"s{self.seed}" if arm is None else f"s{self.seed}-versus{arm + 1}"
        for tail in ("", *(f"-{i}" for i in range(2, 99))):
            yield self.folder / SEEDS / (name + tail)


@dataclass(frozen=True)
class TrainingPlace:
    """The device, number of threads and data folder that a worker uses for every seed."""

    device: str
    threads: int
    data: str | None


@dataclass(frozen=True)
class SeedPosition:
    """The progress of a seed: `done` of `total` steps; `total` is None while it is unknown."""

    part: str
    done: int
    total: int | None
    text: str


@dataclass(frozen=True)
class TrainedSeed:
    """What the training of a seed gave; `SeedRecord` describes the fields."""

    scores: tuple[tuple[float, ...], ...]
    weights: str
    seconds: float
    runs: tuple[str, ...]
    data: tuple[dict[str, str], ...]
    versions: dict[str, str | None]
    packages: dict[str, str]
    reads: dict[str, str]
