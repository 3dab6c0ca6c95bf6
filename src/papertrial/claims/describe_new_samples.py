"""The expected score on this test set and on new test samples, side by side; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from papertrial.claims.claim_evidence import ClaimEvidence
from papertrial.claims.judge import is_deterministic
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.new_samples import SampleSpread
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome


@dataclass(frozen=True)
class BothIntervals:
    """The intervals of the expected score, of which each side errs at most `level`.

    Attributes:
        on_test_set: low and high, where seeds vary and the test samples stay.
        on_new_samples: low and high, where seeds and test samples vary.
        seeds: how many seeds finished.
        samples: how many test samples there are.
        level: the error level of each side.
    """

    on_test_set: tuple[float, float]
    on_new_samples: tuple[float, float]
    seeds: int
    samples: int
    level: float


def both_intervals(
    rule: Rule, index: int, finished: Sequence[SeedOutcome], results: Sequence[bytes], level: float
) -> BothIntervals | None:
    """Return both intervals of our expected score; None before the first look.

    They are about the mean of our scores, whatever the claim's kind and the rule's statistic.

    Args:
        rule: how the seeds are looked at.
        index: of the claim in the rule.
        finished: the seeds that finished.
        results: what each of them scored on each sample, as `SeedOutcome.correct` holds it.
        level: the error level of each side.

    Raises:
        ClaimError: the seeds do not have the same samples.
    """
    claim = rule.claims[index]
    scores = Scores.of_claim(claim, [outcome.scores[index] for outcome in finished])
    certain = is_deterministic(finished)
    if not certain and len(finished) < rule.first_look:
        return None
    spread = SampleSpread.of(results, two_sides=claim.has_two_sides)
    if certain:
        value = float(scores.values[0])
        low, high = spread.last().widened(value, value, level)
        test, new = (value, value), (float(low[0]), float(high[0]))
    else:
        plain = _without_noise(claim)
        alone = replace(rule, claims=(plain,), statistic="mean")
        test = _last(ClaimEvidence(plain, alone, scores).interval(level))
        about = replace(plain, about="new-samples")
        new = _last(ClaimEvidence(about, alone, scores, spread).interval(level))
    return BothIntervals(test, new, len(finished), spread.samples, level)


def _without_noise(claim: JudgedClaim) -> JudgedClaim:
    """Return the claim whose test is about the mean of our scores alone."""
    kind = claim.kind if claim.has_two_sides else "expected"
    return replace(claim, kind=kind, runs=None, about="test-set")


def _last(bounds: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    return float(bounds[0][-1]), float(bounds[1][-1])
