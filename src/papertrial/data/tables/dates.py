"""Columns of dates as numbers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from papertrial.data.tables.table_file import TableFile
from papertrial.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

DATE_PARTS = (
    "year", "month", "day", "weekday", "day-of-year", "hour", "minute", "second", "days", "seconds",
)  # fmt: skip


def date_numbers(table: TableFile, name: str, parts: tuple[str, ...]) -> np.ndarray:
    """Return parts of the dates of a column as numbers, float64 [N, P]; NaN for missing cells.

    Dates are ISO 8601, such as 2024-05-17 or 2024-05-17T08:30:00, or of a type of dates. Times with
    an offset are converted to UTC.

    Args:
        table: the table.
        name: the column.
        parts: of DATE_PARTS. Weekdays count from 0, Monday; days and seconds, with fractions, from
            the start of 1970.

    Raises:
        DataError: a cell is not such a date; the message names the first one.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    times = _times(table, name)
    micro = np.asarray(times.cast(pa.int64()).fill_null(0).to_numpy(), dtype=np.float64)
    read = {
        "year": pc.year, "month": pc.month, "day": pc.day, "weekday": pc.day_of_week,
        "day-of-year": pc.day_of_year, "hour": pc.hour, "minute": pc.minute, "second": pc.second,
    }  # fmt: skip
    x = np.empty((len(table), len(parts)))
    for at, part in enumerate(parts):
        if part in read:
            x[:, at] = read[part](times).fill_null(0).to_numpy()
        else:
            x[:, at] = micro / (1e6 if part == "seconds" else 86_400e6)
    x[np.asarray(times.is_null().to_numpy(zero_copy_only=False))] = np.nan
    return x


def _times(table: TableFile, name: str) -> pa.Array:
    """Return a column as timestamps without a zone, in microseconds; null for missing cells."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    cells = table.columns[name]
    if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
        return cells.combine_chunks().cast(pa.timestamp("us"), safe=False)
    texts = table.trimmed_texts(name)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return texts.cast(kind).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            continue
    for row, text in enumerate(texts.to_pylist()):
        try:
            if text is not None:
                datetime.fromisoformat(text)
        except ValueError:
            raise DataError(
                f"{table.where(row)}: {name} must be a date such as 2024-05-17 or "
                f"2024-05-17T08:30:00, got {text!r}; write it so, or remove {name} from "
                "data.table.dates and list it in data.table.exclude"
            ) from None
    raise DataError(
        f"{table.path}: {name} has dates with and without an offset from UTC, or of other forms; "
        "write all as 2024-05-17T08:30:00"
    )
