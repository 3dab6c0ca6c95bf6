"""The one parser of numbers that users write, and the range of numbers that float32 holds."""

from __future__ import annotations

import math

import numpy as np

LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def parse_number(text: str) -> float:
    """Return the number that a text is, NaN if it is not a number; Python's "1_000" is not one."""
    try:
        return float("nan" if "_" in text else text)
    except ValueError:
        return math.nan


def is_number(text: str) -> bool:
    """Return whether a text is a number, finite or infinite."""
    return not math.isnan(parse_number(text))
