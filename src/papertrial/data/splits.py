"""A validation part, and where a source has none a test part, drawn off the training part."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.streams import generator
from papertrial.errors import DataError

_MEND = "add training rows of it, leave its rows out, or cut other parts (data.splits)"


def cut(
    dataset: Dataset,
    *,
    validation: float | int | None = None,
    test: float | int | None = None,
    draw: Literal["random", "last"] = "random",
    stratify: bool = False,
    seed: int = 0,
) -> Dataset:
    """Return the set with a test part, then a validation part, taken off its training part.

    The draw is scikit-learn's `train_test_split` with `random_state=seed`, so that numbers
    published with that function can be met; rows keep their order within each part.

    Args:
        dataset: the set as loaded.
        validation: a fraction of the training part, or a number of rows.
        test: likewise; only for a set without a test part of its own.
        draw: "random", or "last" for the last rows.
        stratify: keep the class proportions (classification only).
        seed: of the draw; no other seed moves it.

    Raises:
        DataError: the set has a test part already, or the parts cannot be cut as asked.
    """
    if stratify and not dataset.classes:
        rule = "data.splits.stratify keeps class proportions, so it needs classes"
        raise DataError(f"{rule}; {dataset.name} has none, set it to false")
    if test is not None and dataset.test is not None:
        raise DataError(
            f"data.splits.test is for a source without a test part, but {dataset.name} has one of "
            f"{len(dataset.test)} rows; remove data.splits.test"
        )
    for part, portion in (("test", test), ("validation", validation)):
        if portion is not None:
            kept, taken = _cut(dataset.train, part, portion, draw, stratify, seed)
            dataset = (
                replace(dataset, train=kept, test=taken)
                if part == "test"
                else replace(dataset, train=kept, validation=taken)
            )
    return dataset


def check_parts(dataset: Dataset) -> None:
    """Refuse a set whose other parts have what its training part lacks, so cannot be learnt.

    Raises:
        DataError: a class, or a category of a table's column, that no training row has.
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
                    f"which no training row has, so it cannot be learnt; {_MEND}"
                )
        for column, feature in enumerate(dataset.features):
            if "=" in feature and not _any(dataset.train, column) and _any(split, column):
                raise DataError(
                    f"{dataset.name}: the {name} part has the category {feature}, which no "
                    f"training row has, so it cannot be learnt; {_MEND}"
                )


def _any(split: Split, column: int) -> bool:
    return any(bool((chunk[:, column] != 0).any()) for chunk in chunks(split.x))


def limit(dataset: Dataset, rows: int, seed: int) -> Dataset:
    """Return the set with at most `rows` samples of each split, drawn by `seed`, in their order."""

    def few(split: Split | None) -> Split | None:
        if split is None or len(split) <= rows:
            return split
        drawn = torch.randperm(len(split), generator=generator(seed, "limit"))[:rows]
        return split.rows(drawn.sort().values)

    train = few(dataset.train)
    assert train is not None, "a set has a training part"
    return replace(dataset, train=train, validation=few(dataset.validation), test=few(dataset.test))


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
        why = f": {error}" if stratify else ": it would leave one of the parts empty"
        raise DataError(
            f"data.splits.{part}: {portion} of {len(split)} rows cannot be taken{why}"
        ) from error
    first, second = (torch.from_numpy(part_rows).sort().values for part_rows in (kept, taken))
    return split.rows(first), split.rows(second)
