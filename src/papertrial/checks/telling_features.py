"""Features of a table each of which alone gives the target, such as a copy of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from papertrial.checks.table_sample import SampledColumn, Suspect, TableSample
from papertrial.data.column import Dataset

_FEWEST = 20  # rows
# Two classes of flowers can be told by one measurement in 100 rows, so that a threshold without an
# exception says little in a small table.
_FEWEST_FOR_THRESHOLD = 1000
_FEWEST_PER_VALUE = 5  # rows, on average, of a value that has one class
_FEWEST_DISTINCT = 20  # values of a function that rises
# Targets are float32, whose rounding a copy in float64 does not have.
_PRECISION = 1e-6


def telling_features(
    sample: TableSample, dataset: Dataset, skip: Sequence[str] = ()
) -> list[Suspect]:
    """Return the features each of which alone gives a target in all sampled rows.

    For a class these are: a column with one value for each class; a column of categories each of
    which has one class, or of numbers whose classes alternate; a column that has a single value for
    one class and never for others; in 1,000 rows or more, thresholds without an exception. For a
    number: a copy, an affine function, or another function that only rises or only falls, of the
    feature or of the target. The only feature of a table is reported only for one
    value for each class, or a copy.

    Args:
        sample: rows of the table.
        dataset: the data set, before its splits are cut.
        skip: features that are reported already.
    """
    if len(sample.positions) < _FEWEST:
        return []
    gives = _number_from if sample.y.is_floating_point() else _class_from
    alone, found = len(sample.features) == 1, []
    for name, y in _targets(sample, dataset).items():
        for column in sample.features:
            if column.name in skip or np.isnan(column.values).any():
                continue
            how = gives(column, y, alone=alone)
            if how is not None:
                message = (
                    f"{column.name} alone gives the target {name} ({sample.rows_in_words}, without "
                    f"an exception): {how}; if it was made from {name}, or is known only after it, "
                    "the score says nothing"
                )
                found.append(Suspect(column.name, message))
    return found


def _targets(sample: TableSample, dataset: Dataset) -> dict[str, np.ndarray]:
    """Return the targets [n] by name."""
    y = sample.y.numpy()
    if y.ndim == 1:
        return {dataset.target: y}
    names = dataset.targets or tuple(f"target {k}" for k in range(y.shape[1]))
    return dict(zip(names, y.T, strict=True))


def _class_from(column: SampledColumn, y: np.ndarray, *, alone: bool) -> str | None:
    """Return in words how a column gives classes y [n], without an exception; None if not."""
    values, of_row, counts = np.unique(column.values, return_inverse=True, return_counts=True)
    classes, count = len(np.unique(y)), len(y)
    low, high = np.full(len(values), np.iinfo(np.int64).max), np.full(len(values), -1)
    np.minimum.at(low, of_row, y)
    np.maximum.at(high, of_row, y)
    if classes < 2 or (low != high).any():
        return None
    if len(values) == classes:
        return "each class has one value"
    if alone:
        return None
    runs = 1 + int((low[1:] != low[:-1]).sum())
    if column.texts or runs > classes:
        often = len(values) * _FEWEST_PER_VALUE <= count
        return f"each of its {len(values):,} values has one class" if often else None
    # Each class has one interval of values.
    of_class = np.bincount(low)[low]
    constant = np.flatnonzero((of_class == 1) & (counts >= _FEWEST))
    how = "a threshold parts the classes" if runs == 2 else f"{runs - 1} thresholds part them"
    if len(constant):
        how = f"one class has the value {values[constant[0]]:g}, and no other class has it"
    return how if len(constant) or count >= _FEWEST_FOR_THRESHOLD else None


def _number_from(column: SampledColumn, y: np.ndarray, *, alone: bool) -> str | None:
    """Return in words how a column gives numbers y [n] as a function; None if it does not."""
    if column.texts:
        return None
    x, y = column.values, y.astype(np.float64)
    spread = float(y.max() - y.min())
    if spread == 0 or x.max() == x.min():
        return None
    near = _PRECISION * max(spread, float(np.abs(y).max()))
    if (np.abs(x - y) <= near).all():
        return "it is a copy"
    if alone or min(len(np.unique(x)), len(np.unique(y))) < _FEWEST_DISTINCT:
        return None
    slope, intercept = np.polyfit(x - x.mean(), y, 1)
    if (np.abs(slope * (x - x.mean()) + intercept - y) <= near).all():
        return f"it is an affine function, with a slope of {slope:.4g}"
    way = _monotone(x, y)
    return way and f"the target only {way} with it, so that their rank correlation is 1"


def _monotone(x: np.ndarray, y: np.ndarray) -> str | None:
    """Return whether y "rises" or "falls" with x, allowing ties in either; None if neither."""
    for sign, way in ((1, "rises"), (-1, "falls")):
        order = np.lexsort((sign * y, x))
        if (np.diff(sign * y[order]) >= 0).all():
            return way
    return None
