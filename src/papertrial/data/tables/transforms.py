"""Transforms of tables: standardized columns, and missing numbers filled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from papertrial.data.transform_state import FittedNumbers, like, to_device
from papertrial.errors import DataError


class Standardize:
    """Standardize columns: (x - mean) / std, both computed on the training rows.

    As in scikit-learn's StandardScaler, std is the population standard deviation, and a constant
    column is only centred.

    Args:
        skip: the columns, counted from 0, that stay as they are, such as codes for an embedding.
    """

    kind = "table"

    def __init__(self, skip: Sequence[int] = ()) -> None:
        if any(isinstance(at, bool) or not isinstance(at, int) or at < 0 for at in skip):
            raise DataError(f"Standardize: skip must list columns from 0, got {list(skip)}")
        self.skip = list(skip)

    def fit(self, batches: Iterable[Tensor]) -> dict[str, list[float]]:
        """Return {"mean": [F], "std": [F]} of the training rows [n, F].

        Raises:
            DataError: there is no such column to skip.
        """
        rows = torch.cat([x.double() for x in batches])
        if self.skip and max(self.skip) >= rows.shape[1]:
            width = rows.shape[1]
            raise DataError(f"Standardize: skip: {max(self.skip)} is not one of {width} columns")
        mean, std = rows.mean(0), rows.std(0, correction=0)
        mean[self.skip], std[self.skip] = 0.0, 1.0
        return {"mean": mean.tolist(), "std": torch.where(std > 0, std, 1.0).tolist()}

    def on(self, device: torch.device, state: FittedNumbers) -> dict[str, Tensor]:
        """Return the state as tensors on the device."""
        return to_device(state, device, "mean", "std")

    def apply(self, x: Tensor, state: FittedNumbers) -> Tensor:
        """Return the standardized rows [B, F]."""
        return (x - like(state["mean"], x)) / like(state["std"], x)


class Impute:
    """Replace missing numbers, NaN, with the mean or median of their column in the training rows.

    Args:
        strategy: "mean" or "median". The median of an even number of rows is the mean of the two
            in the middle.
    """

    kind = "table"

    def __init__(self, strategy: Literal["mean", "median"] = "mean") -> None:
        if strategy not in ("mean", "median"):
            raise DataError(f"Impute: strategy must be mean or median, got {strategy!r}")
        self.strategy = strategy

    def fit(self, batches: Iterable[Tensor]) -> dict[str, list[float]]:
        """Return {"fill": [F]}, computed on the training rows [n, F].

        Raises:
            DataError: a column has no numbers.
        """
        rows = torch.cat([x.double() for x in batches]).numpy()
        empty = np.flatnonzero(np.isnan(rows).all(0))
        if len(empty):
            raise DataError(
                f"column {int(empty[0]) + 1} of {rows.shape[1]} has no numbers in the training "
                f"part, so it has no {self.strategy}; leave it out with data.table.features"
            )
        of = np.nanmean if self.strategy == "mean" else np.nanmedian
        return {"fill": of(rows, axis=0).tolist()}

    def on(self, device: torch.device, state: FittedNumbers) -> dict[str, Tensor]:
        """Return the state as a tensor on the device."""
        return to_device(state, device, "fill")

    def apply(self, x: Tensor, state: FittedNumbers) -> Tensor:
        """Return the rows [B, F] with their missing numbers filled."""
        return torch.where(x.isnan(), like(state["fill"], x), x)
