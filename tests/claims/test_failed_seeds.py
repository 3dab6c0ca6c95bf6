"""Would a verdict stand if each failed seed had scored the metric's worst value?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from papertrial.claims.failed_seeds import explain_worst_case, worst_case
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.verdict import Verdict

FIVE = (0.938, 0.941, 0.940, 0.942, 0.939)  # mean .94, SD .00158


def claim(value: float, tolerance: float, metric: str = "accuracy", **changes: Any) -> JudgedClaim:
    given = {"kind": "mean", "low": value, "high": value, **changes}
    return JudgedClaim(metric, "test", value=value, tolerance=tolerance, **given)


def outcomes(*scores: Any) -> list[SeedOutcome]:
    """A finished seed for each score or pair; a failed one for None."""
    made = []
    for i, score in enumerate(scores):
        rows = (score if isinstance(score, tuple) else (score,),)
        failed = SeedOutcome(i, "diverged", error="loss is nan")
        made.append(failed if score is None else SeedOutcome(i, "finished", rows, f"w{i}"))
    return made


def verdicts(of: JudgedClaim, *scores: Any, **changes: Any) -> tuple[Verdict, Verdict | None]:
    rule = Rule((of,), tuple(range(30)), **changes)
    ended = outcomes(*scores)
    worst = worst_case(rule, ended)
    return judge(rule, ended)[0].verdict, None if worst is None else worst[0]


def test_without_failed_seeds_there_is_no_other_case() -> None:
    assert verdicts(claim(0.94, 0.005), *FIVE) == ("REPRODUCED", None)


def test_where_no_seed_finished_nothing_is_known_of_new_samples() -> None:
    bound = claim(0.5, 0.0, kind="at-least", side="at-least", about="new-samples")
    assert verdicts(bound, None, None) == ("UNDECIDED", "UNDECIDED")


def test_a_failed_seed_before_the_decision_would_change_it() -> None:
    assert verdicts(claim(0.94, 0.005), None, *FIVE) == ("REPRODUCED", "UNDECIDED")
    assert verdicts(claim(0.95, 0.005), None, *FIVE) == ("NOT REPRODUCED", "UNDECIDED")


def test_a_verdict_from_before_it_failed_stands() -> None:
    assert verdicts(claim(0.94, 0.005), *FIVE, None) == ("REPRODUCED", "REPRODUCED")


def test_a_bounded_metric_has_its_worst_value() -> None:
    # With 0 for one of 13 seeds the mean is .8677: still at least .5, but no longer about .94.
    many = (None, *FIVE, *FIVE, *FIVE[:2])
    bound = claim(0.5, 0.0, kind="at-least", side="at-least")
    assert verdicts(bound, *many) == ("REPRODUCED", "REPRODUCED")
    assert verdicts(claim(0.94, 0.005), *many) == ("REPRODUCED", "UNDECIDED")


@pytest.mark.parametrize("metric", ["loss", "r2"])
def test_an_unbounded_metric_makes_the_mean_unknown(metric: str) -> None:
    normal = np.random.default_rng(0).normal(0.94, 0.0015, 20).tolist()
    assert verdicts(claim(0.94, 0.005, metric), None, *normal) == ("REPRODUCED", "UNDECIDED")


def test_the_median_can_bear_an_unbounded_score() -> None:
    normal = np.random.default_rng(0).normal(0.94, 0.0015, 20).tolist()
    of = claim(0.94, 0.005, "loss")
    assert verdicts(of, None, *normal, statistic="median") == ("REPRODUCED", "REPRODUCED")
    assert verdicts(of, None, *normal[:7], statistic="median") == ("REPRODUCED", "UNDECIDED")


def test_a_difference_is_worst_on_our_side_and_best_on_the_other() -> None:
    pairs = [(x, x - 0.1 - i / 5000) for i, x in enumerate(FIVE * 3)]
    bound = claim(0.05, 0.0, kind="difference", side="at-least")
    assert verdicts(bound, None, *pairs) == ("REPRODUCED", "UNDECIDED")
    text = explain_worst_case(bound, "REPRODUCED", "UNDECIDED", 1, 5)
    assert "difference in test accuracy, -1," in text


def test_every_claim_has_its_own_verdict() -> None:
    bound = claim(0.5, 0.0, kind="at-least", side="at-least")
    rule = Rule((bound, claim(0.94, 0.005)), tuple(range(30)))
    rows = [None, *[(x, x) for x in FIVE * 3]]
    ended = [
        SeedOutcome(i, "crashed")
        if row is None
        else SeedOutcome(i, "finished", ((row[0],), (row[1],)), f"w{i}")
        for i, row in enumerate(rows)
    ]
    assert worst_case(rule, ended) == ("REPRODUCED", "UNDECIDED")


def test_the_words_say_what_failed_seeds_hide() -> None:
    of = claim(0.94, 0.005)
    text = explain_worst_case(of, "REPRODUCED", "UNDECIDED", 2, 5)
    assert "Low seeds may be the ones that failed" in text
    assert "too high" in text
    assert "test accuracy, 0, for the 2 failed seeds," in text
    assert "would be UNDECIDED, not REPRODUCED" in text
    assert "would still be REPRODUCED" in explain_worst_case(of, "REPRODUCED", "REPRODUCED", 1, 5)
    loss = explain_worst_case(claim(0.94, 0.005, "loss"), "REPRODUCED", "UNDECIDED", 1, 5)
    assert "High seeds may be the ones that failed" in loss
    assert "too low" in loss
    assert "unbounded" in loss


def test_without_a_finished_seed_nothing_is_said_of_our_scores() -> None:
    text = explain_worst_case(claim(0.94, 0.005), "UNDECIDED", "NOT REPRODUCED", 5, 0)
    assert "our scores" not in text
    assert "No seed finished" in text
    assert "for the 5 failed seeds, the verdict would be NOT REPRODUCED" in text
