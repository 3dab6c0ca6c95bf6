"""How one seed ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from papertrial.claims.judged_claim import JudgedClaim

SeedState = Literal["finished", "diverged", "crashed"]


@dataclass(frozen=True)
class SeedOutcome:
    """The result of one seed.

    Attributes:
        seed: the seed.
        state: "finished", "diverged" or "crashed".
        scores: one entry for each claim of the rule: (score,), or (ours, theirs) for two sides, or
            the scores at all points of a curve. Empty if the seed did not finish.
        weights: SHA-256 of the trained weights. Equal hashes reveal a deterministic training.
        error: why the seed did not finish.
        correct: one entry for each claim of the rule, for claims about new samples the result of
            each test sample as int8 [N]: 1 if it was right, else 0; for a difference ours - theirs.
            None for other claims; empty if the rule has no such claim.
    """

    seed: int
    state: SeedState
    scores: tuple[tuple[float, ...], ...] = ()
    weights: str = ""
    error: str = ""
    correct: tuple[bytes | None, ...] = ()

    def fits(self, claims: Sequence[JudgedClaim]) -> bool:
        """Tell whether there are as many scores as the claims need; none unless it finished."""
        needed = [claim.scores_per_seed for claim in claims] if self.state == "finished" else []
        return [len(score) for score in self.scores] == needed
