"""Claims in words."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.cli.claims import claim_of_run, claim_of_verification, claim_score, run_score
from papertrial.cli.verify import describe_verdict
from papertrial.store.run_records import ClaimBesideRun
from papertrial.store.verification_records import ClaimLine


def beside_run(**changes: Any) -> ClaimBesideRun:
    values = {
        "metric": "accuracy", "split": "test", "kind": "mean", "side": "about", "value": 0.95,
        "printed": None, "runs": None, "best_epoch_on_test": False, "ours": None,
        "not_judged": None,
    }  # fmt: skip
    return ClaimBesideRun.model_validate({**values, **changes})


def line(**changes: Any) -> ClaimLine:
    values = {
        "metric": "accuracy", "split": "test", "kind": "mean", "value": 0.95, "tolerance": 0.01,
        "n": 5, "mean": 0.94, "sd": 0.01, "low": None, "high": None, "holds_within": None,
        "verdict": None, "why": "", "verdict_median": None, "decided_at": None,
    }  # fmt: skip
    return ClaimLine.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "test accuracy 0.95"),
        ({"value": 0.123456789}, "test accuracy 0.123456789"),
        ({"printed": "95 %"}, "test accuracy 0.95 (printed: 95 %)"),
        ({"kind": "at-least", "side": "at-least"}, "test accuracy at least 0.95"),
        ({"kind": "at-most", "side": "at-most"}, "test accuracy at most 0.95"),
        ({"kind": "best-of", "runs": 5}, "test accuracy 0.95, the best of 5 runs"),
        ({"kind": "best-of"}, "test accuracy 0.95, the best of several runs"),
        ({"best_epoch_on_test": True}, "test accuracy 0.95, the best epoch on test"),
        (
            {"kind": "difference", "value": 0.0123},
            "difference in test accuracy 0.0123",
        ),
        (
            {"kind": "difference", "side": "at-least", "value": 0.01},
            "difference in test accuracy at least 0.01",
        ),
        ({"metric": "parameters", "kind": "exact", "value": 11173962}, "parameters 11,173,962"),
        ({"metric": "samples", "kind": "exact", "value": 1437}, "test samples 1,437"),
    ],
)
def test_a_claim_of_a_run(changes: dict[str, Any], words: str) -> None:
    assert claim_of_run(beside_run(**changes)) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "test accuracy 0.95"),
        ({"kind": "at-least"}, "test accuracy at least 0.95"),
        ({"kind": "best-of"}, "test accuracy 0.95, the best of several runs"),
        (
            {"kind": "difference", "value": 0.0123},
            "difference in test accuracy 0.0123",
        ),
        (
            {"metric": "parameters", "split": None, "kind": "exact", "value": 11173962},
            "parameters 11,173,962",
        ),
    ],
)
def test_a_claim_of_a_verification(changes: dict[str, Any], words: str) -> None:
    assert claim_of_verification(line(**changes)) == words


def test_the_score_of_one_run() -> None:
    assert run_score(beside_run(ours=0.93)) == "0.93"
    assert run_score(beside_run(ours=None)) == "not computed"
    assert run_score(beside_run(ours=None), {"test": {"loss": 1.0}}) == "not computed"
    undefined = run_score(beside_run(ours=None, metric="auroc"), {"test": {"auroc": None}})
    assert undefined.startswith("undefined: auroc of a class needs samples")
    assert run_score(beside_run(ours=0.94, best_epoch_on_test=True)).startswith("0.94, ")
    assert "`papertrial verify`" in run_score(beside_run(kind="difference"))
    not_judged = beside_run(kind="difference", not_judged="another setting")
    assert "verify" not in run_score(not_judged)


def test_a_score_is_rounded_by_its_sd_and_a_count_has_all_its_digits() -> None:
    assert claim_score(beside_run(metric="samples"), 1234567) == "1,234,567"
    assert claim_score(line(), 0.123456789) == "0.123457"
    assert claim_score(line(), 0.123456789, 0.0041) == "0.1235"


@pytest.mark.parametrize(
    ("by_median", "words"),
    [
        ("UNDECIDED", "REPRODUCED (by the median UNDECIDED); it lies inside"),
        ("REPRODUCED", "REPRODUCED; it lies inside"),
        (None, "REPRODUCED; it lies inside"),
    ],
)
def test_the_verdict_by_the_median_is_named_where_it_differs(
    by_median: str | None, words: str
) -> None:
    decided = line(verdict="REPRODUCED", why="it lies inside", verdict_median=by_median)
    assert describe_verdict(decided) == f"test accuracy 0.95: {words}"
