"""What the columns of a table are, and how their cells become numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.tables.table_file import Table
from papertrial.errors import DataError, PapertrialError, did_you_mean

_MOST_CATEGORIES = 100
_SHOWN = 24


@dataclass(frozen=True)
class Feature:
    """A column: its name, and its categories in order, or None where it holds numbers."""

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the numbers that it becomes: "bmi", or "city=Paris" and so on."""
        if self.categories is None:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)


@dataclass(frozen=True)
class Layout:
    """The feature columns of a table, in order.

    A numeric column is one number. A categorical column is one number for each of its categories,
    1 for the cell's and 0 for the others.

    Args:
        features: the columns.
        fills_missing: whether missing cells may come: a missing number is then NaN, to be filled by
            `papertrial.transforms.Impute`, and a missing category is 0 for every category, which
            is to say none of them.
    """

    features: tuple[Feature, ...]
    fills_missing: bool = False

    @classmethod
    def numeric(cls, names: Iterable[str]) -> Layout:
        """Return the layout of columns that hold numbers alone, and none missing."""
        return cls(tuple(Feature(name) for name in names))

    @classmethod
    def learn(
        cls,
        table: Table,
        features: Sequence[str],
        *,
        categorical: Collection[str] = (),
        fills_missing: bool = False,
    ) -> Layout:
        """Find out what the feature columns of a training table are.

        Raises:
            DataError: text in a column that is not declared categorical, or a categorical column
                with too many categories, or none.
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
        """The names of the F numbers that a row becomes."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that a table must have."""
        return tuple(feature.name for feature in self.features)

    def state(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        features = [
            {"name": f.name, "categories": None if f.categories is None else list(f.categories)}
            for f in self.features
        ]
        return {"features": features, "fills_missing": self.fills_missing}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Layout:
        """Return the layout whose `state()` this is."""
        features = (
            Feature(one["name"], None if one["categories"] is None else tuple(one["categories"]))
            for one in state["features"]
        )
        return cls(tuple(features), state["fills_missing"])

    def encode(self, table: Table, error: type[PapertrialError] = DataError) -> Tensor:
        """Return the rows of a table as numbers, float32 [N, F].

        Args:
            table: has the columns of this layout.
            error: what to raise.

        Raises:
            PapertrialError: of the type `error`, for the first cell of a column that is no finite
                number, is missing where it must not, or is a category that is not known.
        """
        x = np.zeros((len(table), len(self.names)), dtype=np.float32)
        at = 0
        for feature in self.features:
            if feature.categories is None:
                x[:, at] = self._numbers(table, feature.name, error)
            else:
                codes = self._codes(table, feature.name, feature.categories, error)
                known = np.flatnonzero(codes >= 0)
                x[known, at + codes[known]] = 1
            at += len(feature.names)
        return torch.from_numpy(x)

    def _numbers(self, table: Table, name: str, error: type[PapertrialError]) -> np.ndarray:
        values, bad = table.numbers(name)
        wrong = bad if self.fills_missing else np.isnan(values)
        if wrong.any():
            row = int(wrong.argmax())
            cell = table.written(name, row)
            raise error(f"{table.where(row)}: {name} must be a number, got {cell!r}")
        return values

    def _codes(
        self, table: Table, name: str, known: tuple[str, ...], error: type[PapertrialError]
    ) -> np.ndarray:
        """Return the place of each cell's category, [N] int64, -1 where it is missing."""
        index: dict[str | None, int] = {category: i for i, category in enumerate(known)}
        if self.fills_missing:
            index[None] = -1
        texts = table.texts(name)
        wrong = next((row for row, text in enumerate(texts) if text not in index), None)
        if wrong is not None:
            cell = table.written(name, wrong)
            more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            raise error(
                f"{table.where(wrong)}: {name} must be one of the categories that the training "
                f"part has, {', '.join(known[:_SHOWN])}{more}; got {cell!r}"
            )
        return np.array([index[text] for text in texts], dtype=np.int64)


def ordered(values: Iterable[str]) -> list[str]:
    """Return distinct values sorted: as numbers where they all are numbers, else as text."""
    distinct = sorted(set(values))
    try:
        return sorted(distinct, key=float)
    except ValueError:
        return distinct


def check_names(table: Table, names: Iterable[str], what: str) -> None:
    """Raise DataError unless the table has these columns.

    Args:
        table: the table.
        names: of its columns.
        what: who asks for them, as in "data.table.features".
    """
    for name in names:
        if name not in table.columns:
            header = list(table.columns)
            rule = f"{what}: {table.path} has no column {name!r}{did_you_mean(name, header)}"
            if all(_is_number(one) for one in header):
                rule += "; its first line must name the columns, and holds numbers"
            raise DataError(rule)


def _is_number(text: str) -> bool:
    try:
        return bool(float(text) or True)
    except ValueError:
        return False


def _categories(table: Table, name: str) -> tuple[str, ...]:
    present = [text for text in table.texts(name) if text is not None]
    distinct = ordered(present)
    if not distinct:
        raise DataError(f"{table.path}: every cell of {name} is missing; leave the column out")
    if len(distinct) > _MOST_CATEGORIES or len(distinct) == len(table):
        got = f"{len(distinct):,} categories in {len(table):,} rows"
        rule = f"a categorical column has at most {_MOST_CATEGORIES} categories, fewer than rows"
        raise DataError(
            f"{table.path}: {rule}; {name} has {got}, as a column of ids or numbers has: leave it "
            "out with data.table.features, or out of data.table.categorical"
        )
    return tuple(distinct)


def _check_numeric(table: Table, name: str) -> None:
    bad = table.numbers(name).bad
    if not bad.any():
        return
    row = int(bad.argmax())
    cell = table.written(name, row)
    if _is_number(cell):
        raise DataError(
            f"{table.where(row)}: {name} must be a finite number that float32 holds, got {cell!r}"
        )
    count = int(bad.sum())
    others = f" (and {count - 1} more of its {len(table)} cells)" if count > 1 else ""
    decimal = "; write decimals with a point" if _is_number(cell.replace(",", ".")) else ""
    raise DataError(
        f"{table.where(row)}: text in a numeric column: {name} is {cell!r}{others}{decimal}; "
        "mend it, declare the column in data.table.categorical, or leave it out with "
        "data.table.features"
    )
