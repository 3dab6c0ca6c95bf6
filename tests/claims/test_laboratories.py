"""Verdicts from several laboratories: vectors, the three ways to combine, what is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.laboratories import (
    check_combine,
    differences_of_laboratories,
    judge_laboratories,
)
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.multiply_evidence import LabProduct
from papertrial.claims.rule import Combine, GivenSd, Rule
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import ClaimError

A = [93.8, 94.1, 94.0, 94.2, 93.9]
B = [94.3, 94.5, 94.1, 94.4, 94.2]
MODES: tuple[Combine, ...] = ("same-setup", "own-sd", "lab-means")


def claim(value: float = 94.0, tolerance: float = 0.5, **more: Any) -> JudgedClaim:
    about = {"metric": "accuracy", "split": "test", "kind": "expected"}
    return JudgedClaim(**{**about, "value": value, "tolerance": tolerance, "low": value,
                          "high": value, **more})  # fmt: skip


def laboratories(*scores: Sequence[float]) -> list[list[SeedOutcome]]:
    """Outcomes with seeds 0, 1, .. in the order of the laboratories; NaN is a failed seed."""
    labs, seed = list[list[SeedOutcome]](), 0
    for lab in scores:
        labs.append([])
        for score in lab:
            failed = math.isnan(score)
            labs[-1].append(
                SeedOutcome(seed, "diverged")
                if failed
                else SeedOutcome(seed, "finished", ((score,),), weights=str(seed))
            )
            seed += 1
    return labs


def rule(*claims: JudgedClaim, seeds: int = 10, **more: Any) -> Rule:
    return Rule(claims or (claim(),), tuple(range(seeds)), **more)


def test_the_vectors_of_products_and_of_one_sequence() -> None:
    product = LabProduct(MeanTest(), claim(), (Scores(np.array(A)), Scores(np.array(B))))
    assert math.exp(product.greater(93.5)) == pytest.approx(1644.735122, abs=1e-5)
    assert math.exp(product.less(94.5)) == pytest.approx(196.623475, abs=1e-5)
    both = Scores(np.array(A + B))
    assert MeanTest().greater(both, 93.5)[-1] == pytest.approx(3780.964417, abs=1e-5)
    assert MeanTest().less(both, 94.5)[-1] == pytest.approx(166.046300, abs=1e-5)
    one, other = (Scores(np.array(x)) for x in (A, B))
    assert MeanTest().greater(one, 93.5)[-1] == pytest.approx(32.600274, abs=1e-6)
    assert MeanTest().greater(other, 93.5)[-1] == pytest.approx(50.451573, abs=1e-6)
    assert MeanTest().less(other, 94.5)[-1] == pytest.approx(6.031344, abs=1e-6)


def test_the_same_set_up_is_one_sequence_in_the_registered_order() -> None:
    labs = laboratories(A, B)
    look = judge_laboratories(rule(), labs)
    assert [outcome.seed for outcome in look.outcomes] == list(range(10))
    assert look.rulings == judge(rule(), [*labs[0], *labs[1]])
    other = judge_laboratories(rule(), labs[::-1]).rulings[0]
    assert other.decided_at != look.rulings[0].decided_at  # the order is part of the rule


def test_products_agree_with_their_interval() -> None:
    labs = laboratories(A, B)
    for tolerance in (0.3, 0.36, 0.37, 0.5):
        one = judge_laboratories(rule(claim(tolerance=tolerance)), labs, "own-sd").rulings[0]
        inside = one.low >= 94 - tolerance and one.high <= 94 + tolerance
        assert (one.verdict == "REPRODUCED") == inside
        assert one.holds_within == pytest.approx(0.365769, abs=1e-5)
    away = judge_laboratories(rule(claim(96.0)), labs, "own-sd").rulings[0]
    assert (away.verdict, away.decided_at) == ("NOT REPRODUCED", 10)
    assert away.high < 95.5


def test_products_take_the_end_of_each_laboratory_not_its_maximum() -> None:
    back = [*A, 92.0, 96.0, 91.0, 97.0, 94.0]  # decided after five, then far less certain
    one = judge_laboratories(rule(seeds=15), laboratories(back, B), "own-sd").rulings[0]
    assert judge(rule(seeds=15), laboratories(back)[0])[0].verdict == "REPRODUCED"
    assert one.verdict == "UNDECIDED"


def test_laboratories_that_contradict_each_other_have_no_product() -> None:
    far = [x + 100 for x in A]
    labs = laboratories(A, A, far, far)
    one = judge_laboratories(rule(claim(94.0, 200.0), seeds=20), labs, "own-sd").rulings[0]
    assert one.low > one.high
    assert (one.verdict, one.withdrawn, one.holds_within) == ("UNDECIDED", True, math.inf)


def test_a_laboratory_with_too_few_seeds_does_not_count_in_a_product() -> None:
    labs = laboratories(A, B[:3])
    few = judge_laboratories(rule(), labs, "own-sd").rulings[0]
    alone = judge_laboratories(rule(), [labs[0], []], "own-sd").rulings[0]
    assert (few.low, few.high, few.verdict) == (alone.low, alone.high, alone.verdict)
    none = judge_laboratories(rule(), laboratories(A[:2], B[:3]), "own-sd").rulings[0]
    assert (none.low, none.high, none.verdict) == (-math.inf, math.inf, "UNDECIDED")


def test_several_claims_share_alpha_in_products() -> None:
    labs = laboratories(A, B)
    one = judge_laboratories(rule(claim(tolerance=0.37)), labs, "own-sd").rulings[0]
    twice = [
        [replace(o, scores=(o.scores[0], o.scores[0])) for o in lab] for lab in labs
    ]  # the second claim is far from being decided
    hard = rule(claim(tolerance=0.37), claim(tolerance=0.01))
    shared = judge_laboratories(hard, twice, "own-sd").rulings
    assert (one.verdict, shared[0].verdict, shared[1].verdict) == (
        "REPRODUCED", "UNDECIDED", "UNDECIDED",
    )  # fmt: skip
    easy = judge_laboratories(rule(claim(), claim(tolerance=0.37)), twice, "own-sd").rulings
    assert [ruling.verdict for ruling in easy] == ["REPRODUCED", "REPRODUCED"]
    assert [ruling.levels[0] for ruling in easy] == [0.025, 0.05]


def test_lab_means_are_the_scores_of_laboratories() -> None:
    draw = np.random.default_rng(0)
    x = 94 + 0.05 * draw.standard_normal((6, 5)) + 0.1 * draw.standard_normal((6, 1))
    look = judge_laboratories(rule(seeds=30), laboratories(*x.tolist()), "lab-means")
    alone = judge(rule(seeds=6), laboratories(x.mean(-1).tolist())[0])
    one = look.rulings[0]
    assert (one.low, one.high, one.verdict) == (alone[0].low, alone[0].high, "REPRODUCED")
    assert len(one.scores) == len(look.outcomes) == 30


def test_lab_means_need_five_laboratories() -> None:
    with pytest.raises(ClaimError, match=r"lab-means needs at least 5 laboratories, got 4"):
        judge_laboratories(rule(seeds=20), laboratories(A, B, A, B), "lab-means")


def test_too_many_failed_seeds_decide_nothing() -> None:
    broken = [*A, math.nan, math.nan, math.nan]
    for mode in MODES:
        labs = laboratories(broken, broken, broken, broken, broken)
        one = judge_laboratories(rule(seeds=40), labs, mode).rulings[0]
        assert (one.held, one.verdict) == (False, "UNDECIDED") or mode == "same-setup"
        assert not one.held


def test_a_training_that_is_deterministic_in_one_laboratory_only() -> None:
    same = [[replace(o, weights="a") for o in laboratories([94.0] * 5)[0]], laboratories(A)[0]]
    seeds = [[replace(o, seed=o.seed + 5 * i) for o in lab] for i, lab in enumerate(same)]
    for mode in MODES:
        with pytest.raises(ClaimError, match="all seeds of laboratory 1 give the same weights"):
            judge_laboratories(rule(), seeds, mode)


def test_a_deterministic_training_is_decided_by_its_one_value_in_every_mode() -> None:
    labs = [[replace(o, weights="a") for o in lab] for lab in laboratories([94.4] * 2, [94.4] * 2)]
    for mode in MODES:
        one = judge_laboratories(rule(), labs, mode).rulings[0]
        assert (one.deterministic, one.verdict) == (True, "REPRODUCED")


@pytest.mark.parametrize(
    ("changed", "more", "why"),
    [
        ({"kind": "mean", "runs": 3}, {}, "noise of the reported number"),
        ({"kind": "best-of", "runs": 3}, {}, "noise of the reported number"),
        ({"about": "new-samples"}, {}, "choice of the test samples"),
        ({}, {"horizon": "fixed"}, "verify.horizon: fixed"),
        ({}, {"sd": GivenSd(0.1, "known")}, "verify.sd"),
    ],
)
def test_what_products_and_means_cannot_judge(
    changed: dict[str, Any], more: dict[str, Any], why: str
) -> None:
    asked = rule(claim(**changed), **more)
    check_combine(asked, "same-setup")
    for mode in MODES[1:]:
        with pytest.raises(ClaimError, match=why):
            check_combine(asked, mode)


def test_a_reported_number_is_judged_in_one_sequence() -> None:
    asked = rule(claim(93.7, 0.01, kind="single-run", runs=1))
    one = judge_laboratories(asked, laboratories(A, B)).rulings[0]
    assert one.low > 93.71
    assert one.verdict == "UNDECIDED"  # the noise of one run may explain it


def test_differences_are_tested_for_each_claim() -> None:
    labs = [
        [replace(o, scores=(o.scores[0], (o.scores[0][0] + 5 * i,))) for o in lab]
        for i, lab in enumerate(laboratories(A, B))
    ]
    first, second = differences_of_laboratories(rule(claim(), claim(tolerance=9.0)), labs)
    assert first.e == pytest.approx(5.600003, abs=1e-6)
    assert (first.found, second.found) == (False, True)
    assert first.needed == 40  # two claims share alpha


def test_rates_in_short() -> None:
    """Four laboratories of five seeds: the long form is in benchmarks/rates/laboratories.py."""
    draw = np.random.default_rng(5)
    asked = rule(claim(0.0, 1.0), seeds=20)
    decided = dict.fromkeys(MODES[:2], 0)
    for x in draw.standard_normal((300, 4, 5)):
        for mode in decided:
            one = judge_laboratories(asked, laboratories(*x.tolist()), mode).rulings[0]
            decided[mode] += one.verdict != "UNDECIDED"
    assert 300 * 0.80 < decided["same-setup"] < 300 * 0.92  # 86 % of 20,000
    assert 300 * 0.72 < decided["own-sd"] < 300 * 0.87  # 80 %
