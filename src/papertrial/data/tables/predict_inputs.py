"""Rows for prediction, read from table files as they are for training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_file import TableFile, read_table
from papertrial.data.tables.table_format import TableFormat
from papertrial.errors import DataError, PredictionInputError

_SHOWN = 5


def read_rows(
    path: Path, layout: Layout, form: TableFormat | None = None
) -> tuple[Tensor, list[str]]:
    """Read the rows of a table file for prediction: the feature columns that the model takes.

    Columns are found by name, in any order; others are ignored. A text file whose first row has
    only numbers may do without a header, and must then have the columns of the layout in order.

    Args:
        path: see `reading_table`, which reads the file as it does for training.
        layout: the columns, and how they are encoded.
        form: how cells are written, as the training file showed it.

    Returns:
        float32 [B, F], and notes on ignored columns, missing cells, and what was guessed.

    Raises:
        PredictionInputError: the file cannot be read as a table, lacks a column, or has a cell that
            does not fit the layout.
    """
    try:
        table = read_table(path, form, names_if_no_header=layout.columns)
        _check_columns(table, layout.columns)
        x, unseen = layout.encode_rows(table)
    except DataError as error:
        raise PredictionInputError(str(error)) from error
    notes = [note.text for note in (*table.notes, *unseen)]
    extra = [name for name in table.columns if name not in layout.columns]
    notes += [f"columns left out: {', '.join(extra)}"] if extra else []
    return x, notes + (_notes_on_missing(table, layout) if layout.fills_missing else [])


def _check_columns(table: TableFile, features: Sequence[str]) -> None:
    absent = [name for name in features if name not in table.columns]
    if absent:
        raise DataError(
            f"{table.path} lacks the columns {', '.join(absent)}; its header has "
            f"{', '.join(table.columns)}"
        )


def _notes_on_missing(table: TableFile, layout: Layout) -> list[str]:
    """Return notes on missing cells in the rows to predict, which say how they were encoded."""
    notes = []
    for feature in layout.features:
        rows = np.flatnonzero(table.missing(feature.name))
        if len(rows):
            done = (
                "filled as in training" if feature.categories is None else "encoded as no category"
            )
            where = ", ".join(table.position(int(row)) for row in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
            notes.append(f"missing {feature.name} {done}: {where}{more}")
    return notes
