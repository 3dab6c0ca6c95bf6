"""A set of texts, encoded as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from papertrial.data.column import Dataset, Split
from papertrial.data.texts.ragged_column import texts_of
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.errors import DataError
from papertrial.numbers import percent
from papertrial.reading_note import ReadingNote

_SHOWN = 5  # texts without words
_DROP = "set data.text.empty: drop to leave such texts out"


def encode(dataset: Dataset, vocabulary: Vocabulary | SubwordTokenizer) -> Dataset:
    """Encode all texts of a data set: return the set with tokens in place of texts.

    Its notes say how many texts of each part were cut.

    Raises:
        DataError: texts have no words; the message names them.
    """
    splits: dict[str, Any] = {}
    notes = list(dataset.notes)
    for name, split in dataset.splits.items():
        try:
            encoded = vocabulary.encode_counting(texts_of(split.x))
        except EmptyTextError as error:
            where = f"{dataset.name}, {name}: {_named(split, error.rows)}"
            verb = "has" if len(error.rows) == 1 else "have"
            raise DataError(f"{where} {verb} no words; {_DROP}, or write them") from error
        splits[name] = replace(split, x=encoded.column)
        if encoded.cut:
            notes.append(_cut(name, encoded.cut, len(split), vocabulary.max_length or 0))
    return replace(dataset.with_splits(splits), notes=tuple(notes))


def _cut(part: str, count: int, of: int, longest: int) -> ReadingNote:
    return ReadingNote(
        action="converted",
        what=f"{percent(count / of)} of the {part} part are cut to their first {longest:,} tokens",
        count=count,
        unit="text",
        change="set data.text.max_length",
    )


def _named(split: Split, rows: Sequence[int]) -> str:
    shown = ", ".join(split.name(row) for row in rows[:_SHOWN])
    return shown + (f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else "")
