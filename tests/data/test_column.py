"""Columns of every kind: rows as numpy gives them, memory of their own, one fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import (
    Dataset,
    DenseColumn,
    MemmapColumn,
    RowsColumn,
    SampleColumn,
    Split,
    chunks,
)
from papertrial.data.splits import cut

Make = Callable[[np.ndarray], SampleColumn]
KINDS = ["dense", "memmap", "fortran memmap", "rows of dense", "rows of memmap", "rows of rows"]
VALUES = np.random.default_rng(0).integers(0, 256, (11, 2, 3, 4), dtype=np.uint8)


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Lay values out as a column of one kind."""

    def memmap(values: np.ndarray) -> SampleColumn:
        np.save(tmp_path / "x.npy", values)
        return MemmapColumn(str(tmp_path / "x.npy"))

    def rows(base: Make, values: np.ndarray) -> SampleColumn:
        order = np.random.default_rng(1).permutation(len(values) + 2)
        spread = np.zeros((len(order), *values.shape[1:]), values.dtype)
        spread[order[: len(values)]] = values
        return RowsColumn(base(spread), torch.from_numpy(order[: len(values)]))

    def dense(values: np.ndarray) -> SampleColumn:
        return DenseColumn(torch.from_numpy(values.copy()))

    made: dict[str, Make] = {
        "dense": dense,
        "memmap": memmap,
        "fortran memmap": lambda values: memmap(np.asfortranarray(values)),
        "rows of dense": lambda values: rows(dense, values),
        "rows of memmap": lambda values: rows(memmap, values),
        "rows of rows": lambda values: rows(lambda v: rows(dense, v), values),
    }
    return made[request.param]


ROWS = [
    slice(0, 11),
    slice(3, 7),
    slice(9, 40),
    slice(5, 5),
    slice(None),
    slice(1, 10, 3),
    torch.tensor([4, 0, 10]),
    torch.tensor([2, 2, 2]),
    torch.tensor([], dtype=torch.int64),
]


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_takes_the_rows_that_numpy_takes(make: Make, rows: slice | torch.Tensor) -> None:
    taken = make(VALUES).take(rows)
    expected = VALUES[rows if isinstance(rows, slice) else rows.numpy()]
    assert taken.dtype == torch.uint8
    assert np.array_equal(taken.numpy(), expected)


@pytest.mark.parametrize("rows", [slice(None), slice(2, 5), torch.arange(11)], ids=str)
def test_what_is_taken_has_memory_of_its_own(make: Make, rows: slice | torch.Tensor) -> None:
    column = make(VALUES)
    first, second = column.take(rows), column.take(rows)
    second.zero_()
    expected = VALUES[rows if isinstance(rows, slice) else rows.numpy()]
    assert np.array_equal(first.numpy(), expected)
    assert np.array_equal(column.take(rows).numpy(), expected)


def test_knows_its_length_shape_type_and_size(make: Make) -> None:
    column = make(VALUES.astype(np.float32))
    assert (len(column), column.shape, column.dtype) == (11, (2, 3, 4), torch.float32)
    assert column.nbytes == 11 * 2 * 3 * 4 * 4


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, np.bool_])
def test_equal_content_has_an_equal_fingerprint(make: Make, dtype: type) -> None:
    values = VALUES.astype(dtype)
    assert make(values).fingerprint == DenseColumn(torch.from_numpy(values)).fingerprint


@pytest.mark.parametrize("shape", [(5000,), (5000, 1), (4096, 2), (4097, 2)])
def test_a_fingerprint_covers_more_than_one_chunk(make: Make, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(2).random(shape)
    same = make(values).fingerprint
    assert same == DenseColumn(torch.from_numpy(values)).fingerprint
    values[-1] += 1
    assert DenseColumn(torch.from_numpy(values)).fingerprint != same


@pytest.mark.parametrize("size", [1, 4, 11, 12])
def test_chunks_are_the_samples_in_order(make: Make, size: int) -> None:
    pieces = list(chunks(make(VALUES), size))
    assert [len(piece) for piece in pieces] == [size] * (11 // size) + [11 % size] * (11 % size > 0)
    assert np.array_equal(torch.cat(pieces).numpy(), VALUES)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((3,), 4096),  # 12 bytes a row
        ((1024,), 4096),  # 4 KiB
        ((2048,), 2048),  # 8 KiB: 16 MB in all
        ((3, 1000, 1000), 1),  # 12 MB
        ((3, 2000, 2000), 1),  # 48 MB: one row at a time, never none
    ],
)
def test_chunks_are_small_in_rows_and_in_bytes(shape: tuple[int, ...], size: int) -> None:
    one = torch.zeros(1, *shape)
    column = DenseColumn(one.expand(5000, *shape))  # its rows take no memory of their own
    assert len(next(iter(chunks(column)))) == size


def test_no_samples_are_no_chunks() -> None:
    assert list(chunks(DenseColumn(torch.zeros(0, 3)))) == []


def test_samples_of_one_shape_have_no_lengths(make: Make) -> None:
    assert make(VALUES).lengths is None


def test_a_selection_is_of_the_samples_themselves(make: Make) -> None:
    part = make(VALUES).rows(torch.tensor([4, 0, 10]))
    assert isinstance(part, RowsColumn)
    assert np.array_equal(part.take(slice(None)).numpy(), VALUES[[4, 0, 10]])


def test_a_mapped_file_is_never_written(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES)
    stored = (tmp_path / "x.npy").read_bytes()
    column = MemmapColumn(str(tmp_path / "x.npy"))
    for rows in (slice(None), torch.arange(11)):
        column.take(rows).fill_(7)
    assert (tmp_path / "x.npy").read_bytes() == stored


def test_goes_to_a_device_where_it_can(tmp_path: Path) -> None:
    meta = torch.device("meta")
    dense = DenseColumn(torch.from_numpy(VALUES))
    np.save(tmp_path / "x.npy", VALUES)
    mapped = MemmapColumn(str(tmp_path / "x.npy"))
    rows = RowsColumn(dense, torch.arange(3))
    assert dense.to(meta).take(slice(0, 2)).device == meta
    assert rows.to(meta).take(slice(0, 2)).device == meta
    assert dense.to(torch.device("cpu")) is dense
    assert mapped.to(meta) is mapped
    assert RowsColumn(mapped, torch.arange(3)).to(torch.device("cpu")).take(slice(1)).shape[0] == 1


def test_parts_of_one_column_go_to_a_device_as_one() -> None:
    split = Split(DenseColumn(torch.zeros(20, 1, 2, 2)), torch.zeros(20), np.arange(20))
    parts = cut(Dataset("x", "image", split), validation=5, test=5).to(torch.device("meta"))
    bases = set()
    for part in parts.splits.values():
        column: Any = part.x
        while isinstance(column, RowsColumn):
            column = column._base
        bases.add(id(column))
    assert len(bases) == 1  # has_room() counts the bytes of the rows once, not once a part


def _split(values: np.ndarray = VALUES) -> Split:
    n = len(values)
    return Split(DenseColumn(torch.from_numpy(values)), torch.arange(n) % 3, np.arange(n) + 100)


def test_a_split_has_one_target_and_id_a_sample() -> None:
    x, y = DenseColumn(torch.zeros(3, 2)), torch.zeros(3)
    with pytest.raises(AssertionError, match="same length"):
        Split(x, y[:2], np.arange(3))
    with pytest.raises(AssertionError, match="same length"):
        Split(x, y, np.arange(4))


def test_rows_of_a_split_keep_samples_targets_and_ids_together() -> None:
    rows = torch.tensor([7, 0, 9])
    part = _split().rows(rows)
    assert len(part) == 3
    assert np.array_equal(part.x.take(slice(None)).numpy(), VALUES[[7, 0, 9]])
    assert part.y.tolist() == [1, 0, 0]
    assert part.ids.tolist() == [107, 100, 109]


def test_a_sample_is_called_by_its_name_or_its_row() -> None:
    split = _split()
    assert (split.name(0), split.name(10)) == ("row 100", "row 110")
    named = Split(split.x, split.y, split.ids, [f"{i}.png" for i in range(11)])
    assert named.name(7) == "7.png"
    assert named.rows(torch.tensor([7, 0])).name(0) == "7.png"
    assert named.to(torch.device("meta")).name(7) == "7.png"


def test_a_name_is_not_part_of_the_content() -> None:
    split = _split()
    named = Split(split.x, split.y, split.ids, [f"{i}.png" for i in range(11)])
    assert named.fingerprint == split.fingerprint


def test_the_fingerprint_of_a_split_covers_samples_targets_and_order() -> None:
    split = _split()
    assert split.fingerprint == _split(VALUES.copy()).rows(torch.arange(11)).fingerprint
    others = [
        _split(VALUES + 1),
        Split(split.x, split.y + 1, split.ids),
        Split(split.x, split.y.float(), split.ids),
        split.rows(torch.arange(11).flip(0)),
        split.rows(torch.arange(10)),
    ]
    assert len({split.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_a_dataset_names_the_splits_that_it_has() -> None:
    split = _split()
    part = split.rows(torch.arange(2))
    assert list(Dataset("x", "image", split).splits) == ["train"]
    full = Dataset("x", "image", split, validation=part, test=part)
    assert list(full.splits) == ["train", "validation", "test"]
    assert full.nbytes == (11 + 2 + 2) * 24
    moved = full.to(torch.device("meta"))
    assert {name: s.y.device.type for name, s in moved.splits.items()} == dict.fromkeys(
        ("train", "validation", "test"), "meta"
    )
