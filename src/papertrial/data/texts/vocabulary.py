"""Texts as numbers: words and marks apart, each numbered by a vocabulary.

Number 0 is the padding and 1 any word that is not known; then the words, by falling count.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.errors import DataError

PADDING = "<pad>"
UNKNOWN = "<unk>"
_SPECIAL = (PADDING, UNKNOWN)
_TEXTS = 256  # encoded at a time: what the tokenizer tells of each is many times its text
_SWITCH, _OFF = "TOKENIZERS_PARALLELISM", ""  # no user would write this one of its words for off


class EmptyTextError(DataError):
    """A text without one token. `row` is which, counted from 0, for the caller to name it."""

    def __init__(self, row: int, text: str) -> None:
        self.row = row
        shown = text if len(text) <= 40 else text[:40] + "..."
        super().__init__(
            f"a text needs at least one word, text {row} (counted from 0) has none: {shown!r}; "
            "leave it out"
        )


class Vocabulary:
    """The words of a model and their numbers.

    A text is cut into runs of letters and digits and runs of other marks, "<br />" counting as a
    space. `<pad>` and `<unk>` written in a text are words and marks like any other, never the two
    special numbers.

    Args:
        words: from number 2 on, without the two special ones.
        lower: texts are lower-cased first.
        max_length: how many tokens of a text are kept, the first ones; None keeps all.
    """

    def __init__(
        self, words: Sequence[str], *, lower: bool = True, max_length: int | None = None
    ) -> None:
        self.words = (*_SPECIAL, *words)
        self.lower = lower
        self.max_length = max_length

    def __len__(self) -> int:
        """Return how many numbers there are: the rows of an embedding, special ones counted."""
        return len(self.words)

    @classmethod
    def learn(
        cls, texts: Iterable[str], *, size: int, lower: bool = True, max_length: int | None = None
    ) -> Vocabulary:
        """Return the `size` most frequent words of the texts, words of one count by alphabet.

        Whole texts are counted, also beyond `max_length`. Texts of fewer words give them all.

        Raises:
            DataError: there is no word in any of the texts.
        """
        from tokenizers import trainers  # noqa: PLC0415  (slow to import)

        tokenizer = _tokenizer({})
        trainer: Any = trainers.WordLevelTrainer(
            vocab_size=size, special_tokens=[], show_progress=False
        )
        with _all_cores():
            tokenizer.train_from_iterator((_clean(text, lower) for text in texts), trainer)
        numbers: dict[str, int] = tokenizer.get_vocab()
        if not numbers:
            raise DataError("no vocabulary can be learnt: the training texts have no words")
        words = sorted(numbers, key=numbers.__getitem__)
        return cls(words, lower=lower, max_length=max_length)

    @classmethod
    def from_file(
        cls, path: Path, *, size: int | None, lower: bool = True, max_length: int | None = None
    ) -> Vocabulary:
        """Read the words from a UTF-8 file, one a line, in the order of their numbers.

        Args:
            path: the file; the two special words are not in it.
            size: how many words it must have; None takes any number.
            lower: texts are lower-cased first.
            max_length: how many tokens of a text are kept.

        Raises:
            DataError: it cannot be read, or a line is empty, twice there, or not one word as
                texts are cut into words, or their number is not `size`.
        """
        words = _lines(path)
        seen: dict[str, int] = {}
        for line, word in enumerate(words, 1):
            where = f"{path} line {line}"
            if not word.strip():
                raise DataError(f"{where} is empty; a vocabulary has one word a line")
            if word.split() != [word]:
                raise DataError(f"{where} is {word!r}; a vocabulary has one word a line, no more")
            if word in _SPECIAL:
                raise DataError(
                    f"{where} is {word}; {PADDING} and {UNKNOWN} are added by themselves, as "
                    "numbers 0 and 1: delete the line"
                )
            if word in seen:
                raise DataError(
                    f"{where} is {word!r}, as line {seen[word]} is; each word stands there once"
                )
            seen[word] = line
        if not words:
            raise DataError(f"{path} is empty; a vocabulary has one word a line")
        if size is not None and len(words) != size:
            raise DataError(
                f"{path} has {len(words):,} words, data.text.vocabulary asks for {size:,}; "
                f"correct the one or the other ({PADDING} and {UNKNOWN} do not count)"
            )
        _check_words(path, words, lower)
        return cls(words, lower=lower, max_length=max_length)

    def encode(self, texts: Iterable[str]) -> RaggedColumn:
        """Return the token numbers of the texts, flat int32, at most `max_length` of each.

        Raises:
            EmptyTextError: a text has no token.
        """
        encoded: list[np.ndarray] = []
        tokenizer = self._tokenizer
        remaining = iter(texts)
        with _all_cores():
            while some := list(itertools.islice(remaining, _TEXTS)):
                cleaned = [_clean(text, self.lower) for text in some]
                for row, one in enumerate(tokenizer.encode_batch_fast(cleaned)):
                    ids = one.ids[: self.max_length]
                    if not ids:
                        raise EmptyTextError(len(encoded), some[row])
                    encoded.append(np.array(ids, dtype=np.int32))
        lengths = torch.tensor([len(one) for one in encoded], dtype=torch.int64)
        flat = np.concatenate(encoded) if encoded else np.empty(0, np.int32)
        return RaggedColumn(torch.from_numpy(flat), lengths)

    def state(self) -> dict[str, Any]:
        """Return all that there is to keep, as plain values for JSON."""
        words = list(self.words[len(_SPECIAL) :])
        return {"words": words, "lower": self.lower, "max_length": self.max_length}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Vocabulary:
        """Return the vocabulary whose `state` it is."""
        return cls(state["words"], lower=state["lower"], max_length=state["max_length"])

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizer({word: number for number, word in enumerate(self.words)})


def _tokenizer(numbers: dict[str, int]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415  (slow to import)

    # The special words are in the vocabulary alone: as special tokens of the tokenizer they would
    # be found in texts too, and padding would end a text in its middle.
    made = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def _clean(text: str, lower: bool) -> str:
    """Return a text as it is tokenized; by Python, which is faster at it than the library."""
    text = text.replace("<br />", " ")
    if not text.isascii():  # half of a surrogate pair is no text that the library takes
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.lower() if lower else text


def _check_words(path: Path, words: Sequence[str], lower: bool) -> None:
    """Refuse a word that no text gives, whose number would never be learnt."""
    cut = _tokenizer({}).pre_tokenizer.pre_tokenize_str
    for line, word in enumerate(words, 1):
        given = [piece for piece, _ in cut(_clean(word, lower))]
        if given != [word]:
            how = "lower-cased (data.text.lower) and cut" if lower else "cut"
            raise DataError(
                f"{path} line {line} is {word!r}, which no text gives: texts are {how} into runs "
                "of letters and digits and runs of other marks, which makes it "
                f"{', '.join(map(repr, given)) or 'nothing'}; write that, or delete the line"
            )


@contextlib.contextmanager
def _all_cores() -> Iterator[None]:
    """Let the tokenizer use all cores, unless the user's environment says otherwise.

    Afterwards it is switched off rather than left as it was: the library's threads do not live on
    in a forked process, and it prints a warning there where nobody has decided.
    """
    given = os.environ.get(_SWITCH) or _OFF
    os.environ[_SWITCH] = given or "true"
    try:
        yield
    finally:
        os.environ[_SWITCH] = given


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"there is no vocabulary file {path}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start:,}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read the vocabulary {path}: {error.strerror}") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines and not lines[-1] else lines
