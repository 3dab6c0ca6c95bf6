"""Identical samples are found, whatever column they lie in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from papertrial.data.column import Column, DenseColumn, MemmapColumn, Split
from papertrial.data.duplicates import digests, duplicates, repeated
from papertrial.data.texts.ragged_column import RaggedColumn, text_column


def split(x: Column, y: list[int] | None = None) -> Split:
    targets = torch.tensor(y if y is not None else [0] * len(x))
    return Split(x, targets, np.arange(len(x)))


def dense(*rows: list[float]) -> DenseColumn:
    return DenseColumn(torch.tensor(rows))


def test_pairs_are_in_the_order_of_the_second_part() -> None:
    a = split(dense([1, 2], [3, 4], [5, 6]))
    b = split(dense([5, 6], [7, 8], [1, 2], [5, 6]))
    assert duplicates(a, b) == [(2, 0), (0, 2), (2, 3)]
    assert duplicates(b, a) == [(2, 0), (0, 2)]


def test_of_several_the_one_whose_target_agrees_is_named() -> None:
    a = split(dense([1, 2], [1, 2], [1, 2]), [0, 1, 1])
    b = split(dense([1, 2], [1, 2], [1, 2]), [1, 0, 2])
    assert duplicates(a, b) == [(1, 0), (0, 1), (0, 2)]
    assert duplicates(a, b, with_targets=True) == [(1, 0), (0, 1)]


def test_several_numbers_as_target_agree_as_a_whole() -> None:
    x = dense([1, 2], [1, 2])
    a = Split(x, torch.tensor([[1.0, 2.0], [1.0, 3.0]]), np.arange(2))
    b = Split(x, torch.tensor([[1.0, 3.0], [4.0, 4.0]]), np.arange(2))
    assert duplicates(a, b, with_targets=True) == [(1, 0)]


@pytest.mark.parametrize("difference", [(0, 0, 0), (2, 3, 3), (1, 2, 0)])
def test_a_single_bit_makes_another_image(difference: tuple[int, int, int]) -> None:
    images = torch.zeros(5, 3, 4, 4, dtype=torch.uint8)
    images[3][difference] = 1
    a, b = split(DenseColumn(images[:1])), split(DenseColumn(images[1:]))
    assert [j for _, j in duplicates(a, b)] == [0, 1, 3]


def test_minus_zero_is_zero() -> None:
    assert duplicates(split(dense([0.0, 1.0])), split(dense([-0.0, 1.0]))) == [(0, 0)]


def test_texts_are_compared_as_they_are() -> None:
    a = split(text_column(["Fine.", "", "naïve", "a", "ab"]))
    b = split(text_column(["naïve", "fine.", "Fine. ", "Fine.", "", "ab"]))
    assert duplicates(a, b) == [(2, 0), (0, 3), (1, 4), (4, 5)]


def test_tokens_of_other_lengths_are_others() -> None:
    a = split(RaggedColumn(torch.tensor([1, 2, 0], dtype=torch.int32), torch.tensor([2, 1])))
    b = split(RaggedColumn(torch.tensor([1, 2, 0, 2], dtype=torch.int32), torch.tensor([3, 1])))
    assert duplicates(a, b) == []


def test_columns_of_every_kind_agree(tmp_path: Path) -> None:
    values = torch.arange(60, dtype=torch.uint8).view(5, 3, 2, 2)
    np.save(tmp_path / "x.npy", values.numpy())
    stored = MemmapColumn(str(tmp_path / "x.npy"))
    picked = DenseColumn(values).rows(torch.tensor([4, 1]))
    assert digests(stored) == digests(DenseColumn(values))
    assert duplicates(split(stored), split(picked)) == [(4, 0), (1, 1)]


def test_a_column_of_many_chunks_is_the_same_as_its_rows() -> None:
    values = torch.arange(5_000_000, dtype=torch.float32).view(5000, 1000)  # 20 MB: two chunks
    values[4999] = values[0]
    whole = digests(DenseColumn(values))
    assert whole == [digests(DenseColumn(row[None]))[0] for row in values]
    assert whole[4999] == whole[0]
    assert len(set(whole)) == 4999


def test_samples_that_stand_in_their_own_part_are_counted() -> None:
    column = dense([1, 2], [1, 2], [3, 4], [1, 2])
    y = torch.tensor([0, 1, 0, 0])
    assert repeated(digests(column), y) == 2
    assert repeated(digests(column), y, with_targets=True) == 1


def test_empty_parts_share_nothing() -> None:
    empty = split(DenseColumn(torch.zeros(0, 2)))
    assert duplicates(empty, split(dense([1, 2]))) == []
    assert duplicates(split(dense([1, 2])), empty) == []
