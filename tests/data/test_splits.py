"""Parts drawn off the training part: scikit-learn's rows, in order, whatever the training seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split

import papertrial as pt
from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.named_sets import loading
from papertrial.data.splits import check_splits, cut, limit
from papertrial.errors import DataError
from papertrial.progress import finish
from papertrial.runs.load_data import cut_splits

N = 103
CLASSES = ("a", "b", "c")
Y = torch.from_numpy(np.random.default_rng(0).choice(3, N, p=[0.6, 0.3, 0.1]))


def _dataset(test: Split | None = None) -> Dataset:
    x = DenseColumn(torch.arange(N, dtype=torch.float32).reshape(N, 1))
    split = Split(x, Y, np.arange(N) + 1000)
    return Dataset("toy", "table", split, test=test, classes=CLASSES)


def _rows(part: Split | None) -> list[int]:
    assert part is not None
    rows = (part.ids - 1000).tolist()
    assert part.x.take(slice(None)).flatten().tolist() == rows
    assert torch.equal(part.y, Y[rows])
    return rows


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1])
@pytest.mark.parametrize("portion", [0.1, 0.25, 0.5, 1, 17, 102])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_rows_are_those_of_train_test_split(part: str, portion: float, seed: int) -> None:
    got = cut(_dataset(), seed=seed, **{part: portion})
    kept, taken = train_test_split(range(N), test_size=portion, random_state=seed)
    assert _rows(got.train) == sorted(kept)
    assert _rows(got.splits[part]) == sorted(taken)
    assert list(got.splits) == ["train", part]


@pytest.mark.parametrize("seed", [0, 7])
def test_the_test_part_is_taken_first_then_validation_of_what_is_left(seed: int) -> None:
    got = cut(_dataset(), validation=0.2, test=0.3, seed=seed)
    rest, test = train_test_split(np.arange(N), test_size=0.3, random_state=seed)
    train, validation = train_test_split(np.sort(rest), test_size=0.2, random_state=seed)
    assert _rows(got.test) == sorted(test)
    assert _rows(got.validation) == sorted(validation)
    assert _rows(got.train) == sorted(train)


def test_stratify_takes_the_rows_of_train_test_split_and_keeps_proportions() -> None:
    got = cut(_dataset(), validation=0.25, stratify=True, seed=3)
    kept, taken = train_test_split(np.arange(N), test_size=0.25, random_state=3, stratify=Y.numpy())
    assert _rows(got.train) == sorted(kept)
    assert _rows(got.validation) == sorted(taken)
    share = torch.bincount(got.splits["validation"].y) / torch.bincount(Y)
    assert torch.allclose(share, torch.tensor(26 / N), atol=0.1)
    counts = torch.bincount(got.splits["validation"].y) - torch.bincount(Y) * 26 / N
    assert counts.abs().max() < 1


def test_draw_last_takes_the_last_rows() -> None:
    got = cut(_dataset(), validation=10, test=0.5, draw="last", seed=5)
    assert _rows(got.train) == list(range(41))
    assert _rows(got.validation) == list(range(41, 51))
    assert _rows(got.test) == list(range(51, N))  # of an odd number, scikit-learn tests the more


def test_another_seed_draws_other_rows_and_the_same_seed_the_same() -> None:
    parts = [_rows(cut(_dataset(), validation=0.2, seed=seed).validation) for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]


def test_a_draw_neither_uses_nor_moves_the_global_generators() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    cut(_dataset(), validation=0.2, test=0.2, stratify=True)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


def test_without_portions_the_set_stays_as_it_is() -> None:
    dataset = _dataset()
    assert cut(dataset) is dataset


def test_a_set_with_a_test_part_keeps_it_and_refuses_another() -> None:
    own = _dataset().train.rows(torch.arange(5))
    got = cut(_dataset(own), validation=3)
    assert got.test is own
    message = "data.splits.test is for a source without a test part, but toy has one of 5 rows"
    with pytest.raises(DataError, match=re.escape(message)):
        cut(_dataset(own), test=0.5)
    has = cut(_dataset(), validation=5)
    message = "data.splits.validation is for a source without a validation part, but toy has one"
    with pytest.raises(DataError, match=re.escape(message)):
        cut(has, validation=0.5)


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("portion", [0, 0.0, 1.0, 1.5, -0.1, -3, N, N + 1, 0.9999, float("nan")])
@pytest.mark.parametrize("draw", ["random", "last"])
def test_an_impossible_portion_is_refused(part: str, portion: float, draw: str) -> None:
    start = re.escape(f"data.splits.{part}: cannot take {portion} of {N} rows: ")
    with pytest.raises(DataError, match=start):
        cut(_dataset(), draw=draw, **{part: portion})  # type: ignore[arg-type]


def test_validation_that_the_test_part_left_no_rows_for_is_refused() -> None:
    with pytest.raises(DataError, match=r"data.splits.validation: cannot take 60 of 43 rows"):
        cut(_dataset(), test=60, validation=60)


def test_stratify_needs_classes() -> None:
    with pytest.raises(
        DataError, match="keeps class proportions, so it needs classes, but diabetes"
    ):
        cut(finish(loading("diabetes", Path())), validation=0.2, stratify=True)


@pytest.mark.parametrize("portion", [2, 102])
def test_stratify_needs_room_for_each_class(portion: int) -> None:
    with pytest.raises(
        DataError, match=f"data.splits.validation: cannot take {portion} of 103 rows"
    ):
        cut(_dataset(), validation=portion, stratify=True)


def test_stratify_needs_two_rows_of_each_class() -> None:
    y = torch.zeros(10, dtype=torch.int64)
    y[0] = 1
    split = Split(DenseColumn(torch.zeros(10, 1)), y, np.arange(10))
    with pytest.raises(DataError, match="The least populated class"):
        cut(Dataset("x", "table", split, classes=("a", "b")), validation=5, stratify=True)


def test_a_stratified_draw_is_random() -> None:
    with pytest.raises(DataError, match=r"data\.splits\.validation: cannot take 0\.2 of 103 rows"):
        cut(_dataset(), validation=0.2, stratify=True, draw="last")


def test_a_limit_keeps_rows_of_each_part_in_their_order() -> None:
    got = limit(cut(_dataset(), validation=30, test=0.2, seed=1), 12, seed=1)
    for part in got.splits.values():
        rows = _rows(part)
        assert len(rows) == 12
        assert rows == sorted(rows)
        assert rows[-1] - rows[0] > 40  # drawn from all of it, not its first rows


def test_a_limit_above_a_part_leaves_it_whole() -> None:
    parts = cut(_dataset(), validation=10, seed=1)
    got = limit(parts, 11, seed=1)
    assert got.validation is parts.validation
    assert len(got.train) == 11
    assert got.test is None


def test_what_a_limit_keeps_is_drawn_by_its_seed_alone() -> None:
    drawn = [_rows(limit(_dataset(), 20, seed).train) for seed in (0, 0, 1)]
    torch.rand(1)
    assert drawn[0] == drawn[1] != drawn[2]
    assert _rows(limit(_dataset(), 20, 0).train) == drawn[0]


def test_the_rows_that_a_limit_keeps_are_pinned() -> None:
    assert _rows(limit(_dataset(), 5, 0).train) == [1, 9, 41, 91, 101]


def test_a_limit_comes_after_the_parts_are_cut() -> None:
    whole = pt.load_recipe("digits-mlp", ["data.splits.validation=100"])
    few = pt.load_recipe("digits-mlp", ["data.splits.validation=100", "data.limit=50"])
    digits = finish(loading("digits", Path()))
    cuts = [cut_splits(recipe, digits) for recipe in (whole, few)]
    assert [len(part) for part in cuts[1].splits.values()] == [50] * len(cuts[0].splits)
    for name, part in cuts[1].splits.items():
        assert set(part.ids) < set(cuts[0].splits[name].ids)


def test_parts_share_the_samples_of_the_set() -> None:
    class Watched(DenseColumn):
        taken = 0

        def take(self, rows: slice | torch.Tensor) -> torch.Tensor:
            Watched.taken += 1
            return super().take(rows)

    split = Split(Watched(torch.zeros(10, 1)), torch.zeros(10), np.arange(10))
    parts = cut(Dataset("x", "table", split), validation=5)
    assert Watched.taken == 0
    assert (parts.train.x.nbytes, parts.nbytes) == (20, 40)


def test_the_parts_do_not_move_with_the_training_seed(tmp_path: Path) -> None:
    found = []
    for seed in (0, 1):
        changes = [f"seed={seed}", "epochs=null", "steps=1", "data.splits.draw=random"]
        recipe = pt.load_recipe("digits-mlp", [*changes, "data.splits.validation=100"])
        run = pt.train(recipe, runs=tmp_path, device="cpu", threads=1)
        found.append(json.loads((run.path / "provenance.json").read_text())["data"])
    assert found[0] == found[1]


def two_parts(train: list[int], test: list[int]) -> Dataset:
    def part(labels: list[int]) -> Split:
        rows = len(labels)
        return Split(DenseColumn(torch.zeros(rows, 2)), torch.tensor(labels), np.arange(rows))

    return Dataset("made", "table", part(train), test=part(test), classes=("a", "b", "c"))


def test_a_class_that_no_training_row_has_is_refused_with_the_row_that_has_it() -> None:
    check_splits(two_parts([0, 1, 2], [1, 1]))
    with pytest.raises(DataError, match=r"the test part has the class 'c' \(row 1\), which no"):
        check_splits(two_parts([0, 1, 1], [0, 2]))


def test_a_category_that_no_training_row_has_is_refused() -> None:
    def part(cities: list[list[float]]) -> Split:
        x = DenseColumn(torch.tensor(cities))
        return Split(x, torch.zeros(len(cities)), np.arange(len(cities)))

    names = ("area", "city=Bern", "city=Rom")
    train, test = part([[1.0, 1.0, 0.0]]), part([[0.0, 0.0, 1.0]])
    check_splits(Dataset("made", "table", test, test=test, features=names))
    with pytest.raises(DataError, match="the test part has the category city=Rom, which no"):
        check_splits(Dataset("made", "table", train, test=test, features=names))
