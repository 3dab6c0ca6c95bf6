"""False verdicts of normal scores at the edge of the band; other alphas and priors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.t_martingale import counts, moments
from rates.row import Row, at_most, at_most_near, near, share
from rates.trials import ALPHA, LONG, MAXIMUM, MEAN, crosses, decide


def edges(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The true mean is on the edge of the band, or next to a number without a tolerance."""
    x = Scores(draw.standard_normal((count, LONG)))
    at_m, inside = MEAN.greater(x, 0.0), MEAN.greater(x, 0.1)
    one = "one side"
    yield share(
        one,
        "crosses at m, at most 30 seeds",
        crosses(at_m, LONG),
        near(2.3),
        drawn="one side at m, at most 30 seeds",
    )
    yield share(one, "crosses at m, at most 15 seeds", crosses(at_m), at_most(5))
    yield share(one, "crosses .1 SD inside, at most 30", crosses(inside, LONG), near(1.1))
    for tolerance in (1.0, 1.5, 2.0, 3.0):
        found = decide(x, 0.0, 2 * tolerance, last=LONG)
        reference = at_most_near(2.3) if tolerance == 3 else near(2.3)
        where = f"edge of the band, tolerance {tolerance:g} SD"
        yield share(
            where,
            "false REPRODUCED, at most 30",
            found.reproduced,
            reference,
            drawn=f"{where}, at most 30",
        )
    exact = decide(x, 0.0, 0.0)
    yield share(
        "tolerance 0, claim right", "false NOT REPRODUCED", exact.refuted, at_most(200 * ALPHA)
    )
    sign = crosses(SignTest().greater(x, 0.0))
    yield share(
        "median",
        "one side crosses at it, at most 15",
        sign,
        near(3.65, digit=0.01),
        drawn="median, one side at it",
    )


def alphas_and_priors(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """One side at m, for other chances of error and for other priors."""
    x = Scores(draw.standard_normal((count, LONG)))
    e = MEAN.greater(x, 0.0)
    for alpha in (0.01, 0.2):
        for last in (MAXIMUM, LONG):
            hits = crosses(e, last, at=1 / alpha)
            yield share(
                f"alpha {alpha:g}",
                f"one side crosses at m, at most {last}",
                hits,
                at_most(100 * alpha),
            )
    for prior in (0.1, 10.0):
        e = MeanTest(prior).greater(x, 0.0)
        for last in (MAXIMUM, LONG):
            hits = crosses(e, last)
            yield share(
                f"prior {prior:g}",
                f"one side crosses at m, at most {last}",
                hits,
                at_most(5),
                drawn=f"prior {prior:g}, one side at m" if last == LONG else "",
            )


def looking_again(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """Rules that papertrial does not use, and why."""
    x = draw.standard_normal((count, LONG))
    mean, scatter = moments(x)
    n = counts(x)[2:]
    t = np.abs(mean[:, 2:]) * np.sqrt(n * (n - 1) / scatter[:, 2:])
    repeated = (t >= stats.t.ppf(0.975, n - 1)).any(-1)
    yield share(
        "a t-test after each seed, 3 to 30", "two-sided false alarm", repeated, near(26, digit=1)
    )
    coin = Scores(np.where(x > 0, 1.0, -1.0))
    either = np.maximum(MEAN.greater(coin, 0.0), MEAN.less(coin, 0.0))
    yield share(
        "two equally likely scores",
        "false alarm at n = 3 or 4",
        crosses(either, 4, first=3),
        near(12.6),
    )
    yield share("two equally likely scores", "false alarm, 5 to 30 seeds", crosses(either, LONG))
