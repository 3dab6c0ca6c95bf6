"""Test `verify` itself: draw scores from known distributions and count the verdicts.

    python benchmarks/verify_on_trial.py --trials 2000

A fake trainer draws the score of each seed. Everything else is the code of `papertrial verify`: the
claims of the recipe, the pre-registration read back from its file, the order in which seeds start,
end and are evaluated, lost workers, and the decision. Every trial runs with 1 and with 4 workers,
which finish their seeds in different orders and must reach the same verdicts.

A verdict is false if it contradicts the distribution of the scores: REPRODUCED if the expected
score is on the edge of the band or outside it, NOT REPRODUCED if it is in the band. The rate of
each must be at most 5 % plus 3 standard errors. Scores on a coarse lattice and seeds that fail have
no bound, because the guarantee is for normal scores of seeds that finish.
"""

from __future__ import annotations

import argparse
import heapq
import math
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from papertrial.claims.best_of_test import expected_maximum
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Verdict
from papertrial.claims.run_trial import Ended, Look, Lost, run_trial
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.progress import finish
from papertrial.recipe.load import load_recipe
from papertrial.store.verification_records import Terms
from papertrial.verification.registration import register, rule_of

MEAN, SD = 0.7, 0.01  # of the scores
WORKERS = (1, 4)
MARGIN = 1.5  # tolerance in SD


@dataclass(frozen=True)
class Scenario:
    """A claim, a distribution of scores, and the verdicts that are false for them.

    `claim` returns the claim of a trial, given its random generator: a reported single run is drawn
    too. `shown` marks scenarios without a bound.
    """

    name: str
    claim: Callable[[np.random.Generator], dict[str, Any]]
    false: tuple[Verdict, ...]
    round_to: float | None = None
    failing: float = 0.0
    shown: bool = False

    @property
    def key(self) -> int:
        """A seed for the scenario, so that no two scenarios draw the same scores."""
        return zlib.crc32(self.name.encode())


def about(shift: float, **more: Any) -> Callable[[np.random.Generator], dict[str, Any]]:
    """Claim a number `shift` SD above the expected score."""
    value = MEAN + shift * SD
    return lambda _: {"kind": "mean", "value": value, "tolerance": MARGIN * SD, **more}


def reported(runs: int, tolerance: float) -> Callable[[np.random.Generator], dict[str, Any]]:
    """Claim the mean of a few runs that are drawn from the same distribution."""
    kind = {"kind": "single-run"} if runs == 1 else {"kind": "mean", "n": runs}
    return lambda rng: {
        **kind,
        "value": float(rng.normal(MEAN, SD / math.sqrt(runs))),
        "tolerance": tolerance * SD,
    }


BEST = expected_maximum(5)
BOTH: tuple[Verdict, ...] = ("REPRODUCED", "NOT REPRODUCED")
NOT: tuple[Verdict, ...] = ("NOT REPRODUCED",)
YES: tuple[Verdict, ...] = ("REPRODUCED",)
SCENARIOS = (
    Scenario("the claim is exactly right", about(0), NOT),
    Scenario("upper edge of the band", about(-MARGIN), BOTH),
    Scenario("lower edge of the band", about(MARGIN), BOTH),
    Scenario(
        "at-least, at its edge",
        lambda _: {"kind": "at-least", "value": MEAN + SD, "tolerance": SD},
        BOTH,
    ),
    Scenario("a single run of the same process", reported(1, 1.0), NOT),
    Scenario("a single run, tolerance .2 SD", reported(1, 0.2), NOT),
    Scenario("a single run, at the band's edge", about(-MARGIN, kind="single-run"), BOTH),
    Scenario("mean of 3 runs of the same process", reported(3, 1.0), NOT),
    Scenario("mean of 3 runs, at the band's edge", about(MARGIN, n=3), BOTH),
    Scenario("best of 5, upper edge", about(BEST - MARGIN, kind="best-of", n=5), BOTH),
    Scenario("best of 5, lower edge", about(BEST + MARGIN, kind="best-of", n=5), BOTH),
    Scenario("best of 5, exactly right", about(BEST, kind="best-of", n=5), NOT),
    Scenario("edge, on a lattice of SD/2", about(-MARGIN), BOTH, round_to=SD / 2, shown=True),
    Scenario("edge, on a lattice of SD", about(-MARGIN), BOTH, round_to=SD, shown=True),
    Scenario("edge, 5 % of the seeds fail", about(-MARGIN), BOTH, failing=0.05, shown=True),
    Scenario("exactly right, 5 % of the seeds fail", about(0), NOT, failing=0.05, shown=True),
)


class FakePool:
    """Simulate seeds that take random times; the score depends only on the seed."""

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
        rng = np.random.default_rng((self._trial, seed, 2, self._scenario.key))
        score = float(rng.normal(MEAN, SD))
        if self._scenario.round_to:
            score = round(score / self._scenario.round_to) * self._scenario.round_to
        fails = float(rng.random())
        if fails < self._scenario.failing / 2:
            return Ended(SeedOutcome(seed, "diverged", error="drawn so"))
        if fails < self._scenario.failing:
            return Lost(seed, "drawn so")  # twice: the second attempt draws the same
        if attempt == 1 and rng.random() < 0.02:
            return Lost(seed, "drawn so, once")
        return Ended(SeedOutcome(seed, "finished", ((score,),), weights=f"{seed}"))


def registered_rule(claim: dict[str, Any]) -> Rule:
    """Register a recipe with one claim, and read its rule back from the JSON text."""
    tree = {
        "name": "drawn",
        "task": "image-classification",
        "data": {"source": "digits", "batch_size": 64, "splits": {"test": 0.5}},
        "model": {"use": "papertrial.models.MLP", "in_features": 64, "out_features": 10},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
        "metrics": ["accuracy"],
        "claims": [{"metric": "accuracy", **claim}],
    }
    terms = register(load_recipe(tree, check=False), threads=1, device="cpu").terms
    return rule_of(Terms.from_json(terms.to_bytes(), "preregistration.json"))


def verdicts(scenario: Scenario, trial: int, rule: Rule) -> tuple[Verdict, int]:
    """Run a trial with each number of workers; return its verdict and its number of seeds."""
    looks: list[Look] = [finish(run_trial(rule, FakePool(scenario, trial, w))) for w in WORKERS]
    first, *others = looks
    for other in others:
        if (other.outcomes, other.rulings) != (first.outcomes, first.rulings):
            raise SystemExit(
                f"{scenario.name}, trial {trial}: the verdicts depend on the number of workers"
            )
    return first.rulings[0].verdict, len(first.outcomes)


def count(scenario: Scenario, trials: int) -> tuple[Counter[Verdict], float]:
    """Return how often each verdict was reached, and the mean number of seeds."""
    found: Counter[Verdict] = Counter()
    seeds = 0
    fixed = None
    for trial in range(trials):
        rng = np.random.default_rng((trial, 3, scenario.key))
        claim = scenario.claim(rng)
        if fixed is None or claim["value"] != fixed[0]:
            fixed = (claim["value"], registered_rule(claim))
        verdict, n = verdicts(scenario, trial, fixed[1])
        found[verdict] += 1
        seeds += n
    return found, seeds / trials


def most(trials: int, alpha: float = 0.05) -> float:
    """Return the largest allowed share of false verdicts: alpha plus 3 standard errors."""
    return alpha + 3 * math.sqrt(alpha * (1 - alpha) / trials)


def main() -> int:
    """Print the table; return 1 if a bound is exceeded, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    print(f"{trials} trials each, with {' and '.join(map(str, WORKERS))} workers; "
          f"false verdicts at most {most(trials):.1%} of each kind\n")  # fmt: skip
    print(f"{'scenario':40} {'REPRODUCED':>11} {'NOT':>7} {'UNDECIDED':>10} {'seeds':>6}  held")
    broken = 0
    for scenario in SCENARIOS:
        start = time.perf_counter()
        found, seeds = count(scenario, trials)
        ok = all(found[verdict] / trials <= most(trials) for verdict in scenario.false)
        broken += not ok and not scenario.shown
        kinds: tuple[Verdict, ...] = ("REPRODUCED", "NOT REPRODUCED", "UNDECIDED")
        shares = [found[verdict] / trials for verdict in kinds]
        held = "as it is" if scenario.shown else "yes" if ok else "NO"
        false = " and ".join("NOT" if v == "NOT REPRODUCED" else v for v in scenario.false)
        print(f"{scenario.name:40} {shares[0]:11.2%} {shares[1]:7.2%} {shares[2]:10.2%} "
              f"{seeds:6.1f}  {held} (false: {false}; {time.perf_counter() - start:.0f} s)",
              flush=True)  # fmt: skip
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
