"""The tokenizer, which splits texts into words."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

UNKNOWN = "<unk>"
_SWITCH, _OFF = "TOKENIZERS_PARALLELISM", ""  # of the words for "off", one that no user writes


def make_tokenizer(numbers: dict[str, int]) -> Any:
    """Return a tokenizer that splits texts into words and gives each its number."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415  (slow to import)

    # The special words are not special tokens of the tokenizer, because it would then find them in
    # texts, and padding would end a text in its middle.
    made = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def normalize(text: str, lower: bool) -> str:
    """Return a text as the tokenizer takes it: without "<br />", and in lower case if `lower`.

    Python does this faster than the tokenizers library.
    """
    text = text.replace("<br />", " ")
    if not text.isascii():  # the library refuses half of a surrogate pair
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.lower() if lower else text


@contextlib.contextmanager
def tokenizer_on_all_cores() -> Iterator[None]:
    """Let the tokenizer use all cores in the block, unless the user's environment says otherwise.

    Afterwards parallelism is switched off, not just reset: the library's threads do not survive a
    fork, and the library warns in a forked process if the variable is not set.
    """
    given = os.environ.get(_SWITCH) or _OFF
    os.environ[_SWITCH] = given or "true"
    try:
        yield
    finally:
        os.environ[_SWITCH] = given
