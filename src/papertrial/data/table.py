"""Tables of numbers: standardised columns, and rows read from a CSV file for prediction."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from papertrial.errors import PredictionInputError

_LARGEST = torch.finfo(torch.float32).max


class Standardize:
    """(x - mean) / std per column, both learnt on the training rows.

    The standard deviation is the population's, as in scikit-learn's StandardScaler; a constant
    column is only centred.
    """

    kind = "table"

    def fit(self, batches: Iterable[Tensor]) -> dict[str, Any]:
        """Return {"mean": [F], "std": [F]} of the training rows [n, F]."""
        rows = torch.cat([x.double() for x in batches])
        std = rows.std(0, correction=0)
        return {"mean": rows.mean(0).tolist(), "std": torch.where(std > 0, std, 1.0).tolist()}

    def on(self, device: torch.device, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state as tensors on the device."""
        return {key: torch.as_tensor(value, device=device) for key, value in state.items()}

    def apply(self, x: Tensor, state: dict[str, Any]) -> Tensor:
        """Return the standardised rows [B, F]."""
        mean = torch.as_tensor(state["mean"], dtype=x.dtype, device=x.device)
        std = torch.as_tensor(state["std"], dtype=x.dtype, device=x.device)
        return (x - mean) / std


def read_rows(path: Path, features: Sequence[str]) -> tuple[Tensor, list[str]]:
    """Read the feature columns of a CSV file.

    With a header, columns are found by name, in any order, others being left out; without one,
    there must be exactly as many columns as features, in their order.

    Returns:
        float32 [B, F], and what was done that the reader should know, in words.

    Raises:
        PredictionInputError: no such file, not text, a missing column, or a cell that is no number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            numbered = csv.reader(file)
            lines = [(numbered.line_num, row) for row in numbered if any(c.strip() for c in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise PredictionInputError(f"{path} is not a CSV text file: {error}") from error
    except OSError as error:
        raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error
    if not lines:
        raise PredictionInputError(f"{path} has no rows; give {len(features)} numbers a row")
    header = [cell.strip() for cell in lines[0][1]]
    notes = []
    if all(_number(cell) is not None for cell in header):
        columns = list(range(len(features)))
        if len(header) != len(features):
            raise PredictionInputError(
                f"{path}: without a header a row must have the {len(features)} features "
                f"{', '.join(features)} in this order, got {len(header)} columns"
            )
    else:
        lines = lines[1:]
        missing = [name for name in features if name not in header]
        if missing:
            other = len(header) == 1 and any(mark in header[0] for mark in ";\t|")
            hint = "; columns are separated by commas" if other else ""
            raise PredictionInputError(
                f"{path} lacks the columns {', '.join(missing)}; "
                f"its header has {', '.join(header)}{hint}"
            )
        twice = [name for name in features if header.count(name) > 1]
        if twice:
            raise PredictionInputError(f"{path}: the header has {', '.join(twice)} more than once")
        columns = [header.index(name) for name in features]
        extra = [name for name in header if name not in features]
        notes = [f"columns left out: {', '.join(extra)}"] if extra else []
    if not lines:
        raise PredictionInputError(f"{path} has a header but no rows")
    wide = len(header)
    cells = [_cells(path, line, row, wide, columns, features) for line, row in lines]
    return torch.tensor(cells), notes


def _cells(
    path: Path, line: int, row: list[str], wide: int, columns: list[int], features: Sequence[str]
) -> list[float]:
    if len(row) > wide:
        raise PredictionInputError(f"{path} line {line}: {len(row)} cells, where {wide} are named")
    values = []
    for column, name in zip(columns, features, strict=True):
        cell = row[column].strip() if column < len(row) else ""
        number = _number(cell)
        if number is None:
            raise PredictionInputError(f"{path} line {line}: {name} must be a number, got {cell!r}")
        values.append(number)
    return values


def _number(cell: str) -> float | None:
    """Read a finite number that float32 holds; "nan" and Python's "1_000" are none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) <= _LARGEST and "_" not in cell else None
