"""The evidence seed by seed, and what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from papertrial.claims.evidence_series import LARGEST, EvidenceSeries, evidence_series
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome

# Mean 94, SD .158: the vector of the statistics, Gplus(93.5) = Gminus(94.5) = 32.60 at n = 5.
FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)


def claim(value: float = 94.0, tolerance: float = 0.5, **changes: Any) -> JudgedClaim:
    given = {"kind": "mean", "low": value, "high": value, **changes}
    return JudgedClaim("accuracy", "test", value=value, tolerance=tolerance, **given)


def series(
    claims: Sequence[JudgedClaim], scores: Sequence[float], weights: str = "w{}", **changes: Any
) -> tuple[EvidenceSeries | None, ...]:
    rule = Rule(tuple(claims), tuple(range(15)), **changes)
    ended = [
        SeedOutcome(i, "finished", ((x,),) * len(claims), weights.format(i))
        for i, x in enumerate(scores)
    ]
    return evidence_series(rule, ended, judge(rule, ended))


def one(of: JudgedClaim, scores: Sequence[float] = FIVE, **changes: Any) -> EvidenceSeries:
    (found,) = series([of], scores, **changes)
    assert found is not None
    return found


def test_the_evidence_of_the_published_vector() -> None:
    found = one(claim())
    ((n, supports, opposes),) = found.after
    assert n == 5
    assert supports == pytest.approx(32.60027, rel=1e-6)
    assert opposes == pytest.approx(0.151709, rel=1e-5)
    assert (found.level, found.supports, found.opposes) == (0.05, 20.0, 20.0)


def test_the_evidence_never_falls() -> None:
    found = one(claim(94.0, 0.05), (*FIVE, 93.0, 95.0, 94.0))
    assert [n for n, _, _ in found.after] == [5, 6, 7, 8]
    for side in (1, 2):
        values = [row[side] for row in found.after]
        assert values == sorted(values)


def test_evidence_without_end_is_cut_off() -> None:
    found = one(claim(94.0, 50.0), FIVE * 3)
    assert found.after[-1][1] == LARGEST == 1e6


def test_there_is_none_before_the_first_look_or_for_one_value() -> None:
    assert series([claim()], FIVE[:4]) == (None,)
    assert series([claim()], ()) == (None,)
    assert series([claim()], FIVE[:1] * 6, weights="w") == (None,)


def test_the_thresholds_of_a_fixed_horizon_and_of_a_reported_mean_differ() -> None:
    found = one(claim(runs=1, kind="single-run"), horizon="fixed")
    assert found.supports == pytest.approx(8.46, abs=0.01)
    assert found.opposes is not None
    assert found.opposes != found.supports


def test_a_claim_that_nothing_can_refute_has_no_threshold() -> None:
    found = one(claim(runs=3), FIVE * 2, statistic="median")
    assert found.opposes is None
    assert found.refuted_within is None
    assert {opposes for _, _, opposes in found.after} == {0.0}


def test_several_claims_have_the_level_of_their_decision() -> None:
    # At five seeds the second claim is decided at alpha/2; the first one, then alone, at alpha.
    first, second = series([claim(94.0, 0.5), claim(94.0, 5.0)], FIVE)
    assert first is not None
    assert second is not None
    assert (first.level, second.level) == (0.05, 0.025)
    assert (first.supports, second.supports) == (20.0, 40.0)
    # Of two equal claims, 40 is needed by both: evidence of 32.6 decides neither.
    for found in series([claim(94.0, 0.5)] * 2, FIVE):
        assert found is not None
        assert found.supports == 40.0


def test_the_largest_tolerance_that_refutes() -> None:
    found = one(claim(93.3, 0.3))
    assert found.refuted_within == pytest.approx(0.338641, abs=1e-6)
    # At that tolerance the evidence against the claim is the threshold.
    edge = 93.3 + found.refuted_within
    e = MeanTest().greater(Scores(np.array(FIVE)), np.array(edge))
    assert e[-1] == pytest.approx(20, rel=1e-6)
    for value, verdict in ((0.338, "NOT REPRODUCED"), (0.339, "UNDECIDED")):
        ended = [SeedOutcome(i, "finished", ((x,),), f"w{i}") for i, x in enumerate(FIVE)]
        ruling = judge(Rule((claim(93.3, value),), tuple(range(15))), ended)[0]
        assert ruling.verdict == verdict
    assert one(claim(94.0, 0.5)).refuted_within is None


def test_only_the_side_of_a_bound_refutes_it() -> None:
    above = {"kind": "at-least", "side": "at-least"}
    assert one(claim(93.0, 0.0, **above)).refuted_within is None
    assert one(claim(95.0, 0.0, **above)).refuted_within == pytest.approx(0.638641, abs=1e-6)
    below = {"kind": "at-most", "side": "at-most"}
    assert one(claim(95.0, 0.0, **below)).refuted_within is None
    assert one(claim(93.0, 0.0, **below)).refuted_within == pytest.approx(0.638641, abs=1e-6)


def test_of_several_claims_each_direction_has_the_level_of_its_own_look() -> None:
    wide = claim(94.0, 3.0)
    found = series([wide, claim(94.0, 0.001)], FIVE)[1]
    assert found is not None
    # The first claim is REPRODUCED, so the second needs 20 for it; neither is refuted.
    assert (found.supports, found.opposes) == (pytest.approx(20), pytest.approx(40))
    assert (found.level, found.level_against) == (0.05, 0.025)
    rule = Rule((wide, claim(94.0, 0.001)), tuple(range(15)))
    ended = [SeedOutcome(i, "finished", ((x,), (x,)), f"w{i}") for i, x in enumerate(FIVE)]
    needed = judge(rule, ended)[1].holds_within
    for share, verdict in ((0.999, "UNDECIDED"), (1.001, "REPRODUCED")):
        again = Rule((wide, claim(94.0, share * needed)), tuple(range(15)))
        assert judge(again, ended)[1].verdict == verdict
