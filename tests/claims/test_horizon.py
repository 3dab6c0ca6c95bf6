"""Thresholds for a maximum that is fixed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from papertrial.claims import evalues
from papertrial.claims.horizon import threshold
from papertrial.errors import ClaimError


def test_without_a_horizon_it_is_one_over_alpha() -> None:
    assert threshold("one-sample", 0.05, horizon=None) == 20
    assert threshold("best-of", 0.01, horizon=None, k=3) == 100


def test_thresholds_of_the_one_sample_test() -> None:
    # The reference's 7.49 and 10.65 took some 20,000 repetitions: errors of .12 and .25.
    assert threshold("one-sample", 0.05, horizon=10) == pytest.approx(7.49, abs=0.25)
    assert threshold("one-sample", 0.05, horizon=30) == pytest.approx(10.65, abs=0.6)


def test_the_same_number_every_time_and_for_every_first_look() -> None:
    first = threshold("one-sample", 0.05, horizon=10)
    threshold.cache_clear()
    assert threshold("one-sample", 0.05, horizon=10, first_look=6) == first


def crossed(e: np.ndarray, at: float) -> float:
    return float((e[:, 4:].max(-1) >= at).mean())


@pytest.mark.parametrize(
    ("test", "options"),
    [
        ("reported", {"runs": 1, "prior": 0.1}),
        ("arms", {}),
        ("best-of", {"k": 5}),
        ("quantile", {}),
        ("quantile", {"share": 0.2}),
    ],
)
def test_each_test_keeps_its_error(test: str, options: dict[str, float]) -> None:
    at = threshold(test, 0.05, horizon=12, **options)
    draw, count = np.random.default_rng(11), 3_000
    x = draw.standard_normal((count, 12))
    if test == "reported":
        e = evalues.greater_than_reported(x, draw.standard_normal(count), 1)
    elif test == "arms":
        e = evalues.greater_arms(x, draw.standard_normal((count, 12)), 0.0)
    elif test == "best-of":
        e = evalues.greater_best_of(x, evalues.expected_maximum(5), 5)
    else:
        share = options.get("share", 0.5)
        e = evalues.greater_quantile(draw.random((count, 12)) - (1 - share), 0.0, share=share)
    assert 1 < at <= 20
    assert crossed(e, at) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / count)
    # The gain: more than the anytime threshold allows.
    assert crossed(e, at) >= crossed(e, 20)


def test_evidence_that_has_few_values_is_counted_exactly() -> None:
    # 7.5 to 20 in steps: at alpha .05 and 10 seeds it takes 5 of 5 (or as much later).
    at = threshold("quantile", 0.05, horizon=10)
    assert evalues.greater_quantile(np.ones(5), 0)[-1] >= at
    assert at == pytest.approx(10.5)


def test_bad_input() -> None:
    with pytest.raises(ClaimError, match="must reach the first look, 5 seeds; got 4"):
        threshold("one-sample", 0.05, horizon=4)
    with pytest.raises(ValueError, match="one of one-sample"):
        threshold("two-sample", 0.05, horizon=None)
