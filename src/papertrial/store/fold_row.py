"""A fold in the table of report.json."""

from __future__ import annotations

from papertrial.record import Part


class FoldRow(Part):
    """A fold in the report's table: repetition and fold, from 0, test rows, and test scores.

    Rows and scores are means over the seeds.
    """

    repeat: int
    fold: int
    rows: float
    scores: dict[str, float]
