"""Data cards of folders of images and texts, of tensors and of loaded sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from papertrial.data.cards.card import DataCard
from papertrial.data.cards.card_sheet import sheet_of_folder, sheet_of_set
from papertrial.data.cards.describe_set import describe_set
from papertrial.data.cards.open_card import describe_path
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.progress import finish


def card_of(path: Path) -> DataCard:
    return finish(describe_path(path))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five images of two classes in two parts, and what else lies in such folders."""
    root = tmp_path / "photos"
    sizes = {"train/cat/a.png": (4, 6), "train/cat/b.png": (4, 6), "train/dog/c.png": (8, 8)}
    for name, size in {**sizes, "val/cat/d.png": (4, 6)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB" if "dog" in name else "L", size, 9).save(root / name)
    (root / "train/dog/e.png").write_bytes(b"damaged")
    (root / "train/dog/f.heic").write_bytes(b"x")
    (root / "train/dog/scan").write_bytes(b"x")
    (root / "Thumbs.db").write_bytes(b"x")
    (root / "train/.DS_Store").write_bytes(b"x")
    return root


def test_images_are_counted_and_all_else_is_listed(photos: Path) -> None:
    card = card_of(photos)
    assert (card.kind, card.files) == ("image", 5)
    assert {name: part.rows for name, part in card.parts.items()} == {"train": 4, "validation": 1}
    train = card.parts["train"]
    assert train.classes == {"cat": 2, "dog": 2}
    assert train.images is not None
    assert train.images.sizes == {"6 x 4": 2, "8 x 8": 1}  # height x width
    assert train.images.modes == {"L": 2, "RGB": 1}
    assert card.duplicates.repeated == {"train": 1, "validation": 0}
    assert card.duplicates.shared == {"train/validation": 1}
    listed = {note.example: (note.action, note.count) for note in card.notes}
    assert listed == {
        "train/dog/f.heic": ("left out", 1), "train/dog/scan": ("left out", 1),
        "Thumbs.db": ("left out", 2), "train/dog/e.png": ("left out", 1),
    }  # fmt: skip
    # What goes in is either described or listed.
    files = [one for one in photos.rglob("*") if one.is_file()]
    described = sum(train.images.sizes.values()) + 1
    assert described + sum(note.count for note in card.notes) == len(files)


def test_a_sheet_shows_the_images_of_a_folder(photos: Path) -> None:
    picture = sheet_of_folder(photos)
    assert picture.width > 64
    assert picture.height >= 2 * 64
    with pytest.raises(DataError, match="images of one size"):
        sheet_of_set(finish(loading("diabetes", photos)))


def test_texts_have_lengths_scripts_and_duplicates(tmp_path: Path) -> None:
    for name, text in {
        "ja/a": "いい日",
        "en/b": "a good day",
        "en/c": "a good day",
        "en/d": " ",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.txt").write_text(text, "utf-8")
    card = card_of(tmp_path)
    part = card.parts["all"]
    assert (card.kind, part.rows, part.classes) == ("text", 4, {"en": 3, "ja": 1})
    assert part.texts is not None
    assert part.texts.empty == 1
    assert part.texts.scripts["Hiragana"] == pytest.approx(2 / 19)
    assert card.duplicates.repeated == {"all": 1}
    (tmp_path / "en" / "latin.txt").write_bytes(b"caf\xe9")
    (note,) = card_of(tmp_path).notes
    assert (note.count, note.example) == (1, "en/latin.txt")


def test_tensors_have_shapes_and_ranges(tmp_path: Path) -> None:
    x = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    x[3] = x[0]
    np.savez(tmp_path / "s.npz", x=x, y=np.array([0, 1, 1, 0]))
    card = card_of(tmp_path / "s.npz")
    part = card.parts["all"]
    assert part.tensors is not None
    assert (part.rows, part.tensors["x"].shape, part.tensors["x"].dtype) == (4, (3, 2), "float32")
    numbers = part.tensors["x"].numbers
    assert numbers is not None
    assert (numbers.min, numbers.max, numbers.mean) == (0.0, 17.0, pytest.approx(x.mean()))
    assert card.duplicates.repeated == {"all": 1}


def test_what_cannot_be_described_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("b", "no file or folder"),
        ("a.docx", "must end in"),
        ("empty", "holds no"),
    ):
        with pytest.raises(DataError, match=said):
            card_of(tmp_path / name)


def test_a_loaded_set_has_the_fingerprints_of_runs(tmp_path: Path) -> None:
    dataset = finish(loading("diabetes", tmp_path))
    card = finish(describe_set(dataset, "diabetes"))
    part = card.parts["train"]
    assert part.fingerprint == dataset.train.fingerprint
    assert [one.name for one in part.columns] == [*dataset.features, "progression"]
    numbers = part.columns[0].numbers
    assert numbers is not None
    assert (numbers.min, numbers.max) == (19.0, 79.0)
    digits = finish(describe_set(finish(loading("digits", tmp_path)), "digits"))
    assert digits.parts["train"].images is not None
    assert digits.parts["train"].images.sizes == {"8 x 8": 1797}
    assert sum((digits.parts["train"].classes or {}).values()) == 1797
