"""Validation and test parts drawn from the training part, and sets limited to a few rows."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.streams import generator
from papertrial.errors import DataError

_FIX = "add training rows of it, remove its rows, or draw other parts with data.splits"


def cut(
    dataset: Dataset,
    *,
    validation: float | int | None = None,
    test: float | int | None = None,
    draw: Literal["random", "last"] = "random",
    stratify: bool = False,
    seed: int = 0,
    grouped: bool = False,
) -> Dataset:
    """Split a test part, then a validation part, off the training part of a set.

    Rows are drawn by scikit-learn's `train_test_split` with `random_state=seed`, so that results
    published with that function can be reproduced, or groups of rows by its `GroupShuffleSplit`.
    Rows keep their order within each part.

    Args:
        dataset: the set as loaded.
        validation: a fraction of the training part, or a number of rows; only for a set without
            a validation part.
        test: like `validation`; only for a set without a test part.
        draw: "random", or "last" for the last rows.
        stratify: keep the class proportions (classification only).
        seed: seeds the draw.
        grouped: draw whole groups; `validation` and `test` are then portions of the groups.

    Raises:
        DataError: the set already has the part, or the parts cannot be drawn.
    """
    if stratify:
        check_stratify(dataset)
    if test is not None and dataset.test is not None:
        raise DataError(
            f"data.splits.test is for a source without a test part, but {dataset.name} has one of "
            f"{len(dataset.test)} rows; remove data.splits.test"
        )
    if validation is not None and dataset.validation is not None:
        raise DataError(
            "data.splits.validation is for a source without a validation part, but "
            f"{dataset.name} has one of {len(dataset.validation)} rows; remove "
            "data.splits.validation"
        )
    for part, portion in (("test", test), ("validation", validation)):
        if portion is not None:
            kept, taken = (
                _cut_groups(dataset.train, part, portion, seed)
                if grouped
                else _cut(dataset.train, part, portion, draw, stratify, seed)
            )
            dataset = dataset.with_splits({**dataset.splits, "train": kept, part: taken})
    return dataset


def check_splits(dataset: Dataset) -> None:
    """Check that the training split has all classes and categories of the other splits.

    Raises:
        DataError: no training row has some class, or some category of a table's column.
    """
    for name, split in dataset.splits.items():
        if name == "train":
            continue
        if dataset.classes:
            known = torch.bincount(dataset.train.y, minlength=len(dataset.classes)) > 0
            new = (~known[split.y]).nonzero()
            if len(new):
                row = int(new[0])
                label = dataset.classes[int(split.y[row])]
                raise DataError(
                    f"{dataset.name}: the {name} part has the class {label!r} ({split.name(row)}), "
                    f"which no training row has, so it cannot be learned; {_FIX}"
                )
        for column, feature in enumerate(dataset.features):
            if (
                "=" in feature
                and not _has_nonzero(dataset.train, column)
                and _has_nonzero(split, column)
            ):
                raise DataError(
                    f"{dataset.name}: the {name} part has the category {feature}, which no "
                    f"training row has, so it cannot be learned; set "
                    f"data.table.unseen: zeros to encode it as no category, {_FIX}"
                )


def _has_nonzero(split: Split, column: int) -> bool:
    return any(bool((chunk[:, column] != 0).any()) for chunk in chunks(split.x))


def limit(dataset: Dataset, rows: int, seed: int) -> Dataset:
    """Limit each split of a set to at most `rows` samples, drawn with `seed`, in order."""

    def limited(split: Split) -> Split:
        if len(split) <= rows:
            return split
        drawn = torch.randperm(len(split), generator=generator(seed, "limit"))[:rows]
        return split.rows(drawn.sort().values)

    return dataset.with_splits({name: limited(split) for name, split in dataset.splits.items()})


def check_stratify(dataset: Dataset) -> None:
    """Raise DataError unless each sample of a set has one class, whose proportions can be kept."""
    y = dataset.train.y
    if isinstance(y, Tensor) and y.ndim == 2 and not y.is_floating_point():
        needs, has = "one class for each sample", "several labels"
    elif not dataset.classes:
        needs, has = "classes", "none"
    else:
        return
    raise DataError(
        f"data.splits.stratify keeps class proportions, so it needs {needs}, but {dataset.name} "
        f"has {has}; set it to false"
    )


def _cut(
    split: Split, part: str, portion: float | int, draw: str, stratify: bool, seed: int
) -> tuple[Split, Split]:
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  (slow to import)

    rows = torch.arange(len(split)).numpy()
    try:
        kept, taken = train_test_split(
            rows,
            test_size=portion,
            shuffle=draw == "random",
            random_state=seed if draw == "random" else None,
            stratify=split.y.numpy() if stratify else None,
        )
    except ValueError as error:
        why = f": {error}" if stratify else ": one of the parts would be empty"
        raise DataError(
            f"data.splits.{part}: cannot take {portion} of {len(split)} rows{why}"
        ) from error
    return _parts(split, kept, taken)


def _cut_groups(split: Split, part: str, portion: float | int, seed: int) -> tuple[Split, Split]:
    from sklearn.model_selection import GroupShuffleSplit  # noqa: PLC0415  (slow to import)

    assert split.groups is not None, "the source gives the groups"
    drawing = GroupShuffleSplit(1, test_size=portion, random_state=seed)
    try:
        kept, taken = next(drawing.split(np.arange(len(split)), groups=split.groups))
    except ValueError as error:
        groups = len(np.unique(split.groups))
        raise DataError(
            f"data.splits.{part}: cannot take {portion} of {groups} groups: one of the parts would "
            "be empty; with data.splits.group, this is a portion of the groups"
        ) from error
    return _parts(split, kept, taken)


def _parts(split: Split, kept: np.ndarray, taken: np.ndarray) -> tuple[Split, Split]:
    first, second = (torch.from_numpy(rows).sort().values for rows in (kept, taken))
    return split.rows(first), split.rows(second)
