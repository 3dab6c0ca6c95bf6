"""Images with a table of paths and targets: what is found, guessed, left out and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.data.column import Dataset
from papertrial.data.sources import image_table
from papertrial.data.sources.spec import ImageOptions, SourceSpec, TableOptions
from papertrial.errors import DataError
from papertrial.progress import finish

SHADES = {"0001": 10, "0002": 90, "0003": 170, "0004": 250}


@pytest.fixture
def breeds(tmp_path: Path) -> Path:
    """Four grey images in `train/`, and a table beside it."""
    folder = tmp_path / "breeds"
    (folder / "train").mkdir(parents=True)
    for name, shade in SHADES.items():
        Image.fromarray(np.full((4, 6), shade, np.uint8)).save(folder / "train" / f"{name}.png")
    rows = [
        "0001,pug,1.5,a,train",
        "0002,collie,2,b,train",
        "0003,pug,3,a,val",
        "0004,pug,4,b,test",
    ]
    (folder / "labels.csv").write_text("\n".join(["id,breed,age,owner,part", *rows]) + "\n")
    return folder


def load(path: Path, kind: Any = "classes", **options: Any) -> Dataset:
    keys = {"size", "mode", "corrupt", "grey_range", "folder"}
    images = ImageOptions(**{key: value for key, value in options.items() if key in keys})
    rest = {key: value for key, value in options.items() if key not in keys}
    columns = {"image": "id", "targets": ("breed",), **rest}
    table = TableOptions(**columns)  # type: ignore[arg-type]
    spec = SourceSpec("image-table", path, targets=kind, images=images, table=table)
    return finish(image_table.load(spec, path.parents[1])).dataset


def test_classes_of_images_named_without_their_ending(breeds: Path) -> None:
    for _ in range(2):  # decoded, then from the cache
        got = load(breeds / "labels.csv", folder=breeds / "train", group="owner")
        assert (got.kind, got.classes, got.target) == ("image", ("collie", "pug"), "breed")
        assert got.train.y.tolist() == [1, 0, 1, 1]
        assert got.train.x.take(slice(None))[:, 0, 0, 0].tolist() == list(SHADES.values())
        assert got.train.names == [f"line {n}" for n in range(2, 6)]
        assert got.train.groups is not None
        assert got.train.groups.tolist() == ["a", "b", "a", "b"]
        (note,) = got.notes
        assert (note.action, note.count, note.unit) == ("guessed", 4, "row")
        assert note.example == "'0001' (line 2)"


def test_numbers_from_images_one_and_several(breeds: Path) -> None:
    table = breeds / "labels.csv"
    table.write_text(
        "path,age,x\n" + "".join(f"train/{n}.png,{i}.5,{-i}\n" for i, n in enumerate(SHADES))
    )
    one = load(table, "numbers", image="path", targets=("age",))
    assert one.train.y.dtype == torch.float32
    assert one.train.y.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert one.notes == ()
    two = load(table, "numbers", image="path", targets=("age", "x"))
    assert two.train.y[3].tolist() == [3.5, -3]
    assert two.targets == ("age", "x")
    entries = (breeds.parent / "cache" / "images").glob("*/meta.json")
    assert len(list(entries)) == 1  # whatever the targets are


def test_labels_of_images(breeds: Path) -> None:
    table = breeds / "labels.csv"
    table.write_text("path,day,sea\ntrain/0001.png,1,0\ntrain/0002.png,0,0\n")
    got = load(table, "labels", image="path", targets=("day", "sea"))
    assert got.train.y.tolist() == [[1, 0], [0, 0]]
    (note,) = got.notes  # of the other two images
    assert (note.action, note.count, note.example) == ("left out", 2, "train/0003.png")


def test_a_column_names_the_parts(breeds: Path) -> None:
    got = load(breeds / "labels.csv", folder=breeds / "train", part="part")
    sizes = {part: len(split) for part, split in got.splits.items()}
    assert sizes == {"train": 2, "validation": 1, "test": 1}
    assert got.splits["validation"].x.take(slice(None)).unique().tolist() == [170]
    with pytest.raises(DataError, match=r"labels.csv line 2: owner must be train, .* got 'a'"):
        load(breeds / "labels.csv", folder=breeds / "train", part="owner")


def test_a_table_for_each_part(breeds: Path) -> None:
    lines = (breeds / "labels.csv").read_text().splitlines()
    (breeds / "train.csv").write_text("\n".join(lines[:3]))
    (breeds / "test.csv").write_text("\n".join([lines[0], lines[4]]))
    (breeds / "labels.csv").unlink()
    got = load(breeds, folder=breeds / "train")
    assert {part: len(split) for part, split in got.splits.items()} == {"train": 2, "test": 1}
    assert got.train.names == ["train.csv line 2", "train.csv line 3"]
    assert image_table.is_image_table(breeds)
    assert not image_table.is_image_table(breeds / "train")


def test_absent_images_are_listed_with_advice_that_works(breeds: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(breeds / "labels.csv")
    said = str(caught.value)
    assert "4 of 4 rows name no image" in said
    assert "labels.csv line 2: '0001' does not exist" in said
    advice = said.split("set data.image.folder: ")[1]
    assert len(load(breeds / "labels.csv", folder=Path(advice)).train) == 4
    for wrong, root in (("breeds/train/0002.png", breeds.parent), ("in/train/0002.png", None)):
        text = (breeds / "labels.csv").read_text().replace("0002", wrong)
        (breeds / "wrong.csv").write_text(text)
        with pytest.raises(DataError, match="1 of 4 rows name no image") as caught:
            load(breeds / "wrong.csv", folder=breeds / "train")
        assert (f"set data.image.folder: {root}" in str(caught.value)) == (root is not None)


def test_rows_without_an_image_are_left_out_when_asked(breeds: Path) -> None:
    (breeds / "train" / "0002.png").unlink()
    (breeds / "train" / "0004.png").write_bytes(b"damaged")
    with pytest.raises(DataError, match="line 3: '0002' does not exist"):
        load(breeds / "labels.csv", folder=breeds / "train")
    (breeds / "labels.csv").write_text(
        (breeds / "labels.csv").read_text() + "0001,collie,9,c,train\n"
    )
    for _ in range(2):
        got = load(breeds / "labels.csv", folder=breeds / "train", corrupt="skip")
        assert got.train.y.tolist() == [1, 1, 0]
        assert got.train.names == ["line 2", "line 4", "line 6"]
        assert got.train.x.take(slice(None))[:, 0, 0, 0].tolist() == [10, 170, 10]
        left = {(n.count, n.example) for n in got.notes if n.action == "left out"}
        assert left == {(1, "'0002' (line 3)"), (1, "0004.png")}


def test_a_name_that_could_be_two_files_is_refused(breeds: Path) -> None:
    Image.new("L", (6, 4)).save(breeds / "train" / "0001.jpg")
    with pytest.raises(DataError, match=r"'0001' could be 0001.jpg or 0001.png"):
        load(breeds / "labels.csv", folder=breeds / "train")


def test_other_spellings_of_a_path(breeds: Path) -> None:
    Image.new("L", (6, 4)).save(breeds / "train" / "cafe\u0301.png")
    full = breeds / "train" / "0002.png"
    rows = ["train\\0001.png,a", f"{full},b", "train/caf\u00e9.png,a"]
    (breeds / "labels.csv").write_text("\n".join(["id,breed", *rows]))
    got = load(breeds / "labels.csv")
    assert got.train.x.take(slice(None))[:, 0, 0, 0].tolist() == [10, 90, 0]
    assert [(n.action, n.count) for n in got.notes if n.unit == "row"] == [("guessed", 1)]


def test_sizes_may_vary_and_modes_are_converted(breeds: Path) -> None:
    Image.new("RGB", (9, 9)).save(breeds / "train" / "0004.png")
    with pytest.raises(DataError, match="same size"):
        load(breeds / "labels.csv", folder=breeds / "train")
    got = load(breeds / "labels.csv", folder=breeds / "train", size="varying", mode="L")
    assert [tuple(x.shape) for x in got.train.x.take(slice(2, 4))] == [(1, 4, 6), (1, 9, 9)]


def test_a_folder_set_and_a_table_share_no_cache_entry(breeds: Path) -> None:
    from papertrial.data.sources import image_folder

    (breeds / "train").rename(breeds / "cats")
    (breeds / "dogs").mkdir()
    Image.new("L", (6, 4)).save(breeds / "dogs" / "0.png")
    names = [*(f"cats/{n}.png,x" for n in SHADES), "dogs/0.png,y"]
    (breeds / "labels.csv").write_text("\n".join(["id,breed", *names]))
    got = load(breeds / "labels.csv")
    assert got.classes == ("x", "y")
    spec = SourceSpec("image-folder", breeds)
    other = finish(image_folder.load(spec, breeds.parent)).dataset
    assert other.classes == ("cats", "dogs")
    assert other.train.y.tolist() == [0, 0, 0, 0, 1]
    assert torch.equal(other.train.x.take(slice(None)), got.train.x.take(slice(None)))


def test_a_table_may_lie_with_its_own_images(breeds: Path) -> None:
    (breeds / "new").mkdir()
    Image.new("L", (6, 4), 7).save(breeds / "new" / "9.png")
    (breeds / "new.csv").write_text("id,breed\nnew/9.png,pug\nnew/9,collie\n")
    got = load(breeds / "new.csv", folder=breeds / "train")
    assert got.train.x.take(slice(None)).unique().tolist() == [7]
    assert [(n.action, n.count, n.unit) for n in got.notes] == [
        ("guessed", 1, "table"),
        ("guessed", 1, "row"),
    ]
    with pytest.raises(DataError, match=r"data.image.folder: .*nowhere is not a folder"):
        load(breeds / "new.csv", folder=breeds / "nowhere")
