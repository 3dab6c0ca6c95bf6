"""The feature columns of a table, and how their cells are encoded as numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from papertrial.data.numbers import is_number, sort_values
from papertrial.data.tables.table_file import TableFile
from papertrial.errors import DataError

_MOST_CATEGORIES = 100
_SHOWN = 24


@dataclass(frozen=True)
class Feature:
    """A column: its name, and its categories in order, or None if it holds numbers."""

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the numbers that encode a cell: "bmi", or "city=Paris" and so on."""
        if self.categories is None:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)


@dataclass(frozen=True)
class Layout:
    """The feature columns of a table, in order. A run stores them as they are.

    A numeric column is encoded as one number, a categorical column one-hot: as one number for each
    of its categories, 1 for the category of the cell and 0 for the others.

    Args:
        features: the columns.
        fills_missing: whether cells may be missing. A missing number is then encoded as NaN, which
            `papertrial.transforms.Impute` fills, and a missing category as all zeros.
    """

    features: tuple[Feature, ...]
    fills_missing: bool = False

    @classmethod
    def numeric(cls, names: Iterable[str]) -> Layout:
        """Return the layout of columns that hold only numbers, none of them missing."""
        return cls(tuple(Feature(name) for name in names))

    @classmethod
    def learn(
        cls,
        table: TableFile,
        features: Sequence[str],
        *,
        categorical: Collection[str] = (),
        fills_missing: bool = False,
    ) -> Layout:
        """Learn the layout of the feature columns from a training table.

        Raises:
            DataError: a column that is not declared categorical holds text, or a categorical column
                has too many categories, or none.
        """
        found = []
        for name in features:
            if name in categorical:
                found.append(Feature(name, _categories(table, name)))
            else:
                _check_numeric(table, name)
                found.append(Feature(name))
        layout = cls(tuple(found), fills_missing)
        twice = sorted({name for name in layout.names if layout.names.count(name) > 1})
        if twice:
            raise DataError(
                f"{table.path}: a column and a category are both called {twice[0]!r}; rename the "
                "column"
            )
        return layout

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the F numbers that encode a row."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that a table must have."""
        return tuple(feature.name for feature in self.features)

    def encode(self, table: TableFile) -> Tensor:
        """Return the rows of a table as numbers, float32 [N, F].

        Args:
            table: a table that has the columns of this layout.

        Raises:
            DataError: a cell is not a finite number, is missing but may not be, or has an unknown
                category; the message names the first one of the column.
        """
        x = np.zeros((len(table), len(self.names)), dtype=np.float32)
        at = 0
        for feature in self.features:
            if feature.categories is None:
                x[:, at] = self._encode_numbers(table, feature.name)
            else:
                codes = self._category_codes(table, feature.name, feature.categories)
                known = np.flatnonzero(codes >= 0)
                x[known, at + codes[known]] = 1
            at += len(feature.names)
        return torch.from_numpy(x)

    def _encode_numbers(self, table: TableFile, name: str) -> np.ndarray:
        values, bad = table.numbers(name)
        wrong = bad if self.fills_missing else np.isnan(values)
        if wrong.any():
            row = int(wrong.argmax())
            cell = table.written(name, row)
            raise DataError(f"{table.where(row)}: {name} must be a number, got {cell!r}")
        return values

    def _category_codes(self, table: TableFile, name: str, known: tuple[str, ...]) -> np.ndarray:
        """Return the index of each cell's category, [N] int64, -1 for missing cells."""
        index: dict[str | None, int] = {category: i for i, category in enumerate(known)}
        if self.fills_missing:
            index[None] = -1
        texts = table.texts(name)
        wrong = next((row for row, text in enumerate(texts) if text not in index), None)
        if wrong is not None:
            cell = table.written(name, wrong)
            more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            raise DataError(
                f"{table.where(wrong)}: {name} must be one of the categories of the training part, "
                f"{', '.join(known[:_SHOWN])}{more}; got {cell!r}"
            )
        return np.array([index[text] for text in texts], dtype=np.int64)


def _categories(table: TableFile, name: str) -> tuple[str, ...]:
    present = [text for text in table.texts(name) if text is not None]
    distinct = sort_values(present)
    if not distinct:
        raise DataError(f"{table.path}: every cell of {name} is missing; do not use the column")
    if len(distinct) > _MOST_CATEGORIES or len(distinct) == len(table):
        got = f"{len(distinct):,} categories in {len(table):,} rows"
        rule = f"a categorical column has at most {_MOST_CATEGORIES} categories, fewer than rows"
        raise DataError(
            f"{table.path}: {rule}, but {name} has {got}, like a column of ids or numbers; leave "
            "it out with data.table.features, or remove it from data.table.categorical"
        )
    return tuple(distinct)


def _check_numeric(table: TableFile, name: str) -> None:
    bad = table.numbers(name).bad
    if not bad.any():
        return
    row = int(bad.argmax())
    cell = table.written(name, row)
    if is_number(cell):
        raise DataError(
            f"{table.where(row)}: {name} must be a finite number that float32 can hold, got "
            f"{cell!r}"
        )
    count = int(bad.sum())
    others = f" (and {count - 1} more of its {len(table)} cells)" if count > 1 else ""
    decimal = "; write decimals with a point" if is_number(cell.replace(",", ".")) else ""
    raise DataError(
        f"{table.where(row)}: text in a numeric column: {name} is {cell!r}{others}{decimal}; "
        "correct it, add the column to data.table.categorical, or leave it out with "
        "data.table.features"
    )
