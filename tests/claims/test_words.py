"""What a person reads of a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from papertrial.claims import words
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.judge import judge
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.rule import Rule

FIVE = (93.8, 94.1, 94.0, 94.2, 93.9)  # mean 94, SD .158


def why(value: float, tolerance: float, scores: Sequence[Any] = FIVE, **changes: Any) -> str:
    by = {key: changes.pop(key) for key in ("statistic", "max_diverged") if key in changes}
    weights, bad = changes.pop("weights", "w{}"), changes.pop("bad", 0)
    given = {"kind": "mean", "low": value, "high": value, **changes}
    claim = Claim("accuracy", "test", value=value, tolerance=tolerance, **given)
    rule = Rule((claim,), tuple(range(15)), **by)
    outcomes = [
        SeedOutcome(i, "finished", (s if isinstance(s, tuple) else (s,),), weights.format(i))
        for i, s in enumerate(scores)
    ]
    outcomes += [SeedOutcome(99 + i, "diverged") for i in range(bad)]
    return words.why(claim, judge(rule, outcomes)[0], rule)


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (0.64823456, 0.0041, "0.6482"),  # two digits of the spread
        (0.64823456, 0.41, "0.65"),
        (93.98765, 0.158, "93.99"),
        (2859.6912, 120.3, "2860"),
        (2859.6912, 1.2, "2859.7"),
        (0.64823456, 1e-9, "0.648235"),  # six digits of the number at most
        (2859.6912, 1e-9, "2859.69"),
        (1.2345e-4, 1e-6, "0.0001234"),
        (1.2345e-6, 1e-8, "1.234e-06"),
        (1e-9, 1e-9, "1.0e-09"),
        (-0.00001, 0.01, "0.000"),  # no -0
        (0.0, 0.01, "0.000"),
        (1.5e12, 1e9, "1.5000e+12"),
        (1234567.0, 1000.0, "1234567"),
        (0.646, None, "0.646"),
        (0.646, 0.0, "0.646"),
        (0.646, math.nan, "0.646"),
        (math.inf, 0.1, "inf"),
        (-math.inf, None, "-inf"),
        (math.nan, None, "nan"),
    ],
)
def test_a_number_has_the_digits_that_its_spread_leaves(value, spread, shown) -> None:
    assert words.number(value, spread) == shown


def test_intervals_and_shares() -> None:
    inf = math.inf
    assert words.between(0.5, 0.75) == "0.5 to 0.75"
    assert words.between(-inf, 0.75) == "at most 0.75"
    assert words.between(0.5, inf, 0.1) == "at least 0.50"
    assert words.between(-inf, inf) == "any value"
    assert [words.percent(x) for x in (0.05, 0.025, 0.2, 0.005)] == [
        "5 %",
        "2.5 %",
        "20 %",
        "0.5 %",
    ]


def test_one_verdict_for_several_claims() -> None:
    yes, no, open_ = "REPRODUCED", "NOT REPRODUCED", "UNDECIDED"
    assert words.overall([yes, yes]) == yes
    assert words.overall([yes, open_]) == open_
    assert words.overall([open_, no, yes]) == no
    assert words.overall([]) == open_


def test_the_headline_is_about_the_recipe() -> None:
    def headline(verdict: Any, count: int = 1, n: int = 6, deviations: Sequence[str] = ()) -> str:
        return words.headline("digits", verdict, count, n, deviations)

    assert headline("REPRODUCED") == (
        "REPRODUCED: the claim of digits holds, as written here, on 6 seeds."
    )
    assert headline("REPRODUCED", 3, 1) == (
        "REPRODUCED: all 3 claims of digits hold, as written here, on 1 seed."
    )
    assert headline("REPRODUCED", 1, 0).endswith("holds, as written here, without training.")
    assert headline("REPRODUCED", deviations=["SGD in place of Adam"]) == (
        "REPRODUCED WITH DEVIATIONS: the claim of digits holds, as written here, on 6 seeds. "
        "It departs from the paper in 1 respect."
    )
    assert headline("REPRODUCED", deviations=["a", "b"]).endswith("in 2 respects.")
    assert headline("NOT REPRODUCED", deviations=["a"]) == (
        "NOT REPRODUCED: trained as written here, digits does not give the reported number; "
        "the claim fails, on 6 seeds."
    )
    assert headline("NOT REPRODUCED", 2, 0) == (
        "NOT REPRODUCED: as written here, digits does not give the reported number; "
        "at least one of 2 claims fails, without training."
    )
    assert headline("UNDECIDED", 1, 15) == (
        "UNDECIDED: 15 seeds of digits neither confirm nor refute the claim."
    )
    assert headline("UNDECIDED", 2, 1).endswith("neither confirms nor refutes some of 2 claims.")
    assert headline("UNDECIDED", 1, 0) == (
        "UNDECIDED: no seed of digits finished; nothing can be said of the claim."
    )


OURS = "the expected test accuracy is 93.64 to 94.36 after 5 seeds"


def test_why_it_holds_or_does_not() -> None:
    assert why(94.0, 0.5) == f"{OURS}, inside the band, 93.50 to 94.50"
    assert why(93.3, 0.3) == f"{OURS}, outside the band, 93.00 to 93.60"
    assert why(93.5, 0.1, kind="at-least", side="at-least") == (
        f"{OURS}, inside the band, at least 93.40"
    )
    assert why(93.5, 0.1, kind="at-most", side="at-most") == (
        f"{OURS}, outside the band, at most 93.60"
    )


def test_why_of_other_kinds() -> None:
    for runs, said in ((1, "a single run"), (3, "a mean of 3 runs")):
        kind = {"kind": "single-run" if runs == 1 else "mean", "runs": runs}
        assert why(80.0, 0.3, **kind) == (
            f"{OURS}; {said} from the same distribution would not lie so far off, "
            "79.70 to 80.30 being allowed"
        )
    pairs = [(1 + x, x / 10) for x in (0.01, 0.03, 0.02, 0.05, 0.04)]
    assert why(1.0, 0.2, pairs, kind="difference").startswith(
        "the expected difference in test accuracy is 0.99"
    )
    assert why(94.0, 1.0, FIVE * 2, kind="best-of", runs=5).startswith(
        "the best of 5 runs' test accuracy is 94.04 to 94.50 after 10 seeds, inside"
    )
    by_median = why(94.0, 0.3, statistic="median")
    assert by_median.startswith("the median test accuracy may be any value after 5 seeds, the band")
    assert "about 10 seeds to tell" in by_median  # 6 by the mean


def test_undecided_says_about_how_many_seeds_it_would_take() -> None:
    assert why(94.0, 0.0158) == (
        f"{OURS}, the band is 93.98 to 94.02; with a spread of 0.16 between seeds it would take "
        "about 1,176 seeds to tell, if the claim is exactly right"
    )
    assert "it would take more than 100,000 seeds to tell" in why(94.0, 1e-6)
    printed = why(94.0, 0.0, low=93.95, high=94.05)  # the printed digits are a tolerance too
    assert "it would take about 97 seeds" in printed
    assert why(94.0, 0.0).endswith(
        "without a tolerance no number of seeds can show that a number is exactly right"
    )


def test_undecided_of_a_bound_counts_from_the_bound() -> None:
    # Seen from the mean, 94, both bounds of the band are .2 away.
    inside = why(93.9, 0.1, kind="at-least", side="at-least")
    outside = why(94.3, 0.1, kind="at-least", side="at-least")
    for said in (inside, outside):
        assert said.endswith("about 8 seeds to tell, if the mean stays where it is")
    on = why(1.0, 0.0, (1.0,) * 5, kind="at-least", side="at-least")
    assert on.endswith("no number of seeds can tell of a mean that lies on the bound itself")


def test_undecided_says_that_one_run_may_be_so() -> None:
    said = "; the reported number is compatible with one run;"
    assert said in why(93.9, 0.3, kind="single-run", runs=1)
    assert said in why(93.69, 0.0, kind="single-run", runs=1)  # 1.96 SD away
    assert said not in why(93.6, 0.0, kind="single-run", runs=1)
    assert said not in why(93.9, 0.3, runs=3)


def test_why_nothing_is_decided() -> None:
    assert why(94.0, 0.5, FIVE[:3]) == "3 finished seeds; nothing is decided before 5"
    assert why(94.0, 0.3, bad=2) == ("more seeds failed than the 20 % that were allowed beforehand")
    assert "the 12.5 % that" in why(94.0, 0.3, bad=2, max_diverged=0.125)
    # What was decided before they failed stands, and so does its reason.
    assert why(94.0, 0.5, bad=2) == f"{OURS}, inside the band, 93.50 to 94.50"


def test_why_of_a_deterministic_training() -> None:
    said = "other seeds give the same weights, so one value decides: 2548.07 is"
    band = "the band, 2547.97 to 2548.17"
    assert why(2548.07, 0.1, (2548.07,) * 2, weights="w") == f"{said} inside {band}"
    far = why(2548.07, 0.1, (2549.0,) * 2, weights="w")
    assert far == f"{said.replace('2548.07', '2549')} outside {band}"


def test_equal_scores_and_scores_that_hardly_differ() -> None:
    assert why(0.9, 0.01, (0.9,) * 5) == (
        "the expected test accuracy is 0.9 to 0.9 after 5 seeds, inside the band, 0.89 to 0.91"
    )
    tiny = [1e-5 + i * 1e-7 for i in range(5)]
    assert why(1e-5, 1e-6, tiny) == (
        "the expected test accuracy is 9.84e-06 to 1.056e-05 after 5 seeds, inside the band, "
        "9.00e-06 to 1.100e-05"
    )


CLAIM = Claim("accuracy", "test", "mean", 94.0, 0.5, 94.0, 94.0)


def test_the_rule_in_words() -> None:
    lines = words.rule_lines(Rule((CLAIM, CLAIM), tuple(range(3, 18))), ["A", "B"])
    assert lines == [
        "claim 1: A; band 93.5 to 94.5",
        "claim 2: B; band 93.5 to 94.5",
        "statistic: the mean over seeds; each side errs with a chance of at most 5 % (an e-value "
        "of 1/0.05 = 20); Holm's procedure over 2 claims, for each verdict apart",
        "prior on (mean - edge)/SD: normal with precision 1; valid at any number of seeds, so that "
        "stopping for any reason is harmless",
        "seeds: 3 to 17, in this order; first look after 5 finished ones, at most 15",
        "diverged: a loss, an output or a claimed metric that is no finite number; crashed: the "
        "worker died twice; at most 20 % of the seeds may be either",
    ]


def test_the_rule_in_words_where_it_is_another() -> None:
    seeds = (3, 1, 4, 15, 9)
    rule = Rule((CLAIM,), seeds, alpha=0.025, statistic="median", horizon="fixed")
    lines = words.rule_lines(rule, ["A"])
    assert lines[1] == (
        "statistic: the median over seeds; each side errs with a chance of at most 2.5 % (an "
        "e-value that chance reaches as rarely in 5 seeds, by simulation)"
    )
    assert lines[2] == (
        "the sign test, in uniform mixture over the shares of scores beyond the edge; valid for at "
        "most 5 seeds, which may not be extended"
    )
    assert lines[3].startswith("seeds: 3, 1, 4, 15, 9, in this order")


def test_differences_on_one_metric_are_told_apart() -> None:
    more = {"low": 0.1, "high": 0.1, "tolerance": 0.1}
    gain = Claim("accuracy", "test", "difference", 0.1, **more)
    plain = Claim("accuracy", "test", "mean", 0.1, **more)
    assert words.labels([plain, gain, plain, gain]) == [
        "test accuracy", "difference in test accuracy (1)", "test accuracy",
        "difference in test accuracy (2)",
    ]  # fmt: skip
    assert words.labels([gain]) == ["difference in test accuracy"]
