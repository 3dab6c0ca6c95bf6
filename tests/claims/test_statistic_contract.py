"""What every test statistic guarantees (see `papertrial.claims.statistic`)."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

import papertrial.claims
from papertrial.claims.best_of_test import BestOfTest
from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_best_test import ReportedBestTest
from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.two_sample_test import TwoSampleTest
from papertrial.claims.worst_point_test import WorstPointTest

THRESHOLD, SEEDS = 20.0, 12


@dataclass(frozen=True)
class Case:
    """A statistic, how its scores are made, and the noise of the number that it is tested on."""

    statistic: Statistic
    two_sided: bool = False  # scores have both sides of a difference
    curve: bool = False  # scores have later points
    correlation: float = 0.0  # of the sides, or of the points
    runs: int = 0  # behind the reported number; 0 if it has no noise
    best: bool = False  # the reported number is the best of the runs, not their mean
    floor: bool = False  # the SD is known, or never below one that is: equal scores say less
    simulated: Statistic | None = None  # what it is calibrated on, if that is not the test itself
    rows: int = 3_000  # trials of a simulation

    def scores(self, ours: Array, theirs: Array) -> Scores:
        """Make scores of standard normal draws [..., S], or of scores in other forms."""
        mixed = self.correlation * ours + math.sqrt(1 - self.correlation**2) * theirs
        if self.curve:
            return Scores(ours, later=mixed[None])
        if not self.two_sided:
            return Scores(ours)
        return Scores.of_difference(ours, mixed)

    def at_the_edge(self, draw: np.random.Generator) -> tuple[Scores, Array]:
        """Draw scores [rows, S] and numbers m [rows] at the edge of the null hypothesis."""
        scores = self.scores(*draw.standard_normal((2, self.rows, SEEDS)))
        if not self.runs:
            return scores, np.full(self.rows, self.statistic.standard_value)
        reported = self.scores(*draw.standard_normal((2, self.rows, self.runs))).values
        return scores, reported.max(-1) if self.best else reported.mean(-1)


CASES = {
    "mean": Case(MeanTest()),
    "mean, another prior": Case(MeanTest(0.1)),
    "a single run": Case(ReportedMeanTest(1), runs=1),
    "a mean of three": Case(ReportedMeanTest(3), runs=3),
    "best of five": Case(BestOfTest(5), rows=300),
    "a reported best of five": Case(ReportedBestTest(5), runs=5, best=True, rows=120),
    "a known SD": Case(KnownSdTest(1.0), floor=True),
    "a known SD, a mean of three": Case(KnownSdTest.of_reported(1.0, 3), runs=3, floor=True),
    "mean, with a paper's SD": Case(
        MeanTest(sd=SdEstimate(least=0.7)), floor=True, simulated=MeanTest()
    ),
    "median": Case(SignTest()),
    "median of the best of three": Case(SignTest(3)),
    "a curve that stays below": Case(
        WorstPointTest(MeanTest(), "at-most"), curve=True, correlation=0.8, simulated=MeanTest()
    ),
    "a curve that stays above": Case(
        WorstPointTest(SignTest(), "at-least"), curve=True, correlation=0.8, simulated=SignTest()
    ),
    "two samples": Case(TwoSampleTest(), two_sided=True),
    "a reported difference": Case(ReportedDifferenceTest(3), two_sided=True, runs=3),
    "a reported difference, paired": Case(
        ReportedDifferenceTest(2), two_sided=True, correlation=0.9, runs=2
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
GRID = np.linspace(-4.0, 4.0, 41) + 0.0123  # never exactly a score of the tests below


def test_every_class_that_satisfies_the_protocol_is_in_the_list() -> None:
    members = [name for name in vars(Statistic) if not name.startswith("_")]
    assert {"greater", "less", "interval", "simulate"} <= set(members)
    found = set()
    for module in pkgutil.iter_modules(papertrial.claims.__path__, "papertrial.claims."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind is not Statistic and all(hasattr(kind, name) for name in members):
                found.add(kind)
    assert found == {type(case.statistic) for case in CASES.values()}


def drawn(case: Case, *shape: int, seed: int = 1) -> Scores:
    return case.scores(*np.random.default_rng(seed).standard_normal((2, *shape, SEEDS)))


def coarse(case: Case, *shape: int) -> Scores:
    """Scores on a coarse grid, so that many of them tie."""
    ours, theirs = np.random.default_rng(2).standard_normal((2, *shape, SEEDS)).round()
    return Scores.of_difference(ours, theirs) if case.two_sided else Scores(ours)


def equal(case: Case, score: float, seeds: int = SEEDS) -> Scores:
    """Equal scores, or equal differences of sides that do not vary."""
    same = np.full(seeds, score)
    return Scores.of_difference(same, np.zeros(seeds)) if case.two_sided else Scores(same)


def first(scores: Scores, n: int) -> Scores:
    sides = scores.sides and (scores.sides[0][..., :n], scores.sides[1][..., :n])
    later = None if scores.later is None else scores.later[..., :n]
    return Scores(scores.values[..., :n], sides, later)


def crossed(e: Array, threshold: float = THRESHOLD) -> float:
    """The share of trials whose evidence reaches the threshold at any number of seeds."""
    return float((e.max(-1) >= threshold).mean())


@every_case
def test_level_under_the_null(case: Case) -> None:
    scores, m = case.at_the_edge(np.random.default_rng(3))
    for threshold in (THRESHOLD, 5.0):
        alpha = 1 / threshold
        bound = alpha + 3 * math.sqrt(alpha * (1 - alpha) / case.rows)
        rates = [
            crossed(side(scores, m), threshold)
            for side in (case.statistic.greater, case.statistic.less)
        ]
        assert max(rates) <= bound
    assert min(rates) > 0  # the scores are at the edge, not far inside the null


@every_case
def test_the_simulation_is_that_of_the_test_itself(case: Case) -> None:
    if isinstance(case.statistic, ReportedDifferenceTest):
        case = replace(case, two_sided=False)  # it is calibrated on the paired reading alone
    if case.simulated is not None:  # evidence that is never less than that of the test
        case = replace(case, statistic=case.simulated)
    scores, m = case.at_the_edge(np.random.default_rng(4))
    simulated = case.statistic.simulate(np.random.default_rng(5), case.rows, SEEDS)
    own = [side(scores, m) for side in (case.statistic.greater, case.statistic.less)]
    assert all(e.shape == (case.rows, SEEDS) for e in simulated)
    for threshold in (1.5, 3.0):
        expected = [crossed(e, threshold) for e in own]
        found = [crossed(e, threshold) for e in simulated]
        error = 4 * math.sqrt(2 * 0.25 / case.rows)
        assert max(found) == pytest.approx(max(expected), abs=error)
        assert min(found) == pytest.approx(min(expected), abs=error)


@every_case
def test_chosen_looks_have_the_evidence_of_all_looks(case: Case) -> None:
    looks, scores = np.array([1.0, 2.0, 5.0, SEEDS]), drawn(case, 3)
    at = looks.astype(int) - 1
    for side in (case.statistic.greater, case.statistic.less):
        np.testing.assert_allclose(side(scores, 0.3, looks), side(scores, 0.3)[..., at], rtol=1e-12)
    chosen = case.statistic.simulate(np.random.default_rng(6), 20, SEEDS, looks)
    whole = case.statistic.simulate(np.random.default_rng(6), 20, SEEDS)
    for some, e in zip(chosen, whole, strict=True):
        np.testing.assert_allclose(some, e[..., at], rtol=1e-12)


@every_case
@pytest.mark.parametrize("make", [drawn, coarse])
def test_evidence_is_monotonic(case: Case, make: Callable[..., Scores]) -> None:
    scores = make(case)
    ms = np.sort(np.concatenate([GRID, np.linspace(-3, 3, 13)]))  # with and without ties
    greater = np.array([case.statistic.greater(scores, m) for m in ms])
    less = np.array([case.statistic.less(scores, m) for m in ms])
    assert (np.diff(np.log(greater), axis=0) <= 1e-9).all()
    assert (np.diff(np.log(less), axis=0) >= -1e-9).all()
    assert greater[0, -1] > 1.5 > greater[-1, -1] + 0.5  # there is evidence on one side alone
    assert less[-1, -1] > 1.5 > less[0, -1] + 0.5


@every_case
def test_evidence_does_not_depend_on_where_zero_is(case: Case) -> None:
    scores = drawn(case)
    sides = scores.sides and (scores.sides[0] + 0.5, scores.sides[1])
    later = None if scores.later is None else scores.later + 0.5
    moved = Scores(scores.values + 0.5, sides, later)
    for m in (-1.0, 0.3):
        e = case.statistic.greater(scores, m)
        np.testing.assert_allclose(case.statistic.greater(moved, m + 0.5), e)


@every_case
@pytest.mark.parametrize("make", [drawn, coarse])
@pytest.mark.parametrize("threshold", [5.0, THRESHOLD])
def test_the_interval_is_the_inversion_of_the_test(
    case: Case, make: Callable[..., Scores], threshold: float
) -> None:
    scores = make(case)
    low, high = case.statistic.interval(scores, threshold)
    kept = set()
    for m in GRID:
        above = case.statistic.greater(scores, m) >= threshold
        below = case.statistic.less(scores, m) >= threshold
        np.testing.assert_array_equal(above, m < low)
        np.testing.assert_array_equal(below, m > high)
        kept.add(bool((above | below)[-1]))
    assert kept == {True, False}


@every_case
def test_looks_select_prefixes_of_the_interval(case: Case) -> None:
    scores, looks = drawn(case, 3), np.array([1.0, 2, 7, SEEDS])
    some = case.statistic.interval(scores, THRESHOLD, looks)
    for side, whole in zip(some, case.statistic.interval(scores, THRESHOLD), strict=True):
        np.testing.assert_array_equal(side, whole[:, [0, 1, 6, SEEDS - 1]])


@every_case
def test_an_entry_depends_on_the_first_scores_alone(case: Case) -> None:
    scores = drawn(case, 2, 3)
    m = np.array([[0.0, -0.5, 1.0], [0.3, 0.1, -2.0]])
    for side in (case.statistic.greater, case.statistic.less):
        e = side(scores, m)
        assert e.shape == (2, 3, SEEDS)
        for n in (1, 2, 5, 8):
            np.testing.assert_allclose(side(first(scores, n), m), e[..., :n], rtol=1e-9)
    for n in (1, 5, 8):
        for part, whole in zip(
            case.statistic.interval(first(scores, n), THRESHOLD),
            case.statistic.interval(scores, THRESHOLD),
            strict=True,
        ):
            np.testing.assert_allclose(part, whole[..., :n], rtol=1e-9)


@every_case
def test_one_seed_is_not_evidence(case: Case) -> None:
    scores = first(drawn(case), 1)
    for m in (-1e6, 0.0, 1e6, float(scores.values[0])):
        assert case.statistic.greater(scores, m).tolist() == [1.0]
        assert case.statistic.less(scores, m).tolist() == [1.0]
    low, high = case.statistic.interval(scores, 1.0001)
    assert (low.tolist(), high.tolist()) == ([-math.inf], [math.inf])


@every_case
def test_no_seeds_at_all(case: Case) -> None:
    scores = first(drawn(case), 0)
    assert case.statistic.greater(scores, 0.0).shape == (0,)
    assert [bound.shape for bound in case.statistic.interval(scores, THRESHOLD)] == [(0,), (0,)]


@every_case
def test_equal_scores(case: Case) -> None:
    scores = equal(case, 0.5, 40)
    away = 5.0 if case.floor else 0.1
    far = case.statistic.greater(scores, 0.5 - away), case.statistic.less(scores, 0.5 + away)
    assert all(np.isfinite(e).all() and e[-1] > THRESHOLD for e in far)
    low, high = case.statistic.interval(scores, THRESHOLD)
    assert not (np.isnan(low) | np.isnan(high)).any()
    assert (low <= 0.5).all()
    assert (high >= 0.5).all()
    if case.floor:
        assert 0.5 - low[-1] == pytest.approx(high[-1] - 0.5)
        assert 0.1 < high[-1] - low[-1] < 4
    else:
        assert (low[-1], high[-1]) == (0.5, 0.5)


@every_case
def test_scores_that_all_equal_the_edge_are_no_evidence(case: Case) -> None:
    # 0.1 + 0.2 is not 0.3: rounding must not decide.
    for scores, m in ((equal(case, 0.5), 0.5), (equal(case, 0.3), 0.1 + 0.2)):
        for side in (case.statistic.greater, case.statistic.less):
            assert (side(scores, m) <= 1 + 1e-12).all()


@every_case
def test_ties_give_finite_evidence(case: Case) -> None:
    scores = coarse(case, 50)
    for m in (-1.0, 0.0, 0.5, 1.0):  # on the grid of scores and between its points
        for side in (case.statistic.greater, case.statistic.less):
            e = side(scores, m)
            assert np.isfinite(e).all()
            assert (e >= 0).all()
    assert not any(np.isnan(b).any() for b in case.statistic.interval(scores, THRESHOLD))


@every_case
def test_a_statistic_is_a_value(case: Case) -> None:
    same = replace(case.statistic)  # type: ignore[type-var]
    assert (same, hash(same)) == (case.statistic, hash(case.statistic))
    assert case.statistic.method
    assert "test accuracy" in case.statistic.about("test accuracy")


@every_case
def test_half_widths_shrink_and_follow_the_unit(case: Case) -> None:
    widths = [case.statistic.half_width(n, THRESHOLD) for n in (1, 8, 30, 1_000)]
    assert widths[0] == math.inf
    assert widths == sorted(widths, reverse=True)
    # Scores that are ten times as large: the same test in units of ten.
    scores = drawn(case)
    large = Scores(
        10 * scores.values,
        scores.sides and (10 * scores.sides[0], 10 * scores.sides[1]),
        None if scores.later is None else 10 * scores.later,
    )
    if not case.floor:
        e = case.statistic.greater(scores, -0.5)
        np.testing.assert_allclose(case.statistic.greater(large, -5.0), e, rtol=1e-9)
    shrunk = case.statistic.in_units(10.0).greater(scores, -0.5)
    np.testing.assert_allclose(shrunk, case.statistic.greater(large, -5.0), rtol=1e-9)
