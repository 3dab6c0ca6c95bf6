"""Events of a verification, which yields them as it runs; the caller may show or ignore them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Registered:
    """The rule was written to disk, before the first seed starts; `lines` is the rule in words."""

    path: Path
    sha256: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SeedStarted:
    """A worker started a seed; `part` names the other side of a difference, "versus 1"."""

    worker: int
    seed: int
    part: str


@dataclass(frozen=True)
class SeedProgress:
    """A seed has done `done` of `total` steps; `total` is None while it is unknown."""

    worker: int
    seed: int
    done: int
    total: int | None
    text: str


@dataclass(frozen=True)
class SeedEnded:
    """A seed finished, diverged or crashed; `seconds` is how long it took."""

    worker: int
    seed: int
    state: str
    scores: dict[str, float]
    error: str
    seconds: float


@dataclass(frozen=True)
class SeedRetried:
    """A seed whose worker died is tried again."""

    seed: int
    why: str


@dataclass(frozen=True)
class Looked:
    """The claims after n of `of` seeds, in seed order: one line for each claim."""

    n: int
    of: int
    lines: tuple[str, ...]
