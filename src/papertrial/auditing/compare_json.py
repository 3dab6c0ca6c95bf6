"""Find where two JSON values differ, with a tolerance for numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may lie apart: as a share of the larger one, or in absolute terms."""

    relative: float
    absolute: float


# Other machines sum in another order, which changes the last bits of a float64.
ROUNDING = Tolerance(1e-9, 1e-12)
EXACT = Tolerance(0.0, 0.0)


@dataclass(frozen=True)
class Unlike:
    """Two values that differ; `where` is their dotted key, empty for the whole value."""

    where: str
    first: object
    second: object


def unlike(
    first: object, second: object, tolerance: Tolerance = EXACT, where: str = ""
) -> Iterator[Unlike]:
    """Yield the innermost places where two JSON values differ.

    A key that one of two objects lacks differs; lists of different lengths differ as a whole.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys((*first, *second)):
            at = f"{where}.{key}" if where else str(key)
            if key in first and key in second:
                yield from unlike(first[key], second[key], tolerance, at)
            else:
                yield Unlike(at, first.get(key), second.get(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for i, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from unlike(one, other, tolerance, f"{where}.{i}" if where else str(i))
    elif not _same(first, second, tolerance):
        yield Unlike(where, first, second)


def alike(first: object, second: object, tolerance: Tolerance = EXACT) -> bool:
    """Tell whether two JSON values are equal, numbers to within the tolerance."""
    return next(unlike(first, second, tolerance), None) is None


def _same(first: object, second: object, tolerance: Tolerance) -> bool:
    if first == second:
        return True
    # Whole numbers are exact: as floats, neighbours beyond 2^53 would be equal.
    if isinstance(first, int) and isinstance(second, int):
        return False
    if not (isinstance(first, float | int) and isinstance(second, float | int)):
        return False
    try:
        relative, absolute = tolerance.relative, tolerance.absolute
        return math.isclose(first, second, rel_tol=relative, abs_tol=absolute)
    except OverflowError:  # a whole number that no float holds
        return False
