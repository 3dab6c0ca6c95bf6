"""IMDB: the real reviews, and folders that look like them but are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from papertrial.data.sources import imdb
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.progress import finish

PLACES = [(part, name) for part in ("train", "test") for name in ("neg", "pos")]


def linked(imdb_folder: Path, tmp_path: Path) -> Path:
    """A data folder of links to the real reviews, to be changed."""
    for part, name in PLACES:
        there = tmp_path / "aclImdb" / part / name
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(imdb_folder / "aclImdb" / part / name)
    return tmp_path


def own_copy(folder: Path, part: str, name: str) -> list[Path]:
    """Make one class a folder of its own, of links; return its files in order."""
    there = folder / "aclImdb" / part / name
    real = there.resolve()
    there.unlink()
    there.mkdir()
    for file in sorted(real.iterdir()):
        (there / file.name).symlink_to(file)
    return sorted(there.iterdir())


def test_the_real_reviews_whatever_their_names_and_order(imdb_folder: Path, tmp_path: Path) -> None:
    folder = linked(imdb_folder, tmp_path)
    first = own_copy(folder, "train", "neg")[0]
    first.rename(first.with_name("z.txt"))
    (folder / "aclImdb/train/unsup").mkdir()
    (folder / "aclImdb/train/unsup/0_0.txt").write_text("unlabelled")
    got = finish(imdb.load(folder))
    assert (got.name, got.kind, got.classes) == ("imdb", "text", ("neg", "pos"))
    assert got.test is not None
    for split in (got.train, got.test):
        assert split.y.bincount().tolist() == [12_500, 12_500]
    assert got.train.name(12_499) == "train/neg/z.txt"
    assert next(texts_of(got.train.rows(torch.tensor([12_499])).x)).startswith("Story of a man who")


def test_one_review_less_is_not_imdb(imdb_folder: Path, tmp_path: Path) -> None:
    folder = linked(imdb_folder, tmp_path)
    own_copy(folder, "test", "pos")[7].unlink()
    with pytest.raises(DataError, match=r"test/pos has 12,499 texts, IMDB has 12,500"):
        finish(imdb.load(folder))


def test_one_other_word_is_not_imdb(imdb_folder: Path, tmp_path: Path) -> None:
    folder = linked(imdb_folder, tmp_path)
    file = own_copy(folder, "train", "pos")[7]
    text = file.read_text(encoding="utf-8")
    file.unlink()
    file.write_text(text + ".", encoding="utf-8")
    with pytest.raises(DataError, match=r"train are not those of IMDB.*source=text-folder"):
        finish(imdb.load(folder))


def test_absent_reviews_are_told_with_their_address(tmp_path: Path) -> None:
    assert imdb.find(tmp_path) is None
    with pytest.raises(DataError, match=r"imdb is not in .*aclImdb_v1.tar.gz"):
        finish(imdb.load(tmp_path))
