"""Image folders: layouts, the order of samples, and every mistake told by its file or class."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from papertrial.data.column import Dataset
from papertrial.data.sources import image_folder
from papertrial.data.sources.spec import ImageOptions, SourceSpec
from papertrial.errors import DataError
from papertrial.progress import finish

RNG = np.random.default_rng(0)


def _image(path: Path, mode: str = "RGB", size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    if mode == "I;16":
        Image.fromarray(RNG.integers(0, 65536, size[::-1], dtype=np.uint16)).save(path)
    else:
        Image.fromarray(pixels).convert(mode).save(path)
    return path


def _tree(folder: Path, *classes: str, count: int = 2) -> Path:
    for name in classes:
        for i in range(count):
            _image(folder / name / f"{i}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes in three parts."""
    for part in ("train", "validation", "test"):
        _tree(tmp_path / "photos" / part, "cat", "dog")
    return tmp_path / "photos"


def _load(path: Path, **settings: Any) -> Dataset:
    spec = SourceSpec("image-folder", path, images=ImageOptions(**settings))
    return finish(image_folder.load(spec, path.parent)).dataset


def _error(path: Path, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        _load(path, **settings)
    assert list((path.parent / "cache").rglob("*.building")) == []
    return str(caught.value)


def test_parts_classes_and_pixels(photos: Path) -> None:
    dataset = _load(photos)
    assert (dataset.name, dataset.kind, dataset.classes) == ("photos", "image", ("cat", "dog"))
    assert list(dataset.splits) == ["train", "validation", "test"]
    for part, split in dataset.splits.items():
        assert split.names == [f"{part}/{c}/{i}.png" for c in ("cat", "dog") for i in range(2)]
        assert split.name(2) == f"{part}/dog/0.png"
        assert split.y.tolist() == [0, 0, 1, 1]
        assert (split.y.dtype, split.x.dtype, split.ids.dtype) == (
            torch.int64,
            torch.uint8,
            np.int64,
        )
        for name, image in zip(split.names, split.x.take(slice(None)), strict=True):
            stored = np.asarray(Image.open(photos / name))
            assert np.array_equal(image.permute(1, 2, 0).numpy(), stored)


def test_a_folder_of_classes_is_the_training_part(tmp_path: Path) -> None:
    dataset = _load(_tree(tmp_path / "x", "train", "Zebra", "ant"))  # a class may be a "train"
    assert list(dataset.splits) == ["train"]
    assert dataset.classes == ("Zebra", "ant", "train")
    assert dataset.train.names is not None
    assert dataset.train.names[0] == "Zebra/0.png"


def test_the_order_is_that_of_torchvision(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    for name in ("b/9.PNG", "b/10.png", "b/in/a.png", "b/in/.x/a.png", "B/é.png", "a/Z.jpeg"):
        _image(folder / name)
    for name in ("b/.hidden.png", ".ipynb_checkpoints/a.png", "a/._Z.png"):
        _image(folder / name)
    (folder / "b" / "README.txt").write_text("no image, no mistake")
    (folder / "b" / "folder.png").mkdir()
    (folder / "notes.txt").touch()
    (folder / "b" / "again").symlink_to(folder / "b", target_is_directory=True)  # a circle
    _image(tmp_path / "elsewhere" / "c.png")
    (folder / "a" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    got = _load(folder)
    for hidden in ("b/.hidden.png", "a/._Z.png", "b/in/.x/a.png"):
        (folder / hidden).unlink()
    shutil.rmtree(folder / ".ipynb_checkpoints")
    (folder / "b" / "again").unlink()
    theirs = ImageFolder(str(folder))
    assert got.classes == tuple(theirs.classes)
    names = [Path(path).relative_to(folder).as_posix() for path, _ in theirs.samples]
    assert got.train.names == names
    assert got.train.y.tolist() == theirs.targets


def test_nested_folders_have_the_order_of_torchvision(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    for name in ("k/z.png", "k/a/1.png", "k/a-b/2.png", "k/a/x/3.png", "k/a.b/4.png", "l/5.png"):
        _image(folder / name)
    theirs = [Path(path).relative_to(folder).as_posix() for path, _ in ImageFolder(folder).samples]
    assert theirs[:3] == ["k/z.png", "k/a/1.png", "k/a-b/2.png"]
    assert _load(folder).train.names == theirs


def test_floating_point_and_32_bit_images_are_refused(tmp_path: Path) -> None:
    # Noise alike in both classes: a scale of its own for each image would tell them apart.
    for i in range(4):
        path = tmp_path / "x" / "ab"[i % 2] / f"{i}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = RNG.random((8, 8), dtype=np.float32) * (1, 300)[i % 2]
        Image.fromarray(values if i < 2 else (values * 1000).astype(np.int32)).save(path)
    said = _error(tmp_path / "x")
    assert "3 of 4 images cannot be decoded" in said
    assert said.count("has floating-point pixels of ") == 2
    assert "b/3.tif: has 32-bit pixels of " in said
    assert "set data.image.range: [LOW, HIGH]" in said


def test_absent_folders_and_files_are_told(tmp_path: Path) -> None:
    assert _error(tmp_path / "no").startswith(f"{tmp_path / 'no'} does not exist")
    (tmp_path / "file").touch()
    assert "is a file, not a folder" in _error(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'} has no class folders" in _error(tmp_path / "empty")
    _image(tmp_path / "flat" / "train" / "1.png")
    _image(tmp_path / "flat" / "test" / "1.png")
    assert f"{tmp_path / 'flat' / 'train'} has no class folders" in _error(tmp_path / "flat")


def test_a_part_without_classes_is_told(photos: Path) -> None:
    shutil.rmtree(photos / "test")
    _image(photos / "test" / "1.png")
    assert f"{photos / 'test'} has no class folders" in _error(photos)


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_empty_class_folder_is_named(photos: Path, part: str) -> None:
    for name in ("0.png", "1.png"):
        (photos / part / "dog" / name).unlink()
    (photos / part / "dog" / "notes.txt").touch()
    said = _error(photos)
    assert f"the class dog has no images in {part}; 1 of its files are left out" in said
    assert said.endswith("put some into its folder, or delete it")


def test_one_class_only_is_told(tmp_path: Path) -> None:
    assert "has only one class, cat" in _error(_tree(tmp_path / "x", "cat"))


def test_a_class_that_train_lacks_is_named(photos: Path) -> None:
    _image(photos / "test" / "Dogs" / "1.png")
    said = _error(photos)
    assert 'test has a class Dogs that train lacks; did you mean "dog"?' in said


def test_a_test_part_may_have_fewer_classes(photos: Path) -> None:
    shutil.rmtree(photos / "test" / "cat")
    dataset = _load(photos)
    assert dataset.test is not None
    assert dataset.test.y.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[(name, "validation") for name in ("val", "valid", "dev", "eval")],
        *[("Test", "test"), ("testing", "test")],
    ],
)
def test_another_name_of_a_part_is_read_as_the_part(photos: Path, name: str, meant: str) -> None:
    wanted = _load(photos)
    (photos / meant).rename(photos / name)
    dataset = _load(photos)
    assert list(dataset.splits) == ["train", "validation", "test"]
    assert dataset.splits[meant].fingerprint == wanted.splits[meant].fingerprint
    (note,) = dataset.notes
    assert (note.action, note.count, note.unit, note.example) == ("guessed", 1, "folder", name)
    assert f"the part {meant}" in note.what
    shutil.copytree(photos / name, photos / meant)
    assert f"has {name} and {meant}, which both mean" in _error(photos).replace(
        f"{meant} and {name}", f"{name} and {meant}"
    )


@pytest.mark.parametrize(
    ("names", "near"),
    [(("holdout",), ""), (("car", "plane"), ""), (("tests",), '; did you mean "test"?')],
)
def test_folders_beside_train_are_told(photos: Path, names: tuple[str, ...], near: str) -> None:
    for name in names:
        _image(photos / name / "1.png")
    said = _error(photos)
    assert said.startswith(f"{photos} has {', '.join(names)} beside train")
    assert said.endswith(f"rename it to validation or test{near}")


def test_parts_without_train_are_told(photos: Path) -> None:
    (photos / "train").rename(photos / "more")
    assert "has validation and test, but no train" in _error(photos)


def test_one_mode_of_storage_needs_no_setting(tmp_path: Path) -> None:
    for i, mode in enumerate(("P", "RGB", "RGBA")):
        _image(tmp_path / "colour" / "a" / f"{i}.png", mode)
    _image(tmp_path / "colour" / "b" / "0.jpg", "CMYK")
    assert _load(tmp_path / "colour").train.x.shape == (3, 8, 8)
    for i, mode in enumerate(("L", "LA", "I;16", "1")):
        _image(tmp_path / "grey" / "ab"[i % 2] / f"{i}.png", mode)
    assert _load(tmp_path / "grey").train.x.shape == (1, 8, 8)


def test_mixed_sizes_are_told_and_resized_by_a_setting(photos: Path) -> None:
    _image(photos / "test" / "dog" / "1.png", size=(10, 6))
    said = _error(photos)
    assert "size [8, 8]: 11 images, such as train/cat/0.png" in said
    assert "size [6, 10]: 1 images, such as test/dog/1.png" in said
    assert said.endswith("to convert them, set data.image.size: [8, 8]")
    assert "mode" not in said.replace("mode (L is grey)", "")
    dataset = _load(photos, size=(4, 5))
    assert dataset.train.x.shape == (3, 4, 5)
    first = Image.open(photos / "train/cat/0.png").resize((5, 4), Image.Resampling.BILINEAR)
    got = dataset.train.x.take(slice(1))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(got, np.asarray(first))


def test_mixed_modes_are_told_and_converted_by_a_setting(photos: Path) -> None:
    _image(photos / "train" / "dog" / "1.png", "L")
    said = _error(photos)
    assert "mode RGB: 11 images, such as train/cat/0.png" in said
    assert "mode L: 1 images, such as train/dog/1.png" in said
    assert said.endswith("to convert them, set data.image.mode: RGB")
    _error(photos, size=(8, 8))
    assert _load(photos, mode="RGB").train.x.shape == (3, 8, 8)
    assert _load(photos, mode="L").train.x.shape == (1, 8, 8)


def test_a_large_set_of_many_sizes_is_told_from_other_processes(tmp_path: Path) -> None:
    for i in range(520):
        _image(tmp_path / "x" / "ab"[i % 2] / f"{i:03}.png", size=(8 + max(0, i - 500), 8))
    said = _error(tmp_path / "x")
    assert "size [8, 8]: 501 images" in said
    assert "and 15 more sizes" in said
    assert len(_load(tmp_path / "x", size=(8, 8)).train) == 520


def _damage(photos: Path, *names: str) -> None:
    for name in names:
        Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(photos / name)
        (photos / name).write_bytes((photos / name).read_bytes()[:700])


def test_corrupt_images_are_counted_and_named(photos: Path) -> None:
    _damage(photos, "train/cat/1.png", "train/dog/x.jpg")
    (photos / "test" / "dog" / "0.png").write_bytes(b"no image")
    said = _error(photos)
    assert "3 of 13 images cannot be decoded" in said
    assert re.search(r"train/cat/1.png: cannot be read as an image: .*truncated", said)
    assert "train/dog/x.jpg: cannot be read as an image: " in said
    assert "test/dog/0.png: is not an image in a known format" in said
    assert said.endswith("data.image.corrupt: skip")


def test_of_many_corrupt_images_the_first_are_named(photos: Path) -> None:
    for i in range(9):
        (photos / "train" / "cat" / f"x{i}.png").write_bytes(b"")
    said = _error(photos)
    assert "9 of 21 images" in said
    assert "x4.png" in said
    assert "x5.png" not in said
    assert "and 4 more" in said


def test_corrupt_images_are_left_out_when_asked_and_told(photos: Path) -> None:
    whole = _load(photos)
    _damage(photos, "train/cat/0.png", "train/cat/x.png")
    for _ in range(2):  # decoded, then from the cache
        dataset = _load(photos, corrupt="skip")
        (note,) = dataset.notes
        assert (note.action, note.count, note.unit) == ("left out", 2, "image")
        assert note.example == "train/cat/0.png"
        assert dataset.train.names == ["train/cat/1.png", "train/dog/0.png", "train/dog/1.png"]
        assert dataset.train.y.tolist() == [0, 1, 1]
        kept = whole.train.x.take(slice(1, None))
        assert torch.equal(dataset.train.x.take(slice(None)), kept)


def test_a_class_of_which_no_image_is_left_is_told(photos: Path) -> None:
    _damage(photos, "test/cat/0.png", "test/cat/1.png")
    said = _error(photos, corrupt="skip")
    assert "no image of the class cat in test can be decoded" in said
    _damage(
        photos,
        *(
            f"{part}/{c}/{i}.png"
            for part in ("train", "validation", "test")
            for c in ("cat", "dog")
            for i in range(2)
        ),
    )
    assert "12 of 12 images cannot be decoded" in _error(photos)


@pytest.mark.parametrize("limit", [40, 20])
def test_an_image_too_large_to_be_safe_is_told(
    photos: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert "train/cat/0.png: is too large" in _error(photos)


def test_an_unreadable_file_is_told_also_when_corrupt_ones_are_left_out(photos: Path) -> None:
    path = photos / "train" / "cat" / "0.png"
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")
    for corrupt in ("error", "skip"):
        said = _error(photos, corrupt=corrupt)
        assert "1 of 12 images cannot be read\n  train/cat/0.png: Permission denied" in said


def test_a_broken_link_is_told(photos: Path) -> None:
    (photos / "train" / "cat" / "9.png").symlink_to(photos / "gone.png")
    said = _error(photos)
    assert "train/cat/9.png is a link to nothing" in said
    assert said.endswith("data.image.corrupt: skip")
    dataset = _load(photos, corrupt="skip")
    (note,) = dataset.notes
    assert (note.action, note.count, note.example) == ("left out", 1, "train/cat/9.png")
    assert len(dataset.train) == 4
