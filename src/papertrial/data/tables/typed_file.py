"""Columns of files that have types: Parquet, Arrow, Feather and JSON lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from papertrial.data.tables.text_header import check_column_names
from papertrial.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = {
    ".parquet": "a Parquet file",
    ".arrow": "an Arrow file",
    ".feather": "a Feather file",
    ".jsonl": "a file of JSON lines",
}


def read_typed(path: Path, ending: str) -> dict[str, pa.ChunkedArray]:
    """Return the columns of a file whose cells have types, by name.

    Raises:
        DataError: the file is of another kind or damaged, has no rows, or two columns of one name.
    """
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    try:
        table = _read(path, ending)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not {_KINDS[ending]}, or is damaged: {error}") from error
    check_column_names(path, table.column_names)
    # pandas stores its row index as such a column, and does not load it as a column either.
    named = zip(table.column_names, table.columns, strict=True)
    columns = {name: cells for name, cells in named if not re.match(r"__index_level_\d+__$", name)}
    if len(table) == 0 or not columns:
        raise DataError(f"{path} has columns but no rows")
    return columns


def _read(path: Path, ending: str) -> pa.Table:
    if ending == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415  (slow to import)

        with pq.ParquetFile(path) as file:
            return file.read()
    if ending == ".jsonl":
        import pyarrow.json as pj  # noqa: PLC0415  (slow to import)

        return pj.read_json(path)
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    from pyarrow import feather  # noqa: PLC0415  (slow to import)

    try:
        return feather.read_table(path)
    except pa.ArrowInvalid:  # a stream, which has no footer
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            return stream.read_all()
