"""Which seeds are compared: the first of the baseline, in its order, none left out."""

from __future__ import annotations

import pytest

from papertrial.acceptance.pair_scores import pair_scores
from papertrial.acceptance.score_source import ScoreSource
from papertrial.errors import RunError


def source(name: str, scores: dict[int, float], failed: tuple[int, ...] = ()) -> ScoreSource:
    return ScoreSource(name, "scores", "0" * 64, scores, failed)


BASELINE = source("a", {3: 0.1, 1: 0.2, 2: 0.3})


def test_seeds_are_paired_in_the_order_of_the_baseline() -> None:
    found = pair_scores(BASELINE, source("b", {1: 0.6, 3: 0.5}))
    assert found.pairs == ((3, 0.1, 0.5), (1, 0.2, 0.6))
    assert found.notes == ()


def test_a_seed_may_not_be_left_out() -> None:
    with pytest.raises(RunError, match="no score for seed 1 among the first 3 seeds of a"):
        pair_scores(BASELINE, source("b", {3: 0.5, 2: 0.6}))
    with pytest.raises(RunError, match="seeds that failed: seed 1"):
        pair_scores(BASELINE, source("b", {3: 0.5, 2: 0.6}, failed=(1,)))
    with pytest.raises(RunError, match="seeds that failed: seed 2"):  # after all that finished
        pair_scores(BASELINE, source("b", {3: 0.5, 1: 0.6}, failed=(2,)))


def test_sides_without_a_common_seed_or_with_the_same_content_are_refused() -> None:
    with pytest.raises(RunError, match=r"share no seed.*seeds 3, 1, 2"):
        pair_scores(BASELINE, source("b", {7: 0.5}))
    with pytest.raises(RunError, match="same content"):
        pair_scores(BASELINE, source("b", {3: 0.1, 1: 0.2}))
    other = ScoreSource("b", "scores", "1" * 64, {3: 0.1, 1: 0.2})
    assert len(pair_scores(BASELINE, other).pairs) == 2  # equal scores, as on a small test set


def test_scores_that_are_not_used_are_named() -> None:
    baseline = source("a", dict(BASELINE.scores), failed=(9,))
    found = pair_scores(baseline, source("b", {3: 0.5, 8: 0.1}))
    assert found.pairs == ((3, 0.1, 0.5),)
    assert [note.split(",")[0] for note in found.notes] == [
        "not used: seed 8",
        "not used: seed 9",
    ]
