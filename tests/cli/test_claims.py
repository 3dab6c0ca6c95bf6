"""Claims as run folders keep them, in words."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.cli.claims import number, ours, reported

CLAIM = {"metric": "accuracy", "split": "test", "kind": "mean", "value": 0.95}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "test accuracy 0.95"),
        ({"printed": "95 %"}, "test accuracy 0.95 (printed: 95 %)"),
        ({"kind": "at-least"}, "test accuracy at least 0.95"),
        ({"kind": "at-most", "side": "at-most"}, "test accuracy at most 0.95"),
        ({"kind": "best-of", "runs": 5}, "test accuracy 0.95, the best of 5 runs"),
        ({"best_epoch_on_test": True}, "test accuracy 0.95, the best epoch on test"),
        ({"kind": "difference", "value": 0.0123}, "difference in test accuracy 0.0123"),
        (
            {"kind": "difference", "side": "at-least", "value": 0.01},
            "difference in test accuracy at least 0.01",
        ),
        (
            {"metric": "parameters", "split": None, "kind": "exact", "value": 11173962.0},
            "parameters 11,173,962",
        ),
        ({"metric": "samples", "kind": "exact", "value": 1437}, "test samples 1,437"),
    ],
)
def test_what_is_claimed(changes: dict[str, Any], words: str) -> None:
    assert reported({**CLAIM, **changes}) == words


def test_what_one_run_has_for_it() -> None:
    assert ours({**CLAIM, "ours": 0.93}) == "0.93"
    assert ours({**CLAIM, "ours": None}) == "not computed"
    assert ours({**CLAIM, "ours": 0.94, "best_epoch_on_test": True}).startswith("0.94, ")
    difference = {**CLAIM, "kind": "difference", "ours": None}
    assert "`papertrial verify`" in ours(difference)
    assert "verify" not in ours({**difference, "not_judged": "another setting"})


def test_a_count_has_all_its_digits_and_a_damaged_number_is_shown_as_it_is() -> None:
    assert number({"metric": "samples"}, 1234567) == "1,234,567"
    assert number(CLAIM, 0.123456789) == "0.123457"
    assert number(CLAIM, 0.123456789, 0.0041) == "0.1235"
    assert reported({**CLAIM, "value": 0.123456789}) == "test accuracy 0.123456789"
    assert number(CLAIM, "x") == "x"
