"""Folds and groups are those that scikit-learn cuts, and sets that cannot be cut are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import model_selection

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.folds import FoldCuts, cut_fold, fold_rows
from papertrial.data.splits import cut
from papertrial.errors import DataError

N = 60
X = np.arange(N, dtype=np.float32)[:, None]
Y = np.arange(N) % 5 // 3  # classes of 36 and 24
GROUPS = np.arange(N) * 7 % 13


def dataset(rows: int = N, groups: np.ndarray | None = GROUPS, **others: Any) -> Dataset:
    y = torch.from_numpy(Y[:rows])
    own = None if groups is None else groups[:rows]
    split = Split(DenseColumn(torch.from_numpy(X[:rows])), y, np.arange(rows), None, own)
    return Dataset("toy", "table", split, classes=("no", "yes"), **others)


def pairs(cuts: FoldCuts, **options: Any) -> list[tuple[list[int], list[int]]]:
    found = fold_rows(dataset(**options), cuts)
    return [(kept.tolist(), tested.tolist()) for kept, tested in found]


def expected(splitter: Any) -> list[tuple[list[int], list[int]]]:
    found = splitter.split(X, Y, GROUPS if "Group" in type(splitter).__name__ else None)
    return [(sorted(kept.tolist()), sorted(tested.tolist())) for kept, tested in found]


@pytest.mark.parametrize(
    ("cuts", "splitter"),
    [
        (FoldCuts(7, seed=3), model_selection.KFold(7, shuffle=True, random_state=3)),
        (FoldCuts(7, draw="in-order"), model_selection.KFold(7)),
        (
            FoldCuts(4, stratify=True, seed=1),
            model_selection.StratifiedKFold(4, shuffle=True, random_state=1),
        ),
        (
            FoldCuts(4, stratify=True, draw="in-order"),
            model_selection.StratifiedKFold(4),
        ),
        (
            FoldCuts(3, grouped=True, seed=5),
            model_selection.GroupKFold(3, shuffle=True, random_state=5),
        ),
        (FoldCuts(3, grouped=True, draw="in-order"), model_selection.GroupKFold(3)),
        (
            FoldCuts(3, grouped=True, stratify=True, seed=2),
            model_selection.StratifiedGroupKFold(3, shuffle=True, random_state=2),
        ),
        (
            FoldCuts(5, repeats=3, seed=9),
            model_selection.RepeatedKFold(n_splits=5, n_repeats=3, random_state=9),
        ),
        (
            FoldCuts(5, repeats=2, stratify=True, seed=9),
            model_selection.RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=9),
        ),
        (FoldCuts(5, draw="last"), model_selection.TimeSeriesSplit(5)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, FoldCuts) else str(value.draw),
)
def test_folds_are_those_of_scikit_learn(cuts: FoldCuts, splitter: Any) -> None:
    assert pairs(cuts) == expected(splitter)
    assert len(pairs(cuts)) == cuts.count


def test_a_fold_is_the_test_part_and_the_others_are_the_training_part() -> None:
    cuts = FoldCuts(6, seed=4)
    made = [cut_fold(dataset(), rows) for rows in fold_rows(dataset(), cuts)]
    tested = [one.splits["test"].ids.tolist() for one in made]
    assert sorted(row for ids in tested for row in ids) == list(range(N))
    for one, ids in zip(made, tested, strict=True):
        assert one.train.ids.tolist() == [row for row in range(N) if row not in ids]


def test_a_validation_part_is_cut_off_the_training_part_of_a_fold() -> None:
    rows = fold_rows(dataset(), FoldCuts(6, seed=4))[2]
    one = cut(cut_fold(dataset(), rows), validation=0.2, seed=4)
    assert {name: len(split) for name, split in one.splits.items()} == {
        "train": 40, "validation": 10, "test": 10,
    }  # fmt: skip


def test_no_group_is_in_two_parts() -> None:
    cuts = FoldCuts(3, grouped=True)
    made = [cut_fold(dataset(), rows) for rows in fold_rows(dataset(), cuts)]
    whole = cut(dataset(), test=0.3, validation=3, seed=8, grouped=True)
    for one in (*made, whole):
        named = [{*map(int, split.groups)} for split in one.splits.values()
                 if split.groups is not None]  # fmt: skip
        assert sum(map(len, named)) == len(set().union(*named)) == 13
    drawn = model_selection.GroupShuffleSplit(1, test_size=0.3, random_state=8)
    _, tested = next(drawn.split(X, groups=GROUPS))
    assert whole.splits["test"].ids.tolist() == sorted(tested.tolist())
    assert len(np.unique(GROUPS[whole.splits["validation"].ids])) == 3


@pytest.mark.parametrize(
    ("cuts", "options", "said"),
    [
        (FoldCuts(61), {}, r"61 folds need at least 61 rows, but toy has 60"),
        (FoldCuts(60, draw="last"), {}, r"need at least 61 rows"),
        (FoldCuts(25, stratify=True), {}, r"25 rows of each class, but toy has 24 of 'yes'"),
        (FoldCuts(14, grouped=True), {}, r"14 folds need at least 14 groups, but toy has 13"),
        (
            FoldCuts(3),
            {"test": Split(DenseColumn(torch.zeros(2, 1)), torch.zeros(2), np.arange(2))},
            r"toy has a test part of 2 rows",
        ),
    ],
)
def test_sets_that_cannot_be_cut_are_refused(
    cuts: FoldCuts, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        pairs(cuts, **options)


def test_stratified_folds_need_classes() -> None:
    with pytest.raises(DataError, match="needs classes, but toy has none"):
        fold_rows(Dataset("toy", "table", dataset().train), FoldCuts(3, stratify=True))
    rows = dataset().train
    labels = replace(rows, y=torch.ones(len(rows), 2, dtype=torch.uint8))
    several = Dataset("toy", "table", labels, targets=("a", "b"))
    for cut_it in (partial(cut, several, test=0.2, stratify=True),
                   partial(fold_rows, several, FoldCuts(3, stratify=True))):  # fmt: skip
        with pytest.raises(DataError, match=r"but toy has several labels; set it to false"):
            cut_it()


def test_portions_of_groups_that_leave_nothing_are_refused() -> None:
    with pytest.raises(DataError, match=r"cannot take 13 of 13 groups"):
        cut(dataset(), test=13, grouped=True)
