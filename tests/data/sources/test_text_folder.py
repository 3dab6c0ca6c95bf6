"""Text folders: layouts, names, encodings, and every way in which one can be wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from papertrial.data.column import Dataset
from papertrial.data.sources import text_folder
from papertrial.data.sources.spec import SourceSpec
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.progress import Step, finish


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes in train and test, a validation part, and a few hidden things."""
    for part, count in (("train", 3), ("validation", 1), ("test", 2)):
        for name in ("spam", "ham"):
            for number in range(count):
                written(tmp_path / "mail" / part / name / f"{number}.txt", f"{part} {name} é")
    for hidden in (".DS_Store", "train/.cache/1.txt", "train/ham/.1.txt", "train/ham/README.md"):
        written(tmp_path / "mail" / hidden, "")
    return tmp_path / "mail"


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def load(path: Path) -> Dataset:
    return finish(text_folder.load(SourceSpec("text-folder", path), path)).dataset


def test_parts_classes_names_and_texts(root: Path) -> None:
    got = load(root)
    assert (got.name, got.kind, got.classes) == ("mail", "text", ("ham", "spam"))
    assert {name: len(split) for name, split in got.splits.items()} == {
        "train": 6,
        "validation": 2,
        "test": 4,
    }
    assert got.train.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert got.train.name(3) == "train/spam/0.txt"
    assert got.test is not None
    assert list(texts_of(got.test.x)) == ["test ham é"] * 2 + ["test spam é"] * 2


def test_classes_alone_are_to_be_split(root: Path) -> None:
    got = load(root / "train")
    assert (list(got.splits), got.classes, got.train.name(0)) == (
        ["train"],
        ("ham", "spam"),
        "ham/0.txt",
    )


def test_progress_counts_all_texts(root: Path) -> None:
    steps = list(text_folder.load(SourceSpec("text-folder", root), root))
    assert steps[-1] == Step("reading texts", 12, 12, "texts")


def test_a_byte_order_mark_is_dropped_and_line_ends_are_kept(root: Path) -> None:
    written(root / "train/ham/0.txt", b"\xef\xbb\xbfone\r\ntwo")
    assert next(texts_of(load(root).train.x)) == "one\r\ntwo"


def test_links_are_followed_and_broken_ones_told(root: Path) -> None:
    (root / "train/ham/9.txt").symlink_to(root / "train/ham/0.txt")
    assert len(load(root).train) == 7
    (root / "train/ham/9.txt").unlink()
    (root / "train/ham/9.txt").symlink_to(root / "nowhere.txt")
    with pytest.raises(DataError, match=r"train/ham/9.txt is a link to nothing"):
        load(root)


def test_bytes_that_are_not_utf8_are_told(root: Path) -> None:
    written(root / "train/spam/1.txt", b"caf\xe9")
    with pytest.raises(DataError, match=r"train/spam/1.txt is not UTF-8 text: byte 3, .* 0xe9"):
        load(root)


@pytest.mark.parametrize("content", ["", " \r\n\t", "\ufeff"])
def test_an_empty_text_is_named(content: str, root: Path) -> None:
    written(root / "test/spam/1.txt", content)
    with pytest.raises(DataError, match=r"test/spam/1.txt is an empty text"):
        load(root)


def test_an_empty_class_folder_is_named(root: Path) -> None:
    (root / "train/eggs").mkdir()
    with pytest.raises(DataError, match=r"train/eggs has no .txt file"):
        load(root / "train")


def test_one_class_is_not_enough(root: Path) -> None:
    for part in ("train", "validation", "test"):
        (root / part / "spam").rename(root.parent / f"{part}-spam")
    with pytest.raises(DataError, match=r"needs two classes or more, .*only ham"):
        load(root)
    (root.parent / "nothing").mkdir()
    with pytest.raises(DataError, match=r"needs two classes or more, .*has none"):
        load(root.parent / "nothing")


def test_parts_must_have_the_classes_of_train(root: Path) -> None:
    written(root / "test/hams/1.txt", "text")
    with pytest.raises(DataError, match=r'has the class hams, which .*did you mean "ham"'):
        load(root)
    (root / "test/hams/1.txt").unlink()
    (root / "test/hams").rmdir()
    (root / "validation/ham").rename(root.parent / "ham")
    with pytest.raises(DataError, match="validation lacks the class ham"):
        load(root)


def test_other_layouts_are_told(root: Path) -> None:
    with pytest.raises(DataError, match="does not exist; it must have train/<class>"):
        load(root / "absent")
    with pytest.raises(DataError, match="is a file"):
        load(root / ".DS_Store")
    (root / "validation").rename(root / "validate")
    with pytest.raises(DataError, match=r'has validate beside train.*did you mean "validation"'):
        load(root)
    (root / "validate").rename(root / "validation")
    (root / "train").rename(root.parent / "train")
    with pytest.raises(DataError, match="has validation and test, but no train"):
        load(root)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be read here")
def test_an_unreadable_folder_is_told(root: Path) -> None:
    (root / "train/ham").chmod(0)
    with pytest.raises(DataError, match=r"cannot read the folder .*train/ham"):
        load(root)
    (root / "train/ham").chmod(0o755)
