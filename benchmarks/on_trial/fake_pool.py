"""A pool of workers that draws scores instead of training."""

from __future__ import annotations

import heapq

import numpy as np

from on_trial.scenario import Scenario
from papertrial.claims.run_trial import Ended, Lost
from papertrial.claims.seed_outcome import SeedOutcome


class FakePool:
    """Simulate seeds that take random times; the scores depend only on the seed."""

    def __init__(self, scenario: Scenario, trial: int, workers: int) -> None:
        self._scenario, self._trial, self._workers = scenario, trial, workers
        self._running: list[tuple[float, int, int]] = []
        self._now = 0.0
        self._clock = np.random.default_rng((trial, workers, 1))

    @property
    def idle(self) -> int:
        """Number of seeds that can start now."""
        return self._workers - len(self._running)

    def submit(self, seed: int, attempt: int) -> None:
        """Start a seed."""
        took = float(self._clock.lognormal(0, 0.7))
        heapq.heappush(self._running, (self._now + took, seed, attempt))

    def wait(self) -> Ended | Lost:
        """Return the seed that ends next."""
        self._now, seed, attempt = heapq.heappop(self._running)
        outcome = drawn(self._scenario, self._trial, seed)
        if outcome.state == "crashed":
            return Lost(seed, outcome.error)  # twice: the second attempt draws the same
        if attempt == 1 and np.random.default_rng((self._trial, seed, 4)).random() < 0.02:
            return Lost(seed, "drawn so, once")
        return Ended(outcome)


def drawn(scenario: Scenario, trial: int, seed: int) -> SeedOutcome:
    """Return how a seed ends, whatever the workers do."""
    draw = np.random.default_rng((trial, seed, 2, scenario.key))
    scores = scenario.scores(draw)
    if scenario.step:
        scores = tuple(
            tuple(round(x / scenario.step) * scenario.step for x in row) for row in scores
        )
    fails = float(draw.random()) if scenario.failing else 1.0
    if fails < scenario.failing / 2:
        return SeedOutcome(seed, "diverged", error="drawn so")
    if fails < scenario.failing:
        return SeedOutcome(seed, "crashed", error="drawn so")
    return SeedOutcome(seed, "finished", scores, weights=f"{seed}")
