"""The scripts that texts are written in, and which of them put no spaces between words.

The ranges are those of the letters of Unicode's file Scripts.txt, to whole blocks where a block has
one script. They are a table here, so that runs do not depend on the version of a library.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from papertrial.data.texts.ragged_column import RaggedColumn, texts_of

# Languages of these scripts are written without spaces between words.
UNSPACED: dict[str, tuple[tuple[int, int], ...]] = {
    "Han": (
        (0x2E80, 0x2FD5), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
    ),
    "Hiragana": ((0x3041, 0x3096), (0x309D, 0x309F)),
    "Katakana": ((0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D)),
    "Thai": ((0x0E01, 0x0E3A), (0x0E40, 0x0E4E)),
    "Lao": ((0x0E81, 0x0EBD), (0x0EC0, 0x0ECE), (0x0EDC, 0x0EDF)),
    "Khmer": ((0x1780, 0x17D3), (0x17D7, 0x17D7), (0x17DC, 0x17DD)),
    "Burmese": (
        (0x1000, 0x103F), (0x1050, 0x108F), (0x109A, 0x109D), (0xA9E0, 0xA9EF), (0xA9FA, 0xA9FE),
        (0xAA60, 0xAA76), (0xAA7A, 0xAA7F),
    ),
}  # fmt: skip
_SPACED: dict[str, tuple[tuple[int, int], ...]] = {
    "Latin": (
        (0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6),
        (0xF8, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA722, 0xA788), (0xA78B, 0xA7FF),
        (0xAB30, 0xAB6F), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A),
    ),
    "Greek": ((0x370, 0x373), (0x376, 0x37D), (0x37F, 0x3FF), (0x1F00, 0x1FFF)),
    "Cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)),
    "Armenian": ((0x531, 0x588),),
    "Hebrew": ((0x5D0, 0x5F2), (0xFB1D, 0xFB4F)),
    "Arabic": (
        (0x620, 0x64A), (0x66E, 0x6D3), (0x6D5, 0x6D5), (0x6FA, 0x6FC), (0x750, 0x77F),
        (0x8A0, 0x8C9), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC),
    ),
    "Devanagari": ((0x900, 0x963), (0x970, 0x97F)),
    "Bengali": ((0x980, 0x9E3), (0x9F0, 0x9FE)),
    "Gurmukhi": ((0xA01, 0xA65), (0xA70, 0xA76)),
    "Gujarati": ((0xA81, 0xAE3), (0xAF9, 0xAFF)),
    "Oriya": ((0xB01, 0xB65), (0xB71, 0xB77)),
    "Tamil": ((0xB82, 0xBD7),),
    "Telugu": ((0xC00, 0xC65),),
    "Kannada": ((0xC80, 0xCE5),),
    "Malayalam": ((0xD00, 0xD65), (0xD7A, 0xD7F)),
    "Sinhala": ((0xD81, 0xDDF),),
    "Tibetan": ((0xF40, 0xFBC),),
    "Georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2D)),
    "Hangul": ((0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7FB)),
    "Ethiopic": ((0x1200, 0x135A), (0x1380, 0x138F)),
    "Mongolian": ((0x1820, 0x18AA),),
}  # fmt: skip
SCRIPTS = (*UNSPACED, *_SPACED)
# Marks after a letter of these scripts: vowels and tones above and below it, the voicing of kana,
# accents, and selectors of variants.
_MARKS = (
    (0xE31, 0xE31), (0xE34, 0xE3A), (0xE47, 0xE4E), (0xEB1, 0xEB1), (0xEB4, 0xEBC), (0xEC8, 0xECE),
    (0x102B, 0x103E), (0x1056, 0x1059), (0x105E, 0x1060), (0x1062, 0x1064), (0x1067, 0x106D),
    (0x1071, 0x1074), (0x1082, 0x108D), (0x108F, 0x108F), (0x109A, 0x109D), (0xA9E5, 0xA9E5),
    (0xAA7B, 0xAA7D), (0x17B4, 0x17D3), (0x17DD, 0x17DD), (0x3099, 0x309A), (0x300, 0x36F),
    (0x302A, 0x302F), (0xFE00, 0xFE0F), (0xFF9E, 0xFF9F), (0xE0100, 0xE01EF),
)  # fmt: skip
_TEXTS_PER_CHUNK = 1000
_FIRST_LEAD = 0xE0  # no script without spaces has a letter whose UTF-8 begins with a lower byte


class UnspacedTexts(NamedTuple):
    """The texts of a part with more letters of scripts without spaces than of all others.

    `scripts` has those scripts, the most frequent first; `example` is the row of the first text,
    None without any.
    """

    texts: int
    scripts: tuple[str, ...]
    example: int | None


def script_counts(texts: Sequence[str]) -> np.ndarray:
    """Count the letters of each text by script, [N, S] in the order of SCRIPTS."""
    kinds = _kinds()
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    width = len(SCRIPTS) + 1
    flat = np.repeat(np.arange(len(texts)) * width, lengths) + kinds[codes]
    counts = np.bincount(flat, minlength=len(texts) * width).reshape(len(texts), width)
    return counts[:, 1:]


def count_scripts(texts: Iterable[str]) -> dict[str, int]:
    """Count the letters of all texts by script, the most frequent script first."""
    total = np.zeros(len(SCRIPTS), dtype=np.int64)
    for some in _chunks(texts):
        total += script_counts(some).sum(0)
    named = Counter(dict(zip(SCRIPTS, total.tolist(), strict=True)))
    return {name: count for name, count in named.most_common() if count}


def find_unspaced(column: RaggedColumn) -> UnspacedTexts:
    """Find the texts of a column that are mostly in scripts without spaces between words.

    Texts without a byte from 0xE0 are not decoded, so that those in English cost little.
    """
    lengths = column.lengths
    assert lengths is not None, "texts have lengths"
    places = np.flatnonzero(column.values.numpy() >= _FIRST_LEAD)
    rows = np.unique(np.searchsorted(np.cumsum(lengths.numpy()), places, side="right"))
    counts = np.zeros(len(SCRIPTS), dtype=np.int64)
    found: list[int] = []
    for start in range(0, len(rows), _TEXTS_PER_CHUNK):
        some = rows[start : start + _TEXTS_PER_CHUNK]
        letters = script_counts([*texts_of(column, some.tolist())])
        unspaced = letters[:, : len(UNSPACED)]
        mostly = 2 * unspaced.sum(1) > letters.sum(1)
        counts[: len(UNSPACED)] += unspaced[mostly].sum(0)
        found += some[mostly].tolist()
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    return UnspacedTexts(len(found), tuple(SCRIPTS[i] for i in order), found[0] if found else None)


@functools.cache
def unspaced_letter() -> re.Pattern[str]:
    """Return a pattern whose group is a letter of a script without spaces, with its marks."""
    letters = _ranges(pair for ranges in UNSPACED.values() for pair in ranges)
    marks = _ranges(_MARKS)
    return re.compile(f"([{letters}](?:[\\u17d2\\u1039][{letters}]|[{marks}])*)")


def _ranges(pairs: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in pairs)


@functools.cache
def _kinds() -> np.ndarray:
    """Return the script of each code point, [0x110000] uint8: its place in SCRIPTS + 1, or 0."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for number, ranges in enumerate({**UNSPACED, **_SPACED}.values(), 1):
        for first, last in ranges:
            kinds[first : last + 1] = number
    return kinds


def _chunks(texts: Iterable[str]) -> Iterable[list[str]]:
    some: list[str] = []
    for text in texts:
        some.append(text)
        if len(some) == _TEXTS_PER_CHUNK:
            yield some
            some = []
    if some:
        yield some
