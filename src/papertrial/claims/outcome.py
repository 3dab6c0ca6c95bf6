"""What a seed gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["finished", "diverged", "crashed"]


@dataclass(frozen=True)
class Outcome:
    """One seed, ended.

    `scores` has an entry for each claim of the rule: (score,), or (ours, theirs) for a difference.
    It is empty where the seed did not finish. `weights` is the SHA-256 of the trained weights, by
    which a training is seen to be deterministic.
    """

    seed: int
    state: State
    scores: tuple[tuple[float, ...], ...] = ()
    weights: str = ""
    error: str = ""
