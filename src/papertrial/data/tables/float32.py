"""Numbers that float32 cannot tell apart, such as timestamps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from papertrial.errors import DataError

_WORST = 1e-3  # of the standard deviation, which rounding may not exceed
_FEW = 65_536  # distinct values that a collapsed column has less of


class Rounding(NamedTuple):
    """What is subtracted before numbers become float32, and how many are rounded after all.

    `lost` counts whole numbers only: other numbers are rounded in any case.
    """

    offset: float = 0.0
    lost: int = 0


def fit_float32(values: np.ndarray, what: str) -> Rounding:
    """Return the offset with which float32 holds the numbers of a training column.

    The offset is 0 unless rounding changes whole numbers, or changes numbers by more than 0.1 % of
    their standard deviation. It is then the smallest number, if that helps.

    Args:
        values: float64 [N]; NaN for missing cells.
        what: the column, for messages.

    Raises:
        DataError: the numbers collapse in float32, and an offset does not help.
    """
    x = values[np.isfinite(values)]
    if len(x) == 0:
        return Rounding()
    low, high = float(x.min()), float(x.max())
    # float32 has 24 bits: whole numbers up to 2**24 are exact, and where the numbers spread as
    # widely as they are large, rounding is below 2**-24 of that.
    error = float(np.abs(x - x.astype(np.float32)).max())
    if error == 0 or low == high:
        return Rounding()
    largest = max(abs(low), abs(high))
    whole = largest > 2**24 and bool((x == np.floor(x)).all())
    rough = error > _WORST * float(x.std())
    if not rough and not whole:
        return Rounding()
    if high - low < largest / 16:
        left = x - low
        if float(np.abs(left - left.astype(np.float32)).max()) <= _WORST * float(x.std()):
            return Rounding(offset=low)
    distinct, kept = len(np.unique(x)), len(np.unique(x.astype(np.float32)))
    if rough or (kept < distinct / 2 and kept < _FEW):
        raise DataError(
            f"{what} has {distinct:,} different numbers, from {low:.17g} to {high:.17g}, of which "
            f"float32 can tell only {kept:,} apart; subtract a constant from the column in the "
            "file, or list it in data.table.exclude"
        )
    return Rounding(lost=int((x != x.astype(np.float32)).sum()))
