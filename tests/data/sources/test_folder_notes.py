"""Folders of images and texts: every file that goes in is learnt from or in the notes."""

from __future__ import annotations

import io
import os
import random
import sys
import types
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from papertrial.data.column import Dataset
from papertrial.data.images import formats
from papertrial.data.images.predict_inputs import find_images
from papertrial.data.sources import image_folder, text_folder
from papertrial.data.sources.spec import ImageOptions, SourceSpec
from papertrial.data.texts.predict_inputs import find_texts
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.progress import finish
from papertrial.reading_note import ReadingNote

HEIC = b"\0\0\0\x18ftypheic" + bytes(60)
CR2 = b"II*\0\x10\0\0\0CR\x02\0" + bytes(60)
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000", "QOI")


def picture(form: str = "PNG", mode: str = "RGB", shade: int = 90) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 20, 200 - shade % 100)).convert(mode).save(out, form)
    return out.getvalue()


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def load(path: Path, **options: object) -> Dataset:
    spec = SourceSpec("image-folder", path, images=ImageOptions(**options))  # type: ignore[arg-type]
    return finish(image_folder.load(spec, path.parent)).dataset


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of two images each."""
    for name in ("cat", "dog"):
        for i in range(2):
            write(tmp_path / "photos" / name / f"{i}.png", picture(shade=100 * i))
    return tmp_path / "photos"


def by_example(dataset: Dataset) -> dict[str, ReadingNote]:
    return {note.example: note for note in dataset.notes}


@pytest.mark.parametrize("form", FORMATS)
def test_an_image_is_known_by_its_content(photos: Path, form: str) -> None:
    for name in ("a", "b.dat", "c.jpg_large", "d.txt"):
        write(photos / "cat" / name, picture(form))
    dataset = load(photos)
    assert dataset.train.names is not None
    assert dataset.train.names[2:6] == ["cat/a", "cat/b.dat", "cat/c.jpg_large", "cat/d.txt"]
    assert dataset.notes == ()
    assert find_images([photos]) == [photos / name for name in dataset.train.names]


def test_what_is_not_an_image_is_counted_by_ending(photos: Path) -> None:
    for i in range(3):
        write(photos / "cat" / f"{i}.XML", b"<xml/>")
        write(photos / "dog" / f"{i}.heic", HEIC)
    write(photos / "cat" / "LICENSE", b"P5 text that begins like a PGM image")
    write(photos / "dog" / "raw.CR2", CR2)
    write(photos / "dog" / "nothing")
    for _ in range(2):  # decoded, then from the cache
        notes = by_example(load(photos))
        assert {example: (note.count, note.unit) for example, note in notes.items()} == {
            "cat/0.XML": (3, "file"),
            "dog/0.heic": (3, "file"),
            "cat/LICENSE": (1, "file"),
            "dog/raw.CR2": (1, "file"),
            "dog/nothing": (1, "file"),
        }
        assert all(note.action == "left out" for note in notes.values())
        assert "pip install pillow-heif" in notes["dog/0.heic"].change
        assert "convert them" in notes["dog/raw.CR2"].change
        assert [note.example for note in notes.values() if note.warns] == [
            "dog/0.heic",
            "dog/raw.CR2",
        ]
    write(photos / "cat" / "0.XML", picture())  # now it is one
    assert by_example(load(photos))["cat/1.XML"].count == 2


def test_a_heic_image_with_another_ending_is_named(photos: Path) -> None:
    write(photos / "cat" / "IMG_1.JPG", HEIC)
    with pytest.raises(DataError, match=r"IMG_1.JPG: is a HEIC image.*pip install pillow-heif"):
        load(photos)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package pillow_heif whose HEIC images are all of one colour."""

    class HeifFile(Image.Image):
        def __init__(self, file: io.BytesIO, _: object) -> None:
            super().__init__()
            file.close()
            made = Image.new("RGB", (8, 8), (1, 2, 3))
            self.im, self._mode, self._size = made.im, made.mode, made.size  # type: ignore[attr-defined]
            self.format = "HEIF"

    def register_heif_opener() -> None:
        Image.register_open("HEIF", HeifFile, formats.is_heic)  # type: ignore[arg-type]
        Image.register_extensions("HEIF", [".heic", ".heif"])

    fake = types.ModuleType("pillow_heif")
    fake.__spec__ = types.SimpleNamespace(name="pillow_heif")  # type: ignore[assignment]
    fake.__version__ = "0"  # type: ignore[attr-defined]
    fake.register_heif_opener = register_heif_opener  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", fake)
    formats.register_heif.cache_clear()
    yield
    formats.register_heif.cache_clear()
    Image.OPEN.pop("HEIF", None)
    Image.ID.remove("HEIF")
    for ending in (".heic", ".heif"):
        Image.EXTENSION.pop(ending, None)


@pytest.mark.usefixtures("plugin")
def test_heic_is_read_once_the_plugin_is_installed(photos: Path) -> None:
    write(photos / "cat" / "IMG_1.HEIC", HEIC)
    write(photos / "cat" / "IMG_2", HEIC)
    dataset = load(photos)
    assert dataset.notes == ()
    assert dataset.train.x.take(slice(2, 4))[:, :, 0, 0].tolist() == [[1, 2, 3]] * 2


def test_junk_is_counted_and_never_a_class(photos: Path) -> None:
    for name in (".ipynb_checkpoints", "@eaDir", "__MACOSX", "$RECYCLE.BIN", "lost+found"):
        write(photos / name / "x.png", picture())
    for name in ("cat/.DS_Store", "cat/._0.png", "dog/Thumbs.db", "dog/Desktop.ini", ".x.png"):
        write(photos / name, picture())
    write(photos / "cat" / "@eaDir" / "0.png" / "thumb.jpg", picture("JPEG"))
    dataset = load(photos)
    assert dataset.classes == ("cat", "dog")
    assert len(dataset.train) == 4
    assert sorted((n.count, n.unit) for n in dataset.notes) == [(5, "file"), (6, "folder")]
    assert [path.name for path in find_images([photos])] == ["0.png", "1.png"] * 2


def test_files_beside_the_class_folders_are_told(photos: Path) -> None:
    (photos.parent / "set").mkdir()
    photos.rename(photos.parent / "set" / "train")
    folder = photos.parent / "set"
    write(folder / "labels.csv", b"a,b\n")
    write(folder / "train" / "lost.png", picture())
    notes = by_example(load(folder))
    assert notes["train/lost.png"].count == 2
    assert notes["train/lost.png"].action == "left out"


def test_links_are_told_and_circles_left_out(photos: Path) -> None:
    write(photos.parent / "more" / "c.png", picture())
    (photos / "cat" / "link.png").symlink_to(photos / "cat" / "0.png")
    (photos / "cat" / "more").symlink_to(photos.parent / "more", target_is_directory=True)
    (photos / "dog" / "again").symlink_to(photos / "dog", target_is_directory=True)
    os.mkfifo(photos / "dog" / "pipe.png")
    dataset = load(photos)
    assert len(dataset.train) == 6
    got = {(note.action, note.count, note.example) for note in dataset.notes}
    assert got == {
        ("guessed", 2, "cat/link.png"),
        ("left out", 1, "dog/again"),
        ("left out", 1, "dog/pipe.png"),
    }


def test_one_class_in_two_unicode_forms(tmp_path: Path) -> None:
    composed = "caf\u00e9"
    decomposed = unicodedata.normalize("NFD", composed)
    for place in (f"train/{composed}", f"train/{decomposed}", f"test/{decomposed}", "train/x"):
        write(tmp_path / "set" / place / "0.png", picture())
    dataset = load(tmp_path / "set")
    assert dataset.classes == (composed, "x")
    assert dataset.train.y.tolist() == [0, 0, 1]
    assert dataset.test is not None
    assert dataset.test.y.tolist() == [0]
    (note,) = dataset.notes
    assert (note.action, note.count, note.example) == ("guessed", 1, composed)


def test_classes_that_differ_in_case_or_spaces_are_told(photos: Path) -> None:
    write(photos / "Cat" / "0.png", picture())
    write(photos / "dog " / "0.png", picture())
    dataset = load(photos)
    assert dataset.classes == ("Cat", "cat", "dog", "dog ")
    (note,) = dataset.notes
    assert (note.action, note.count, note.example) == ("guessed", 2, "'Cat' and 'cat'")


def test_each_conversion_is_counted(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("a", "b"):
        write(folder / name / "plain.png", picture())
    write(folder / "a" / "grey.png", picture(mode="L"))
    write(folder / "a" / "palette.png", picture(mode="P"))
    write(folder / "a" / "print.jpg", picture("JPEG", "CMYK"))
    write(folder / "a" / "small.png", b"")
    Image.new("RGB", (4, 8)).save(folder / "a" / "small.png")
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(folder / "b" / "clear.png")
    frames = [Image.new("RGB", (8, 8), (60 * i, 90, 0)) for i in range(3)]
    for name in ("many.gif", "many.tif", "many.png", "many.webp"):
        frames[0].save(folder / "b" / name, save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    frames[0].save(folder / "b" / "turned.jpg", exif=exif)
    exif[0x0112] = 0  # means nothing
    frames[0].save(folder / "b" / "upright.jpg", exif=exif)
    notes = {note.what: note for note in load(folder, size=(8, 8), mode="RGB").notes}
    counts = {note.example: note.count for note in notes.values()}
    assert counts == {
        "a/grey.png": 1,
        "a/print.jpg": 1,
        "a/small.png": 1,
        "b/clear.png": 1,
        "b/many.gif": 4,
        "b/turned.jpg": 1,
    }
    assert {note.action for note in notes.values()} == {"converted"}
    assert next(n for n in notes.values() if n.example == "b/clear.png").what.endswith("on black")


def test_a_set_as_it_is_has_no_notes(photos: Path) -> None:
    assert load(photos).notes == ()
    assert load(photos).notes == ()


@pytest.mark.parametrize("seed", range(8))
def test_every_image_file_is_learnt_from_or_listed(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder, files = tmp_path / "set", 0
    stems = ["x", "\u00e9", "e\u0301", "a b", "-", "\u4e2d", "IMG"]
    ends = ["", ".png", ".PNG", ".jpg", ".txt", ".heic", ".db", ".x.y", ".", ".tif", ".cr2"]
    contents = [b"", b"text", HEIC, CR2, *(picture(form) for form in FORMATS[:5])]
    places = ["a", "b", "a/in", "b/in/in", ".", "a/.hid", "b/@eaDir", "A"]
    for name in ("a", "b", "A"):
        write(folder / name / "0.png", picture())
        files += 1
    for i in range(40):
        path = folder / rng.choice(places) / f"{rng.choice(stems)}{i}{rng.choice(ends)}"
        write(path, rng.choice(contents))
        files += 1
    write(folder / "a" / ".DS_Store")
    dataset = load(folder, size=(8, 8), mode="RGB", corrupt="skip")
    in_junk = sum(1 for p in folder.rglob("*/[.@][he]*/*") if p.is_file())
    left = sum(note.count for note in dataset.notes if note.action == "left out")
    folders = sum(n.count for n in dataset.notes if n.unit == "folder")
    assert len(dataset.train) + left - folders + in_junk == files + 1
    again = load(folder, size=(8, 8), mode="RGB", corrupt="skip")
    assert again.notes == dataset.notes
    assert again.train.names == dataset.train.names


def texts(path: Path) -> Dataset:
    return finish(text_folder.load(SourceSpec("text-folder", path), path)).dataset


def test_other_files_beside_texts_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    for name in ("ham/1.txt", "ham/2.text", "spam/3.TXT", "spam/old/4.txt"):
        write(folder / name, name.encode())
    for name in ("ham/README.md", "ham/a.pdf", "spam/b.pdf", "spam/.x.txt", "about"):
        write(folder / name, b"other")
    got = texts(folder)
    assert got.train.names == ["ham/1.txt", "ham/2.text", "spam/3.TXT", "spam/old/4.txt"]
    assert list(texts_of(got.train.x)) == got.train.names
    assert {(n.action, n.count, n.example) for n in got.notes} == {
        ("left out", 1, "ham/README.md"),
        ("left out", 2, "ham/a.pdf"),
        ("left out", 1, "spam/.x.txt"),
        ("left out", 1, "about"),
    }
    assert [name for name, _ in find_texts(folder)] == [str(folder / n) for n in got.train.names]


def test_texts_without_an_ending_are_read_if_there_are_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "groups"
    for name in ("alt/49960", "alt/51.060", "sci/7.md", "sci/7.html"):
        write(folder / "training" / name, name.encode())
        write(folder / "dev" / name, name.encode())
    got = texts(folder)
    assert list(got.splits) == ["train", "validation"]
    assert got.train.y.tolist() == [0, 0, 1]
    notes = {(n.action, n.count, n.example) for n in got.notes}
    assert notes == {
        ("guessed", 1, "training"),
        ("guessed", 1, "dev"),
        ("guessed", 4, "training/alt/49960"),
        ("guessed", 2, "training/sci/7.md"),
        ("left out", 2, "training/sci/7.html"),
    }


def test_16_bits_with_few_levels_are_warned_of_and_read_by_their_range(tmp_path: Path) -> None:
    folder = tmp_path / "xray"
    rng = np.random.default_rng(0)
    values = {}
    for name, level in (("train/a", 300), ("train/b", 420), ("test/a", 3000), ("test/b", 420)):
        (folder / name).mkdir(parents=True)
        values[name] = rng.integers(level - 90, level + 90, (8, 8)).astype(np.uint16)
        Image.fromarray(values[name]).save(folder / name / "0.png")
    (note,) = load(folder).notes
    low, high = values["train/a"].min(), values["train/b"].max()
    assert note.warns
    assert (note.action, note.count) == ("converted", 4)
    assert f"{low:,} to {high:,} of 65,535, and so only 2 of 256 levels" in note.what
    assert "data.image.range: [LOW, HIGH]" in note.change
    assert "[0, 511]" in note.change
    dataset = load(folder, grey_range=(200.0, 500.0))  # the advice, followed
    got = dataset.train.x.take(slice(None)).numpy()[:, 0]
    for row, name in enumerate(("train/a", "train/b")):
        wanted = np.clip((values[name].astype(float) - 200) / 300 * 255, 0, 255)
        assert np.abs(got[row] - wanted).max() <= 0.5
        assert len(np.unique(got[row])) > 20
    assert [(n.count, n.warns) for n in dataset.notes] == [(4, False), (3, False)]
    assert "outside of data.image.range" in dataset.notes[1].what


def test_floats_are_read_by_their_range_and_bytes_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    for name, top in (("a", 0.5), ("b", 1.0)):
        (folder / name).mkdir(parents=True)
        ramp = np.linspace(-1, top, 64, dtype=np.float32).reshape(8, 8)
        Image.fromarray(ramp).save(folder / name / "0.tif")
    write(folder / "a" / "1.png", picture(mode="L"))
    dataset = load(folder, grey_range=(-1.0, 1.0))
    got = dataset.train.x.take(slice(None)).numpy()
    assert got[0].max() == round(255 * 0.75)
    assert (got[2].min(), got[2].max()) == (0, 255)
    assert (got[1] == got[1, 0, 0, 0]).all()
    assert {(n.action, n.count, n.example) for n in dataset.notes} == {
        ("converted", 2, "a/0.tif"),
        ("guessed", 1, "a/1.png"),
    }
    ramp[3, 3] = np.nan
    Image.fromarray(ramp).save(folder / "b" / "0.tif")
    with pytest.raises(DataError, match=r"b/0.tif: has grey values that are not finite"):
        load(folder, grey_range=(-1.0, 1.0))


def test_a_table_beside_images_without_classes_is_pointed_to(tmp_path: Path) -> None:
    write(tmp_path / "breeds" / "train" / "0.png", picture())
    table = write(tmp_path / "breeds" / "labels.csv", b"id,breed\n0,pug\n")
    for place in (tmp_path / "breeds", tmp_path / "breeds" / "train"):
        with pytest.raises(DataError, match="has no class folders") as caught:
            load(place)
        assert f"set data.source: image-table, data.path: {table}" in str(caught.value)
