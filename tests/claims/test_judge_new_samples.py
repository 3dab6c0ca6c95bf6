"""Verdicts on new test samples: they agree with their intervals, and allow for the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from papertrial.claims.claim_evidence import ClaimEvidence
from papertrial.claims.describe_new_samples import both_intervals
from papertrial.claims.evidence_series import evidence_series
from papertrial.claims.explain_decision import explain_decision
from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.failed_seeds import worst_case
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.new_samples import SampleSpread
from papertrial.claims.plan import plan
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import ClaimError


def claim(value: float, tolerance: float = 0.0, **changes: Any) -> JudgedClaim:
    given = {"kind": "expected", "low": value, "high": value, "about": "new-samples", **changes}
    return JudgedClaim("accuracy", "test", value=value, tolerance=tolerance, **given)


def rule(*claims: JudgedClaim, count: int = 15, **changes: Any) -> Rule:
    return Rule(claims, tuple(range(count)), **changes)


def outcomes(
    seeds: NDArray[np.int8], claims: int = 1, *, weights: str = "w{}"
) -> list[SeedOutcome]:
    """Finished seeds from what each scored on each sample [S, N], the same for all claims."""
    return [
        SeedOutcome(
            i,
            "finished",
            ((float(row.mean()),),) * claims,
            weights.format(i),
            correct=(row.astype(np.int8).tobytes(),) * claims,
        )
        for i, row in enumerate(seeds)
    ]


def drawn(
    seed: int, accuracy: float = 0.9, samples: int = 400, seeds: int = 10
) -> NDArray[np.int8]:
    rng = np.random.default_rng(seed)
    wrong = np.arange(samples) >= round(accuracy * samples)
    return (wrong ^ (rng.random((seeds, samples)) < 0.01) ^ True).astype(np.int8)


def differences(seed: int) -> NDArray[np.int8]:
    return drawn(seed, 0.9) - drawn(seed + 1000, 0.8)


def one(of: JudgedClaim, seeds: NDArray[np.int8], **changes: Any) -> Ruling:
    ended = outcomes(seeds)
    if of.has_two_sides:
        ended = [replace(o, scores=((o.scores[0][0] + 0.5, 0.5),)) for o in ended]
    return judge(rule(of, **changes), ended)[0]


def test_the_band_is_moved_by_what_the_samples_may_explain() -> None:
    seeds = drawn(1)
    on_test, new = (
        one(claim(0.9, 0.02, about=about), seeds) for about in ("test-set", "new-samples")
    )
    assert (on_test.verdict, new.verdict) == ("REPRODUCED", "UNDECIDED")
    assert new.low < on_test.low
    assert new.high > on_test.high
    # 90 % of 400 samples, of which a tenth has no other outcome: about 1.96 * .015 at the edges.
    assert new.sample_term == pytest.approx(0.031, abs=0.002)
    assert one(claim(0.9, 0.06), seeds).verdict == "REPRODUCED"
    assert one(claim(0.99, 0.02), seeds).verdict == "NOT REPRODUCED"


def test_the_evidence_is_that_of_the_seeds_at_the_moved_edge() -> None:
    seeds, of = drawn(2), claim(0.85, side="at-least", kind="at-least")
    ended = outcomes(seeds)
    found = ClaimEvidence.of_seeds(rule(of), 0, ended)
    spread = SampleSpread.of([o.correct[0] for o in ended], two_sides=False)
    assert found.threshold("supports", 0.05) == 40.0
    for n in (5, 10):
        moved = claim(float(spread.above(0.85, 0.05)[n - 1]), side="at-least", about="test-set")
        plain = ClaimEvidence.of_seeds(rule(moved), 0, ended[:n])
        e = plain.choice.supports.greater(plain.scores, moved.value)[-1]
        assert e <= found.after("supports", n, 0.05) * (1 + 1e-12)
        if n == 5:
            assert e == pytest.approx(found.after("supports", 5, 0.05), rel=1e-12)


CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"side": "at-least", "kind": "at-least"}, {}),
    ({"side": "at-most", "kind": "at-most"}, {}),
    ({}, {"horizon": "fixed"}),
    ({}, {"sd": GivenSd(0.008, "known"), "first_look": 2}),
    ({"kind": "difference", "side": "at-least"}, {}),
    ({"kind": "better", "side": "at-least", "paired": False}, {}),
]


@pytest.mark.parametrize(("changes", "of_rule"), CASES)
def test_verdicts_agree_with_their_intervals(
    changes: dict[str, Any], of_rule: dict[str, Any]
) -> None:
    rng, seen = np.random.default_rng(4), set()
    gains = changes.get("kind") in ("difference", "better")
    for trial in range(40):
        seeds = differences(trial) if gains else drawn(trial, float(rng.uniform(0.85, 0.95)))
        value = 0.1 if gains else 0.9
        of = claim(value + float(rng.uniform(-0.08, 0.08)), float(rng.uniform(0, 0.08)), **changes)
        ruling = one(of, seeds, **of_rule)
        low, high = of.band
        inside, outside = (
            low <= ruling.low <= ruling.high <= high,
            (ruling.high < low or ruling.low > high),
        )
        expected = "REPRODUCED" if inside else "NOT REPRODUCED" if outside else "UNDECIDED"
        assert ruling.verdict == expected
        within = replace(of, tolerance=ruling.holds_within + 1e-9)
        assert one(within, seeds, **of_rule).verdict == "REPRODUCED"
        seen.add(ruling.verdict)
    assert len(seen) >= 2


def test_equal_scores_do_not_decide_what_the_samples_leave_open() -> None:
    seeds = np.tile(drawn(3, 0.95, 100, 1), (8, 1))
    assert one(claim(0.952, 0.001, step=0.01), seeds).verdict == "UNDECIDED"
    ruling = one(claim(0.95, 0.1), np.ones((8, 200), dtype=np.int8))  # all right, no spread at all
    assert (ruling.verdict, ruling.high) == ("REPRODUCED", 1.0)
    assert 0.95 < ruling.low < 1.0


def test_several_claims_halve_each_level_of_holm() -> None:
    seeds = drawn(1)
    both = rule(claim(0.9, 0.1), claim(0.9, 0.02))
    first, second = judge(both, outcomes(seeds, 2))
    assert (first.verdict, second.verdict) == ("REPRODUCED", "UNDECIDED")
    assert (first.level, second.level) == (0.025, 0.025)
    series = evidence_series(both, outcomes(seeds, 2), (first, second))[0]
    assert series is not None
    assert series.supports == pytest.approx(80.0)
    alone = judge(replace(both, claims=(claim(0.9, 0.02),), alpha=0.025), outcomes(seeds))[0]
    assert (second.low, second.high) == pytest.approx((alone.low, alone.high))


@pytest.mark.parametrize(
    ("value", "tolerance", "verdict"),
    [(0.9, 0.05, "REPRODUCED"), (0.9, 0.01, "UNDECIDED"), (0.99, 0.01, "NOT REPRODUCED")],
)
def test_a_deterministic_training_still_has_chosen_samples(
    value: float, tolerance: float, verdict: str
) -> None:
    of = claim(value, tolerance)
    ended = outcomes(np.tile(drawn(3, 0.9, 400, 1), (2, 1)), weights="same")
    ended = [replace(one, weights="same") for one in ended]
    (ruling,) = judge(rule(of), ended)
    assert (ruling.deterministic, ruling.is_certain) == (True, False)
    assert (ruling.verdict, ruling.decided_at) == (verdict, None if verdict == "UNDECIDED" else 2)
    assert ruling.low < ruling.mean < ruling.high
    words = dict(explain_decision(of, ruling, rule(of), None))
    assert words["The result"].endswith(f": {verdict}.")
    assert "more test samples" in words["What would have changed it"]


def test_results_of_samples_are_required() -> None:
    ended = [replace(o, correct=()) for o in outcomes(drawn(1))]
    with pytest.raises(ClaimError, match="0 of 10 seeds have them"):
        judge(rule(claim(0.9, 0.02)), ended)
    # not for a claim on this test set
    assert judge(rule(claim(0.9, 0.02, about="test-set")), ended)[0].verdict == "REPRODUCED"


def test_a_failed_seed_counts_in_the_worst_case_as_one_without_a_right_sample() -> None:
    ended = [*outcomes(drawn(1)), SeedOutcome(10, "diverged", error="loss is nan")]
    assert worst_case(rule(claim(0.9, 0.06)), ended) == ("REPRODUCED",)  # final before the failure
    first = [replace(ended[-1], seed=15), *ended[:-1]]
    of = rule(claim(0.9, 0.06), count=16)
    assert judge(of, first)[0].verdict == "REPRODUCED"
    assert worst_case(of, first) == ("UNDECIDED",)


def words_of(of: JudgedClaim, seeds: NDArray[np.int8]) -> tuple[str, Sequence[str]]:
    ended = outcomes(seeds)
    (ruling,) = judge(rule(of), ended)
    (series,) = evidence_series(rule(of), ended, (ruling,))
    steps = explain_decision(of, ruling, rule(of), series)
    return explain_ruling(of, ruling, rule(of)), [answer for _, answer in steps]


def test_words_name_the_new_samples_only_where_the_claim_does() -> None:
    why, steps = words_of(claim(0.9, 0.06), drawn(1))
    assert "expected test accuracy on new test samples is" in why
    assert "40 = 1/2.5 %" in " ".join(steps)
    why, steps = words_of(claim(0.9, 0.06, about="test-set"), drawn(1))
    assert "new" not in why
    assert "new test samples" not in " ".join(steps)
    assert "20 = 1/5 %" in " ".join(steps)


def test_a_tolerance_below_the_sample_term_needs_more_samples_not_seeds() -> None:
    why, _ = words_of(claim(0.9, 0.02), drawn(1))
    assert "more test samples can" in why
    why, _ = words_of(claim(0.9, 0.034), drawn(1, seeds=5))
    assert "a decision takes about" in why


@pytest.mark.parametrize(
    "changes", [{}, {"kind": "single-run", "runs": 1}, {"kind": "best-of", "runs": 3}]
)
def test_both_intervals_are_described_for_every_kind(changes: dict[str, Any]) -> None:
    ended = outcomes(drawn(1))
    known = [o.correct[0] or b"" for o in ended]
    of = claim(0.9, 0.06, **{**changes, "about": "test-set"})
    both = both_intervals(rule(of), 0, ended, known, 0.05)
    assert both is not None
    assert (both.seeds, both.samples, both.level) == (10, 400, 0.05)
    on_test, new = (
        one(claim(0.9, 0.06, about=about), drawn(1)) for about in ("test-set", "new-samples")
    )
    assert both.on_test_set == pytest.approx((on_test.low, on_test.high))
    assert both.on_new_samples == pytest.approx((new.low, new.high))
    assert both_intervals(rule(of), 0, ended[:4], known[:4], 0.05) is None
    same = [replace(o, weights="same", scores=((0.9,),)) for o in ended[:2]]
    certain = both_intervals(rule(of), 0, same, known[:2], 0.05)
    assert certain is not None
    assert certain.on_test_set == (0.9, 0.9)
    assert certain.on_new_samples[0] < 0.9 < certain.on_new_samples[1]


def test_a_plan_has_half_the_level_and_the_largest_sample_term() -> None:
    plain, halved, moved = (
        plan(claim(0.9, 0.03, **changes), rule(claim(0.9)), spreads=[0.02])[0]
        for changes in (
            {"about": "test-set"},
            {},
            {"step": 1 / 2_000},
        )
    )
    alone = plan(claim(0.9, 0.03, about="test-set"), rule(claim(0.9), alpha=0.025), spreads=[0.02])[
        0
    ]
    assert halved == alone
    assert plain.decided > halved.decided > moved.decided
    assert moved.detects is not None
    assert halved.detects is not None
    # At .87, of 2,000 samples: 1.96 * sqrt(.87 * .13 / 2000).
    assert moved.detects - halved.detects == pytest.approx(0.01474, abs=2e-4)
    impossible = plan(claim(0.9, 0.03, step=1 / 100), rule(claim(0.9)), spreads=[0.02])[0]
    assert (impossible.decided, impossible.median) == (0.0, None)
    assert math.isclose(impossible.ratio, 1.5)
