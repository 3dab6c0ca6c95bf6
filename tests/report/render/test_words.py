from __future__ import annotations

import math

import pytest

from papertrial.report.render import words


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (0.64823456, 0.0041, "0.6482"),
        (0.64823456, 0.00041, "0.64823"),
        (2859.69, 120.3, "2860"),
        (1.087374, None, "1.08737"),
        (0.646, None, "0.646"),
        (2548.0718, 0.0, "2548.07"),
        (None, 0.1, "—"),
        (math.inf, None, "∞"),
        (math.nan, 0.1, "—"),
    ],
)
def test_a_number_has_the_digits_that_its_spread_leaves(value, spread, shown) -> None:
    assert words.number(value, spread) == shown


def test_a_margin_is_rounded_up_so_that_it_holds() -> None:
    assert words.margin(0.007812, 0.0055) == "± 0.0079"
    assert words.margin(0.0078, 0.0055) == "± 0.0078"
    assert words.margin(0.0078121, None) == "± 0.007813"
    assert [words.margin(v, 0.1) for v in (0.0, None)] == ["± 0", "—"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0054991, "0.005499"), (12345.6, "12346"), (0.0, "0"), (1.5e-9, "1.500e-09"), (None, "—")],
)
def test_a_spread_has_four_digits(value, shown) -> None:
    assert words.significant(value) == shown


def test_an_open_side_is_said_in_words() -> None:
    assert words.between(0.626, 0.666) == "0.626 to 0.666"
    assert words.between(0.626, None) == "at least 0.626"
    assert words.between(-math.inf, 0.666) == "at most 0.666"
    assert words.between(None, None) == "nothing excluded yet"


def test_counts_and_shares() -> None:
    assert [words.count(v) for v in (669706, 6.5, 143.2, 0.0, None)] == [
        "669,706", "6.5", "143", "0", "—",
    ]  # fmt: skip
    assert [words.share(v) for v in (0.393, 0.2, None)] == ["39.3 %", "20 %", "—"]


def test_a_claim_is_named_with_its_kind() -> None:
    named = {
        kind: words.claim_name({"metric": "f1", "split": "test", "kind": kind, "side": side})
        for kind, side in [("mean", "about"), ("at-least", "at-least"), ("difference", "at-most")]
    }
    assert named == {
        "mean": "test f1",
        "at-least": "test f1, at least",
        "difference": "test f1, difference, at most",
    }
    best = {"metric": "top5_accuracy", "split": "test", "kind": "best-of", "runs": 5}
    assert words.claim_name(best) == "test top5 accuracy, best of 5"


def test_what_is_reported_does_not_repeat_the_claims_name() -> None:
    claim = {"metric": "mse", "split": "test", "value": 2548.07}
    assert words.reported(claim | {"reported": "test mse 2548.07"}) == "2548.07"
    assert words.reported(claim | {"printed": "2548.1"}) == "2548.1"
    assert words.reported(claim) == "2548.07"


def test_an_axis_has_its_unit() -> None:
    assert words.axis("test accuracy", "accuracy") == "test accuracy (share, 0 to 1)"
    assert words.axis("test mse", "mse") == "test mse (target's unit, squared)"
    assert words.axis("loss", "loss") == "loss"
