"""Warnings about texts: unknown words, markup, wrong encodings, no spaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from papertrial.checks.text_quality import check_texts
from papertrial.data.column import Dataset, Split
from papertrial.data.texts.encode import encode
from papertrial.data.texts.ragged_column import text_column
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.data.texts.word_splits import CHARACTERS
from papertrial.diagnose.diagnosis import Diagnosis


def split(texts: Sequence[str]) -> Split:
    y = torch.arange(len(texts)) % 2
    return Split(text_column(texts), y, np.arange(len(texts)))


def check(
    train: Sequence[str], test: Sequence[str], **options: object
) -> tuple[list[Diagnosis], dict[str, float] | None]:
    dataset = Dataset("t", "text", split(train), test=split(test), classes=("a", "b"))
    known = Vocabulary.learn(train, size=100, **options)  # type: ignore[arg-type]
    return check_texts(dataset, encode(dataset, known), known)


def test_shares_of_unknown_words_are_those_counted_by_hand() -> None:
    found, shares = check(["a b c d", "a b"], ["a b x", "y z c"], least=2)
    assert shares == {"train": pytest.approx(2 / 6), "test": pytest.approx(4 / 6)}
    assert [(one.severity, one.where) for one in found] == [("warning", "data.text.words")]
    assert "66.7 %" in found[0].message
    assert "33.3 %" in found[0].message
    found, shares = check(["a b c d", "a b"], ["a b c", "x b c d a b"])
    assert shares == {"train": 0.0, "test": pytest.approx(1 / 9)}
    assert found == []


def test_a_fifth_of_unknown_words_is_told_where_the_training_part_has_few() -> None:
    train = ["a b c d e f g h i j"]
    assert check(train, ["a b c d x"])[0] == []  # exactly a fifth
    found, _ = check(train, ["a b x"])
    assert [one.where for one in found] == ["data.text.words"]
    # A share as large in the training part says that the vocabulary is small.
    assert check(["a a b b c d", "c e"], ["a b c x"], least=2)[0] == []


def test_some_texts_without_spaces_are_told_and_the_advice_works() -> None:
    train = ["a good film"] * 50 + ["很好看的电影"]
    found, _ = check(train, ["good film"])
    assert [one.where for one in found] == ["data.text.words"]
    assert "1 training text (1.96 %) in Han" in found[0].message
    assert "data.text.words: characters" in found[0].fix
    assert check(train, ["good film"], split=CHARACTERS)[0] == []
    assert check(["a good film"] * 200 + ["很好"], ["good film"])[0] == []


@pytest.mark.parametrize(
    ("texts", "what", "example"),
    [
        (["<p>good</p>", "<b>bad"], "HTML markup", "'<p>good</p>'"),
        (["fish &amp; chips", "it&#39;s"], "HTML entities", "fish &amp; chips"),
        (["cafÃ© noir", "itâ€™s"], "wrong encoding", "cafÃ© noir"),
        (["caf\ufffd", "na\ufffdve"], "wrong encoding", "caf"),
        (["a\x00b", "c\x07d"], "control characters", "a\\x00b"),
    ],
)
def test_signs_of_markup_and_wrong_encodings_are_told_once(
    texts: list[str], what: str, example: str
) -> None:
    found, _ = check(["fine words"] * 10 + texts, ["fine"])
    assert len(found) == 1
    assert (found[0].severity, found[0].where) == ("warning", "data.source")
    assert what in found[0].message
    assert "2 training texts (16.7 %)" in found[0].message
    assert example in found[0].message
    assert "row 10" in found[0].message


def test_ordinary_texts_have_no_signs() -> None:
    texts = [
        "a <br /> b",
        "x < y and y > z",
        "AT&T; R&D",
        "São Paulo",
        "Â la carte, tab\there",
        "é”è",
    ]
    assert check(texts, ["a b"], lower=False)[0] == []
