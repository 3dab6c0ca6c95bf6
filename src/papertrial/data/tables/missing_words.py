"""A missing cell that may be a category: "NA" among the names of regions."""

from __future__ import annotations

import re

from papertrial.data.tables.table_file import TableFile
from papertrial.errors import DataError

_CODE = re.compile(r"[A-Z]{2,4}")  # such as EU, APAC, NA


def check_no_category_is_missing(table: TableFile, name: str) -> None:
    """Raise DataError if cells of a column of categories read as missing look like a category.

    They do if they are one word in capitals, no cell is empty, and all categories are such words,
    unless the recipe says how missing cells are written.
    """
    if table.form.na_values is not None:
        return
    missing = table.missing(name)
    if not missing.any() or missing.all():
        return
    words = {table.written(name, int(row)) for row in missing.nonzero()[0]}
    others = {text for text in table.texts(name) if text is not None}
    if len(words) > 1 or not all(map(_CODE.fullmatch, words | others)):
        return
    (word,) = words
    raise DataError(
        f'{table.path}: "{word}" of {name} may be a category like {", ".join(sorted(others)[:5])}, '
        f"or a missing value, in {table.rows_in_words(missing)}; set data.table.na_values: "
        f'[""] to read it as a category, or ["", "{word}"] as a missing value'
    )
