"""Data sets of Hugging Face, saved by the library itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.data.cards.open_card import describe_path
from papertrial.data.column import Dataset
from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import ImageOptions, SourceSpec, TableOptions
from papertrial.data.tables.learn_layout import Encoding
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.hub import HubError
from papertrial.progress import finish

COMMIT = "0123456789abcdef" * 2 + "01234567"
TEXT = TableOptions(targets=("label",), text="text")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sets: texts with three splits, one table, images, images of two sizes."""
    import datasets as hf

    home = tmp_path_factory.mktemp("saved")
    label = hf.ClassLabel(names=["pos", "neg", "none"])  # not in the order of the alphabet
    features = hf.Features({"text": hf.Value("string"), "label": label})

    def texts(labels: list[int]) -> Any:
        rows = {"text": [f"text {i}" for i in range(len(labels))], "label": labels}
        return hf.Dataset.from_dict(rows, features=features)

    parts = {"train": texts([1, 0, 1, 0]), "test": texts([0, 1]), "unsupervised": texts([-1, -1])}
    hf.disable_progress_bars()
    hf.DatasetDict(parts).save_to_disk(home / "texts")
    hf.DatasetDict({"train": parts["train"], "dev": parts["test"]}).save_to_disk(home / "dev")
    rows = {"a": [1.5, 2.5, 3.5], "c": [0, 1, 0], "label": [0, 1, 2], "y": [0.5, -1.0, 2.0]}
    kinds = {
        "a": hf.Value("float32"), "c": hf.ClassLabel(names=["red", "blue"]),
        "label": hf.Value("int64"), "y": hf.Value("float64"),
    }  # fmt: skip
    table = hf.Dataset.from_dict(rows, features=hf.Features(kinds))
    table.select([2, 0, 1]).save_to_disk(home / "table")
    for name, width in (("images", 5), ("sizes", 6)):
        pixels = [np.full((4, 5 if i else width), 10 * i, np.uint8) for i in range(4)]
        images = {"image": [Image.fromarray(one) for one in pixels], "label": [0, 1, 1, 0]}
        kinds = {"image": hf.Image(), "label": hf.ClassLabel(names=["zero", "one"])}
        hf.Dataset.from_dict(images, features=hf.Features(kinds)).save_to_disk(home / name)
    hf.enable_progress_bars()
    return home


def load(path: Path, table: TableOptions = TEXT, **more: Any) -> Dataset:
    spec = SourceSpec("dataset-folder", path=path, table=table, **more)
    return finish(open_source(spec, path)).dataset


def test_texts_have_the_classes_of_the_set_in_its_order(saved: Path) -> None:
    parts = {"train": "train", "validation": "test"}
    found = load(saved / "texts", parts=parts)
    assert (found.name, found.kind, found.classes) == ("texts", "text", ("pos", "neg", "none"))
    assert list(found.splits) == ["train", "validation"]
    assert found.train.y.tolist() == [1, 0, 1, 0]
    assert list(texts_of(found.train.x)) == ["text 0", "text 1", "text 2", "text 3"]
    assert found.train.name(2) == "texts train row 2"
    renamed = load(saved / "dev")
    assert renamed.splits.keys() == found.splits.keys()
    assert renamed.train.fingerprint == found.train.fingerprint


def test_splits_and_columns_that_are_not_used_are_listed(saved: Path) -> None:
    parts = {"train": "train", "validation": "test"}
    (note,) = load(saved / "texts", parts=parts).notes
    assert (note.action, note.count, note.unit, note.example) == (
        "left out", 1, "split", "unsupervised",
    )  # fmt: skip
    assert load(saved / "dev").notes == ()
    card = finish(describe_path(saved / "texts", target="label"))
    assert {name: part.rows for name, part in card.parts.items()} == {
        "train": 4, "test": 2, "unsupervised": 2,
    }  # fmt: skip
    assert card.parts["train"].classes == {"neg": 2, "pos": 2}
    images = finish(describe_path(saved / "images"))
    assert [one.type for one in images.parts["all"].columns] == ["other", "category"]


def test_a_table_with_categories_and_numbers(saved: Path) -> None:
    options = TableOptions(targets=("label",), features=("c", "a"), encoding=Encoding(("c",)))
    found = load(saved / "table", options)
    assert found.features == ("c=blue", "c=red", "a")
    x = found.train.x.take(slice(None))
    assert x.tolist() == [[0, 1, 3.5], [0, 1, 1.5], [1, 0, 2.5]]  # in the order that was saved
    assert found.train.y.tolist() == [2, 0, 1]
    numbers = TableOptions(targets=("y", "c"), features=("a",))
    both = load(saved / "table", numbers, targets="numbers")
    assert both.train.y.tolist() == [[2.0, 0.0], [0.5, 0.0], [-1.0, 1.0]]


def test_images_are_decoded(saved: Path) -> None:
    options = TableOptions(targets=("label",), image="image")
    found = load(saved / "images", options)
    assert (found.kind, found.classes) == ("image", ("zero", "one"))
    x = found.train.x.take(slice(None))
    assert x.shape == (4, 1, 4, 5)
    assert x[:, 0, 0, 0].tolist() == [0, 10, 20, 30]
    with pytest.raises(DataError, match=r"row 1: image has the size .*data\.image\.size"):
        load(saved / "sizes", options)
    resized = load(saved / "sizes", options, images=ImageOptions(size=(2, 3), mode="RGB"))
    assert resized.train.x.take(slice(None)).shape == (4, 3, 2, 3)
    varying = load(saved / "sizes", options, images=ImageOptions(size="varying"))
    assert [tuple(one.shape) for one in varying.train.x.take(torch.tensor([0, 1]))] == [
        (1, 4, 6), (1, 4, 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table", "more", "message"),
    [
        ("texts", TEXT, {}, r"unsupervised; say with data\.parts"),
        ("texts", TEXT, {"parts": {"train": "trian"}}, 'did you mean "train"'),
        ("texts", TEXT, {"parts": {"train": "unsupervised"}}, "label is missing in 2 of 2"),
        ("table", TEXT, {}, "has no column 'text'"),
        ("table", TableOptions(targets=("labels",)), {}, 'did you mean "label"'),
        ("images", TableOptions(targets=("label",), image="label"), {}, "holds no images"),
        ("nothing", TEXT, {}, "save_to_disk"),
    ],
)
def test_wrong_sets_and_columns(
    saved: Path, name: str, table: TableOptions, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load(saved / name, table, **more)


def test_a_set_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import datasets as hf

    monkeypatch.setattr(hf.config, "HF_HUB_OFFLINE", True)
    spec = SourceSpec(f"hf:someone/reviews@{COMMIT}", table=TEXT)
    with pytest.raises(HubError, match=r"someone/reviews@.*save_to_disk.*dataset-folder"):
        finish(open_source(spec, tmp_path))
