"""Check that the codes of categories reach the model as they are."""

from __future__ import annotations

import torch

from papertrial.data.column import SampleColumn, chunks
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.tables.layout import Layout
from papertrial.errors import DataError


def check_codes(layout: Layout, x: SampleColumn, pipeline: Pipeline, state: PipelineState) -> None:
    """Raise DataError if data.transform changes the columns of a table that are codes.

    Args:
        layout: the columns of the table.
        x: its training rows, [N, F].
        pipeline: what prepares them.
        state: what it is fitted to.
    """
    codes = layout.codes
    if not codes:
        return
    rows = next(chunks(x))
    prepared = pipeline.apply(rows, state)
    at = list(codes)
    if prepared.shape != rows.shape or not torch.equal(prepared[:, at], rows[:, at]):
        names = ", ".join(feature.name for feature in codes.values())
        raise DataError(
            f"data.transform changes the codes of {names}, which are rows of an embedding; for "
            f"Standardize, set skip: {at}"
        )
