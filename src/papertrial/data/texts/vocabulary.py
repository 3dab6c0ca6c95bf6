"""Vocabularies, which encode texts as token numbers.

Token 0 is the padding and token 1 stands for any unknown word. The words follow, most frequent
first.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.data.texts.read_text import read_text
from papertrial.data.texts.tokenizer import (
    UNKNOWN,
    make_tokenizer,
    normalize,
    tokenizer_on_all_cores,
)
from papertrial.data.texts.word_splits import CHARACTERS, WordSplit
from papertrial.errors import DataError
from papertrial.record import Part

PADDING = "<pad>"
_SPECIAL = (PADDING, UNKNOWN)
_TEXTS_PER_BATCH = 256  # the tokenizer's result for a text is many times as large as the text


class EmptyTextError(DataError):
    """Texts have no tokens. `rows` are their indices from 0, so that the caller can name them.

    `text` is the first of them, `row` its index.
    """

    def __init__(self, rows: Sequence[int], text: str) -> None:
        self.rows = tuple(rows)
        self.row = self.rows[0]
        shown = text if len(text) <= 40 else text[:40] + "..."
        more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
        super().__init__(
            f"a text needs at least one word, but text {self.row}, counted from 0, has none{more}: "
            f"{shown!r}; leave it out"
        )


class EncodedTexts(NamedTuple):
    """The tokens of texts, and how many of the texts were cut to the longest length."""

    column: RaggedColumn
    cut: int


class VocabularyState(Part):
    """A vocabulary as a run stores it, its words without the two special ones.

    `split` is the name of the code that splits texts; None for the usual way.
    """

    words: tuple[str, ...]
    lower: bool
    max_length: int | None
    split: str | None = None


class Vocabulary:
    """The words that a model knows, and their token numbers.

    A text is split into runs of letters and digits and runs of punctuation, if no other way to
    split it is given; "<br />" counts as a space. `<pad>` and `<unk>` in a text are ordinary
    characters, never the special tokens; if another way to split gives such a word, it is unknown.

    Args:
        words: the words, from token 2 on, without the two special ones.
        lower: whether texts are lower-cased.
        max_length: how many tokens of a text are kept, from its start; None keeps all.
        split: splits a text into words, after "<br />" is replaced and `lower` applied; None for
            runs of letters and digits and runs of punctuation.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        lower: bool = True,
        max_length: int | None = None,
        split: WordSplit | None = None,
    ) -> None:
        self.words = (*_SPECIAL, *words)
        self.lower = lower
        self.max_length = max_length
        self.split = split

    def __len__(self) -> int:
        """Return the number of tokens including the special ones: the rows of an embedding."""
        return len(self.words)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        *,
        size: int,
        least: int = 1,
        lower: bool = True,
        max_length: int | None = None,
        split: WordSplit | None = None,
    ) -> Vocabulary:
        """Learn the `size` most frequent words of the texts; ties are sorted alphabetically.

        Words are counted in whole texts, also beyond `max_length`. Those that occur less than
        `least` times are left out. If fewer words are left, the vocabulary has all of them.

        Raises:
            DataError: the texts have no words, or none that occurs often enough.
        """
        if _is_usual(split):
            words = _train((_for_library(text, lower, split) for text in texts), size, least)
        else:
            assert split is not None, "without code, texts are split in the usual way"
            words = _count((normalize(text, lower) for text in texts), split, size, least)
        if not words:
            often = f" that occurs {least:,} times (data.text.min_frequency)" if least > 1 else "s"
            rule = "cannot learn a vocabulary: the training texts have no word"
            raise DataError(f"{rule}{often}")
        return cls(words, lower=lower, max_length=max_length, split=split)

    @classmethod
    def from_file(
        cls,
        path: Path,
        *,
        size: int | None,
        lower: bool = True,
        max_length: int | None = None,
        split: WordSplit | None = None,
    ) -> Vocabulary:
        """Read the words from a UTF-8 file, one on each line, in the order of their tokens.

        Args:
            path: the file, without the two special words.
            size: how many words it must have; None for any number.
            lower: whether texts are lower-cased.
            max_length: how many tokens of a text are kept.
            split: splits a text into words; None for the usual way.

        Raises:
            DataError: the file cannot be read or does not have `size` words, or a line is empty,
                occurs twice, or is not a single word as texts are split into words.
        """
        words = _lines(path)
        seen: dict[str, int] = {}
        for line, word in enumerate(words, 1):
            where = f"{path} line {line}"
            if not word.strip():
                raise DataError(f"{where} is empty; a vocabulary has one word on each line")
            if word.split() != [word]:
                raise DataError(f"{where} is {word!r}; a vocabulary has only one word on each line")
            if word in _SPECIAL:
                raise DataError(
                    f"{where} is {word}; {PADDING} and {UNKNOWN} are added automatically, as "
                    "tokens 0 and 1: delete the line"
                )
            if word in seen:
                raise DataError(
                    f"{where} is {word!r}, like line {seen[word]}; a word must occur only once"
                )
            seen[word] = line
        if not words:
            raise DataError(f"{path} is empty; a vocabulary has one word on each line")
        if size is not None and len(words) != size:
            raise DataError(
                f"{path} has {len(words):,} words, but data.text.vocabulary is {size:,}; "
                f"correct one of them ({PADDING} and {UNKNOWN} do not count)"
            )
        _check_words(path, words, lower, split)
        return cls(words, lower=lower, max_length=max_length, split=split)

    def encode(self, texts: Iterable[str]) -> RaggedColumn:
        """Return the tokens of the texts, int32, at most `max_length` of each.

        Raises:
            EmptyTextError: a text has no tokens.
        """
        return self.encode_counting(texts).column

    def encode_counting(self, texts: Iterable[str]) -> EncodedTexts:
        """Return the tokens of the texts as `encode` does, and how many texts were cut.

        Raises:
            EmptyTextError: a text has no tokens.
        """
        encoded: list[np.ndarray] = []
        empty: dict[int, str] = {}
        cut, most = 0, self.max_length
        remaining = iter(texts)
        with tokenizer_on_all_cores():
            while some := list(itertools.islice(remaining, _TEXTS_PER_BATCH)):
                for row, ids in enumerate(self._tokens(some)):
                    if not ids:
                        empty[len(encoded)] = some[row]
                    cut += most is not None and len(ids) > most
                    encoded.append(np.array(ids[:most], dtype=np.int32))
        if empty:
            raise EmptyTextError(tuple(empty), next(iter(empty.values())))
        lengths = torch.tensor([len(one) for one in encoded], dtype=torch.int64)
        flat = np.concatenate(encoded) if encoded else np.empty(0, np.int32)
        return EncodedTexts(RaggedColumn(torch.from_numpy(flat), lengths), cut)

    def empty_rows(self, texts: Iterable[str]) -> list[int]:
        """Return the indices of the texts that have no tokens, from 0."""
        remaining, done, rows = iter(texts), 0, list[int]()
        with tokenizer_on_all_cores():
            while some := list(itertools.islice(remaining, _TEXTS_PER_BATCH)):
                rows += [done + row for row, ids in enumerate(self._tokens(some)) if not ids]
                done += len(some)
        return rows

    def _tokens(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield all tokens of each text."""
        split = self.split
        if split is None or _is_usual(split):
            spaced = [_for_library(text, self.lower, split) for text in texts]
            yield from (one.ids for one in self._tokenizer.encode_batch_fast(spaced))
            return
        unknown = _SPECIAL.index(UNKNOWN)
        cleaned = [normalize(text, self.lower) for text in texts]
        for words in split.words(cleaned):
            yield [self._numbers.get(word, unknown) for word in words]

    def state(self) -> VocabularyState:
        """Return what a run stores of the vocabulary."""
        return VocabularyState(
            words=self.words[len(_SPECIAL) :],
            lower=self.lower,
            max_length=self.max_length,
            split=self.split.name if self.split else None,
        )

    @classmethod
    def from_state(cls, state: VocabularyState, split: WordSplit | None = None) -> Vocabulary:
        """Return the vocabulary that `state()` was called on, with the code that splits texts.

        `split` is None for the usual way, and for texts that are split into characters because
        their training part has no spaces between words.

        Raises:
            DataError: the code is not that of the state.
        """
        if split is None and state.split == CHARACTERS.name:
            split = CHARACTERS
        name = split.name if split else None
        if name != state.split:
            had = state.split or "the usual tokenizer"
            rule = f"data.text.words: the words of this vocabulary were split by {had}"
            raise DataError(f"{rule}, got {name or 'the usual tokenizer'}")
        return cls(state.words, lower=state.lower, max_length=state.max_length, split=split)

    @cached_property
    def _tokenizer(self) -> Any:
        return make_tokenizer({word: number for number, word in enumerate(self.words)})

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The tokens of the words, without the special ones."""
        return {word: i for i, word in enumerate(self.words) if word not in _SPECIAL}


def _is_usual(split: WordSplit | None) -> bool:
    """Return whether the library's tokenizer splits the texts."""
    return split is None or split.to_usual is not None


def _for_library(text: str, lower: bool, split: WordSplit | None) -> str:
    """Return a text as the library's tokenizer gets it."""
    clean = normalize(text, lower)
    return split.to_usual(clean) if split and split.to_usual else clean


def _train(texts: Iterable[str], size: int, least: int) -> list[str]:
    """Return the most frequent words of the texts as the library's tokenizer splits them."""
    from tokenizers import trainers  # noqa: PLC0415  (slow to import)

    tokenizer = make_tokenizer({})
    trainer: Any = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=least, special_tokens=[], show_progress=False
    )
    with tokenizer_on_all_cores():
        tokenizer.train_from_iterator(texts, trainer)
    numbers: dict[str, int] = tokenizer.get_vocab()
    return sorted(numbers, key=numbers.__getitem__)


def _count(texts: Iterable[str], split: WordSplit, size: int, least: int) -> list[str]:
    """Return the most frequent words of the texts as `split` splits them."""
    counts = Counter(itertools.chain.from_iterable(split.words(texts)))
    often = [word for word, n in counts.items() if n >= least and word not in _SPECIAL]
    return sorted(often, key=lambda word: (-counts[word], word))[:size]


def _check_words(path: Path, words: Sequence[str], lower: bool, split: WordSplit | None) -> None:
    """Raise DataError if a vocabulary has a word that no text can contain.

    The token of such a word would never be trained.
    """
    cut = make_tokenizer({}).pre_tokenizer.pre_tokenize_str
    into = (
        f"by {split.name}" if split else "into runs of letters and digits and runs of punctuation"
    )
    for line, word in enumerate(words, 1):
        clean = normalize(word, lower)
        given = next(split.words([clean])) if split else [piece for piece, _ in cut(clean)]
        if given != [word]:
            how = "lower-cased (data.text.lower) and split" if lower else "split"
            raise DataError(
                f"{path} line {line} is {word!r}, which cannot occur: texts are {how} {into}, "
                f"which makes it {', '.join(map(repr, given)) or 'nothing'}; write that, or delete "
                "the line"
            )


def _lines(path: Path) -> list[str]:
    lines = [line.removesuffix("\r") for line in read_text(str(path)).split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines
