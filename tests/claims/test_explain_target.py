"""How a target was decided, in plain words."""

from __future__ import annotations

import math

import pytest

from papertrial.claims.describe_rule import rule_lines
from papertrial.claims.evidence_series import evidence_series
from papertrial.claims.explain_decision import ALLOWED, CHANGE, CLAIMED, COUNTED, explain_decision
from papertrial.claims.explain_target import explain_target, other_targets
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import label, score_label
from papertrial.claims.reach import Reach, Reading
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.seed_outcome import SeedOutcome

LOSSES = (3.274, 3.276, 3.279, 3.272, 3.275, 3.277)


def claim(by: int = 5_960, reading: Reading = "each-step") -> JudgedClaim:
    reach = Reach(by, "step", (5_900, 5_960, 6_020), reading)
    return JudgedClaim(
        "loss", "validation", "reaches", 3.28, 0, 3.28, 3.28, side="at-most", reach=reach
    )


@pytest.mark.parametrize(
    ("of", "short", "about"),
    [
        (claim(), "validation loss at step 5,960", "validation loss from step 5,960 on"),
        (claim(6_020), "validation loss at step 6,020", "validation loss at step 6,020"),
        (
            claim(reading="each-seed"),
            "worst validation loss from step 5,960 on",
            "worst validation loss from step 5,960 on",
        ),
    ],
)
def test_labels(of: JudgedClaim, short: str, about: str) -> None:
    assert (label(of), score_label(of)) == (short, about)


def test_what_is_claimed() -> None:
    of = claim()
    assert of.reach is not None
    text = explain_target(of, of.reach)
    assert "expected validation loss is at most 3.28 from step 5,960" in text
    assert "2 evaluated points" in text
    each = claim(6_020, "each-seed")
    assert each.reach is not None
    text = explain_target(each, each.reach)
    assert "at least half of the seeds" in text
    assert "at the end of the training, step 6,020: at 1 evaluated point" in text


@pytest.mark.parametrize("reading", ["each-step", "each-seed"])
def test_the_whole_decision(reading: Reading) -> None:
    rule = Rule((claim(reading=reading),), tuple(range(10)))
    ended = [
        SeedOutcome(i, "finished", ((3.3, x, x - 0.002),), f"w{i}") for i, x in enumerate(LOSSES)
    ]
    rulings = judge(rule, ended)
    (series,) = evidence_series(rule, ended, rulings)
    steps = dict(explain_decision(rule.claims[0], rulings[0], rule, series))
    assert rulings[0].verdict == "REPRODUCED"
    assert "tolerance" not in steps[ALLOWED] + steps[CHANGE]
    assert "3.28" in steps[CLAIMED]
    assert "REPRODUCED with a target of 3.27" in steps[CHANGE]
    alone = "Evidence against it is counted at step 5,960 alone" in steps[COUNTED]
    assert alone == (reading == "each-step")
    assert any("2 points count" in line for line in rule_lines(rule, ["a target"], "it diverges"))


def ruling(low: float, high: float) -> Ruling:
    return Ruling("UNDECIDED", None, LOSSES, low, high, 0.05, (), 0.0, True)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (3.27, 3.29, "REPRODUCED with a target of 3.2900 or more, and NOT REPRODUCED with less"),
        (3.27, math.inf, "is NOT REPRODUCED with less than 3.2700."),
        (-math.inf, math.inf, "no target decides"),
        (3.29, 3.27, "no single target"),
    ],
)
def test_other_targets(low: float, high: float, words: str) -> None:
    assert words in other_targets(claim(), ruling(low, high))
