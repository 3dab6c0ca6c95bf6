"""Tokens: what a word is, which are kept in which order, vocabulary files, texts of any kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary, VocabularyState
from papertrial.errors import DataError

TEXTS = ["The cat.<br /><br />The dog!", "a dog, the END", "zebra ant"]


def words_of(text: str) -> list[str]:
    """The tokens of one text, read back."""
    known = Vocabulary.learn([text], size=100)
    return [known.words[i] for i in known.encode([text]).sample(0).tolist()]


def test_words_and_marks_are_apart_and_lower_cased() -> None:
    assert words_of("It's GOOD!!!<br />(10/10) naïve") == [
        *("it", "'", "s", "good", "!!!", "(", "10", "/", "10", ")", "naïve")
    ]


def test_words_are_numbered_by_count_then_by_alphabet() -> None:
    known = Vocabulary.learn(TEXTS, size=6)
    assert known.words == ("<pad>", "<unk>", "the", "dog", "!", ",", ".", "a")
    assert len(known) == 8


def test_fewer_words_than_asked_for_are_all_of_them() -> None:
    assert len(Vocabulary.learn(TEXTS, size=1000)) == 2 + 10


def test_case_is_kept_when_asked_for() -> None:
    assert "The" in Vocabulary.learn(TEXTS, size=100, lower=False).words


def test_encoding_is_flat_int32_with_unknown_words_as_one() -> None:
    column = Vocabulary(["the", "dog"]).encode(["The dog barks", "the"])
    assert column.dtype == torch.int32
    assert column.take(slice(0, 2)).tolist() == [[2, 3, 1], [2, 0, 0]]
    assert column.nbytes == 4 * 4


def test_the_first_tokens_are_kept() -> None:
    column = Vocabulary(["a", "b", "c"], max_length=2).encode(["a b c", "c"])
    assert column.take(slice(0, 2)).tolist() == [[2, 3], [4, 0]]


def test_many_texts_keep_their_order() -> None:
    known = Vocabulary([f"w{i}" for i in range(1000)])
    column = known.encode(f"w{i}" for i in range(1000))
    assert column.take(slice(0, 1000))[:, 0].tolist() == list(range(2, 1002))


def test_special_words_in_a_text_are_not_the_special_numbers() -> None:
    known = Vocabulary.learn(["<pad> a <unk> < pad > unk"], size=100)
    column = known.encode(["<pad> a <unk>", "a <pad>"])
    assert column.lengths is not None
    assert column.lengths.tolist() == [7, 4]
    for row in range(2):
        assert int(column.sample(row).min()) >= 2


def test_half_a_surrogate_pair_is_not_the_end() -> None:
    assert Vocabulary(["a", "b"]).encode(["a \ud83d b"]).sample(0).tolist() == [2, 1, 3]


@pytest.mark.parametrize("empty", ["", " \n\t", "<br />"])
def test_an_empty_text_is_named_by_its_row(empty: str) -> None:
    texts = [*["word"] * 300, empty]
    with pytest.raises(EmptyTextError, match="text 300") as caught:
        Vocabulary(["word"]).encode(texts)
    assert caught.value.row == 300


def test_no_texts_are_an_empty_column() -> None:
    assert len(Vocabulary(["word"]).encode([])) == 0


def test_texts_without_words_teach_nothing() -> None:
    with pytest.raises(DataError, match="no words"):
        Vocabulary.learn(["", " "], size=10)


def test_a_vocabulary_is_restored_from_its_state_as_json() -> None:
    known = Vocabulary.learn(TEXTS, size=6, max_length=3)
    again = Vocabulary.from_state(
        VocabularyState.model_validate_json(known.state().model_dump_json())
    )
    assert again.words == known.words
    assert again.encode(TEXTS).fingerprint == known.encode(TEXTS).fingerprint


def test_a_file_gives_the_words_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes("\ufeffthe\r\nnaïve\r\n".encode())
    known = Vocabulary.from_file(tmp_path / "v.txt", size=2)
    assert known.words == ("<pad>", "<unk>", "the", "naïve")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a\nb\n", "has 2 words, but data.text.vocabulary is 3"),
        (b"a\nb\na\n", "line 3 is 'a', like line 1"),
        (b"a\n\nb\n", "line 2 is empty"),
        (b"a\n<pad>\nb\n", "line 2 is <pad>"),
        (b"<unk>\na\nb\n", "line 1 is <unk>"),
        (b"a\nb 12\nc\n", "line 2 is 'b 12'"),
        (b"a\nb\xff\nc\n", r"not UTF-8 text: byte 3,"),
        (b"", "is empty"),
        (b"the\nThe\nnew-york\n", "line 2 is 'The', .* lower-cased .*, which makes it 'the'; "),
        (b"the\nnew-york\nThe\n", "line 2 is 'new-york', .* makes it 'new', '-', 'york'; write"),
    ],
)
def test_a_wrong_file_is_told(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(DataError, match=said):
        Vocabulary.from_file(tmp_path / "v.txt", size=3)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*No such file"):
        Vocabulary.from_file(tmp_path / "v.txt", size=None)
    with pytest.raises(DataError, match="cannot read"):
        Vocabulary.from_file(tmp_path, size=None)


def test_a_fork_afterwards_is_quiet_and_works() -> None:
    code = """
import os
from papertrial.data.texts.vocabulary import Vocabulary, VocabularyState
known = Vocabulary.learn(["a b c"] * 1000, size=9)
known.encode(["a b"] * 1000)
if os.fork() == 0:
    assert known.encode(["a c"]).sample(0).tolist() == [2, 4]
    os._exit(0)
assert os.wait()[1] == 0
"""
    if sys.platform == "win32":
        pytest.skip("no fork")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_capital_is_a_word_where_case_is_kept(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("The\nna\u00efve\n!!\n")
    known = Vocabulary.from_file(tmp_path / "v.txt", size=3, lower=False)
    assert known.encode(["The na\u00efve!!"]).sample(0).tolist() == [2, 3, 4]
    (tmp_path / "v.txt").write_text("The\nit's\n")
    with pytest.raises(
        DataError, match='line 2 is "it\'s", which cannot occur: texts are split in'
    ):
        Vocabulary.from_file(tmp_path / "v.txt", size=2, lower=False)
