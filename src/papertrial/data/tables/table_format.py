"""How the cells of table files are written, as a recipe says it and a run keeps it."""

from __future__ import annotations

from typing import Literal

from papertrial.record import Part

# How missing cells are written: pyarrow's own list, ignoring surrounding white space. "None" is
# not in it, because it is a plausible name of a category.
MISSING = (
    *("", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "-NaN", "-nan"),
    *("#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)


class TableFormat(Part):
    """How the cells of a table file are written. Most of it is for text files.

    Attributes:
        delimiter: the character between columns; None for a tab in .tsv files, else a comma, or
            what each file shows.
        encoding: the name of Python's codec; None for what each file shows.
        guessed_encoding: the encoding of files whose bytes do not show theirs, as it was guessed
            for the training file.
        decimal: the decimal mark of numbers, "." or ","; None for what each file shows.
        thousands: the mark between groups of three digits; None for none.
        strip: texts that are removed from both ends of the cells of numeric columns.
        header: whether the first row has the names of the columns.
        names: the names of the columns of a file without a header; if empty, column1 and so on.
        na_values: how missing cells are written; None for MISSING.
    """

    delimiter: str | None = None
    encoding: str | None = None
    guessed_encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    header: bool = True
    names: tuple[str, ...] = ()
    na_values: tuple[str, ...] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """How missing cells are written, without surrounding white space."""
        return MISSING if self.na_values is None else tuple(v.strip() for v in self.na_values)
