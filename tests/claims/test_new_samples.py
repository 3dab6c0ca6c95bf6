"""The step from this test set to new samples: score intervals, their inverse, and error rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from papertrial.claims import intervals
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.new_samples import BEYOND, SampleSpread, correct_of
from papertrial.claims.scores import Scores
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.errors import ClaimError

TRIALS = 400
SE3 = 3 * math.sqrt(0.05 * 0.95 / TRIALS)  # three standard errors of a rate of 5 %


def results(*seeds: Sequence[int]) -> list[bytes]:
    return [np.array(seed, dtype=np.int8).tobytes() for seed in seeds]


@pytest.mark.parametrize("right", [0, 1, 50, 97, 100])
def test_without_noise_of_seeds_the_bounds_are_the_exact_ones_of_a_binomial(right: int) -> None:
    # A level of 5 % a side leaves 2.5 % a side to the samples: the usual 95 % interval.
    value = right / 100
    low, high = SampleSpread.largest(100).widened(value, value, 0.05)
    expected = stats.binomtest(right, 100).proportion_ci(0.95, "exact")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_spread_is_that_of_the_samples_over_the_seeds_so_far() -> None:
    seeds = results([1, 1, 0, 1], [1, 0, 0, 1])
    spread = SampleSpread.of(seeds, two_sides=False)
    # Means of samples: 1 1 0 1, then 1 .5 0 1; one sample of the largest variance is added.
    second = (4 * np.var([1, 0.5, 0, 1]) + 1) / (4 * 0.625 * 0.375 + 1)
    assert spread.variance == pytest.approx([1.0, second])
    assert spread.samples == 4
    gains = SampleSpread.of(results([1, 0, -1, 0], [1, 0, 0, 0]), two_sides=True)
    assert gains.variance == pytest.approx([0.5, np.var([1, 0, -0.5, 0])])


def test_a_difference_of_which_no_sample_differs_may_still_be_one_of_few() -> None:
    none = SampleSpread.of(results([0] * 100), two_sides=True)
    low, high = none.widened(0.0, 0.0, 0.05)
    # No one of 100 differs: with 3.84 expected, that has a chance of 2.1 %.
    assert (low[0], high[0]) == pytest.approx((-0.0384146, 0.0384146), abs=1e-6)
    ten = SampleSpread(100, np.array([0.1]), two_sides=True)
    w = float(ten.above(0.0, 0.05)[0])
    assert (100 * w) ** 2 == pytest.approx(1.959964**2 * (10 + 100 * w), rel=1e-6)


def test_a_perfect_accuracy_still_has_a_lower_bound_and_no_more() -> None:
    perfect = SampleSpread.of(results([1] * 50, [1] * 50), two_sides=False).last()
    low, high = perfect.widened(1.0, 1.0, 0.05)
    assert (low[0], high[0]) == pytest.approx((0.025 ** (1 / 50), 1.0))


@pytest.mark.parametrize("two_sides", [False, True])
def test_the_edges_and_the_bounds_agree(two_sides: bool) -> None:
    rng = np.random.default_rng(5)
    for samples in (20, 360, 10_000):
        spread = SampleSpread(samples, rng.uniform(0.05, 1, 6), two_sides)
        for m in (*rng.uniform(-0.1, 1.1, 60), 0.0, 1.0):
            above, below = spread.above(m, 0.05), spread.below(m, 0.05)
            assert (above >= m - 1e-12).all()
            assert (below <= m + 1e-12).all()
            for x in (*rng.uniform(-0.2, 1.0, 10), 0.0, 1.0):
                assert (spread.low(x, 0.05) >= m - 1e-9)[x >= above + 1e-9].all()
                assert (spread.low(x, 0.05) <= m + 1e-9)[x <= above - 1e-9].all()
            for x in (*rng.uniform(0.0, 1.2, 10), 0.0, 1.0):
                assert (spread.high(x, 0.05) <= m + 1e-9)[x <= below - 1e-9].all()
                assert (spread.high(x, 0.05) >= m - 1e-9)[x >= below + 1e-9].all()


def test_no_score_shows_an_accuracy_above_what_so_few_samples_can_show() -> None:
    spread = SampleSpread.largest(100)
    assert spread.above(0.99, 0.05)[0] == BEYOND  # .99^100 is 37 %
    assert spread.below(0.01, 0.05)[0] == 1 - BEYOND
    at = float(spread.above(0.9, 0.05)[0])
    assert stats.beta.cdf(0.9, 100 * at, 100 * (1 - at) + 1) == pytest.approx(0.025, abs=1e-9)
    assert at == pytest.approx(0.9 + 1.959964 * 0.03, abs=0.006)
    edges = [float(spread.above(m, 0.05)[0]) for m in np.linspace(-0.1, 1.2, 200)]
    assert edges == sorted(edges)


def test_the_largest_term_is_that_of_the_finite_edges() -> None:
    spread = SampleSpread.largest(10_000)
    term = spread.largest_term((0.5, math.inf), 0.05)
    assert term == pytest.approx(1.959964 * 0.005, abs=1e-4)
    assert spread.largest_term((0.9, 0.95), 0.05) == pytest.approx(1.959964 * 0.003, abs=1e-4)
    few = SampleSpread.largest(100)
    assert few.largest_term((0.99, math.inf), 0.05) == pytest.approx(0.01)  # no score is above 1


@pytest.mark.parametrize(
    "seeds", [[b"\x01\x00", None], [b"\x01\x00", b""], [b"\x01\x00", b"\x01\x00\x01"]]
)
def test_seeds_without_results_or_with_other_samples_are_refused(
    seeds: list[bytes | None],
) -> None:
    with pytest.raises(ClaimError, match="on the same samples"):
        SampleSpread.of(seeds, two_sides=False)


def test_what_a_seed_scored_is_one_byte_a_sample() -> None:
    ours, theirs = np.array([True, False, True]), np.array([False, True, True])
    assert np.frombuffer(correct_of(ours), dtype=np.int8).tolist() == [1, 0, 1]
    assert np.frombuffer(correct_of(ours, theirs), dtype=np.int8).tolist() == [1, -1, 0]


def drawn(
    rng: np.random.Generator, samples: int, ours: float, theirs: float | None
) -> NDArray[np.int8]:
    """What 15 seeds score on new samples [15, N], whose difficulty all seeds share."""
    tail = math.sqrt(1 + 0.1**2)
    difficulty = rng.standard_normal(samples)

    def side(accuracy: float) -> NDArray[np.int8]:
        noise = 0.1 * rng.standard_normal((15, samples))
        return (stats.norm.ppf(accuracy) * tail + difficulty + noise > 0).astype(np.int8)

    return side(ours) if theirs is None else side(ours) - side(theirs)


# More settings, with 2,000 to 6,000 trials each: at most 2.4 % a side.
@pytest.mark.parametrize(
    ("samples", "ours", "theirs"),
    [(100, 0.5, None), (100, 0.97, None), (100, 0.99, None), (360, 0.9, None),
     (100, 0.97, 0.99), (360, 0.9, 0.85)],
)  # fmt: skip
def test_each_side_errs_rarely_over_seeds_and_samples(
    samples: int, ours: float, theirs: float | None
) -> None:
    rng, truth = np.random.default_rng(7), ours - (theirs or 0)
    test = MeanTest(sd=SdEstimate(1 / samples))
    wrong, plain, normal = np.zeros(2), np.zeros(2), stats.norm.ppf(0.975)
    for _ in range(TRIALS):
        seeds = drawn(rng, samples, ours, theirs)
        low, high = test.interval(Scores(seeds.mean(1)), 40.0)
        spread = SampleSpread.of(results(*seeds), two_sides=theirs is not None)
        at = intervals.running(*spread.widened(low, high, 0.05), 5)
        wrong += [at[0][-1] > truth, at[1][-1] < truth]
        term = normal * (seeds.cumsum(0) / np.arange(1, 16)[:, None]).std(1) / math.sqrt(samples)
        at = intervals.running(low - term, high + term, 5)
        plain += [at[0][-1] > truth, at[1][-1] < truth]
    assert (wrong / TRIALS <= 0.05 + SE3).all()
    if ours == 0.99:  # this simulation can tell an interval that is too narrow
        assert plain[0] / TRIALS > 0.2
