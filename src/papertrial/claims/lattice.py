"""The step in which scores move, found from the scores: of an accuracy, or of rounded numbers."""

from __future__ import annotations

from collections.abc import Iterable

_SAME = 1e-9  # gaps that differ by less, relative to the largest score, differ by rounding
_FINEST = 1e-6  # a step that is finer, relative to the largest gap, is not one


def common_step(scores: Iterable[float]) -> float:
    """Return the largest step of which all gaps between scores are multiples; 0 if there is none.

    Scores on N samples are multiples of 1/N, so that the step is 1/N or a multiple of it; numbers
    that were rounded to four decimals have a step of 0.0001 or more. It is never smaller than the
    real one, and equal differences are then not taken for an SD of 0 (`SdEstimate.step`).
    """
    values = sorted(set(scores))
    gaps = [value - values[0] for value in values[1:]]
    if not gaps:
        return 0.0
    nothing = _SAME * max(abs(values[0]), abs(values[-1]))
    step = 0.0
    for gap in gaps:
        step = _common_divisor(gap, step, nothing)
        if step < _FINEST * gaps[-1]:
            return 0.0
    return step


def _common_divisor(a: float, b: float, nothing: float) -> float:
    """Return the greatest common divisor of two numbers by Euclid's algorithm, up to rounding."""
    while b > nothing:
        rest = a % b
        a, b = b, min(rest, b - rest)  # a rest just below b is rounding
    return a
