"""Texts for prediction: what a string stands for, and one message for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.data.texts.predict_inputs import find_texts
from papertrial.errors import PredictionInputError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "A lovely film.",
        "and/or",
        "a // b",
        "see notes.txt",
        "...",
        "100 %",
        "na\u00efve \u2014 \u4e2d\u6587 \U0001f3ac",
        "line one\nline two",
        "nul \x00 byte",
        "x" * 5000,
        "~",
    ],
)
@pytest.mark.usefixtures("here")
def test_a_string_that_names_no_file_is_the_text_itself(text: str) -> None:
    ((name, got),) = find_texts(text)
    assert got == text
    assert len(name) <= 60
    assert "\n" not in name


def test_a_long_text_is_called_by_its_beginning() -> None:
    ((name, _),) = find_texts("word " * 20)
    assert name == ("word " * 12)[:57] + "..."
    ((name, _),) = find_texts("y" * 60)
    assert name == "y" * 60


def test_an_empty_string_is_no_folder(here: Path) -> None:
    (here / "a.txt").write_text("not asked for")
    assert find_texts("") == [("", "")]


def test_a_file_stands_for_its_text(here: Path) -> None:
    (here / "review").write_bytes("\ufeffGr\u00fc\u00dfe\r\nzwei".encode())
    for item in ("review", str(here / "review"), here / "review"):
        ((name, text),) = find_texts(item)
        assert name == str(item)
        assert text.split() == ["Gr\u00fc\u00dfe", "zwei"]


def test_a_folder_stands_for_its_texts_by_name(here: Path) -> None:
    (here / "many" / "inner.txt").mkdir(parents=True)
    for name in ("b.txt", "a.TXT", "c.txt", "notes.md", ".hidden.txt"):
        (here / "many" / name).write_text(name)
    (here / "many" / "link.txt").symlink_to(here / "many" / "b.txt")
    found = find_texts("many")
    assert [Path(name).name for name, _ in found] == ["a.TXT", "b.txt", "c.txt", "link.txt"]
    assert [text for _, text in found] == ["a.TXT", "b.txt", "c.txt", "b.txt"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("gone.txt", "there is no file or folder gone.txt"),
        ("folder/gone.txt", "there is no file or folder folder/gone.txt"),
        (Path("gone"), "there is no file or folder gone"),
        (Path("any text"), "there is no file or folder any text"),
        ("empty", "the folder empty holds no .txt files"),
        ("latin", "latin is not UTF-8 text: byte 2"),
    ],
)
def test_what_cannot_be_read_is_one_message(item: str | Path, message: str, here: Path) -> None:
    (here / "empty").mkdir()
    (here / "latin").write_bytes("na\u00efve".encode("latin-1"))
    with pytest.raises(PredictionInputError) as error:
        find_texts(item)
    assert str(error.value) == message


def test_a_broken_link_is_no_text_of_a_folder(here: Path) -> None:
    (here / "many").mkdir()
    (here / "many" / "a.txt").write_text("there")
    (here / "many" / "b.txt").symlink_to(here / "gone")
    assert [text for _, text in find_texts("many")] == ["there"]


@pytest.mark.parametrize("name", ["r.csv", "r.TSV", "r.parquet", "r.csv.gz", "r.txt.gz"])
def test_a_table_is_not_one_text(name: str, here: Path) -> None:
    with pytest.raises(PredictionInputError, match=r"^there is no file or folder "):
        find_texts(name)
    (here / name).write_text("text\nlovely\n")
    for item in (name, here / name):
        with pytest.raises(PredictionInputError, match=f"got .*{name}: give its texts, or .txt fi"):
            find_texts(item)
