"""Tables of numbers: columns standardised, gaps filled, and rows read for prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_file import (
    Table,
    check_readable,
    ending_of,
    read_table,
    text_rows,
)
from papertrial.errors import DataError, PredictionInputError

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


class Impute:
    """Missing numbers, NaN, replaced by their column's mean or median over the training rows.

    Args:
        strategy: "mean" or "median" (of an even number of rows, the mean of the middle two).
    """

    kind = "table"

    def __init__(self, strategy: Literal["mean", "median"] = "mean") -> None:
        if strategy not in ("mean", "median"):
            raise DataError(f"Impute: strategy must be mean or median, got {strategy!r}")
        self.strategy = strategy

    def fit(self, batches: Iterable[Tensor]) -> dict[str, Any]:
        """Return {"fill": [F]}, learnt on the training rows [n, F].

        Raises:
            DataError: a column has no number at all.
        """
        rows = torch.cat([x.double() for x in batches]).numpy()
        empty = np.flatnonzero(np.isnan(rows).all(0))
        if len(empty):
            raise DataError(
                f"column {int(empty[0]) + 1} of {rows.shape[1]} has no number in the training "
                f"part, so there is no {self.strategy}; leave it out with data.table.features"
            )
        of = np.nanmean if self.strategy == "mean" else np.nanmedian
        return {"fill": of(rows, axis=0).tolist()}

    def on(self, device: torch.device, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state as a tensor on the device."""
        return {"fill": torch.as_tensor(state["fill"], device=device)}

    def apply(self, x: Tensor, state: dict[str, Any]) -> Tensor:
        """Return the rows [B, F] with nothing missing."""
        fill = torch.as_tensor(state["fill"], dtype=x.dtype, device=x.device)
        return torch.where(x.isnan(), fill, x)


def read_rows(
    path: Path, layout: Layout, *, delimiter: str | None = None
) -> tuple[Tensor, list[str]]:
    """Read the feature columns of a CSV, TSV or Parquet file.

    With a header, columns are found by name, in any order, others being left out; without one,
    there must be exactly as many columns as the layout has, in their order.

    Args:
        path: the file, a text file perhaps gzipped (.csv.gz); one that ends in neither .tsv,
            .tsv.gz nor .parquet is taken for CSV.
        layout: what the columns are.
        delimiter: what separates columns; None for a tab in .tsv files and a comma in others.

    Returns:
        float32 [B, F], and what was done that the reader should know, in words.

    Raises:
        PredictionInputError: no such file, not text, a quote that is never closed, a missing
            column, or a cell that is not what the layout asks for.
    """
    ending = ending_of(path)
    if ending == ".parquet":
        try:
            table = read_table(path)
        except DataError as error:
            raise PredictionInputError(str(error)) from error
        header = list(table.columns)
        _check_header(path, header, layout.columns)
    else:
        separator = delimiter or ("\t" if ending.startswith(".tsv") else ",")
        table, header = _read_text(path, layout.columns, separator)
    extra = [name for name in header if name not in layout.columns]
    notes = [f"columns left out: {', '.join(extra)}"] if extra else []
    try:
        x = layout.encode(table, PredictionInputError)
    except DataError as error:  # a column of a type that is neither numbers nor text
        raise PredictionInputError(str(error)) from error
    return x, notes + (_filled(table, layout) if layout.fills_missing else [])


def _filled(table: Table, layout: Layout) -> list[str]:
    """Tell of missing cells that were let pass: numbers to be filled, categories of none."""
    notes = []
    for feature in layout.features:
        rows = np.flatnonzero(table.missing(feature.name))
        if len(rows):
            done = "filled as in training" if feature.categories is None else "taken for none"
            places = ", ".join(table.place(int(row)) for row in rows[:5])
            more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
            notes.append(f"missing {feature.name} {done}: {places}{more}")
    return notes


def _read_text(path: Path, features: Sequence[str], delimiter: str) -> tuple[Table, list[str]]:
    """Read the features' columns as text, and the header: the features where there is none."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    lines = _lines(path, delimiter)
    if not lines:
        raise PredictionInputError(f"{path} has no rows; give {len(features)} numbers a row")
    header = [cell.strip() for cell in lines[0][1]]
    wide = len(header)
    if all(_is_number(cell) for cell in header) and not set(features) <= set(header):
        if wide != len(features):
            raise PredictionInputError(
                f"{path}: without a header a row must have the {len(features)} features "
                f"{', '.join(features)} in this order, got {wide} columns"
            )
        header = list(features)
    else:
        _check_header(path, header, features)
        lines = lines[1:]
    if not lines:
        raise PredictionInputError(f"{path} has a header but no rows")
    for line, row in lines:
        if len(row) > wide:
            raise PredictionInputError(
                f"{path} line {line}: {len(row)} cells, where {wide} are named"
            )
    columns = {}
    for name in features:
        at = header.index(name)
        cells = [row[at].strip() if at < len(row) else "" for _, row in lines]
        columns[name] = pa.array(cells, pa.large_string())
    numbers = np.array([line for line, _ in lines])
    return Table(path, columns, np.arange(len(lines)), numbers), header


def _lines(path: Path, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with the line it begins on."""
    try:
        check_readable(path)
        with text_rows(path, delimiter) as rows:
            return [(start, row) for start, _, row in rows if any(cell.strip() for cell in row)]
    except DataError as error:
        raise PredictionInputError(str(error)) from error
    except UnicodeDecodeError as error:
        raise PredictionInputError(f"{path} is not a CSV text file: {error}") from error
    except (OSError, EOFError) as error:  # a damaged .gz
        raise PredictionInputError(f"cannot read {path}: {error}") from error


def _check_header(path: Path, header: Sequence[str], features: Sequence[str]) -> None:
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


def _is_number(cell: str) -> bool:
    """Tell a finite number that float32 holds; "nan" and Python's "1_000" are none."""
    try:
        return abs(float(cell)) <= _LARGEST and "_" not in cell
    except ValueError:
        return False
