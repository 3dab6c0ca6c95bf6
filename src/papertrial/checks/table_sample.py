"""A sample of the rows of a table, in the order of the file, with its columns as they are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.sources.spec import LoadedSet
from papertrial.data.tables.table_file import TableFile

_MOST_ROWS, _MOST_CELLS = 100_000, 5_000_000
_SHOWN = 8
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TIMES = {
    *("year", "yr", "quarter", "month", "week", "day", "date", "hour", "minute", "second"),
    *("time", "datetime", "timestamp", "ts", "t", "epoch", "season", "period", "step"),
}


@dataclass(frozen=True)
class SampledColumn:
    """A column in the sampled rows.

    `values` [n] are its numbers, float64, or of a column of texts the index of each text, from 0.
    They are NaN where a cell is missing. `texts` are the texts of a column that holds text.
    """

    name: str
    values: np.ndarray
    texts: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name in lower case: "PassengerId" is passenger, id."""
        return tuple(word.lower() for word in _WORDS.findall(self.name))

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers, none of them missing."""
        if self.texts or not np.isfinite(self.values).all():
            return False
        return bool((self.values == np.floor(self.values)).all())

    @property
    def is_time(self) -> bool:
        """Whether it says when something was, by its name."""
        return not _TIMES.isdisjoint(self.words)


@dataclass(frozen=True)
class Suspect:
    """A feature that should perhaps not be one, and why, as a message."""

    feature: str
    message: str


@dataclass(frozen=True)
class TableSample:
    """Rows of the training part of a table before its splits are cut: all, or 100,000 of many.

    Of many rows, half of the sample are the first ones, in which values that repeat are close to
    each other if the table is sorted; the other half is evenly spaced over the rest.

    Attributes:
        features: the columns that are learnt from, in order, without those of dates.
        positions: the number of each row in the file, [n] int64, rising.
        y: the targets, [n] or [n, T].
        groups: the group of each row, if the splits keep groups together.
        total: the number of rows that the sample is from.
    """

    features: tuple[SampledColumn, ...]
    positions: np.ndarray
    y: Tensor
    groups: np.ndarray | None
    total: int

    @property
    def group_features(self) -> tuple[str, ...]:
        """The features that have a value for each group and for no other, by name."""
        if self.groups is None:
            return ()
        names = np.unique(self.groups, return_inverse=True)[1]
        return tuple(one.name for one in self.features if same_parts(one.values, names))

    @property
    def rows_in_words(self) -> str:
        """Which rows were looked at, for messages: "150 rows"."""
        count = len(self.positions)
        if count == self.total:
            return f"{count:,} rows"
        return f"{count:,} of {self.total:,} rows: the first half of them, and others evenly spaced"

    def leave_out(self, names: Sequence[str]) -> str:
        """Return how to learn from all features but these."""
        left = [column.name for column in self.features if column.name not in names]
        if not left:
            return "add columns that describe a sample"
        one = "it" if len(names) == 1 else "them"
        listed = f": [{', '.join(left)}]" if len(left) <= _SHOWN else ""
        return f"leave {one} out with data.table.features{listed}, and make the model's input fit"


def sample_table(loaded: LoadedSet) -> TableSample:
    """Return a sample of the training part of a table that was loaded: all rows if it is small."""
    train, width = loaded.dataset.train, max(1, len(loaded.dataset.features))
    count = min(len(train), _MOST_ROWS, max(2000, _MOST_CELLS // width))
    first = count // 2
    spread = np.linspace(first, len(train) - 1, count - first).astype(np.int64)
    rows = np.concatenate([np.arange(first), spread])
    return TableSample(
        features=_features(loaded, rows),
        positions=train.ids[rows],
        y=train.y[torch.from_numpy(rows)].cpu(),
        groups=None if train.groups is None else train.groups[rows],
        total=len(train),
    )


def same_parts(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two columns [n] divide the rows into the same parts."""
    a, b = (np.unique(values, return_inverse=True)[1].astype(np.int64) for values in (one, other))
    pairs = len(np.unique(a * (int(b.max()) + 1) + b))
    return pairs == int(a.max()) + 1 == int(b.max()) + 1


def read_column(table: TableFile, name: str) -> SampledColumn:
    """Read a column of a table file: as numbers if all its cells are numbers, else as text."""
    numbers = table.numbers(name)
    if not numbers.bad.any():
        return SampledColumn(name, numbers.values)
    return _text_column(name, table.texts(name))


def encoded_names(loaded: LoadedSet, name: str) -> tuple[str, ...]:
    """Return the features of the data set that encode a column: "city=Bern", "city=Wien"."""
    known = {one.name: one.names for one in loaded.layout.features} if loaded.layout else {}
    return known.get(name, (name,) if name in loaded.dataset.features else ())


def _features(loaded: LoadedSet, rows: np.ndarray) -> tuple[SampledColumn, ...]:
    dataset, table = loaded.dataset, loaded.table
    if table is None or loaded.layout is None:
        return _numeric(dataset, rows)
    mask = np.zeros(len(table), dtype=bool)
    mask[rows] = True
    few = table.keep(mask)
    return tuple(
        SampledColumn(one.name, few.numbers(one.name).values)
        if one.categories is None
        else _text_column(one.name, few.texts(one.name))
        for one in loaded.layout.features
        if not one.dates
    )


def _numeric(dataset: Dataset, rows: np.ndarray) -> tuple[SampledColumn, ...]:
    x = dataset.train.x.take(torch.from_numpy(rows)).double().cpu().numpy()
    return tuple(SampledColumn(name, x[:, k]) for k, name in enumerate(dataset.features))


def _text_column(name: str, texts: Sequence[str | None]) -> SampledColumn:
    known = tuple(sorted({text for text in texts if text is not None}))
    index: dict[str | None, float] = {text: float(k) for k, text in enumerate(known)}
    values = np.array([index.get(text, np.nan) for text in texts])
    return SampledColumn(name, values, known)
