"""A set of texts, encoded as tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from papertrial.data.column import Dataset
from papertrial.data.texts.ragged_column import texts_of
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.errors import DataError


def encode(dataset: Dataset, vocabulary: Vocabulary | SubwordTokenizer) -> Dataset:
    """Encode all texts of a data set: return the set with tokens in place of texts.

    Raises:
        DataError: a text has no words; the message names it.
    """
    splits: dict[str, Any] = {}
    for name, split in dataset.splits.items():
        try:
            splits[name] = replace(split, x=vocabulary.encode(texts_of(split.x)))
        except EmptyTextError as error:
            where = f"{dataset.name}, {name}: {split.name(error.row)}"
            raise DataError(f"{where} has no words; remove it from the set") from error
    return dataset.with_splits(splits)
