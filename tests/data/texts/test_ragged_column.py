"""Samples of different lengths: end to end, padded when they are taken, one fingerprint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from papertrial.data.column import Column, Split, chunks
from papertrial.data.texts.ragged_column import RaggedColumn, text_column, texts_of

SAMPLES = [[5, 6, 7], [8], [], [9, 10, 11, 12], [13, 14]]
TEXTS = ["a film", "", "naïve — 映画 🎬", "line\r\nline\t\x00", "\ufeffbom", "half \ud83c of one"]


def ragged(samples: list[list[int]] = SAMPLES, dtype: torch.dtype = torch.int32) -> RaggedColumn:
    flat = [value for sample in samples for value in sample]
    lengths = torch.tensor([len(sample) for sample in samples], dtype=torch.int64)
    return RaggedColumn(torch.tensor(flat, dtype=dtype), lengths)


def padded(samples: list[list[int]]) -> list[list[int]]:
    longest = max((len(sample) for sample in samples), default=0)
    return [sample + [0] * (longest - len(sample)) for sample in samples]


def samples_of(column: Column) -> list[list[int]]:
    assert isinstance(column, RaggedColumn)
    return [column.sample(row).tolist() for row in range(len(column))]


def test_lengths_must_add_up_to_the_values() -> None:
    with pytest.raises(AssertionError, match="add up"):
        RaggedColumn(torch.arange(4), torch.tensor([1, 2]))


def test_knows_its_samples_lengths_type_and_size() -> None:
    column = ragged()
    assert len(column) == 5
    assert samples_of(column) == SAMPLES
    assert column.lengths is not None
    assert column.lengths.tolist() == [3, 1, 0, 4, 2]
    assert (column.shape, column.dtype) == ((), torch.int32)
    assert column.nbytes == 10 * 4  # as they lie: padding takes no memory


@pytest.mark.parametrize(
    "rows",
    [
        slice(None),
        slice(1, 3),
        slice(2, 3),
        slice(3, 40),
        slice(4, 4),
        slice(0, 5, 2),
        torch.tensor([3, 0]),
        torch.tensor([1, 1, 1]),
        torch.tensor([2]),
        torch.tensor([], dtype=torch.int64),
    ],
    ids=str,
)
def test_takes_rows_padded_with_zeros_to_the_longest(rows: slice | torch.Tensor) -> None:
    taken = ragged().take(rows)
    wanted = SAMPLES[rows] if isinstance(rows, slice) else [SAMPLES[i] for i in rows.tolist()]
    assert taken.tolist() == padded(wanted)
    assert taken.dtype == torch.int32
    assert len(taken) == len(wanted)


def test_what_is_taken_has_memory_of_its_own() -> None:
    column = ragged([[1, 2], [3, 4]])
    for copy in (True, False):
        column.take(slice(None), copy=copy).zero_()
    assert samples_of(column) == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "rows", [[3, 0], [2], [], [1, 1], [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]], ids=str
)
def test_rows_are_a_column_of_their_own(rows: list[int]) -> None:
    part = ragged().rows(torch.tensor(rows, dtype=torch.int64))
    assert samples_of(part) == [SAMPLES[i] for i in rows]
    assert part.nbytes == 4 * sum(len(SAMPLES[i]) for i in rows)
    assert part.fingerprint == ragged([SAMPLES[i] for i in rows]).fingerprint


def test_rows_are_chosen_where_the_values_lie() -> None:
    column, rows = ragged(), torch.tensor([3, 0])
    with torch.device("meta"):  # where a new tensor would be, were it not asked for elsewhere
        part = column.rows(rows)
    assert samples_of(part) == [SAMPLES[3], SAMPLES[0]]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_it_gives_the_same() -> None:
    column = ragged().to(torch.device("cuda"))
    assert column.take(torch.tensor([3, 0])).tolist() == padded([SAMPLES[3], SAMPLES[0]])
    assert samples_of(column.rows(torch.tensor([3, 0]))) == [SAMPLES[3], SAMPLES[0]]
    assert column.fingerprint == ragged().fingerprint


def test_all_samples_empty_are_taken_too() -> None:
    column = ragged([[], []])
    assert list(column.take(slice(None)).shape) == [2, 0]
    assert samples_of(column.rows(torch.tensor([1]))) == [[]]
    assert list(chunks(ragged([]))) == []


def test_chunks_are_padded_each_for_itself() -> None:
    assert [piece.tolist() for piece in chunks(ragged(), 2)] == [
        [[5, 6, 7], [8, 0, 0]],
        [[0, 0, 0, 0], [9, 10, 11, 12]],
        [[13, 14]],
    ]


def test_the_fingerprint_covers_values_lengths_order_and_type() -> None:
    others = [
        ragged(),
        ragged([*SAMPLES[:-1], [13, 15]]),
        ragged([[5, 6], [7, 8], [], [9, 10, 11, 12], [13, 14]]),
        ragged(SAMPLES[::-1]),
        ragged(SAMPLES[:-1]),
        ragged([*SAMPLES, []]),
        ragged(dtype=torch.int64),
    ]
    assert len({column.fingerprint for column in others}) == len(others)
    assert ragged().fingerprint == ragged().fingerprint


def test_the_fingerprint_is_pinned() -> None:
    assert ragged().fingerprint == (
        "b037c28393bf1d179314679a057e6f1225c2d424deb4e8880baeda5d6fb250d8"
    )


def test_a_split_of_texts_is_cut_by_rows() -> None:
    split = Split(text_column(["a", "bb", "ccc"]), torch.tensor([0, 1, 0]), np.arange(3))
    part = split.rows(torch.tensor([2, 0]))
    assert list(texts_of(part.x)) == ["ccc", "a"]
    assert part.y.tolist() == [0, 0]


def test_texts_come_back_as_they_were_whatever_they_hold() -> None:
    assert list(texts_of(text_column(TEXTS))) == TEXTS
    assert list(texts_of(text_column(TEXTS).rows(torch.tensor([2, 5])))) == [TEXTS[2], TEXTS[5]]
    assert list(texts_of(text_column([]))) == []


def test_texts_lie_as_their_bytes() -> None:
    column = text_column(["é", "ab"])
    assert (column.dtype, column.nbytes) == (torch.uint8, 4)
    assert samples_of(column) == [[0xC3, 0xA9], [97, 98]]
    assert list(ragged([]).take(slice(None)).shape) == [0, 0]
