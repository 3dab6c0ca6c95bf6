"""A set of texts -> the same set in tokens."""

from __future__ import annotations

from dataclasses import replace

from papertrial.data.column import Dataset
from papertrial.data.texts.ragged_column import texts_of
from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.errors import DataError


def encode(dataset: Dataset, vocabulary: Vocabulary) -> Dataset:
    """Return a set of texts with their tokens in their place.

    Raises:
        DataError: a text has no words; it is named.
    """
    splits = {}
    for name, split in dataset.splits.items():
        try:
            splits[name] = replace(split, x=vocabulary.encode(texts_of(split.x)))
        except EmptyTextError as error:
            where = f"{dataset.name}, {name}: {split.name(error.row)}"
            raise DataError(f"{where} has no words; take it out of the set") from error
    return replace(
        dataset,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
    )
