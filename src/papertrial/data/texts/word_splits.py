"""Other ways to split a text into words than that of the vocabulary's own tokenizer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from papertrial.data.texts.scripts import unspaced_letter
from papertrial.data.texts.tokenizer import make_tokenizer
from papertrial.errors import DataError

# What "basic_english" of torchtext replaces, in this order.
_APART = re.compile(r"(['.,()!?])")
_SPACE = re.compile(r"<br />|[;:]")


def whitespace(text: str) -> list[str]:
    """Split a text at whitespace: for texts whose words are already separated by spaces."""
    return text.split()


def basic_english(text: str) -> list[str]:
    """Split a text as torchtext's tokenizer "basic_english" does, which tutorials use.

    Quotes, full stops, commas, parentheses, exclamation and question marks are words. Colons,
    semicolons, double quotes and "<br />" are left out.
    """
    return _SPACE.sub(" ", _APART.sub(r" \1 ", text.lower()).replace('"', "")).split()


def characters(text: str) -> list[str]:
    """Split a text into words; of scripts without spaces between words, into characters.

    These are Chinese, Japanese, Thai, Lao, Khmer and Burmese. A vowel or tone that is written above
    or below a letter, or a consonant that is stacked below it, belongs to the letter. All else is
    split as without a named tokenizer: runs of letters and digits and runs of punctuation.
    """
    cut = make_tokenizer({}).pre_tokenizer.pre_tokenize_str
    return [word for word, _ in cut(space_characters(text))]


def space_characters(text: str) -> str:
    """Return a text with spaces around the characters that `characters` makes words."""
    return text if text.isascii() else " ".join(unspaced_letter().split(text))


@dataclass(frozen=True)
class WordSplit:
    """A function that splits a text into words, and what it is called in messages and in a run.

    `to_usual` changes a text so that the usual way splits it alike, which is faster.
    """

    name: str
    split: Callable[[str], list[str]]
    to_usual: Callable[[str], str] | None = None

    def words(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Yield the words of each text.

        Raises:
            DataError: the function fails, or returns something else than a list of words.
        """
        for text in texts:
            try:
                words = list(self.split(text))
            except Exception as error:
                rule = f"data.text.words: {self.name} fails on the text {text[:40]!r}"
                raise DataError(f"{rule}: {type(error).__name__}: {error}") from error
            wrong = [word for word in words if not isinstance(word, str) or not word.strip()]
            if wrong:
                rule = f"data.text.words: {self.name} must return a list of words"
                raise DataError(f"{rule}, got {wrong[0]!r} for the text {text[:40]!r}")
            yield words


CHARACTERS = WordSplit("papertrial.tokenizers.characters", characters, space_characters)
