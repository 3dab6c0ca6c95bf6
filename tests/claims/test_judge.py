"""Verdicts on scores worked out by hand, with what they must never be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from papertrial.claims.best_of_test import BestOfTest, expected_maximum
from papertrial.claims.judge import is_deterministic, judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, holds_within
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.two_sample_test import TwoSampleTest

# Mean 94, SD .158: the vector of the statistics, Gplus(93.5) = Gminus(94.5) = 32.60 at n = 5.
FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)
NORMAL = tuple(np.random.default_rng(3).normal(94, 0.15, 15).tolist())


MEAN = MeanTest()


def scored(x: Sequence[float]) -> Scores:
    return Scores(np.array(x, dtype=np.float64))


def claim(value: float = 94.0, tolerance: float = 0.5, **changes: Any) -> JudgedClaim:
    given = {"kind": "mean", "low": value, "high": value, **changes}
    return JudgedClaim("accuracy", "test", value=value, tolerance=tolerance, **given)


def rule(*claims: JudgedClaim, count: int = 15, **changes: Any) -> Rule:
    return Rule(claims, tuple(range(count)), **changes)


def outcomes(*columns: Sequence[Any]) -> list[SeedOutcome]:
    """A finished seed for each row; a number for a score, a pair for a difference."""
    rows = zip(*columns, strict=True)
    pairs = [tuple(s if isinstance(s, tuple) else (s,) for s in row) for row in rows]
    return [SeedOutcome(i, "finished", scores, f"w{i}") for i, scores in enumerate(pairs)]


def one(of: JudgedClaim, scores: Sequence[Any], **changes: Any) -> Ruling:
    return judge(rule(of, **changes), outcomes(scores))[0]


def failed(seed: int, state: Any = "diverged") -> SeedOutcome:
    return SeedOutcome(seed, state, error="loss is nan")


def test_reproduced_at_the_first_look() -> None:
    ruling = one(claim(), FIVE)
    assert MEAN.greater(scored(FIVE), 93.5)[-1] == pytest.approx(32.60027, abs=1e-5)
    assert (ruling.verdict, ruling.decided_at) == ("REPRODUCED", 5)
    assert ruling.mean == pytest.approx(94.0)
    assert ruling.sd == pytest.approx(0.158114, abs=1e-6)
    assert (ruling.low, ruling.high) == pytest.approx((93.63864, 94.36136), abs=1e-5)  # 2.29 SD
    assert ruling.holds_within == pytest.approx(0.36136, abs=1e-5)
    assert (ruling.level, ruling.held, ruling.deterministic) == (0.05, True, False)
    assert ruling.series == ((5, ruling.low, ruling.high),)


def test_nothing_is_decided_before_five_seeds() -> None:
    ruling = one(claim(tolerance=50.0), FIVE[:4])
    assert (ruling.verdict, ruling.decided_at, ruling.series) == ("UNDECIDED", None, ())
    assert (ruling.low, ruling.high, ruling.holds_within) == (-math.inf, math.inf, math.inf)
    nothing = judge(rule(claim()), [])[0]
    assert (nothing.verdict, nothing.scores) == ("UNDECIDED", ())
    assert math.isnan(nothing.mean)
    assert math.isnan(nothing.sd)


def test_undecided_then_reproduced_one_seed_later() -> None:
    narrow = claim(tolerance=0.3)  # the interval reaches .3614 to each side at 5, .24 at 6
    assert one(narrow, FIVE).verdict == "UNDECIDED"
    ruling = one(narrow, (*FIVE, 94.0))
    assert (ruling.verdict, ruling.decided_at) == ("REPRODUCED", 6)
    assert ruling.holds_within == pytest.approx(0.24031, abs=1e-5)


def test_not_reproduced() -> None:
    low, high = one(claim(93.3, 0.3), FIVE), one(claim(94.7, 0.3), FIVE)
    assert (low.verdict, low.decided_at) == ("NOT REPRODUCED", 5)
    assert (high.verdict, high.decided_at) == ("NOT REPRODUCED", 5)
    assert low.low > 93.6
    assert high.high < 94.4
    assert low.holds_within == high.holds_within == pytest.approx(94.36136 - 93.3, abs=1e-5)
    assert one(claim(93.3, 0.35), FIVE).verdict == "UNDECIDED"  # the band reaches 93.65


def test_a_verdict_is_final_and_the_interval_never_widens() -> None:
    for kept, verdict in ((claim(), "REPRODUCED"), (claim(93.3, 0.3), "NOT REPRODUCED")):
        ruling = one(kept, (*FIVE, 80.0, 80.0, 110.0))
        assert (ruling.verdict, ruling.decided_at) == (verdict, 5)
        assert (ruling.low, ruling.high) == pytest.approx((93.63864, 94.36136), abs=1e-5)
        assert [n for n, _, _ in ruling.series] == [5, 6, 7, 8]


def test_sides_may_cross_at_different_looks() -> None:
    # The lower edge is left behind at 5 and not at 6; the upper edge only at 6.
    scores = (94.1, 94.1, 94.0, 94.2, 94.35, 93.8)
    kept = claim(94.115, 0.315)
    above, below = MEAN.greater(scored(scores), 93.8), MEAN.less(scored(scores), 94.43)
    assert (above[4] >= 20, above[5] >= 20) == (True, False)
    assert (below[4] >= 20, below[5] >= 20) == (False, True)
    ruling = one(kept, scores)
    assert (ruling.verdict, ruling.decided_at) == ("REPRODUCED", 6)


def test_the_verdict_says_what_the_interval_says() -> None:
    """REPRODUCED exactly when it is inside the band, NOT exactly when it is disjoint from it."""
    draw = np.random.default_rng(0)
    counted: dict[str, int] = {}
    for trial in range(120):
        count, n = int(draw.integers(1, 5)), int(draw.integers(5, 13))
        claims = []
        for _ in range(count):
            side = ("about", "at-least", "at-most")[draw.integers(3)]
            best = {"kind": "best-of", "runs": 5} if draw.random() < 0.1 else {"side": side}
            value = float(draw.normal(0, 1.5)) + (1.16 if "runs" in best else 0.0)
            tolerance = float(draw.choice([0.0, 0.5, 1.0, 2.0, 3.0]))
            printed = {"low": value - 0.1, "high": value + 0.1}
            claims.append(claim(value, tolerance, **printed, **best))
        by = {"statistic": "median"} if trial % 4 == 3 else {}
        x = draw.normal(size=(n, count))
        for kept, ruling in zip(
            claims, judge(rule(*claims, **by), outcomes(*x.T.tolist())), strict=True
        ):
            low, high = kept.band
            inside = low < ruling.low and ruling.high < high
            disjoint = ruling.low > high or ruling.high < low
            verdict = ("NOT " if disjoint else "") + "REPRODUCED"
            expected = verdict if inside or disjoint else "UNDECIDED"
            # The noise of a reported best may explain what is disjoint; never the other way round.
            noisy = kept.has_noise and expected == "NOT REPRODUCED"
            assert ruling.verdict in ({expected, "UNDECIDED"} if noisy else {expected})
            shown = holds_within(kept, ruling.low, ruling.high)
            if ruling.level == ruling.levels[0]:
                assert ruling.holds_within == shown
            else:  # of another direction's level, which is smaller
                assert ruling.levels[0] > ruling.level or ruling.verdict == "NOT REPRODUCED"
                assert ruling.holds_within <= shown or ruling.verdict == "NOT REPRODUCED"
            counted[ruling.verdict] = counted.get(ruling.verdict, 0) + 1
    assert min(counted.values()) > 20
    assert len(counted) == 3


def test_holds_within_is_the_smallest_tolerance_that_would_do() -> None:
    ruling = one(claim(93.9, 0.0, low=93.85, high=93.95), FIVE)
    more = ruling.holds_within + 1e-9
    assert one(claim(93.9, more, low=93.85, high=93.95), FIVE).verdict == "REPRODUCED"
    less = ruling.holds_within - 1e-9
    assert one(claim(93.9, less, low=93.85, high=93.95), FIVE).verdict == "UNDECIDED"


def test_one_sided_claims() -> None:
    for side, sign in (("at-least", 1), ("at-most", -1)):
        verdicts = [
            one(claim(94 + sign * off, 0.0, kind=side, side=side), FIVE).verdict
            for off in (-0.37, -0.35, 0.35, 0.37)
        ]
        assert verdicts == ["REPRODUCED", "UNDECIDED", "UNDECIDED", "NOT REPRODUCED"]
    ruling = one(claim(93.5, 0.1, kind="at-least", side="at-least"), FIVE)
    assert ruling.holds_within == 0.0
    assert one(claim(94.2, 0.5, kind="at-least", side="at-least"), FIVE).verdict == "UNDECIDED"


def test_a_single_run_is_refuted_only_beyond_its_own_noise() -> None:
    for kind, runs in (("single-run", 1), ("mean", 3)):
        reported = {"kind": kind, "runs": runs}
        # The claim as a fixed number is refuted at once, as its own noise is not counted:
        assert one(claim(93.3, 0.3), FIVE).verdict == "NOT REPRODUCED"
        assert one(claim(93.3, 0.3, **reported), FIVE).verdict == "UNDECIDED"
        assert one(claim(94.0, 0.5, **reported), FIVE).verdict == "REPRODUCED"
        assert one(claim(80.0, 0.3, **reported), FIVE).verdict == "NOT REPRODUCED"
        assert one(claim(108.0, 0.3, **reported), FIVE).verdict == "NOT REPRODUCED"
    far = one(claim(93.0, 0.1, kind="single-run", runs=1), NORMAL)
    against = ReportedMeanTest(1).greater(scored(NORMAL), 93.1)[4:]
    assert far.verdict == "NOT REPRODUCED"
    assert far.decided_at == 5 + int(np.argmax(against >= 20))
    assert far.decided_at > (one(claim(93.0, 0.1), NORMAL).decided_at or 99)


def test_best_of() -> None:
    best = 94 + 0.149 * expected_maximum(5)
    kept, ten = {"kind": "best-of", "runs": 5}, FIVE * 2
    assert one(claim(best, 1.0, **kept), ten).verdict == "REPRODUCED"
    assert one(claim(best - 1.5, 0.5, **kept), ten).verdict == "NOT REPRODUCED"
    assert one(claim(94.0, 0.1, **kept), ten).verdict == "UNDECIDED"
    ruling = one(claim(94.0, 0.0, **kept), FIVE)
    assert BestOfTest(5).greater(scored(FIVE), ruling.low)[-1] == pytest.approx(20, rel=1e-6)
    assert ruling.high == math.inf  # five scores say nothing of how large the best of five is


def test_the_median() -> None:
    scores = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
    around = claim(1.3, 0.31)
    ruling = one(around, scores, statistic="median")
    assert (ruling.verdict, ruling.decided_at) == ("REPRODUCED", 5)
    assert (ruling.low, ruling.high) == (1.0, 1.4)
    assert one(around, scores[:4], statistic="median").verdict == "UNDECIDED"
    refuted = one(claim(3.0, 0.1), scores, statistic="median")
    assert (refuted.verdict, refuted.decided_at) == ("NOT REPRODUCED", 5)
    # Of a mean of few runs it says too little to refute it, however far it is.
    far = claim(30.0, 0.1, kind="single-run", runs=1)
    assert one(far, scores, statistic="median").verdict == "UNDECIDED"
    # One outlier moves the mean's interval, not this one.
    outlier = (*scores[:6], 90.0, 1.25, 1.27, 1.29, 1.31, 1.33)
    assert one(around, outlier, statistic="median").verdict == "REPRODUCED"
    assert one(around, outlier).verdict == "UNDECIDED"


def test_a_fixed_horizon_decides_earlier() -> None:
    narrow = claim(tolerance=0.3)
    assert one(narrow, FIVE, count=10).verdict == "UNDECIDED"
    ruling = one(narrow, FIVE, count=10, horizon="fixed")
    assert (ruling.verdict, ruling.decided_at) == ("REPRODUCED", 5)
    assert MEAN.greater(scored(FIVE), ruling.low)[-1] == pytest.approx(7.49, rel=0.03)
    assert ruling.low > one(narrow, FIVE).low


def test_several_claims_share_the_error() -> None:
    close = claim(tolerance=0.45)  # e = 28.3: enough alone, not for one of two
    wide = claim(tolerance=0.65)  # e = 43.1: enough for one of two; then the other may have 20
    assert MEAN.greater(scored(FIVE), 93.55)[-1] == pytest.approx(28.3, abs=0.1)
    assert MEAN.greater(scored(FIVE), 93.35)[-1] == pytest.approx(43.1, abs=0.1)
    far = claim(20.0, 0.1)
    assert one(close, FIVE).verdict == "REPRODUCED"
    verdicts = [r.verdict for r in judge(rule(close, close), outcomes(FIVE, FIVE))]
    assert verdicts == ["UNDECIDED", "UNDECIDED"]
    both = judge(rule(close, wide), outcomes(FIVE, FIVE))
    assert [r.verdict for r in both] == ["REPRODUCED", "REPRODUCED"]
    assert [r.level for r in both] == [0.05, 0.025]
    # Each verdict has a procedure of its own: one that is refuted does not help one to hold.
    apart = judge(rule(close, far), outcomes(FIVE, FIVE))
    assert [r.verdict for r in apart] == ["UNDECIDED", "NOT REPRODUCED"]
    assert [r.level for r in apart] == [0.025, 0.025]


def test_many_claims_take_more_seeds_and_come_to_an_end() -> None:
    claims = [claim(tolerance=2.0)] * 60
    rulings = judge(rule(*claims), outcomes(*[FIVE] * 60))
    assert {r.verdict for r in rulings} == {"UNDECIDED"}  # 60 * 20 is more than e can be at 5
    assert {(r.low, r.high) for r in rulings} == {(-math.inf, math.inf)}
    ten = judge(rule(*claims), outcomes(*[FIVE * 2] * 60))
    assert {r.verdict for r in ten} == {"REPRODUCED"}
    assert max(r.decided_at or 0 for r in ten) <= 10


def test_five_equal_scores() -> None:
    same = (0.9,) * 5  # weights differ: seeds tie on a coarse grid of scores
    assert one(claim(0.9, 0.01), same).verdict == "REPRODUCED"
    assert one(claim(0.8, 0.01), same).verdict == "NOT REPRODUCED"
    ruling = one(claim(0.9, 0.0), same)  # on the edge: no evidence for either side
    assert (ruling.verdict, ruling.low, ruling.high) == ("UNDECIDED", 0.9, 0.9)
    assert ruling.sd == 0.0
    assert one(claim(0.9, 0.01, runs=3), same).verdict == "REPRODUCED"
    best = one(claim(0.9, 0.01, kind="best-of", runs=5), same * 2)
    assert (best.verdict, best.decided_at) == ("REPRODUCED", 7)


def test_failed_seeds_withhold_every_verdict_while_they_are_too_many() -> None:
    seeds = outcomes(FIVE)
    assert judge(rule(claim()), [failed(9), *seeds])[0].verdict == "REPRODUCED"  # 1 of 6
    two = judge(rule(claim()), [failed(8), failed(9, "crashed"), *seeds])[0]
    assert (two.verdict, two.decided_at, two.held) == ("UNDECIDED", None, False)
    assert judge(rule(claim(80.0)), [failed(8), failed(9), *seeds])[0].verdict == "UNDECIDED"
    # Three more seeds, and 2 of 10 are few enough; n counts the seeds that finished.
    later = [failed(8), failed(9), *outcomes((*FIVE, 94.0, 94.1, 93.9))]
    ruling = judge(rule(claim()), later)[0]
    assert (ruling.verdict, ruling.decided_at, ruling.held) == ("REPRODUCED", 8, True)
    # What was decided while they were few stands.
    stands = judge(rule(claim()), [*seeds, failed(8), failed(9)])[0]
    assert (stands.verdict, stands.decided_at, stands.held) == ("REPRODUCED", 5, False)


def test_a_deterministic_training_is_compared_exactly() -> None:
    def same(score: float, weights: str = "w", count: int = 2) -> list[SeedOutcome]:
        return [SeedOutcome(i, "finished", ((score,),), weights) for i in range(count)]

    ruling = judge(rule(claim(0.5, 0.01)), same(0.51))[0]
    assert (ruling.verdict, ruling.decided_at, ruling.deterministic) == ("REPRODUCED", 2, True)
    assert (ruling.low, ruling.high, ruling.level) == (0.51, 0.51, 0.0)
    assert ruling.holds_within == pytest.approx(0.01)
    assert judge(rule(claim(0.5, 0.0)), same(0.5))[0].verdict == "REPRODUCED"
    assert judge(rule(claim(0.5, 0.009)), same(0.51))[0].verdict == "NOT REPRODUCED"
    assert judge(rule(claim(0.5, 0.009, kind="single-run", runs=1)), same(0.51))[0].low == 0.51
    # One seed shows nothing; nor do equal scores of other weights, nor weights not known.
    assert judge(rule(claim(0.5, 0.01)), same(0.51)[:1])[0].verdict == "UNDECIDED"
    for others in (outcomes((0.51, 0.51)), same(0.51, "")):
        ruling = judge(rule(claim(0.5, 0.01)), others)[0]
        assert (ruling.verdict, ruling.deterministic) == ("UNDECIDED", False)
    # Too many failed seeds withhold this verdict too, until they are few enough.
    late = [failed(9), *same(0.51)]
    assert judge(rule(claim(0.5, 0.01)), late)[0].verdict == "UNDECIDED"
    enough = judge(rule(claim(0.5, 0.01)), [failed(9), *same(0.51, count=4)])[0]
    assert (enough.verdict, enough.decided_at) == ("REPRODUCED", 4)


DIFFERENCE = {"kind": "difference"}
COMMON = (1.0, 3.0, 2.0, 5.0, 4.0)  # what a seed gives to both sides
APART = (0.02, -0.01, 0.0, 0.01, -0.02)


def test_a_difference_is_paired_where_seeds_have_something_in_common() -> None:
    pairs = [(x + 1 + off, x) for x, off in zip(COMMON, APART, strict=True)]
    ruling = one(claim(1.0, 0.1, **DIFFERENCE), pairs)
    assert ruling.verdict == "REPRODUCED"  # as two samples, with an SD of 1.6, it could not be
    assert ruling.pairing == "paired by seed"
    assert ruling.scores == pytest.approx([1 + off for off in APART])
    e = MEAN.greater(scored([1 + off for off in APART]), ruling.low)[-1]
    assert e == pytest.approx(20, rel=1e-6)


def test_two_samples_where_the_recipe_says_so_in_advance() -> None:
    ours = [1 + 0.1 * x for x in COMMON]
    theirs = [0.1 * x for x in reversed(COMMON)]
    pairs = list(zip(ours, theirs, strict=True))
    apart = {**DIFFERENCE, "paired": False}
    ruling = one(claim(1.0, 0.5, **apart), pairs)
    assert ruling.pairing == "two samples, as the recipe says"
    sides = Scores.of_difference(np.array(ours), np.array(theirs))
    assert TwoSampleTest().greater(sides, ruling.low)[-1] == pytest.approx(20, rel=1e-6)
    assert TwoSampleTest().less(sides, ruling.high)[-1] == pytest.approx(20, rel=1e-6)
    assert ruling.verdict == "REPRODUCED"
    assert one(claim(2.0, 0.2, **apart), pairs).verdict == "NOT REPRODUCED"
    # Otherwise they are paired, whatever their correlation.
    assert one(claim(1.0, 0.5, **DIFFERENCE), pairs).pairing == "paired by seed"


def test_nearly_equal_sides_are_no_difference() -> None:
    # 0.1 + 0.2 and 0.3 differ by rounding: relative to 0 that would be a large difference.
    pairs = [(0.1 + 0.2, 0.3)] * 6
    assert pairs[0][0] != pairs[0][1]
    better = claim(0.0, 0.0, kind="better", side="at-least")
    assert one(better, pairs).verdict == "UNDECIDED"
    same = [SeedOutcome(seed, "finished", ((0.3, 0.1 + 0.2),), "w") for seed in range(2)]
    assert judge(rule(better), same)[0].verdict == "REPRODUCED"  # at least 0, and deterministic


def test_a_verdict_that_its_own_interval_refutes_is_withdrawn() -> None:
    kept = claim(0.93, 0.01)
    good = (0.930, 0.931, 0.929, 0.930, 0.931, 0.929)
    assert one(kept, good).verdict == "REPRODUCED"
    ruling = one(kept, (*good, *[0.1] * 9))
    assert (ruling.verdict, ruling.decided_at, ruling.withdrawn) == ("UNDECIDED", None, True)
    assert ruling.low > ruling.high
    # Without a collapse it stays final, although later scores alone would not decide it.
    later = one(kept, (*good, 0.935, 0.92, 0.94))
    assert (later.verdict, later.withdrawn) == ("REPRODUCED", False)


def test_training_is_deterministic_only_if_all_seeds_have_the_same_weights() -> None:
    same = [SeedOutcome(seed, "finished", ((0.9,),), "w") for seed in range(2)]
    assert is_deterministic(same)
    assert not is_deterministic(same[:1])
    assert not is_deterministic([*same, SeedOutcome(2, "finished", ((0.91,),), "v")])


def test_a_reported_difference_has_noise_whether_or_not_it_was_paired() -> None:
    draw = np.random.default_rng(4)
    trials, accused = 60, 0
    for _ in range(trials):
        common = draw.normal(0, 3, 10)  # correlation .9 of our sides; the paper's had none
        ours, theirs = draw.normal(0, 1, (2, 10)) + common
        reported = float(draw.normal(0, math.sqrt(2 * 10 / 3)))
        kept = claim(reported, 0.0, runs=3, **DIFFERENCE)
        ruling = one(kept, list(zip(ours, theirs, strict=True)))
        accused += ruling.verdict == "NOT REPRODUCED"
    assert accused <= 0.05 * trials + 3 * math.sqrt(0.05 * 0.95 * trials)  # paired alone: 20 of 60
    pairs = [(x + 1 + off, x) for x, off in zip(COMMON, APART, strict=True)]
    assert one(claim(30.0, 0.1, runs=3, **DIFFERENCE), pairs).verdict == "NOT REPRODUCED"
    assert one(claim(-30.0, 0.1, runs=3, **DIFFERENCE), pairs).verdict == "NOT REPRODUCED"


def test_a_difference_of_deterministic_trainings() -> None:
    same = [SeedOutcome(i, "finished", ((0.75, 0.5),), "w") for i in range(2)]
    ruling = judge(rule(claim(0.25, 0.0, **DIFFERENCE)), same)[0]
    assert (ruling.verdict, ruling.scores) == ("REPRODUCED", (0.25, 0.25))


@pytest.mark.parametrize(
    ("value", "tolerance", "score", "verdict"),
    [
        (0.8, 0.1, 0.7, "REPRODUCED"),  # 0.8 - 0.1 is 0.7000000000000001
        (0.9, 0.02, 0.92, "REPRODUCED"),
        (0.8, 0.1, 0.6999, "NOT REPRODUCED"),
    ],
)
def test_one_value_on_the_edge_is_inside_whatever_rounding_says(
    value: float, tolerance: float, score: float, verdict: str
) -> None:
    same = [SeedOutcome(seed, "finished", ((score,),), "the same weights") for seed in range(2)]
    (ruling,) = judge(rule(claim(value, tolerance)), same)
    assert (ruling.verdict, ruling.deterministic) == (verdict, True)
