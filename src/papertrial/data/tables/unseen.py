"""Categories of a table that only rows outside the training part have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, SampleColumn, Split, chunks
from papertrial.data.tables.layout import Feature, Layout
from papertrial.errors import DataError
from papertrial.reading_note import ReadingNote


def hide_unseen(dataset: Dataset, categorical: Sequence[str], codes: Sequence[str]) -> Dataset:
    """Return a table whose parts have zeros for categories that no training row has, with notes.

    Args:
        dataset: a table, cut into its parts.
        categorical: the columns that are one-hot, each as the features "column=category".
        codes: the features that are codes of categories.
    """
    train, splits, notes = _rows(dataset.train.x), dict(dataset.splits), []
    one_hot = tuple(f"{column}=" for column in categorical)
    for part, split in dataset.splits.items():
        if part == "train":
            continue
        x = _rows(split.x).clone()
        for at, name in enumerate(dataset.features):
            if name not in codes and not name.startswith(one_hot):
                continue
            hidden = _unseen(train[:, at], x[:, at])
            if hidden.any():
                x[hidden, at] = 0
                row = int(hidden.nonzero()[0])
                notes.append(
                    ReadingNote(
                        action="converted",
                        what=f"{name} in the {part} part is no category of a training row, "
                        "encoded as zeros",
                        count=int(hidden.sum()),
                        unit="cell",
                        where=split.name(row),
                        change="set data.table.unseen: error",
                    )
                )
        splits[part] = replace(split, x=DenseColumn(x))
    return (
        replace(dataset.with_splits(splits), notes=(*dataset.notes, *notes)) if notes else dataset
    )


def check_codes_seen(dataset: Dataset, codes: Sequence[str]) -> None:
    """Raise DataError if a part of a table has a code that no training row has."""
    for at, name in enumerate(dataset.features):
        if name not in codes:
            continue
        train = _rows(dataset.train.x)[:, at]
        for part, split in dataset.splits.items():
            new = _unseen(train, _rows(split.x)[:, at])
            if new.any():
                where = split.name(int(new.nonzero()[0]))
                raise DataError(
                    f"{dataset.name}: the {part} part has a category of {name} ({where}) that no "
                    "training row has, so it cannot be learned; set data.table.unseen: zeros to "
                    "encode it as no category, or draw other parts with data.splits"
                )


def with_unseen(layout: Layout, train: Split) -> Layout:
    """Return the layout of a table, in which categories that no training row has are unseen."""
    if layout.unseen == "error":
        return layout
    x, features, at = _rows(train.x), [], 0
    for feature in layout.features:
        width = len(feature.names)
        features.append(_with_unseen(feature, x[:, at : at + width]))
        at += width
    return replace(layout, features=tuple(features))


def _with_unseen(feature: Feature, x: Tensor) -> Feature:
    if feature.categories is None:
        return feature
    if feature.coded:
        seen = torch.isin(torch.arange(1, len(feature.categories) + 1), x[:, 0].long())
    else:
        seen = (x != 0).any(0)
    names = zip(feature.categories, seen.tolist(), strict=True)
    return replace(feature, unseen=tuple(name for name, known in names if not known))


def _unseen(train: Tensor, other: Tensor) -> Tensor:
    """Return which numbers of a part, [N], are not 0 and not among those of the training part."""
    return (other != 0) & ~torch.isin(other, train)


def _rows(column: SampleColumn) -> Tensor:
    return torch.cat(list(chunks(column)))
