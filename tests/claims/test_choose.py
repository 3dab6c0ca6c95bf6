"""Which statistics decide which claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from papertrial.claims.best_of_test import BestOfTest
from papertrial.claims.choose import choose
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_best_test import ReportedBestTest
from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.sign_test import SignTest
from papertrial.claims.two_sample_test import TwoSampleTest
from papertrial.errors import ClaimError


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
        ("best-of", 5, BestOfTest(5), ReportedBestTest(5)),
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
        ("best-of", 5, 5, False),
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


def test_two_sides_are_paired_unless_the_recipe_says_otherwise() -> None:
    paired = choose(claim("difference"), rule())
    assert (paired.supports, paired.opposes, paired.pairing) == (MEAN, MEAN, "paired by seed")
    apart = choose(replace(claim("difference"), paired=False), rule())
    assert (apart.supports, apart.opposes) == (TWO, TWO)
    assert apart.pairing == "two samples, as the recipe says"
    better = choose(claim("better"), rule())
    assert (better.supports, better.opposes) == (MEAN, MEAN)
    reported = choose(replace(claim("difference", 3), paired=False), rule())
    assert (reported.supports, reported.opposes) == (TWO, ReportedDifferenceTest(3))


def test_the_metrics_step_and_the_papers_sd_enter_the_estimate() -> None:
    stepped = replace(claim("mean", 3), step=0.01, reported_sd=0.2)
    choice = choose(stepped, rule())
    assert choice.supports == MeanTest(sd=SdEstimate(step=0.01))
    assert choice.opposes == ReportedMeanTest(3, sd=SdEstimate(step=0.01, least=0.2))
    best = choose(replace(claim("best-of", 3), step=0.01, reported_sd=0.2), rule())
    assert best.supports == BestOfTest(3, sd=SdEstimate(step=0.01))
    assert best.opposes == ReportedBestTest(3, sd=SdEstimate(step=0.01, least=0.2))


@pytest.mark.parametrize("meaning", ["known", "bound"])
def test_a_known_sd(meaning: Any) -> None:
    given = rule(sd=GivenSd(0.02, meaning), prior=2.0)
    assert choose(claim("expected"), given).supports == KnownSdTest(0.02, 2.0)
    assert choose(claim("expected"), given).opposes == KnownSdTest(0.02, 2.0)
    assert choose(claim("mean", 3), given).opposes == KnownSdTest(0.02, 0.1, 3)
    # A paper with a larger spread is not accused with the smaller one.
    wider = replace(claim("mean", 3), reported_sd=0.05)
    assert choose(wider, given).opposes == KnownSdTest(0.05, 0.1, 3)
    assert choose(wider, given).supports == KnownSdTest(0.02, 2.0)
    narrower = replace(claim("mean", 3), reported_sd=0.01)
    assert choose(narrower, given).opposes == KnownSdTest(0.02, 0.1, 3)


def test_a_papers_sd_is_pooled_where_it_supports_and_a_floor_where_it_opposes() -> None:
    choice = choose(claim("mean", 3), rule(sd=GivenSd(0.02, "paper", 10)))
    assert choice.supports == MeanTest(sd=SdEstimate(pooled=0.02, freedom=9))
    assert choice.opposes == ReportedMeanTest(3, sd=SdEstimate(least=0.02))
    expected = choose(claim("expected"), rule(sd=GivenSd(0.02, "paper", 10)))
    assert expected.opposes == expected.supports


@pytest.mark.parametrize(
    ("kind", "runs", "changes", "named"),
    [
        ("difference", None, {}, "kind: difference"),
        ("better", None, {}, "kind: better"),
        ("best-of", 3, {}, "kind: best-of"),
        ("mean", 1, {"statistic": "median"}, "median"),
    ],
)
def test_where_a_given_sd_is_of_no_use(
    kind: str, runs: int | None, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClaimError, match=named):
        choose(claim(kind, runs), rule(sd=GivenSd(0.02, "known"), **changes))
