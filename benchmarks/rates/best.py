"""The best of k runs: at its edges, as a reported number with noise, and by rules that err."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.best_of_test import expected_maximum, log_of_effect
from papertrial.claims.reported_best_test import log_against_best
from papertrial.claims.reported_mean_test import PRIOR
from papertrial.claims.scores import Array
from papertrial.claims.t_martingale import counts, log_greater, moments
from rates.row import Row, at_most, near, share
from rates.trials import FIRST, LONG, MAXIMUM, crosses, ended, latched

_EFFECTS = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 81))
OLD = {3: (19.7, 11.2, 3.2), 5: (13.2, 7, 1.6), 10: (6.9, 3.5, 0.4)}  # at .25, .5, 1 SD


class Table:
    """The evidence of a test whose log evidence is slow to integrate, read from a table.

    Args:
        log: gives the log evidence of effects for a number of scores.
        last: the largest number of scores.
    """

    def __init__(self, log: Callable[[Array, int], Array], last: int) -> None:
        self._rows = {n: log(_EFFECTS, n) for n in range(FIRST, last + 1)}

    def evidence(self, x: Array, m: ArrayLike) -> Array:
        """Return the evidence [R, S] of scores x [R, S] against m, for more than m."""
        y = x - np.asarray(m)[..., None]
        effects = y.cumsum(-1) / np.sqrt((y * y).cumsum(-1) * counts(y))
        e = np.ones_like(y)
        for n, row in self._rows.items():
            if n <= y.shape[-1]:
                e[:, n - 1] = np.exp(np.interp(effects[:, n - 1], _EFFECTS, row))
        return e


class Best:
    """Both tests about the best of k runs, of `BestOfTest` and of `ReportedBestTest`."""

    def __init__(self, k: int, last: int) -> None:
        e = expected_maximum(k)
        self._above, self._below = (
            Table(lambda u, n, s=shift: log_of_effect(np.sqrt(n) * u, n, s, 1.0), last)
            for shift in (-e, e)
        )
        self._reported = {
            sign: Table(lambda u, n, s=sign: log_against_best(s * u, n, k, PRIOR, s), last)
            for sign in (1, -1)
        }

    def greater(self, x: Array, m: ArrayLike) -> Array:
        """Return the evidence that the expected best is more than m."""
        return self._above.evidence(x, m)

    def less(self, x: Array, m: ArrayLike) -> Array:
        """Return the evidence that the expected best is less than m."""
        return self._below.evidence(-x, -np.asarray(m))

    def above_reported(self, x: Array, m: ArrayLike) -> Array:
        """Return the evidence that ours is more than the process behind a reported best m."""
        return self._reported[1].evidence(x, m)

    def below_reported(self, x: Array, m: ArrayLike) -> Array:
        """Return the evidence that ours is less than the process behind a reported best m."""
        return self._reported[-1].evidence(-x, -np.asarray(m))


def best_of(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The tests that decide REPRODUCED and NOT REPRODUCED, at their edges and away from them."""
    x = draw.standard_normal((count, LONG))
    mean, scatter = moments(x)
    n = counts(x)
    for k in (3, 5, 10):
        best, edge, name = Best(k, LONG), expected_maximum(k), f"best of {k}"
        for side, e in (("greater", best.greater(x, edge)), ("less", best.less(x, edge))):
            yield share(
                name,
                f"expected best, {side}, at its edge, at most 30",
                crosses(e, LONG),
                near(1.1, 2.3),
            )
        m = draw.standard_normal((count, k)).max(-1)
        for side, e, reference in (
            ("greater", best.above_reported(x, m), near(0.6, 1.1)),
            ("less", best.below_reported(x, m), near(1.7, 2.3)),
        ):
            yield share(
                name,
                f"reported best, {side}, false alarm, at most 30",
                crosses(e, LONG),
                reference,
                drawn=f"reported best of {k}, {side}",
            )
        if k == 5:
            far = crosses(best.below_reported(x, m + 4), LONG)
            yield share(name, "a number 4 SD too high, detected by 30", far, near(98.7))
        yield from identical(best, k, x[:, :MAXIMUM], m)
        shifted = mean - edge + edge * np.sqrt(scatter / np.maximum(n - 1, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = shifted * np.sqrt(n * (n - 1) / scatter)
        plugged = np.exp(log_greater(-t[:, 1:], n[1:] - 1, 1 / (1 + n[1:])))
        yield share(
            name,
            "our SD plugged in, less, at its edge, at most 30",
            crosses(plugged, LONG - 1, first=FIRST - 1),
            near(10, 22, digit=1),
        )


def identical(best: Best, k: int, x: Array, m: Array) -> Iterator[Row]:
    """The reported best comes from the process of our scores x."""
    for tolerance, old in zip((0.25, 0.5, 1.0), OLD[k], strict=True):
        low, high = m - tolerance, m + tolerance
        yes = np.minimum(latched(best.greater(x, low)), latched(best.less(x, high)))
        no = latched(np.maximum(best.below_reported(x, low), best.above_reported(x, high)))
        where = f"best of {k}, identical process, tolerance {tolerance:g} SD"
        yield share(where, "false NOT REPRODUCED", ended(yes, no).refuted, at_most(5), drawn=where)
        exact = latched(np.maximum(best.less(x, low), best.greater(x, high)))
        yield share(
            where,
            "the same if it is taken as expected best",
            ended(yes, exact).refuted,
            near(old, digit=0.1 if old != 7 else 1),
        )
