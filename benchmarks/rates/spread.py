"""False verdicts where the SD between seeds is known, bounded, or pooled with a paper's."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.scores import Scores
from papertrial.claims.sd_estimate import SdEstimate
from rates.row import NONE, Row, at_most, near, share
from rates.trials import MAXIMUM, crosses


def known(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """One side at m, looks from 2 to 15. A given SD that is too small breaks the guarantee."""
    x = Scores(draw.standard_normal((count, MAXIMUM)))
    coin = Scores(np.where(x.values > 0, 1.0, -1.0))
    for name, sd, bounded in (
        ("exact", 1.0, True),
        ("20 % too large", 1.2, True),
        ("1.5 times too large", 1.5, True),
        ("20 % too small", 0.8, False),
    ):
        hits = crosses(KnownSdTest(sd).greater(x, 0.0), first=2)
        yield share(
            f"given SD {name}",
            "one side crosses at m",
            hits,
            at_most(5) if bounded else NONE,
            drawn=f"known SD, {name}",
            guaranteed=bounded,
        )
    hits = crosses(KnownSdTest(1.0).greater(coin, 0.0), first=2)
    yield share(
        "given SD exact, two equally likely scores",
        "one side crosses at m",
        hits,
        at_most(5),
        drawn="known SD, two equally likely scores",
    )
    for runs in (1, 3):
        m = draw.standard_normal(count) / math.sqrt(runs)
        hits = crosses(KnownSdTest.of_reported(1.0, runs).greater(x, m), first=2)
        yield share(
            f"given SD exact, reported mean of {runs}", "one side, false alarm", hits, at_most(5)
        )


def pooled(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """One side at m, looks from 5 to 15, our SD pooled with that of 3, 5 or 10 runs of a paper."""
    x = draw.standard_normal((count, MAXIMUM))
    for runs in (3, 5, 10):
        freedom = runs - 1
        noise = np.sqrt(draw.chisquare(freedom, count) / freedom)
        test = MeanTest(sd=SdEstimate(pooled=1.0, freedom=freedom))
        for ratio, name in ((1.0, "equals ours"), (0.5, "is half of ours")):
            in_units = Scores(x / (ratio * noise)[:, None])
            where = f"SD of a paper with {runs} runs {name}"
            half = near({5: 3.9, 10: 6.0}[runs]) if runs in (5, 10) else NONE
            yield share(
                where,
                "one side crosses at m",
                crosses(test.greater(in_units, 0.0)),
                at_most(5) if ratio == 1 else half,
                drawn=where,
                guaranteed=ratio == 1,
            )
