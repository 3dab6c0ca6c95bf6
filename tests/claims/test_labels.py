"""Names of what claims are about."""

from __future__ import annotations

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import label, labels

MORE = {"low": 0.1, "high": 0.1, "tolerance": 0.1}
GAIN = JudgedClaim("accuracy", "test", "difference", 0.1, **MORE)
PLAIN = JudgedClaim("accuracy", "test", "mean", 0.1, **MORE)


def test_a_label_names_split_metric_and_epoch() -> None:
    best = JudgedClaim("f1", "validation", "mean", 0.1, **MORE, best_epoch_on_test=True)
    assert label(PLAIN) == "test accuracy"
    assert label(best) == "validation f1, best epoch"


def test_differences_in_one_metric_are_numbered() -> None:
    assert labels([PLAIN, GAIN, PLAIN, GAIN]) == [
        "test accuracy", "difference in test accuracy (1)", "test accuracy",
        "difference in test accuracy (2)",
    ]  # fmt: skip
    assert labels([GAIN]) == ["difference in test accuracy"]
