"""What encodes a recipe's texts: a tokenizer, or a vocabulary that is learned or read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.texts.ragged_column import RaggedColumn, texts_of
from papertrial.data.texts.scripts import UnspacedTexts, find_unspaced
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.data.texts.word_splits import CHARACTERS, WordSplit
from papertrial.errors import DataError
from papertrial.evaluate.inputs import Inputs, TextInputs
from papertrial.reading_note import ReadingNote
from papertrial.recipe.data_section import Text

_SHARE = 0.5  # of the training texts, from which texts are split into characters


def text_inputs(
    options: Text, dataset: Dataset, given: Inputs | None, split: WordSplit | None
) -> tuple[TextInputs, list[ReadingNote]]:
    """Return what encodes the texts, and what was guessed about them.

    If the recipe does not say what splits texts into words, and most training texts are in scripts
    without spaces between words, these are split into characters. Without a tokenizer, a start run
    has the vocabulary.

    Args:
        options: the recipe's `data.text`.
        dataset: the texts; the vocabulary is learned from the training part.
        given: the inputs of the start run; None without one.
        split: what the recipe names to split texts into words; None for the usual way.

    Raises:
        DataError: a tokenizer cannot be loaded, or a vocabulary cannot be read or learned.
    """
    if options.tokenizer is not None:
        fixed = options.padding == "max_length"
        length = options.max_length
        loaded = SubwordTokenizer.load(options.tokenizer, max_length=length, fixed=fixed)
        return TextInputs(loaded), []
    if isinstance(given, TextInputs) and isinstance(given.vocabulary, Vocabulary):
        return TextInputs(given.vocabulary), []
    notes = list[ReadingNote]()
    if split is None and options.vocabulary_file is None:
        found = unspaced_texts(dataset.train)
        if found.texts > _SHARE * len(dataset.train):
            split = CHARACTERS
            notes.append(_guessed(found, dataset.train))
    return TextInputs(_vocabulary(options, dataset, split)), notes


def unspaced_texts(split: Split) -> UnspacedTexts:
    """Return the texts of a split that are mostly in scripts without spaces between words."""
    assert isinstance(split.x, RaggedColumn), "texts are stored in a RaggedColumn"
    return find_unspaced(split.x)


def drop_empty(options: Text, dataset: Dataset, split: WordSplit | None) -> Dataset:
    """Return a set without its texts that have no words, and with a note on them.

    Raises:
        DataError: a part has no other texts.
    """
    words = Vocabulary([], lower=options.lower, split=split)
    splits, notes = dict[str, Split](), list(dataset.notes)
    for part, samples in dataset.splits.items():
        if options.tokenizer is None:
            rows = words.empty_rows(texts_of(samples.x))
        else:  # special tokens stand around nothing as well
            rows = [row for row, text in enumerate(texts_of(samples.x)) if not text.strip()]
        if len(rows) == len(samples):
            rule = "has only texts without words, so data.text.empty: drop leaves none"
            raise DataError(f"{dataset.name}: the {part} part {rule}; give it texts")
        splits[part] = _without(samples, rows) if rows else samples
        if rows:
            notes.append(
                ReadingNote(
                    action="left out",
                    what=f"of the {part} part, because they have no words (data.text.empty)",
                    count=len(rows),
                    unit="text",
                    example=samples.name(rows[0]),
                    change="write them",
                )
            )
    return replace(dataset.with_splits(splits), notes=tuple(notes))


def _without(split: Split, rows: Sequence[int]) -> Split:
    kept = torch.ones(len(split), dtype=torch.bool)
    kept[list(rows)] = False
    return split.rows(kept.nonzero().flatten())


def _guessed(found: UnspacedTexts, train: Split) -> ReadingNote:
    assert found.example is not None, "there is a text"
    return ReadingNote(
        action="guessed",
        what=f"written in {' and '.join(found.scripts[:3])} without spaces between words, so that "
        "each character is a word, as with data.text.words: characters",
        count=found.texts,
        unit="text",
        example=train.name(found.example),
        change="set data.text.words to a function that splits texts, or data.text.tokenizer",
    )


def _vocabulary(options: Text, dataset: Dataset, split: WordSplit | None) -> Vocabulary:
    size, lower, longest = options.vocabulary, options.lower, options.max_length
    if options.vocabulary_file is not None:
        path = Path(options.vocabulary_file)
        return Vocabulary.from_file(path, size=size, lower=lower, max_length=longest, split=split)
    return Vocabulary.learn(
        texts_of(dataset.train.x),
        size=size,
        least=options.min_frequency,
        lower=lower,
        max_length=longest,
        split=split,
    )
