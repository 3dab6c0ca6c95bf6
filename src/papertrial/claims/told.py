"""What a verification tells as it goes: yielded outward, to be shown or left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Registered:
    """The rule is written, before the first seed starts; `lines` is what it says."""

    path: Path
    sha256: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SeedStarted:
    """A worker has taken a seed."""

    worker: int
    seed: int


@dataclass(frozen=True)
class SeedProgress:
    """A seed is `done` of `total` steps far; total is None where it is not known yet."""

    worker: int
    seed: int
    done: int
    total: int | None
    text: str


@dataclass(frozen=True)
class SeedEnded:
    """A seed finished, diverged or crashed, after so many seconds."""

    worker: int
    seed: int
    state: str
    scores: dict[str, float]
    error: str
    seconds: float


@dataclass(frozen=True)
class SeedRetried:
    """A seed whose worker died is tried once more."""

    seed: int
    why: str


@dataclass(frozen=True)
class Looked:
    """The claims after n of `of` seeds, in seed order: a line for each."""

    n: int
    of: int
    lines: tuple[str, ...]
