"""A set of texts in tokens: every part by one vocabulary, an empty text named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.texts.encode import encode
from papertrial.data.texts.ragged_column import RaggedColumn, text_column
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.errors import DataError

WORDS = Vocabulary(["good", "bad", "film"])


def split(texts: Sequence[str], names: Sequence[str] | None = None) -> Split:
    y = torch.arange(len(texts)) % 2
    return Split(text_column(texts), y, np.arange(len(texts)) + 10, names)


def reviews(**parts: Any) -> Dataset:
    train = parts.pop("train", split(["a good film", "bad"]))
    return Dataset("reviews", "text", train, classes=("neg", "pos"), **parts)


def tokens(part: Split | None) -> list[list[int]]:
    assert part is not None
    assert isinstance(part.x, RaggedColumn)
    return [part.x.sample(row).tolist() for row in range(len(part))]


def test_every_part_becomes_tokens_of_one_vocabulary() -> None:
    got = encode(reviews(validation=split(["Bad film!"]), test=split(["good", "new"])), WORDS)
    assert tokens(got.train) == [[1, 2, 4], [3]]
    assert tokens(got.validation) == [[3, 4, 1]]
    assert tokens(got.test) == [[2], [1]]
    assert got.train.x.dtype == torch.int32


def test_parts_that_are_not_there_stay_away() -> None:
    assert list(encode(reviews(), WORDS).splits) == ["train"]
    assert list(encode(reviews(test=split(["good"])), WORDS).splits) == ["train", "test"]


def test_targets_ids_names_and_classes_stay() -> None:
    dataset = reviews(train=split(["good", "bad"], ["pos/1.txt", "neg/2.txt"]))
    got = encode(dataset, WORDS)
    assert torch.equal(got.train.y, dataset.train.y)
    assert got.train.ids.tolist() == [10, 11]
    assert got.train.names == ["pos/1.txt", "neg/2.txt"]
    assert (got.name, got.kind, got.classes) == ("reviews", "text", ("neg", "pos"))


def test_no_more_than_the_longest_length_is_kept() -> None:
    short = Vocabulary(["good", "bad", "film"], max_length=2)
    assert tokens(encode(reviews(), short).train) == [[1, 2], [3]]


@pytest.mark.parametrize("empty", ["", "  \n", "<br /><br />"])
def test_a_text_without_words_is_named_by_its_part_and_row(empty: str) -> None:
    with pytest.raises(DataError) as caught:
        encode(reviews(test=split(["good", empty])), WORDS)
    assert str(caught.value).startswith("reviews, test: row 11 has no words; ")
    assert "data.text.empty: drop" in str(caught.value)


def test_a_text_without_words_is_named_by_its_file_where_it_has_one() -> None:
    train = split(["good", "", "bad"], ["train/pos/1.txt", "train/neg/2.txt", "train/pos/3.txt"])
    with pytest.raises(DataError) as caught:
        encode(reviews(train=train), WORDS)
    assert str(caught.value).startswith("reviews, train: train/neg/2.txt has no words; ")


def test_all_texts_without_words_are_counted_and_cut_texts_noted() -> None:
    train = split(["good", "", "bad", *[" "] * 6])
    with pytest.raises(DataError, match=r"row 11, row 13, .*row 16 and 2 more have no words"):
        encode(reviews(train=train), WORDS)
    short = Vocabulary(["good", "bad", "film"], max_length=2)
    train, test = split(["good bad film", "a", "a b", "bad bad good"]), split(["a b", "c"])
    (note,) = encode(reviews(train=train, test=test), short).notes
    assert (note.action, note.count, note.unit) == ("converted", 2, "text")
    assert "50 % of the train part" in note.what
    assert note.change == "set data.text.max_length"


def test_the_row_is_that_of_the_whole_part_beyond_the_first_texts_encoded_together() -> None:
    with pytest.raises(DataError, match="reviews, train: row 610 has no words"):
        encode(reviews(train=split([*["good"] * 600, ""])), WORDS)
