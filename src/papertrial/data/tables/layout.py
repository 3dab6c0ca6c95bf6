"""The feature columns of a table, and how their cells are encoded as numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from papertrial.data.tables.dates import date_numbers
from papertrial.data.tables.table_file import TableFile
from papertrial.errors import DataError
from papertrial.reading_note import ReadingNote

Unseen = Literal["error", "zeros"]
_SHOWN = 24
_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Feature:
    """A column: its name, and how its cells become numbers.

    Args:
        name: the name.
        categories: its categories in order; None if it holds numbers or dates.
        coded: whether a category is one number, its place from 1, and not one-hot.
        dates: the parts of dates that are its numbers; empty if it does not hold dates.
        unseen: the categories that no training row has, although its file has them.
        offsets: what is subtracted from each of its numbers before they become float32; empty for
            nothing.
    """

    name: str
    categories: tuple[str, ...] | None = None
    coded: bool = False
    unseen: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    offsets: tuple[float, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the numbers that encode a cell: "bmi", "city=Paris", "sold.year"."""
        if self.dates:
            return tuple(f"{self.name}.{part}" for part in self.dates)
        if self.categories is None or self.coded:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)

    @property
    def shift(self) -> np.ndarray:
        """What is subtracted from each of its numbers, float64 [W]."""
        return np.array(self.offsets or (0.0,) * len(self.names), dtype=np.float64)

    def shown(self, numbers: list[float]) -> str:
        """Return the numbers that encode a cell as a person reads it, "missing" for none."""
        if self.categories is None:
            if np.isnan(numbers[0]):
                return "missing"
            values = [f"{v:.17g}" if self.offsets else f"{v:g}" for v in numbers + self.shift]
            named = zip(self.dates, values, strict=True)
            return ", ".join(" ".join(pair) for pair in named) if self.dates else values[0]
        hot = [int(numbers[0]) - 1] if self.coded else [i for i, v in enumerate(numbers) if v]
        return self.categories[hot[0]] if hot and hot[0] >= 0 else "missing"


class EncodedRows(NamedTuple):
    """The rows of a table as numbers, float32 [N, F], and notes on what they do not hold."""

    x: Tensor
    notes: list[ReadingNote]


@dataclass(frozen=True)
class Layout:
    """The feature columns of a table, in order. A run stores them as they are.

    A numeric column is encoded as one number. A categorical column is encoded one-hot, as one
    number for each of its categories, 1 for the category of the cell and 0 for the others; or, if
    it is coded, as one number, the place of the category from 1.

    Args:
        features: the columns.
        fills_missing: whether cells may be missing. A missing number is then encoded as NaN, which
            `papertrial.transforms.Impute` fills, and a missing category as zeros.
        unseen: whether a category that is not in `features` is an error or encoded as zeros.
    """

    features: tuple[Feature, ...]
    fills_missing: bool = False
    unseen: Unseen = "error"

    @classmethod
    def numeric(cls, names: Iterable[str]) -> Layout:
        """Return the layout of columns that hold only numbers, none of them missing."""
        return cls(tuple(Feature(name) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the F numbers that encode a row."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that a table must have."""
        return tuple(feature.name for feature in self.features)

    @property
    def codes(self) -> dict[int, Feature]:
        """The coded columns by their place in the F numbers."""
        at = {name: place for place, name in enumerate(self.names)}
        return {at[feature.name]: feature for feature in self.features if feature.coded}

    @property
    def offsets(self) -> np.ndarray:
        """What is subtracted from each of the F numbers, float64 [F]."""
        return np.concatenate([feature.shift for feature in self.features])

    def encode(self, table: TableFile) -> Tensor:
        """Return the rows of a table as numbers, float32 [N, F]; see `encode_rows`."""
        return self.encode_rows(table).x

    def encode_rows(self, table: TableFile) -> EncodedRows:
        """Return the rows of a table as numbers, and notes on unseen categories.

        Args:
            table: a table that has the columns of this layout.

        Raises:
            DataError: a cell is not a finite number or a date, is missing but may not be, or has an
                unknown category; the message names the first one of each column.
        """
        x = np.zeros((len(table), len(self.names)), dtype=np.float32)
        notes: list[ReadingNote] = []
        at = 0
        problems: list[str] = []
        for feature in self.features:
            width = len(feature.names)
            try:
                notes += self._encode(table, feature, x[:, at : at + width])
            except DataError as error:
                problems.append(str(error))
            at += width
        raise_all(problems)
        return EncodedRows(torch.from_numpy(x), notes)

    def _encode(self, table: TableFile, feature: Feature, x: np.ndarray) -> list[ReadingNote]:
        """Write the numbers of a column to x, zeros [N, W]."""
        if feature.dates:
            x[:] = date_numbers(table, feature.name, feature.dates) - feature.shift
            if not self.fills_missing:
                self._refuse(table, feature.name, np.isnan(x[:, 0]), "a date")
            return []
        if feature.categories is None:
            values, bad = table.numbers(feature.name)
            wrong = bad if self.fills_missing else np.isnan(values)
            self._refuse(table, feature.name, wrong, "a number")
            x[:, 0] = values - feature.shift if feature.offsets else values
            return []
        codes, notes = self._category_codes(table, feature, feature.categories)
        if feature.coded:
            x[:, 0] = codes + 1
        else:
            known = np.flatnonzero(codes >= 0)
            x[known, codes[known]] = 1
        return notes

    def _refuse(self, table: TableFile, name: str, wrong: np.ndarray, what: str) -> None:
        if wrong.any():
            row = int(wrong.argmax())
            got = table.quoted(name, row)
            raise DataError(f"{table.where(row)}: {name} must be {what}, got {got}")

    def _category_codes(
        self, table: TableFile, feature: Feature, known: tuple[str, ...]
    ) -> tuple[np.ndarray, list[ReadingNote]]:
        """Return the index of each cell's category, [N] int64, -1 for missing and unseen ones."""
        name, hidden = feature.name, set(feature.unseen)
        index: dict[str | None, int] = {
            category: i for i, category in enumerate(known) if category not in hidden
        }
        if self.fills_missing:
            index[None] = -1
        texts = table.texts(name)
        unseen = [row for row, text in enumerate(texts) if text not in index]
        missing = [row for row in unseen if texts[row] is None]
        notes: list[ReadingNote] = []
        if unseen and (self.unseen == "error" or missing):
            row = (missing or unseen)[0]
            more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            others = f" (and {len(unseen) - 1} more such cells)" if len(unseen) > 1 else ""
            fix = "" if missing else "; set data.table.unseen: zeros to encode it as no category"
            raise DataError(
                f"{table.where(row)}: {name} must be one of the categories of the training part, "
                f"{', '.join(known[:_SHOWN])}{more}; got {table.quoted(name, row)}{others}{fix}"
            )
        if unseen:
            notes.append(
                ReadingNote(
                    action="converted",
                    what=f"{name} has categories that the training part lacks, encoded as zeros",
                    count=len(unseen),
                    unit="cell",
                    example=table.written(name, unseen[0]),
                    where=f"{table.path.name} {table.position(unseen[0])}",
                    change="set data.table.unseen: error",
                )
            )
        return np.array([index.get(text, -1) for text in texts], dtype=np.int64), notes


def raise_all(problems: list[str]) -> None:
    """Raise DataError with all problems of a table's columns; do nothing if there are none."""
    if len(problems) > 1:
        shown = "".join(f"\n  - {problem}" for problem in problems[:_MOST_PROBLEMS])
        more = len(problems) - _MOST_PROBLEMS
        rest = f"\n  - and {more} more" if more > 0 else ""
        raise DataError(f"{len(problems)} columns cannot be used:{shown}{rest}")
    if problems:
        raise DataError(problems[0])
