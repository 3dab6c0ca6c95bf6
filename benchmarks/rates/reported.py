"""Reported numbers of few runs, whose own noise counts: identical processes must not be accused."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Scores
from papertrial.claims.sd_estimate import SdEstimate
from rates.row import Row, at_most, near, share
from rates.trials import LONG, MAXIMUM, crosses, decide


def means(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """The reported number is a mean of few runs of the same process."""
    x = draw.standard_normal((count, LONG))
    scores = Scores(x)
    for runs in (1, 3, 10):
        test, m = ReportedMeanTest(runs), draw.standard_normal(count) / math.sqrt(runs)
        for side, e in (("greater", test.greater(scores, m)), ("less", test.less(scores, m))):
            yield share(
                f"mean of {runs}",
                f"false alarm, {side}, at most 30",
                crosses(e, LONG),
                near(1.5, 1.7),
                drawn=f"reported mean of {runs}, {side}",
            )
    one = draw.standard_normal(count)
    far = crosses(ReportedMeanTest(1).less(scores, 4 + one), LONG)
    yield share("a single run, 4 SD away", "detected by 30 seeds", far, near(89, digit=1))


def unknown_runs(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """`kind: mean, n: unknown` counts as one run. Taken as exact, it accuses its own process."""
    x = draw.standard_normal((count, MAXIMUM))
    one = draw.standard_normal(count)
    for tolerance, naive in ((0.5, near(25, digit=1)), (1.0, near(10, digit=1)), (2.0, near(0.8))):
        where = f"mean, n unknown, one run, tolerance {tolerance:g} SD"
        ours = decide(x, one - tolerance, one + tolerance, opposes=ReportedMeanTest(1))
        yield share(where, "false NOT REPRODUCED", ours.refuted, at_most(5), drawn=where)
        exact = decide(x, one - tolerance, one + tolerance)
        yield share(where, "the same if it is taken as exact", exact.refuted, naive)
    x = draw.standard_normal((count, LONG))
    accused = decide(x, one - 1, one + 1, last=LONG).refuted
    yield share(
        "single run, tolerance 1 SD", "taken as exact, at most 30 seeds", accused, near(15, digit=1)
    )


def papers_with_a_larger_spread(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """A paper's mean of 3 runs has our expectation, but a larger SD; its own SD is reported."""
    x = draw.standard_normal((count, MAXIMUM))
    for ratio, naive, ours in (
        (2, near(16.6), near(3.8)),
        (3, near(33, digit=1), near(5.7)),
    ):
        theirs = ratio * draw.standard_normal((count, 3))
        m, sd = theirs.mean(-1), theirs.std(-1, ddof=1)
        alone = decide(x, m, m, opposes=ReportedMeanTest(3)).refuted
        # In units of the paper's SD, which differs between repetitions, the least SD is 1.
        test = ReportedMeanTest(3, sd=SdEstimate(least=1.0))
        with_theirs = decide(x / sd[:, None], m / sd, m / sd, opposes=test).refuted
        where = f"paper SD {ratio} times ours, mean of 3, tolerance 0"
        yield share(where, "false NOT REPRODUCED", with_theirs, ours, drawn=where, guaranteed=False)
        yield share(where, "the same if our SD alone counts", alone, naive)
