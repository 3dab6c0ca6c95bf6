"""Folds of a set: parts of its training part that are tested in turn, cut by scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.splits import check_stratify
from papertrial.errors import DataError

FoldDraw = Literal["random", "in-order", "last"]
FoldRows = tuple[torch.Tensor, torch.Tensor]  # of the training part and of the test part
_Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FoldCuts:
    """How the folds of a set are cut.

    Args:
        folds: number of folds of one repetition.
        repeats: repetitions, each with another draw.
        draw: "random" shuffles with `seed`; "in-order" takes consecutive rows; "last" tests each
            block of rows on a training on all rows before it, for a series.
        stratify: keep the class proportions.
        seed: seeds the draws.
        grouped: keep the rows of a group together.
    """

    folds: int
    repeats: int = 1
    draw: FoldDraw = "random"
    stratify: bool = False
    seed: int = 0
    grouped: bool = False

    @property
    def count(self) -> int:
        """The number of folds of all repetitions."""
        return self.folds * self.repeats


def cut_fold(dataset: Dataset, rows: FoldRows) -> Dataset:
    """Cut a fold off the training part of a set, as its test part; see `fold_rows`."""
    kept, tested = rows
    parts = {"train": dataset.train.rows(kept), "test": dataset.train.rows(tested)}
    return dataset.with_splits({**dataset.splits, **parts})


def fold_rows(dataset: Dataset, cuts: FoldCuts) -> list[FoldRows]:
    """Return the training rows and the test rows of every fold, sorted.

    Fold number r * folds + k is fold k of repetition r.

    These are the rows that scikit-learn gives: KFold, StratifiedKFold, GroupKFold or
    StratifiedGroupKFold with `random_state=seed`, of which repetitions draw on (as RepeatedKFold
    does), or TimeSeriesSplit.

    Raises:
        DataError: the set has a test part of its own, too few rows, classes or groups.
    """
    train = dataset.train
    if dataset.test is not None:
        raise DataError(
            f"data.splits.folds tests each row of the training part once, but {dataset.name} has "
            f"a test part of {len(dataset.test)} rows that no fold would use; remove folds, or "
            "give a source whose rows are all in the training part"
        )
    _check_size(dataset, cuts)
    try:
        found = list(_split(train, cuts))
    except ValueError as error:
        raise DataError(f"data.splits.folds: cannot cut {cuts.folds} folds: {error}") from error
    empty = [fold for fold, (_, tested) in enumerate(found) if len(tested) == 0]
    if empty:
        raise DataError(
            f"data.splits.folds: fold {empty[0]} of {cuts.folds} would have no rows, because whole "
            f"groups of {dataset.name} fill the others; use fewer folds, or stratify: false"
        )
    return [(_sorted(kept), _sorted(tested)) for kept, tested in found]


def _check_size(dataset: Dataset, cuts: FoldCuts) -> None:
    """Check in advance what scikit-learn refuses or only warns about."""
    train, folds = dataset.train, cuts.folds
    needed = folds + 1 if cuts.draw == "last" else folds
    if len(train) < needed:
        raise DataError(
            f"data.splits.folds: {folds} folds need at least {needed} rows, but {dataset.name} "
            f"has {len(train)}; use fewer folds"
        )
    if cuts.stratify:
        check_stratify(dataset)
    if cuts.grouped:
        assert train.groups is not None, "the source gives the groups"
        count = len(np.unique(train.groups))
        if count < folds:
            raise DataError(
                f"data.splits.folds: {folds} folds need at least {folds} groups, but "
                f"{dataset.name} has {count}; use fewer folds, or another data.splits.group"
            )
    if cuts.stratify:
        sizes = torch.bincount(train.y, minlength=len(dataset.classes))
        rare = int(sizes.argmin())
        if sizes[rare] < folds:
            raise DataError(
                f"data.splits.folds: {folds} stratified folds need {folds} rows of each class, but "
                f"{dataset.name} has {int(sizes[rare])} of {dataset.classes[rare]!r}; use fewer "
                "folds, or stratify: false"
            )


def _split(train: Split, cuts: FoldCuts) -> Iterator[_Rows]:
    from sklearn import model_selection  # noqa: PLC0415  (slow to import)

    rows = np.arange(len(train))
    if cuts.draw == "last":
        yield from model_selection.TimeSeriesSplit(cuts.folds).split(rows)
        return
    names = {
        (False, False): "KFold",
        (True, False): "StratifiedKFold",
        (False, True): "GroupKFold",
        (True, True): "StratifiedGroupKFold",
    }
    splitter: Any = getattr(model_selection, names[cuts.stratify, cuts.grouped])
    shuffle = cuts.draw == "random"
    # One generator for all repetitions, as in RepeatedKFold; its first draw is that of the seed.
    state = np.random.RandomState(cuts.seed) if shuffle else None
    y = train.y.numpy() if cuts.stratify else None
    groups = train.groups if cuts.grouped else None  # KFold warns about them
    for _ in range(cuts.repeats):
        one = splitter(cuts.folds, shuffle=shuffle, random_state=state)
        yield from one.split(rows, y, groups)


def _sorted(rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.sort(rows))
