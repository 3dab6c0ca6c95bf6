"""Which statistics decide which claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from papertrial.claims.best_of_test import BestOfTest
from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.two_sample_test import TwoSampleTest


def claim(kind: Any, runs: int | None = None) -> JudgedClaim:
    return JudgedClaim("accuracy", "test", kind, 0.5, 0.1, 0.5, 0.5, runs)


def rule(**changes: Any) -> Rule:
    return Rule((), tuple(range(15)), **changes)


MEAN, TWO = MeanTest(), TwoSampleTest()


@pytest.mark.parametrize(
    ("kind", "runs", "supports", "opposes"),
    [
        ("mean", None, MEAN, MEAN),
        ("at-least", 3, MEAN, MEAN),
        ("mean", 3, MEAN, ReportedMeanTest(3)),
        ("single-run", 1, MEAN, ReportedMeanTest(1)),
        ("best-of", 5, BestOfTest(5), BestOfTest(5)),
        ("difference", None, MEAN, MEAN),
        ("difference", 3, MEAN, ReportedDifferenceTest(3)),
    ],
)
def test_each_kind_has_its_statistics(
    kind: str, runs: int | None, supports: object, opposes: object
) -> None:
    choice = choose(claim(kind, runs), rule())
    assert (choice.supports, choice.opposes) == (supports, opposes)
    assert bool(choice.pairing) == (kind == "difference")


@pytest.mark.parametrize(
    ("kind", "runs", "best_of", "refutable"),
    [
        ("mean", None, 1, True),
        ("single-run", 1, 1, False),
        ("best-of", 5, 5, True),
        ("difference", 3, 1, False),
    ],
)
def test_by_median(kind: str, runs: int | None, best_of: int, refutable: bool) -> None:
    choice = choose(claim(kind, runs), rule(statistic="median"))
    assert choice.supports == SignTest(best_of)
    assert choice.opposes == (choice.supports if refutable else None)


def test_the_prior_is_that_of_the_rule_except_for_reported_numbers() -> None:
    choice = choose(claim("mean", 3), rule(prior=10.0))
    assert choice.supports == MeanTest(10.0)
    assert choice.opposes == ReportedMeanTest(3, prior=0.1)
    assert choose(claim("best-of", 3), rule(prior=10.0)).supports == BestOfTest(3, 10.0)


def sides(*pairs: tuple[float, float]) -> Scores:
    ours, theirs = np.array(pairs).T
    return Scores.of_difference(ours, theirs)


UP = [(1.0, 1.1), (2.0, 2.2), (3.0, 2.9), (4.0, 4.1), (5.0, 5.3)]
DOWN = [(ours, -theirs) for ours, theirs in UP]


def test_the_pairing_follows_the_correlation_at_the_first_look() -> None:
    paired = choose(claim("difference"), rule(), sides(*UP))
    assert paired.supports == paired.opposes == MEAN
    assert "correlation +1.00" in paired.pairing
    apart = choose(claim("difference"), rule(), sides(*DOWN))
    assert apart.supports == apart.opposes == TWO
    assert "correlation -1.00" in apart.pairing
    # Later seeds do not change it, and before the first look it is open.
    later = choose(claim("difference"), rule(), sides(*DOWN, *[(x, 9 * x) for x in range(9)]))
    assert later == apart
    assert choose(claim("difference"), rule(), sides(*DOWN[:4])).supports == MEAN


def test_a_side_that_does_not_vary_is_paired() -> None:
    choice = choose(claim("difference"), rule(), sides(*[(ours, 0.5) for ours, _ in UP]))
    assert choice.supports == MEAN
    assert "does not vary" in choice.pairing


def test_a_reported_difference_is_always_read_both_ways() -> None:
    choice = choose(claim("difference", 3), rule(), sides(*DOWN))
    assert (choice.supports, choice.opposes) == (MEAN, ReportedDifferenceTest(3))
