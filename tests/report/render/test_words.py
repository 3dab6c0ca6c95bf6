from __future__ import annotations

from papertrial.report.render import words


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
