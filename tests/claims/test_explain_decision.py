"""How a claim was decided, step by step: which questions are answered, with which numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from papertrial.claims.decision_steps import (
    ALLOWED,
    CHANGE,
    CLAIMED,
    COUNTED,
    DECIDED,
    ENOUGH,
    INTERVAL,
    MEASURED,
    RESULT,
)
from papertrial.claims.evidence_series import evidence_series
from papertrial.claims.explain_decision import explain_decision
from papertrial.claims.explain_without_seeds import explain_exact, explain_not_judged
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.seed_outcome import SeedOutcome

FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)  # mean 94, SD .158
WHOLE = [CLAIMED, ALLOWED, MEASURED, COUNTED, ENOUGH, RESULT, INTERVAL, CHANGE]
SHORT = [CLAIMED, ALLOWED, MEASURED, DECIDED, CHANGE]


def numbers(text: str) -> list[str]:
    return re.findall(r"[0-9][0-9.,]*[0-9]|[0-9]", text)


def told(
    value: float, tolerance: float, scores: Sequence[Any] = FIVE, **changes: Any
) -> dict[str, str]:
    """The steps on one claim, by their questions."""
    keys = ("statistic", "horizon", "max_diverged", "sd", "first_look")
    by = {key: changes.pop(key) for key in keys if key in changes}
    weights, bad, others = (
        changes.pop(k, d) for k, d in (("weights", "w{}"), ("bad", 0), ("others", 0))
    )
    unknown = changes.pop("runs_unknown", False)
    metric = changes.pop("metric", "accuracy")
    given = {"kind": "mean", "low": value, "high": value, **changes}
    claim = JudgedClaim(metric, "test", value=value, tolerance=tolerance, **given)
    rule = Rule((claim,) * (1 + others), tuple(range(15)), **by)
    ended = [SeedOutcome(99 + i, "diverged") for i in range(bad)]
    for i, score in enumerate(scores):
        row = score if isinstance(score, tuple) else (score,)
        ended.append(SeedOutcome(i, "finished", (row,) * (1 + others), weights.format(i)))
    rulings = judge(rule, ended)
    series = evidence_series(rule, ended, rulings)
    return dict(explain_decision(claim, rulings[0], rule, series[0], runs_unknown=unknown))


def test_a_reproduced_claim_is_explained_from_the_claim_to_the_verdict() -> None:
    steps = told(94.0, 0.5, low=93.95, high=94.05)
    assert list(steps) == WHOLE
    assert numbers(steps[CLAIMED]) == ["94"]
    assert numbers(steps[ALLOWED]) == ["93.45", "94.55", "0.5", "93.95", "94.05"]
    assert numbers(steps[MEASURED]) == ["5", "94.00", "0.16"]  # seeds, mean, SD
    assert numbers(steps[ENOUGH]) == ["20", "1", "5", "5"]  # 20 = 1/5 %; at most 5 %
    assert numbers(steps[RESULT]) == ["5", "36.5", "20"]  # seeds, evidence, threshold
    assert "evidence for the claim" in steps[RESULT]
    assert steps[RESULT].endswith("so the claim is REPRODUCED.")
    assert numbers(steps[INTERVAL]) == ["93.64", "94.36", "5"]
    assert "inside the band" in steps[INTERVAL]
    assert numbers(steps[CHANGE]) == ["0.32"]  # .3114, rounded up
    assert steps[CHANGE].endswith("or more, and UNDECIDED with less.")


def test_an_interval_beyond_the_values_of_a_metric_is_explained() -> None:
    near = (0.985, 0.999, 0.991, 0.997, 0.979)
    above = told(0.99, 0.02, near)[INTERVAL]
    assert max(map(float, numbers(above)[:2])) > 1
    assert "can reach above 1" in above
    below = told(0.01, 0.02, [1 - score for score in near], metric="mine", unit="fraction")
    assert "can reach" not in below[INTERVAL]  # own fractions may be negative
    least = told(0.01, 0.02, [1 - score for score in near])[INTERVAL]
    assert "can reach below 0" in least
    apart = told(0.01, 0.05, [(score, 0.98) for score in near], kind="difference", runs=5)
    assert "can reach" not in apart[INTERVAL]  # a difference may be negative


def test_an_interval_without_a_width_is_explained() -> None:
    equal = [0.75] * 5
    assert "All scores are equal" in told(0.75, 0.01, equal)[INTERVAL]
    assert "All scores are equal" not in told(0.75, 0.01, equal, step=0.001)[INTERVAL]


def test_evidence_is_explained_where_it_is_first_named() -> None:
    steps = told(94.0, 0.5)
    assert "how many times more probable our scores are" in steps[COUNTED]
    assert "expected test accuracy lies in the band" in steps[COUNTED]
    assert "e-value" not in " ".join(steps.values())


def test_a_refuted_claim() -> None:
    steps = told(93.3, 0.3)
    assert list(steps) == WHOLE
    assert numbers(steps[RESULT]) == ["5", "23.7", "20"]
    assert "evidence against the claim" in steps[RESULT]
    assert steps[RESULT].endswith("so the claim is NOT REPRODUCED.")
    assert "outside the band" in steps[INTERVAL]
    # REPRODUCED from 1.0614 on, which is rounded up; NOT REPRODUCED to .3386, rounded down.
    assert numbers(steps[CHANGE]) == ["1.07", "0.33"]


def test_an_undecided_claim_says_what_a_decision_takes() -> None:
    steps = told(94.0, 0.1)
    assert list(steps) == WHOLE
    assert numbers(steps[RESULT]) == ["5", "1.63", "0.206"]
    assert "UNDECIDED" in steps[RESULT]
    assert "partly inside the band" in steps[INTERVAL]
    # Tolerance; SD, seeds that a decision takes, seeds so far.
    assert numbers(steps[CHANGE]) == ["0.37", "0.16", "24", "5"]


@pytest.mark.parametrize(
    ("changes", "claimed"),
    [
        ({}, "expected test accuracy, the mean over very many runs, is 94"),
        ({"kind": "expected"}, "expected test accuracy, the mean over very many runs, is 94"),
        ({"runs": 1, "runs_unknown": True}, "does not say how many runs: counted as one"),
        ({"runs": 3}, "mean test accuracy of 3 runs is 94"),
        ({"runs": 1, "kind": "single-run"}, "single run has a test accuracy of 94"),
        ({"runs": 5, "kind": "best-of"}, "best of 5 runs has a test accuracy of 94"),
        ({"kind": "at-least", "side": "at-least"}, "test accuracy is at least 94"),
        ({"kind": "at-most", "side": "at-most"}, "test accuracy is at most 94"),
        ({"best_epoch_on_test": True}, "epoch that was best on the test split"),
    ],
)
def test_each_kind_says_what_was_claimed(changes: dict[str, Any], claimed: str) -> None:
    steps = told(94.0, 0.5, **changes)
    assert list(steps) == WHOLE
    assert claimed in steps[CLAIMED]


def test_a_difference_is_about_both_sides() -> None:
    pairs = [(1 + x, x / 10) for x in (0.01, 0.03, 0.02, 0.05, 0.04)]
    steps = told(1.0, 0.2, pairs, kind="difference")
    assert "difference in test accuracy" in steps[CLAIMED]
    assert "finished on both sides" in steps[MEASURED]
    assert "mean difference is 1.027" in steps[MEASURED]


def test_a_reported_number_with_noise_is_refuted_by_another_comparison() -> None:
    steps = told(93.3, 0.3, kind="single-run", runs=1)
    assert "a single run of our distribution" in steps[COUNTED]
    assert numbers(steps[RESULT]) == ["5", "0.153", "3.76"]
    median = told(94.0, 0.5, FIVE * 2, runs=3, statistic="median")
    assert "no evidence against this claim" in median[COUNTED]
    assert "against" not in median[RESULT]


def test_the_median_is_named_and_is_valid_for_any_distribution() -> None:
    steps = told(94.0, 1.0, statistic="median")
    assert "median score is 94.00" in steps[MEASURED]
    assert "median test accuracy lies in the band" in steps[COUNTED]
    assert "any continuous distribution" in steps[ENOUGH]
    assert "The median test accuracy is 93.80 to 94.20" in steps[INTERVAL]
    wide = told(94.0, 1.0, statistic="median", others=1)
    assert "do not yet limit" in wide[INTERVAL]
    assert "no tolerance decides the claim" in wide[CHANGE]
    assert "REPRODUCED with a tolerance of ± 0.20 or more" in steps[CHANGE]


def test_thresholds_of_a_fixed_maximum_and_of_several_claims() -> None:
    fixed = told(94.0, 0.5, horizon="fixed")
    assert numbers(fixed[ENOUGH])[:2] == ["8.47", "15"]
    assert "simulation" in fixed[ENOUGH]
    two = told(94.0, 0.5, others=1)
    assert numbers(two[ENOUGH])[:4] == ["40", "1", "2.5", "2.5"]
    assert "2 claims of this verification share" in two[ENOUGH]
    assert numbers(two[RESULT]) == ["5", "32.6", "0.151"]  # less than 40
    noisy = told(94.0, 0.5, horizon="fixed", runs=1, kind="single-run")
    assert "for the claim and" in noisy[ENOUGH]


def test_the_error_of_a_refutation_is_twice_alpha_at_most() -> None:
    assert "at most twice" in told(94.0, 0.5)[ENOUGH]
    assert "twice" not in told(93.5, 0.1, kind="at-least", side="at-least")[ENOUGH]


def test_a_tolerance_may_refute_but_none_may_confirm() -> None:
    # The sign test of the best of five bounds the number from below alone.
    steps = told(93.0, 0.1, FIVE * 2, kind="best-of", runs=5, statistic="median")
    assert steps[INTERVAL].startswith("The best of 5 runs' test accuracy is at least")
    assert "no tolerance decides the claim" in steps[CHANGE]
    # A single run's noise keeps its number from being confirmed long after it can be refuted.
    steps = told(93.0, 0.1, kind="single-run", runs=1)
    assert "no tolerance decides the claim" not in steps[CHANGE]


def test_no_tolerance_is_needed() -> None:
    steps = told(93.5, 0.1, kind="at-least", side="at-least")
    assert "with every tolerance" in steps[CHANGE]


def test_evidence_at_its_limit_is_marked() -> None:
    steps = told(94.0, 50.0, FIVE * 3, bad=4)  # undecided, because too many seeds failed
    assert numbers(steps[RESULT])[:2] == ["15", "1,000,000"]
    assert "1,000,000 or more" in steps[RESULT]


def test_before_the_first_look() -> None:
    steps = told(94.0, 0.5, FIVE[:3])
    assert list(steps) == SHORT
    assert numbers(steps[DECIDED]) == ["5", "3"]
    assert "UNDECIDED" in steps[DECIDED]
    assert numbers(steps[CHANGE]) == ["5"]
    (one,) = [told(94.0, 0.5, FIVE[:1])[MEASURED]]
    assert numbers(one) == ["1", "93.8"]
    nothing = told(94.0, 0.5, ())
    assert list(nothing) == SHORT
    assert "No seed finished" in nothing[MEASURED]


def test_too_many_failed_seeds() -> None:
    steps = told(94.0, 0.5, bad=2)
    assert "More seeds failed than the 20 %" in steps[RESULT]
    assert "UNDECIDED" in steps[RESULT]
    assert "At most 20 % of the seeds may fail" in steps[CHANGE]
    early = told(94.0, 0.5, FIVE[:3], bad=3)
    assert list(early) == SHORT
    assert "More seeds failed than the 20 %" in early[DECIDED]


def test_scores_that_contradict_each_other() -> None:
    scores = (*FIVE, *[99.0 + x / 100 for x in range(10)])
    steps = told(97.0, 1.0, scores * 4)
    assert "agrees with the scores at all looks" in steps[INTERVAL]


def test_a_verdict_that_was_withdrawn() -> None:
    steps = told(94.0, 0.5, (*FIVE, *[99.0 + x / 100 for x in range(60)]))
    assert list(steps) == WHOLE
    assert numbers(steps[RESULT]) == ["5", "65"]  # REPRODUCED after, withdrawn after
    assert "withdrawn" in steps[RESULT]
    assert "UNDECIDED, and stays so" in steps[RESULT]
    assert "claim is REPRODUCED" not in steps[CHANGE]
    assert "do not change the verdict" in steps[CHANGE]


def test_which_side_is_better() -> None:
    pairs = [(1 + x, x / 10) for x in (0.01, 0.03, 0.02, 0.05, 0.04)]
    steps = told(0.0, 0.0, pairs, kind="better", side="at-least")
    assert "better on our side than on the other" in steps[CLAIMED]
    assert "above 0" in steps[CLAIMED]
    assert steps[ALLOWED].startswith("At least 0: any gain")
    assert steps[RESULT].endswith("so the claim is REPRODUCED.")
    worse = told(0.0, 0.0, [(y, x) for x, y in pairs], kind="better", side="at-least")
    assert worse[RESULT].endswith("so the claim is NOT REPRODUCED.")


def test_an_sd_that_is_not_that_of_our_scores() -> None:
    known = told(94.0, 0.5, FIVE[:2], sd=GivenSd(0.15, "known"), first_look=2)
    assert "taken as known: 0.15" in known[MEASURED]
    assert "sub-Gaussian scores with an SD of at most 0.15" in known[ENOUGH]
    paper = told(94.0, 0.5, sd=GivenSd(0.15, "paper", 4))
    assert "4 runs, 0.15, is pooled" in paper[MEASURED]
    larger = told(94.0, 0.5, runs=3, reported_sd=0.4)
    assert "0.4, is larger than ours, 0.16" in larger[COUNTED]
    assert "larger than ours" not in told(94.0, 0.5, runs=3, reported_sd=0.1)[COUNTED]
    coarse = told(94.0, 0.5, (94.0,) * 5, step=0.01)
    assert "steps of 0.01" in coarse[COUNTED]
    assert "steps of" not in told(94.0, 0.5, step=0.01)[COUNTED]


def test_a_deterministic_training() -> None:
    steps = told(94.0, 0.5, (93.9,) * 2, weights="w")
    assert list(steps) == SHORT
    assert "same weights" in steps[MEASURED]
    assert numbers(steps[DECIDED]) == ["93.9"]
    assert "inside the band: REPRODUCED" in steps[DECIDED]
    assert numbers(steps[CHANGE]) == ["0.1"]
    far = told(94.0, 0.05, (93.9,) * 2, weights="w")
    assert "outside the band: NOT REPRODUCED" in far[DECIDED]
    failed = told(94.0, 0.5, (93.9,) * 2, weights="w", bad=1)
    assert "more seeds failed than the 20 %" in failed[DECIDED]
    assert "UNDECIDED" in failed[DECIDED]


def test_exact_claims() -> None:
    equal = dict(explain_exact("parameters 4,810", 4810, 4810, 4810, "REPRODUCED"))
    assert list(equal) == SHORT
    assert equal[CLAIMED] == "Parameters 4,810."
    assert equal[ALLOWED] == "Exactly 4,810."
    assert equal[DECIDED] == "Our count equals it: REPRODUCED."
    other = dict(explain_exact("parameters 4,810", 4810, 4810, 4811, "NOT REPRODUCED"))
    assert "another number: NOT REPRODUCED" in other[DECIDED]
    short = dict(explain_exact("parameters 270,000", 265000, 275000, 269722, "REPRODUCED"))
    assert numbers(short[ALLOWED]) == ["265,000", "275,000"]
    assert "one of them: REPRODUCED" in short[DECIDED]
    outside = dict(explain_exact("parameters 270,000", 265000, 275000, 1, "NOT REPRODUCED"))
    assert "outside: NOT REPRODUCED" in outside[DECIDED]


def test_claims_that_are_not_judged() -> None:
    steps = dict(explain_not_judged("test accuracy 0.9", "the setting differs: epochs=1"))
    assert list(steps) == [CLAIMED, DECIDED, CHANGE]
    assert "Not judged: the setting differs: epochs=1." in steps[DECIDED]


def test_the_cost_is_told_with_the_sd_that_decides() -> None:
    known = GivenSd(0.5, "known")
    text = told(94.0, 0.3, FIVE, kind="expected", sd=known, first_look=2)[CHANGE]
    assert "SD of 0.50 between seeds" in text
    tied = told(94.0, 0.3, (94.0,) * 5, kind="expected", sd=known, first_look=2)[CHANGE]
    assert "SD of 0.50 between seeds" in tied  # equal scores say nothing of the SD


@pytest.mark.parametrize(
    ("kind", "scores"), [("at-least", FIVE), ("better", [(one, 0.5) for one in FIVE])]
)
def test_a_bound_has_no_tolerance_to_change(kind: str, scores: Sequence[Any]) -> None:
    steps = told(93.0, 0.0, scores, kind=kind, side="at-least")
    assert "tolerance" not in steps[ALLOWED] + steps[CHANGE]
    assert "bound" in steps[CHANGE]
