"""Why a claim is decided as it is: which numbers a reader is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome

FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)  # mean 94, SD .158


def numbers(text: str) -> list[str]:
    return re.findall(r"[0-9][0-9.,]*[0-9]|[0-9]", text)


def why(value: float, tolerance: float, scores: Sequence[Any] = FIVE, **changes: Any) -> str:
    by = {key: changes.pop(key) for key in ("statistic", "max_diverged") if key in changes}
    weights, bad = changes.pop("weights", "w{}"), changes.pop("bad", 0)
    count = changes.pop("count", 15)
    given = {"kind": "mean", "low": value, "high": value, **changes}
    claim = JudgedClaim("accuracy", "test", value=value, tolerance=tolerance, **given)
    rule = Rule((claim,), tuple(range(count)), **by)
    outcomes = [
        SeedOutcome(i, "finished", (s if isinstance(s, tuple) else (s,),), weights.format(i))
        for i, s in enumerate(scores)
    ]
    outcomes += [SeedOutcome(99 + i, "diverged") for i in range(bad)]
    return explain_ruling(claim, judge(rule, outcomes)[0], rule)


def test_why_it_holds() -> None:
    said = why(94.0, 0.5)
    assert "inside the band" in said
    assert "expected test accuracy" in said
    assert numbers(said) == ["5", "93.64", "94.36", "93.5", "94.5"]  # seeds, interval, band
    bound = why(93.5, 0.1, kind="at-least", side="at-least")
    assert "inside the band (at least 93.4)" in bound


def test_why_it_does_not_hold() -> None:
    said = why(93.3, 0.3)
    assert "outside the band" in said
    assert numbers(said) == ["5", "93.64", "94.36", "93", "93.6"]
    assert "(at most 93.6)" in why(93.5, 0.1, kind="at-most", side="at-most")


def test_a_reported_number_with_noise_is_named() -> None:
    for runs, source in ((1, "a single run"), (3, "a mean of 3 runs")):
        said = why(80.0, 0.3, kind="single-run" if runs == 1 else "mean", runs=runs)
        assert source in said
        assert "79.7 to 80.3" in said
        assert "93.64 to 94.36" in said


def test_each_statistic_says_what_it_is_about() -> None:
    pairs = [(1 + x, x / 10) for x in (0.01, 0.03, 0.02, 0.05, 0.04)]
    assert "expected difference in test accuracy is 0.99" in why(1.0, 0.2, pairs, kind="difference")
    best = why(94.0, 1.0, FIVE * 2, kind="best-of", runs=5)
    assert "best of 5 runs' test accuracy is 94.04 to 94.50" in best
    by_median = why(94.0, 0.3, statistic="median")
    assert "median test accuracy is 93.80 to 94.20, inside" in by_median


def test_undecided_says_about_how_many_seeds_a_decision_takes() -> None:
    said = why(94.0, 0.0158)
    assert numbers(said) == ["5", "93.64", "94.36", "93.9842", "94.0158", "0.16", "1,176"]
    assert "more than 100,000 seeds" in why(94.0, 1e-6)
    printed = why(94.0, 0.0, low=93.95, high=94.05)  # the printed digits are a tolerance too
    assert "about 97 seeds" in printed
    assert "without a tolerance" in why(94.0, 0.0)
    assert "seeds can show" in why(94.0, 0.0)


def test_undecided_of_a_bound_counts_from_the_bound() -> None:
    # Seen from the mean, 94, both bounds of the band are .2 away.
    inside = why(93.9, 0.1, kind="at-least", side="at-least")
    outside = why(94.3, 0.1, kind="at-least", side="at-least")
    for said in (inside, outside):
        assert "about 8 seeds if the mean stays" in said
    on = why(1.0, 0.0, (1.0,) * 5, kind="at-least", side="at-least")
    assert "exactly on the bound" in on


def test_undecided_says_that_one_run_may_be_so() -> None:
    said = "compatible with one run"
    assert said in why(93.9, 0.3, kind="single-run", runs=1)
    assert said in why(93.69, 0.0, kind="single-run", runs=1)  # 1.96 SD away
    assert said not in why(93.6, 0.0, kind="single-run", runs=1)
    assert said not in why(93.9, 0.3, runs=3)
    disjoint = why(93.3, 0.3, kind="single-run", runs=1)
    assert "the noise of a single run" in disjoint


def test_why_nothing_is_decided() -> None:
    assert numbers(why(94.0, 0.5, FIVE[:3])) == ["3", "5"]
    assert "the 20 % that" in why(94.0, 0.3, bad=2)
    assert "the 12.5 % that" in why(94.0, 0.3, bad=2, max_diverged=0.125)
    # A verdict from before they failed stands, and so does its reason.
    assert why(94.0, 0.5, bad=2) == why(94.0, 0.5)


def test_why_of_a_deterministic_training() -> None:
    said = why(2548.07, 0.1, (2548.07,) * 2, weights="w")
    assert "same weights" in said
    assert "2548.07 is inside the band (2547.97 to 2548.17)" in said
    far = why(2548.07, 0.1, (2549.0,) * 2, weights="w")
    assert "2549 is outside the band (2547.97 to 2548.17)" in far


def test_scores_that_contradict_each_other_over_the_seeds() -> None:
    said = why(97.0, 1.0, (*FIVE, *[99.0 + x / 100 for x in range(60)]), count=65)
    assert "no value agrees with all looks" in said


def test_equal_scores_and_scores_that_hardly_differ() -> None:
    assert numbers(why(0.9, 0.01, (0.9,) * 5)) == ["5", "0.9", "0.9", "0.89", "0.91"]
    tiny = [1e-5 + i * 1e-7 for i in range(5)]
    said = why(1e-5, 1e-6, tiny)
    assert "9.84e-06 to 1.056e-05" in said
    assert "9e-06 to 1.1e-05" in said
