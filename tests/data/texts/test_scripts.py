"""Scripts of texts, and those that put no spaces between words."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from papertrial.data.texts.ragged_column import text_column
from papertrial.data.texts.scripts import (
    SCRIPTS,
    UNSPACED,
    count_scripts,
    find_unspaced,
    script_counts,
    unspaced_letter,
)


def test_letters_are_counted_by_script() -> None:
    texts = ["Hello, 世界!", "", "Привет мир 12", "한국어 어렵다", "カタカナとひらがな"]
    counts = script_counts(texts)
    named = [{SCRIPTS[i]: int(row[i]) for i in np.flatnonzero(row)} for row in counts]
    assert named == [
        {"Latin": 5, "Han": 2}, {}, {"Cyrillic": 9}, {"Hangul": 6}, {"Katakana": 4, "Hiragana": 5},
    ]  # fmt: skip
    assert count_scripts(texts * 300)["Cyrillic"] == 2700
    assert next(iter(count_scripts(texts))) == "Cyrillic"


def test_scripts_without_spaces_have_the_letters_that_unicode_names_for_them() -> None:
    named = {"Han": ("CJK", "IDEOGRAPHIC", "VERTICAL IDEOGRAPHIC"), "Burmese": ("MYANMAR",)}
    codes = [*range(0xAC00), *range(0xF900, 0x10000)]
    letters = [chr(c) for c in codes if unicodedata.category(chr(c))[0] == "L"]
    counted = script_counts(letters)
    for number, script in enumerate(UNSPACED):
        words = named.get(script, (script.upper(), f"HALFWIDTH {script.upper()}"))
        for letter, ours in zip(letters, counted[:, number].tolist(), strict=True):
            name = unicodedata.name(letter)
            assert bool(ours) == name.startswith(words) or name.endswith(" MARK"), name


def test_texts_without_spaces_are_found_among_others() -> None:
    texts = [
        "only English, naïve “yes”",
        "我喜欢 this",
        "I like 茶 very much",
        "ฉันชอบหนัง",
        "日本語です",
    ]
    found = find_unspaced(text_column(texts))
    assert (found.texts, found.example) == (2, 3)
    assert found.scripts == ("Thai", "Han", "Hiragana")
    assert find_unspaced(text_column(["a", "한국어"])) == (0, (), None)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("好的", ["好", "的"]),
        ("ก็ดี", ["ก็", "ดี"]),  # a vowel and a tone above the letter
        ("ខ្មែរ", ["ខ្មែ", "រ"]),  # a consonant stacked below another one
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("か\u3099", ["か\u3099"]),
        ("葛\U000e0100", ["葛\U000e0100"]),  # a variant
    ],
)
def test_marks_belong_to_their_letter(text: str, letters: list[str]) -> None:
    assert unspaced_letter().findall(text) == letters


def test_every_mark_of_these_scripts_stays_with_a_letter() -> None:
    for ranges in UNSPACED.values():
        for first, last in ranges:
            for code in range(first, last + 1):
                if unicodedata.category(chr(code)).startswith("M"):
                    pair = chr(0x0E01) + chr(code)
                    assert unspaced_letter().findall(pair) == [pair]
