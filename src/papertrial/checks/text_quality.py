"""Texts that a model learns little from: unknown words, markup, wrong encodings, no spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from papertrial.data.column import Dataset, SampleColumn, Split
from papertrial.data.texts.ragged_column import RaggedColumn, texts_of
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.data.texts.token_column import TokenColumn
from papertrial.data.texts.tokenizer import UNKNOWN
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.numbers import percent, plural
from papertrial.runs.text_inputs import unspaced_texts

# A vocabulary of the 25,000 most frequent words leaves about 2 % of the words of new English
# reviews unknown. At a fifth, and at three times the share of the training part, the model sees
# other texts than it learned from.
_MANY_UNKNOWN, _TIMES = 0.2, 3.0
_MOST_UNKNOWN = 0.5
_UNSPACED = 0.01  # share of training texts, beside others that have spaces
_SAMPLE = 2000  # texts of each part that are searched for markup and wrong encodings
_CONTEXT = 12  # characters that an example shows on both sides
_SIGNS: tuple[tuple[str, re.Pattern[str], float, str], ...] = (
    (
        "HTML markup",
        re.compile(r"</?(?!br\b)[a-z][a-z0-9]{0,10}(?:\s[^<>]*)?/?>", re.IGNORECASE),
        0.05,
        "remove the tags, so that their names do not become words",
    ),
    (
        "HTML entities",
        re.compile(r"&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE),
        0.05,
        "decode them with Python's html.unescape",
    ),
    (
        "characters in a wrong encoding",  # UTF-8 that was read as Latin-1 or Windows-1252
        re.compile("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac.|\u00e2\u0080.|\ufffd"),
        0.01,
        "write the file again as UTF-8; what was UTF-8 read as Latin-1 is repaired by "
        'text.encode("latin-1").decode()',
    ),
    (
        "control characters",
        re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]"),
        0.01,
        "remove them, and check how the file was written",
    ),
)


def check_texts(
    original: Dataset, encoded: Dataset, known: Vocabulary | SubwordTokenizer
) -> tuple[list[Diagnosis], dict[str, float] | None]:
    """Return warnings about the texts of a set, and the share of unknown words of each split.

    The shares are of the tokens that the model gets; None for a tokenizer without a token for what
    is unknown.

    Args:
        original: the set with texts as text.
        encoded: the set with tokens in place of texts.
        known: what encoded them.
    """
    unknown = known.unknown if isinstance(known, SubwordTokenizer) else known.words.index(UNKNOWN)
    found = [*_no_spaces(original, known)]
    shares = None
    if unknown is not None:
        shares = {name: _share(split.x, unknown) for name, split in encoded.splits.items()}
        found += _many_unknown(shares, known)
    found += _signs(original)
    return found, shares


def _share(column: SampleColumn, unknown: int) -> float:
    tokens = column.tokens if isinstance(column, TokenColumn) else column
    assert isinstance(tokens, RaggedColumn), "tokens are stored in a RaggedColumn"
    values = tokens.values
    return int((values == unknown).sum()) / max(1, len(values))


def _many_unknown(
    shares: Mapping[str, float], known: Vocabulary | SubwordTokenizer
) -> Iterator[Diagnosis]:
    train = shares["train"]
    for part, share in shares.items():
        far = share > _MANY_UNKNOWN and share > _TIMES * train
        if not far and share <= _MOST_UNKNOWN:
            continue
        message = f"the model knows few words of the {part} part: {percent(share)} are unknown"
        if part != "train":
            message += f", and {percent(train)} of the training part"
        if isinstance(known, SubwordTokenizer):
            fix = "choose a tokenizer of a model for the language of the texts"
            yield Diagnosis("warning", "data.text.tokenizer", message, fix)
            return
        fix = (
            "if words are not separated by spaces, set data.text.words: characters; if they have "
            "many forms, set data.text.words to a function that splits them into parts, or "
            "data.text.tokenizer; else give more training texts, or raise data.text.vocabulary"
        )
        yield Diagnosis("warning", "data.text.words", message, fix)
        return


def _no_spaces(original: Dataset, known: Vocabulary | SubwordTokenizer) -> Iterator[Diagnosis]:
    """Warn about texts without spaces that are split at spaces."""
    if isinstance(known, SubwordTokenizer) or known.split is not None:
        return
    found = unspaced_texts(original.train)
    if found.example is None or found.texts < _UNSPACED * len(original.train):
        return
    share = percent(found.texts / len(original.train))
    message = (
        f"{plural(found.texts, 'training text')} ({share}) in {' and '.join(found.scripts[:3])} "
        f"have no spaces between words, so that whole sentences become one word, such as "
        f"{original.train.name(found.example)}"
    )
    fix = "set data.text.words: characters, or to a function that splits them into words"
    yield Diagnosis("warning", "data.text.words", message, fix)


def _signs(original: Dataset) -> Iterator[Diagnosis]:
    """Warn about signs of markup and of wrong encodings in a sample of the training texts."""
    train = original.train
    step = -(-len(train) // _SAMPLE)
    rows = range(0, len(train), step)
    texts = [*texts_of(train.x, rows)]
    for what, pattern, least, fix in _SIGNS:
        at = [i for i, text in enumerate(texts) if pattern.search(text)]
        if len(at) < max(1.0, least * len(texts)):
            continue
        of = "" if step == 1 else f" of the {len(texts):,} that were searched"
        message = (
            f"{plural(len(at), 'training text')}{of} ({percent(len(at) / len(texts))}) have "
            f"{what}: {_example(train, rows[at[0]], texts[at[0]], pattern.search)}"
        )
        yield Diagnosis("warning", "data.source", message, fix)


def _example(
    split: Split, row: int, text: str, search: Callable[[str], re.Match[str] | None]
) -> str:
    found = search(text)
    assert found is not None, "the text has the sign"
    near = text[max(0, found.start() - _CONTEXT) : found.end() + _CONTEXT]
    return f"{near!r} in {split.name(row)}"
