"""The protocol of a test statistic: everything that verdicts, plans and reports ask of a test."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.scores import Array, Scores

Bounds = tuple[Array, Array]  # low and high of intervals


class Statistic(Protocol):
    """A sequential test about one number theta of the distribution that scores come from.

    Theta may be a mean, a median, the expected best of k runs, or a difference of means. A class
    says which, and for which distributions its guarantee holds. Its parameters are fixed when it is
    built, before any score is known: an instance is frozen, hashable, and holds no scores.

    The test is a bet against a null hypothesis. Its e-values measure evidence: for any null that
    holds, the running maximum over all seeds reaches 1/alpha with a probability of at most alpha
    (Ville's inequality), for whatever reason the trial stops.

    Every class guarantees, and `tests/claims/test_statistic_contract.py` checks:

    - level: at the null's edge, the running maximum of `greater` and that of `less` each reach
      1/alpha with a probability of at most alpha;
    - prefixes: entry i is computed from the first i + 1 scores alone, so evidence that was seen
      once does not change when more seeds arrive;
    - one seed is not evidence: the first e-value is 1, and the first interval is infinite;
    - monotonicity: evidence that theta > m never grows with m, and evidence that theta < m never
      shrinks with m;
    - inversion: a value inside `interval` is rejected by neither side at that threshold, and a
      value outside is rejected by one;
    - ties and equal scores give finite e-values, and intervals that are not NaN; where all scores
      equal m, neither side has evidence.
    """

    def __hash__(self) -> int:
        """Return the hash of the parameters: thresholds are cached by them."""

    @property
    def standard_value(self) -> float:
        """Theta of standard normal scores. `plan` measures distances from it."""

    @property
    def method(self) -> str:
        """How the test works, in a phrase, for the registered rule."""

    def about(self, score: str) -> str:
        """Return theta in words: "expected test accuracy" for the score "test accuracy"."""

    def greater(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] after each seed that theta > m; m [...] broadcasts.

        `looks` [L], growing numbers of seeds, selects some of the prefixes: the result is then
        [..., L], and what the others would need is not computed.
        """

    def less(self, scores: Scores, m: ArrayLike, looks: Array | None = None) -> Array:
        """Return the evidence [..., S] after each seed that theta < m; m and `looks` as there."""

    def interval(self, scores: Scores, threshold: float, looks: Array | None = None) -> Bounds:
        """Return the values of theta that neither side rejects: low and high, [..., S] each.

        A bound is infinite while its side rejects nothing. `looks` [L], growing numbers of seeds,
        selects some of the prefixes; the bounds are then [..., L].
        """

    def half_width(self, seeds: int, threshold: float) -> float:
        """Return about half the width of the interval after n seeds whose scores have an SD of 1.

        Infinite if no scores are evidence yet. `in_units` gives it for another SD.
        """

    def in_units(self, unit: float) -> Statistic:
        """Return the same test for scores that are divided by `unit`.

        It differs where something is given in the metric's unit, such as a known SD.
        """

    def simulate(
        self, draw: np.random.Generator, rows: int, seeds: int, looks: Array | None = None
    ) -> tuple[Array, ...]:
        """Draw scores at the edge of the null, and return the evidence [rows, seeds] of each side.

        One array if both sides have the same distribution, otherwise that of `greater` and that of
        `less`. `threshold` calibrates a fixed horizon with it. `looks` are those of `greater`.
        """
