"""A measured rate or number, and the reference that it is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from papertrial.claims.scores import Array

REFERENCE = 20_000  # repetitions behind a reference


@dataclass(frozen=True)
class Reference:
    """The values that a reference allows.

    Attributes:
        low, high: -inf and inf if there is no such bound.
        digit: the unit of its last digit; 0 for a bound that holds exactly, such as alpha.
        simulated: whether it has a Monte Carlo error itself, and of how many repetitions.
    """

    low: float = -math.inf
    high: float = math.inf
    digit: float = 0.0
    simulated: int | None = None

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        if self.high == math.inf:
            return "-"
        return (
            f"at most {self.high:g}" if self.low == -math.inf else f"{self.low:g} to {self.high:g}"
        )


NONE = Reference()


def near(low: float, high: float | None = None, digit: float = 0.1) -> Reference:
    """Return a reference that was simulated: a number, or the range of several."""
    return Reference(low, low if high is None else high, digit, REFERENCE)


def at_most(high: float) -> Reference:
    """Return a bound that must hold exactly."""
    return Reference(high=high)


def at_most_near(high: float, digit: float = 0.1) -> Reference:
    """Return an upper bound that is the largest of several simulated numbers."""
    return Reference(high=high, digit=digit, simulated=REFERENCE)


def exactly(value: float, digit: float) -> Reference:
    """Return a reference without a Monte Carlo error, given to some digits."""
    return Reference(value, value, digit)


@dataclass(frozen=True)
class Row:
    """One measured number.

    Attributes:
        scenario: where the scores come from.
        what: what is measured.
        measured: in percent for a share.
        error: its standard error.
        reference: what it is compared with.
        reference_error: the standard error of the reference.
        unit: "%", "seeds", or nothing.
        drawn: its label in the figure of error rates; empty if it is not drawn.
        guaranteed: whether the rule promises that the rate is at most alpha.
        tolerance: in SD between seeds, for the figure of seeds; None if it is not drawn there.
    """

    scenario: str
    what: str
    measured: float
    error: float = 0.0
    reference: Reference = NONE
    reference_error: float = 0.0
    unit: str = ""
    drawn: str = ""
    guaranteed: bool = True
    tolerance: float | None = None

    @property
    def good(self) -> bool:
        """Whether the number is within three standard errors of the reference."""
        slack = 3 * math.hypot(self.error, self.reference_error) + self.reference.digit / 2
        return self.reference.low - slack <= self.measured <= self.reference.high + slack

    @property
    def agrees(self) -> str:
        """The outcome of the comparison in words."""
        if self.reference == NONE:
            return "no reference"
        return "within 3 SE" if self.good else "OUTSIDE"


def share(
    scenario: str,
    what: str,
    hits: Array,
    reference: Reference = NONE,
    *,
    drawn: str = "",
    guaranteed: bool = True,
) -> Row:
    """Return a row for the share of repetitions [R] that `hits` marks, in percent."""
    p = float(np.mean(hits))
    least = max(1 / hits.size, reference.low / 100 if reference.simulated else 0.0)
    kept = min(max(p, least), 1 - 1 / hits.size)  # no hit at all does not mean no error
    spread = 100 * math.sqrt(kept * (1 - kept))
    theirs = spread / math.sqrt(reference.simulated) if reference.simulated else 0.0
    error = spread / math.sqrt(hits.size)
    return Row(scenario, what, 100 * p, error, reference, theirs, "%", drawn, guaranteed)


def average(
    scenario: str,
    what: str,
    numbers: Array,
    reference: Reference = NONE,
    *,
    tolerance: float | None = None,
) -> Row:
    """Return a row for a mean number of seeds over repetitions [R]."""
    spread = float(np.std(numbers))
    theirs = spread / math.sqrt(reference.simulated) if reference.simulated else 0.0
    error = spread / math.sqrt(numbers.size)
    mean = float(np.mean(numbers))
    return Row(scenario, what, mean, error, reference, theirs, "seeds", tolerance=tolerance)


def median(scenario: str, what: str, numbers: Array, reference: Reference = NONE) -> Row:
    """Return a row for a median number of seeds over repetitions [R].

    Its standard error is half of what lies between the order statistics one error to each side.
    """
    ordered = np.sort(numbers)
    middle, step = numbers.size // 2, int(math.sqrt(numbers.size) / 2)
    error = float(ordered[middle + step] - ordered[middle - step]) / 2
    return Row(scenario, what, float(np.median(numbers)), error, reference, unit="seeds")
