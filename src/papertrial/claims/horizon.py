"""What an e-value must reach: 1/alpha for any number of seeds, less where the maximum is fixed.

A rule that says beforehand "no more than N seeds" may use a lower threshold, as there are only so
many looks: the 1 - alpha quantile of the running maximum at the null's edge, by simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from papertrial.claims import evalues
from papertrial.claims.evalues import Array
from papertrial.errors import ClaimError

TESTS = ("one-sample", "reported", "best-of", "arms", "quantile")
SEED = 20_261_120
PART, PARTS = 10_000, 10  # repetitions; the threshold's error is then about 1 % of it
GRID = 500  # values of the statistic between which best-of evidence is interpolated


@lru_cache(maxsize=256)
def threshold(
    test: str,
    alpha: float,
    *,
    horizon: int | None,
    first_look: int = 5,
    prior: float = 1.0,
    runs: int | None = None,
    k: int | None = None,
    share: float = 0.5,
) -> float:
    """Return what an e-value of this test must reach at an error of alpha a side.

    Without a horizon 1/alpha (Ville's inequality: any number of looks). With one, the 1 - alpha
    quantile of the running maximum over n = 2 .. horizon, where scores lie at the edge of the
    test's own null: 100,000 repetitions from a fixed seed, so that it is the same everywhere. (One
    sample, alpha .05: about 7.5 for 10 seeds, 10.5 for 30.) All looks count, those before the first
    that is used too: the threshold is valid whatever the first look, and does not depend on it.

    Where the two sides of a test differ (best-of, a quantile other than the median) it is the
    larger of both. Never more than 1/alpha. "reported" needs `runs`, "best-of" needs `k`.

    Raises:
        ClaimError: for a horizon before the first look.
    """
    if test not in TESTS:
        raise ValueError(f"a test is one of {', '.join(TESTS)}; got {test!r}")
    if horizon is None:
        return 1 / alpha
    if horizon < first_look:
        raise ClaimError(
            f"a fixed horizon must reach the first look, {first_look} seeds; got {horizon}"
        )
    sides = _sides(test, horizon, prior, runs, k, share)
    return min(1 / alpha, max(_quantile(_maxima(side), alpha) for side in sides))


Evidence = Callable[[np.random.Generator, int], Array]  # draws that many rows, gives e of each


def _sides(
    test: str, horizon: int, prior: float, runs: int | None, k: int | None, share: float
) -> list[Evidence]:
    """Return what simulates each side of a test at its null's edge; one where they are alike."""

    def one_sample(draw: np.random.Generator, rows: int) -> Array:
        return evalues.greater(draw.standard_normal((rows, horizon)), 0.0, prior=prior)

    def reported(draw: np.random.Generator, rows: int) -> Array:
        assert runs is not None
        m = draw.standard_normal(rows) / math.sqrt(runs)
        x = draw.standard_normal((rows, horizon))
        return evalues.greater_than_reported(x, m, runs, prior=prior)

    def arms(draw: np.random.Generator, rows: int) -> Array:
        a, b = draw.standard_normal((2, rows, horizon))
        return evalues.greater_arms(a, b, 0.0, prior=prior)

    if test == "best-of":
        assert k is not None
        shift = evalues.expected_maximum(k)
        return [_of_effect(horizon, -shift, prior), _of_effect(horizon, shift, prior)]
    if test == "quantile":
        return [_of_quantile(horizon, edge) for edge in sorted({share, 1 - share})]
    return [{"one-sample": one_sample, "reported": reported, "arms": arms}[test]]


def _of_effect(horizon: int, shift: float, prior: float) -> Evidence:
    """Return the best-of test at its edge; its evidence is read from a table for each n."""
    # Denser at the ends, where the evidence is steep.
    angle = np.sin(np.linspace(-np.pi / 2, np.pi / 2, GRID))
    tables = {
        n: evalues.log_of_effect(math.sqrt(n) * angle, n, shift, prior)
        for n in range(2, horizon + 1)
    }

    def evidence(draw: np.random.Generator, rows: int) -> Array:
        y = draw.standard_normal((rows, horizon)) + shift
        effect = y.cumsum(-1) / np.sqrt((y * y).cumsum(-1))
        e = np.ones_like(y)
        for n, log_e in tables.items():
            at = effect[:, n - 1] / math.sqrt(n)
            e[:, n - 1] = np.exp(np.minimum(np.interp(at, angle, log_e), evalues.LARGEST))
        return e

    return evidence


def _of_quantile(horizon: int, share: float) -> Evidence:
    """Return the sign test at its edge; its evidence is read from a table of counts."""
    n = np.arange(1, horizon + 1)
    above = np.minimum(np.arange(horizon + 1), n[:, None])
    table = np.exp(np.minimum(evalues.log_sign_test(above, n[:, None], share), evalues.LARGEST))

    def evidence(draw: np.random.Generator, rows: int) -> Array:
        count = (draw.random((rows, horizon)) < share).cumsum(-1)
        return np.asarray(table[n - 1, count])

    return evidence


def _maxima(evidence: Evidence) -> Array:
    """Return the maximum of each repetition's e-values."""
    draw = np.random.default_rng(SEED)
    return np.concatenate([evidence(draw, PART)[:, 1:].max(-1) for _ in range(PARTS)])


def _quantile(maxima: Array, alpha: float) -> float:
    """Return the smallest value that no more than a share alpha of the maxima reach.

    Maxima of the sign test are few different numbers, so it is one of them, less what rounding can
    do to it.
    """
    values, first = np.unique(np.sort(maxima), return_index=True)
    reached = 1 - first / maxima.size
    allowed = np.flatnonzero(reached <= alpha)
    return float(values[allowed[0]]) * (1 - 1e-9) if allowed.size else math.inf
