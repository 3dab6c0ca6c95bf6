"""How one seed ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SeedState = Literal["finished", "diverged", "crashed"]


@dataclass(frozen=True)
class SeedOutcome:
    """The result of one seed.

    Attributes:
        seed: the seed.
        state: "finished", "diverged" or "crashed".
        scores: one entry for each claim of the rule: (score,), or (ours, theirs) for a difference.
            Empty if the seed did not finish.
        weights: SHA-256 of the trained weights. Equal hashes reveal a deterministic training.
        error: why the seed did not finish.
    """

    seed: int
    state: SeedState
    scores: tuple[tuple[float, ...], ...] = ()
    weights: str = ""
    error: str = ""
