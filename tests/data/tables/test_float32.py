"""Numbers that float32 cannot tell apart: an offset where it helps, else an error."""

from __future__ import annotations

import numpy as np
import pytest

from papertrial.data.tables.float32 import Rounding, fit_float32
from papertrial.errors import DataError

TIMES = 1.7e12 + 1000.0 * np.arange(100)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (TIMES, Rounding(offset=1.7e12)),
        (-TIMES, Rounding(offset=-TIMES[-1])),
        (np.append(TIMES, np.nan), Rounding(offset=1.7e12)),
        (20_000_001.0 + np.arange(50), Rounding(offset=20_000_001.0)),
        (1e5 + np.array([0.001, 0.002, 0.003]), Rounding(offset=1e5 + 0.001)),
        # Ordinary columns stay as they are.
        (np.random.default_rng(0).normal(size=1000), Rounding()),
        (47.5 + 0.1 * np.random.default_rng(0).normal(size=1000), Rounding()),
        (np.arange(2**24 + 1.0, step=1023), Rounding()),
        (np.array([1.7e12, 1.7e12]), Rounding()),
        (np.array([np.nan]), Rounding()),
        # Identifiers are rounded, and counted.
        (np.array([1.0, 2.0, 50_000_001.0, 90_000_003.0]), Rounding(lost=2)),
    ],
)
def test_an_offset_is_found_where_it_is_needed(values: np.ndarray, expected: Rounding) -> None:
    assert fit_float32(values, "a") == expected


def test_numbers_that_collapse_in_any_case_are_refused() -> None:
    with pytest.raises(DataError, match=r"^t.csv: a has 101 different numbers, from 0 to .*only 2"):
        fit_float32(np.append(TIMES[:100] - np.arange(100) * 990, 0), "t.csv: a")
