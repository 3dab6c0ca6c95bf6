"""Vocabularies whose words are split by a named tokenizer or by code of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.data.texts.word_splits import WordSplit
from papertrial.errors import DataError
from papertrial.tokenizers import basic_english, whitespace

SPACES = WordSplit("whitespace", whitespace)


def tokens(known: Vocabulary, text: str) -> list[str]:
    return [known.words[i] for i in known.encode([text]).sample(0).tolist()]


@pytest.mark.parametrize(
    ("text", "words"),
    [  # by hand, from the list of replacements in torchtext/data/utils.py
        ("You're So Good!", ["you", "'", "re", "so", "good", "!"]),
        ('a "big" fish; 3:1', ["a", "big", "fish", "3", "1"]),
        ("(or so)...", ["(", "or", "so", ")", ".", ".", "."]),
        ("one<br />two\tthree-four", ["one", "two", "three-four"]),
    ],
)
def test_basic_english_is_that_of_torchtext(text: str, words: list[str]) -> None:
    assert basic_english(text) == words


def test_words_are_counted_and_encoded_as_they_are_split() -> None:
    texts = ["it's it's a-b", "A-B <unk> c", "c <pad> c"]
    known = Vocabulary.learn(texts, size=100, split=SPACES)
    assert known.words == ("<pad>", "<unk>", "c", "a-b", "it's")  # by count, then by alphabet
    assert tokens(known, "a-b b <unk> <pad> C") == ["a-b", "<unk>", "<unk>", "<unk>", "c"]
    assert Vocabulary.learn(texts, size=1, split=SPACES).words[2:] == ("c",)
    assert "A-B" in Vocabulary.learn(texts, size=9, lower=False, split=SPACES).words
    short = Vocabulary.learn(texts, size=9, max_length=2, split=SPACES)
    assert tokens(short, "c c c") == ["c", "c"]


@pytest.mark.parametrize("split", [None, SPACES])
def test_rare_words_are_left_out(split: WordSplit | None) -> None:
    texts = ["a a a b b c", "d d"]
    known = Vocabulary.learn(texts, size=100, least=2, split=split)
    assert known.words == ("<pad>", "<unk>", "a", "b", "d")
    assert Vocabulary.learn(texts, size=1, least=2, split=split).words[2:] == ("a",)
    with pytest.raises(DataError, match=r"no word that occurs 4 times \(data.text.min_frequency\)"):
        Vocabulary.learn(texts, size=100, least=4, split=split)


def test_a_state_goes_with_the_code_that_split_its_words() -> None:
    known = Vocabulary.learn(["x-y z"], size=9, split=SPACES)
    again = Vocabulary.from_state(known.state(), SPACES)
    assert tokens(again, "x-y") == ["x-y"]
    for other in (None, WordSplit("own.py:split", whitespace)):
        with pytest.raises(DataError, match=r"^data.text.words: .*by whitespace, got "):
            Vocabulary.from_state(known.state(), other)
    with pytest.raises(DataError, match=r"by the usual tokenizer, got whitespace"):
        Vocabulary.from_state(Vocabulary(["a"]).state(), SPACES)


def test_words_of_a_file_are_split_by_it_too(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("x-y\nz\n")
    assert len(Vocabulary.from_file(tmp_path / "v.txt", size=2, split=SPACES)) == 4
    english = WordSplit("basic-english", basic_english)
    (tmp_path / "v.txt").write_text("it's\n")
    with pytest.raises(DataError, match=r"line 1 is \"it's\".*by basic-english.*'it', \"'\", 's'"):
        Vocabulary.from_file(tmp_path / "v.txt", size=1, split=english)


def test_a_text_without_words_is_named() -> None:
    known = Vocabulary.learn(["a"], size=9, split=SPACES)
    with pytest.raises(EmptyTextError) as raised:
        known.encode(["a", " "])
    assert raised.value.row == 1


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda text: [1, 2], r"must return a list of words, got 1 for the text 'a b'"),
        (lambda text: ["a", ""], r"must return a list of words, got ''"),
        (lambda text: None, r"fails on the text 'a b': TypeError"),
        (lambda text: text[9], r"fails on the text 'a b': IndexError"),
    ],
)
def test_code_that_does_not_split_a_text_is_told(split: object, message: str) -> None:
    with pytest.raises(DataError, match=rf"^data.text.words: own.py:split {message}"):
        Vocabulary.learn(["a b"], size=9, split=WordSplit("own.py:split", split))  # type: ignore[arg-type]
