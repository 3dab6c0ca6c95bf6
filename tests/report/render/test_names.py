from __future__ import annotations

from collections.abc import Callable
from typing import Any

from papertrial.report.render import names

Changed = Callable[..., Any]


def test_a_claim_is_named_with_its_kind(verification, changed: Changed) -> None:
    claim = changed(verification.claims[0], metric="f1")
    named = {
        kind: names.claim_name(changed(claim, kind=kind, side=side))
        for kind, side in [("mean", "about"), ("at-least", "at-least"), ("difference", "at-most")]
    }
    assert named == {
        "mean": "test f1",
        "at-least": "test f1, at least",
        "difference": "test f1, difference, at most",
    }
    best = changed(claim, metric="top5_accuracy", kind="best-of", runs=5)
    assert names.claim_name(best) == "test top5 accuracy, best of 5"
    assert names.claim_name(changed(best, runs=None)) == "test top5 accuracy, best of several"


def test_a_reported_number_is_cut_and_a_count_has_all_its_digits(
    verification, changed: Changed
) -> None:
    claim = changed(verification.claims[0], reported="2548.07 (printed: 2548.1)")
    assert names.reported(claim) == "2548.07 (printed: 2548.1)"
    assert names.name_and_number(claim, 8) == "test accuracy, reported 2548.07…"
    counted = changed(claim, metric="parameters", kind="exact", value=11173962)
    assert names.reported(counted) == "11,173,962"


def test_an_axis_has_its_unit() -> None:
    assert names.axis("test accuracy", "accuracy") == "test accuracy (share, 0 to 1)"
    assert names.axis("test mse", "mse") == "test mse (target's unit, squared)"
    assert names.axis("loss", "loss") == "loss"
