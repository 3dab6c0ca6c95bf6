"""preprocess.json: restored as it was written, and refused by name if it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papertrial.data.column import Dataset
from papertrial.data.images.transforms import Normalize
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources.named_sets import loading
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.transforms import Standardize
from papertrial.errors import RunError
from papertrial.evaluate.inputs import ImageInputs, TableInputs
from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.progress import finish
from papertrial.tasks.make_task import make_task


def document(name: str, dataset: Dataset) -> Preprocessing:
    is_image = dataset.kind == "image"
    shape = dataset.train.x.shape
    inputs = ImageInputs(shape) if is_image else TableInputs(Layout.numeric(dataset.features))
    pipeline = Pipeline(dataset.kind, [Normalize() if is_image else Standardize()])
    return Preprocessing.of(name, make_task(name, dataset), inputs, pipeline.fit(dataset.train.x))


@pytest.fixture(scope="module")
def images() -> Preprocessing:
    return document("image-classification", finish(loading("digits", Path())))


@pytest.fixture(scope="module")
def tables() -> Preprocessing:
    return document("regression", finish(loading("diabetes", Path())))


def test_a_document_is_restored_from_its_json(images: Preprocessing, tables: Preprocessing) -> None:
    for one in (images, tables):
        again = Preprocessing.from_json(one.to_json(), "preprocess.json")
        assert again == one
        assert again.make_task().meaning() == one.meaning
        assert again.make_inputs().state() == one.inputs


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def changed(plain: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for key in parents:
            plain = plain[key]
        plain[last] = value

    return changed


def remove(path: str) -> Callable[[dict[str, Any]], None]:
    def removed(plain: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for key in parents:
            plain = plain[key]
        del plain[last]

    return removed


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (change("format", 2), "has format 2, this papertrial reads format 1.*newer version"),
        (change("format", "1"), "no format version"),
        (remove("format"), "no format version"),
        *[(remove(key), key) for key in ("task", "meaning", "inputs", "pipeline")],
        (remove("pipeline.transforms"), "pipeline.transforms"),
        (remove("inputs.kind"), "inputs.*kind"),
        (remove("meaning.classes"), "meaning.classification.classes"),
        (change("inputs.kind", "sound"), "inputs.*kind"),
        (change("inputs.shape", [1, 8]), "inputs.image.shape.2"),
        (change("inputs.shape", "1x8x8"), "inputs.image.shape"),
        (change("meaning.classes", ["0", 1]), "meaning.classification.classes.1"),
        (change("meaning.classes", ["0"]), "meaning.classification.classes"),
        (change("pipeline.dtype", "uint9"), "pipeline.dtype"),
        (change("pipeline.kind", "table"), "pipeline for tables"),
        (change("pipeline.transforms", {}), "pipeline.transforms"),
        (change("pipeline.transforms", [float("nan")]), "pipeline.transforms"),
        (change("pipeline.other", 1), "pipeline.other"),
        (change("task", "regression"), "the task regression is not classification"),
        (change("task", "image-captioning"), "there is no task 'image-captioning'"),
    ],
)
def test_a_newer_or_damaged_document_is_refused_by_name(
    images: Preprocessing, damage: Callable[[dict[str, Any]], None], fault: str
) -> None:
    plain = json.loads(images.to_json())
    damage(plain)
    with pytest.raises(RunError, match=f"a/preprocess.json .*{fault}"):
        Preprocessing.from_json(json.dumps(plain), "a/preprocess.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "\x00"])
def test_what_is_not_such_a_document_is_refused_by_name(text: str) -> None:
    with pytest.raises(RunError, match=r"a/preprocess\.json is damaged"):
        Preprocessing.from_json(text, "a/preprocess.json")


def test_the_categories_of_a_table_are_checked_too(tables: Preprocessing) -> None:
    plain = json.loads(tables.to_json())
    plain["inputs"]["layout"]["features"][0]["categories"] = "a"
    with pytest.raises(RunError, match=r"inputs.table.layout.features.0.categories"):
        Preprocessing.from_json(json.dumps(plain), "preprocess.json")
