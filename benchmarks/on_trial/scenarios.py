"""The scenarios, in the order in which they are run and shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from on_trial.scenario import BOTH, MEAN, NOT, SD, Reported, Scenario, SeedScores
from papertrial.claims.best_of_test import expected_maximum

MARGIN = 1.5  # tolerance in SD
BEST = expected_maximum(5)
FIXED = {"horizon": "fixed"}
CORRELATIONS = (-0.9, -0.5, 0.0, 0.5, 0.9)


def about(shift: float, tolerance: float = MARGIN, **more: Any) -> tuple[dict[str, Any]]:
    """Claim a number `shift` SD above the expected score, with a tolerance in SD."""
    return ({"kind": "expected", "value": MEAN + shift * SD, "tolerance": tolerance * SD, **more},)


def mean_of(runs: int, spread: float = 1.0) -> Callable[[np.random.Generator], Reported]:
    """Report the mean of runs of the same process, or of one with `spread` times the SD."""

    def reported(draw: np.random.Generator) -> Reported:
        x = draw.normal(MEAN, spread * SD, runs)
        return Reported(float(x.mean()), None if spread == 1 else float(x.std(ddof=1)))

    return reported


def best_of(runs: int) -> Callable[[np.random.Generator], Reported]:
    """Report the best of runs of the same process."""
    return lambda draw: Reported(float(draw.normal(MEAN, SD, runs).max()))


def pair(correlation: float, ratio: float) -> Callable[[np.random.Generator], SeedScores]:
    """Score ours, and theirs with `ratio` times the SD; the differences have a mean of 0."""

    def scores(draw: np.random.Generator) -> SeedScores:
        a, z = draw.standard_normal(2)
        b = ratio * (correlation * a + math.sqrt(1 - correlation**2) * z)
        return ((float(MEAN + SD * a), float(MEAN + SD * b)),)

    return scores


def difference(correlation: float, ratio: float, horizon: str) -> Scenario:
    """Claim a difference whose true value is on the upper edge of the band."""
    tolerance = MARGIN * SD * math.sqrt(1 + ratio**2 - 2 * correlation * ratio)
    claim = {
        "kind": "difference",
        "n": 1,
        "value": -tolerance,
        "tolerance": tolerance,
        "versus": {"set": {"model.hidden": [16]}},
    }
    name = f"difference, edge, SD ratio {ratio:g}, correlation {correlation:g}, {horizon}"
    return Scenario(name, (claim,), BOTH, pair(correlation, ratio), verify={"horizon": horizon})


def columns(number: int, correlation: float) -> Callable[[np.random.Generator], SeedScores]:
    """Score several claims at once."""

    def scores(draw: np.random.Generator) -> SeedScores:
        common = math.sqrt(correlation) * draw.standard_normal()
        own = math.sqrt(1 - correlation) * draw.standard_normal(number)
        return tuple((float(MEAN + SD * (common + x)),) for x in own)

    return scores


METRICS = ("accuracy", "precision", "recall", "f1", "f1_weighted")
FIVE = tuple({**about(-MARGIN)[0], "metric": metric} for metric in METRICS)
UNKNOWN = about(0, 0.5, kind="mean", n="unknown")
SCENARIOS: tuple[Scenario, ...] = (
    Scenario("the claim is exactly right", about(0), NOT),
    Scenario("upper edge of the band", about(-MARGIN), BOTH),
    Scenario("upper edge, fixed 15", about(-MARGIN), BOTH, verify=FIXED),
    Scenario("upper edge, median", about(-MARGIN), BOTH, verify={"statistic": "median"}),
    Scenario(
        "upper edge, known SD", about(-MARGIN), BOTH, verify={"sd": {"value": SD, "is": "known"}}
    ),
    Scenario("at-least, at its edge", ({"kind": "at-least", "value": MEAN},), BOTH),
    Scenario("one run, mean with n unknown, tolerance .5 SD", UNKNOWN, NOT, reported=mean_of(1)),
    Scenario(
        "one run, single-run, tolerance .5 SD, fixed 15",
        about(0, 0.5, kind="single-run"),
        NOT,
        reported=mean_of(1),
        verify=FIXED,
    ),
    Scenario(
        "mean of 3 runs, tolerance 1 SD", about(0, 1.0, kind="mean", n=3), NOT, reported=mean_of(3)
    ),
    Scenario(
        "paper SD 3 times ours, mean of 3, tolerance .01 SD",
        about(0, 0.01, kind="mean", n=3, plus_minus={"value": SD, "is": "sd"}),
        NOT,
        reported=mean_of(3, 3.0),
    ),
    Scenario(
        "best of 3, identical process, tolerance .25 SD",
        about(0, 0.25, kind="best-of", n=3),
        NOT,
        reported=best_of(3),
    ),
    Scenario("best of 5, upper edge", about(BEST - MARGIN, kind="best-of", n=5), BOTH),
    *(difference(rho, 3.0, horizon) for horizon in ("anytime", "fixed") for rho in CORRELATIONS),
    *(
        Scenario(f"5 claims at their edges, correlation {rho:g}", FIVE, BOTH, columns(5, rho))
        for rho in (0.0, 0.99)
    ),
    Scenario("edge, on a lattice of SD", about(-MARGIN), BOTH, step=SD),
    Scenario("edge, 5 % of the seeds fail", about(-MARGIN), BOTH, failing=0.05, shown=True),
)
