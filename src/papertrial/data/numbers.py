"""The one parser of numbers that users write, their order, and the range of float32."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def parse_number(text: str) -> float:
    """Parse a text as a number, NaN if it is not a number; Python's "1_000" is not one."""
    try:
        return float("nan" if "_" in text else text)
    except ValueError:
        return math.nan


def is_number(text: str) -> bool:
    """Return whether a text is a number, finite or infinite."""
    return not math.isnan(parse_number(text))


def parse_numbers(cells: pa.Array) -> np.ndarray:
    """Parse trimmed texts as numbers, float64; NaN for null and for what is not a number."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    try:  # the whole column at once, which does not say which cell is not a number
        return np.array(cells.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowInvalid:
        texts = cells.to_pylist()
    if {text.lower() for text in texts if text is not None} <= {"true", "false"}:
        return np.array([np.nan if t is None else float(t.lower() == "true") for t in texts])
    return np.array([np.nan if text is None else parse_number(text) for text in texts])


def sort_values(values: Iterable[str]) -> list[str]:
    """Return the distinct texts, sorted as numbers if all of them are numbers, else as text."""
    distinct = sorted(set(values))
    return sorted(distinct, key=parse_number) if all(map(is_number, distinct)) else distinct
