"""What is fixed before the first seed starts, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from papertrial.claims.claim import Claim
from papertrial.errors import ClaimError

Statistic = Literal["mean", "median"]
Horizon = Literal["anytime", "fixed"]
FIRST_LOOK = 5  # no distribution-free test can reject at 5 % earlier
METHOD = 1  # another number where verdicts would be taken in another way


@dataclass(frozen=True)
class Rule:
    """How the claims are decided: everything that a verdict depends on besides the scores.

    Attributes:
        claims: those that seeds decide, in the recipe's order.
        seeds: in the order in which verdicts are taken; their number is the maximum.
        alpha: the chance of error of each side.
        statistic: what of the scores' distribution a claim is about.
        prior: c2 of the one-sample test, the precision of the prior on mean/SD.
        first_look: finished seeds before which nothing is decided.
        horizon: "anytime" allows any number of seeds; "fixed" is calibrated to the maximum.
        max_diverged: the highest share of seeds that may fail for a verdict to be taken.
    """

    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]
    alpha: float = 0.05
    statistic: Statistic = "mean"
    prior: float = 1.0
    first_look: int = FIRST_LOOK
    horizon: Horizon = "anytime"
    max_diverged: float = 0.2

    def __post_init__(self) -> None:
        twice = sorted(seed for seed, count in Counter(self.seeds).items() if count > 1)
        if twice:
            rule = "seeds must differ: a seed twice is one score counted twice"
            raise ClaimError(f"{rule}; got {', '.join(map(str, twice))} more than once")
        if len(self.seeds) < self.first_look:
            raise ClaimError(
                f"at least {self.first_look} seeds are needed, got {len(self.seeds)}: no test that "
                "makes no more than 5 % errors can decide earlier; raise --max-seeds"
            )
        if not 0 < self.alpha < 0.5:
            raise ClaimError(f"0 < alpha < 0.5 must hold, got {self.alpha}")
        if not 0 <= self.max_diverged < 1:
            raise ClaimError(f"0 <= max_diverged < 1 must hold, got {self.max_diverged}")
        if not self.prior > 0:
            raise ClaimError(f"prior > 0 must hold, got {self.prior}")


def to_bytes(registered: Mapping[str, Any]) -> bytes:
    """Return a pre-registration as the bytes that its hash is taken of."""
    text = json.dumps(registered, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def sha256(registered: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a pre-registration: that of its file, as `sha256sum` prints it."""
    return hashlib.sha256(to_bytes(registered)).hexdigest()
