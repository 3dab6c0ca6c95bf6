"""Scores that contradict a known SD."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.larger_sd import larger_sd
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.seed_outcome import SeedOutcome

FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)  # SD .158114


def told(sd: GivenSd | None, scores: tuple[float, ...] = FIVE, weights: str = "w{}") -> str:
    claim = JudgedClaim("accuracy", "test", "expected", 94.0, 1.0, 94.0, 94.0)
    looks: dict[str, Any] = {} if sd is None else {"first_look": 2}
    rule = Rule((claim,), tuple(range(15)), sd=sd, **looks)
    ended = [
        SeedOutcome(i, "finished", ((score,),), weights.format(i)) for i, score in enumerate(scores)
    ]
    return larger_sd(rule, judge(rule, ended)[0])


def test_an_sd_is_contradicted_where_chance_gives_ours_in_less_than_one_of_a_hundred() -> None:
    # scipy.stats.chi2.ppf(.99, 4) = 13.276704, so the limit is .158114 sqrt(4 / 13.276704).
    limit = 0.1581138830 * math.sqrt(4 / 13.276704)
    for meaning in ("known", "bound"):
        assert "0.16, is larger" in told(GivenSd(limit * 0.999, meaning))
        assert told(GivenSd(limit * 1.001, meaning)) == ""


@pytest.mark.parametrize("sd", [None, GivenSd(0.01, "paper", 5)])
def test_other_rules_estimate_it_from_our_scores(sd: GivenSd | None) -> None:
    assert told(sd) == ""


def test_one_seed_and_equal_weights_say_nothing() -> None:
    known = GivenSd(0.01, "known")
    assert told(known, FIVE[:1]) == ""
    assert told(known, (94.0, 94.0), weights="same") == ""


def test_a_right_sd_is_rarely_contradicted() -> None:
    draw = np.random.default_rng(0)
    trials = [tuple(draw.normal(94, 0.2, 5)) for _ in range(1_000)]
    warned = sum(bool(told(GivenSd(0.2, "known"), scores)) for scores in trials)
    assert 1 <= warned <= 20
