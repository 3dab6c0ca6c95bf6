"""Several claims in one verification, and verdicts that are withdrawn."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from papertrial.claims.intervals import running
from papertrial.claims.scores import Array, Scores
from papertrial.claims.threshold import threshold
from rates.row import Reference, Row, at_most, share
from rates.trials import ALPHA, FIRST, MAXIMUM, MEAN, THRESHOLD, ended, opposing, supporting

TOLERANCE = 1.5


def claims(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """All claims are at the upper edge of their bands, so that every verdict is false.

    Holm's procedure then rejects something if the strongest evidence of m claims reaches m/alpha.
    """
    for number, correlation in ((5, 0.99), (5, 0.0), (2, -0.9)):
        columns = correlated(draw, count, number, correlation)
        edges = [(-2 * TOLERANCE, 0.0)] * number
        yes = np.max(
            [supporting(MEAN, Scores(x), *edge) for x, edge in zip(columns, edges, strict=True)],
            axis=0,
        )
        no = np.max(
            [opposing(MEAN, Scores(x), *edge) for x, edge in zip(columns, edges, strict=True)],
            axis=0,
        )
        for name, at in (
            ("anytime", number / ALPHA),
            ("fixed 15", threshold(MEAN, ALPHA / number, horizon=MAXIMUM)),
        ):
            found = ended(yes, no, at=at, against=math.inf)
            where = f"{number} claims at their edges, correlation {correlation:g}"
            yield share(
                where,
                f"any false REPRODUCED, {name}",
                found.reproduced,
                at_most(5),
                drawn=where if name == "anytime" else "",
            )
            found = ended(yes, no, at=math.inf, against=at)
            yield share(where, f"any false NOT REPRODUCED, {name}", found.refuted, at_most(5))


def correlated(
    draw: np.random.Generator, count: int, number: int, correlation: float
) -> list[Array]:
    """Draw the scores [R, S] of some claims; two claims may have a negative correlation."""
    if correlation < 0:
        a, z = draw.standard_normal((2, count, MAXIMUM))
        return [a, correlation * a + math.sqrt(1 - correlation**2) * z]
    common = math.sqrt(correlation) * draw.standard_normal((count, MAXIMUM))
    own = math.sqrt(1 - correlation)
    return [common + own * draw.standard_normal((count, MAXIMUM)) for _ in range(number)]


def withdrawn(draw: np.random.Generator, count: int) -> Iterator[Row]:
    """A claim is REPRODUCED, another keeps the trial going, and the interval becomes empty."""
    parts = []
    for _ in range(20):
        x = Scores(draw.standard_normal((count, MAXIMUM)))
        low, high = running(*MEAN.interval(x, THRESHOLD), FIRST)
        inside = (low > -TOLERANCE) & (high < TOLERANCE) & (low <= high)
        parts.append(inside.any(-1) & (low[:, -1] > high[:, -1]))
    hits = np.concatenate(parts)
    reference = Reference(0.002, 0.002, 0.001, 20 * 20_000)
    yield share("claim right, 15 seeds in any case", "withdrawn", hits, reference)
