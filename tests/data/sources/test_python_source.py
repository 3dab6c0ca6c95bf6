"""Sets that a function returns: every kind, and every mistake by function and part."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.sources.python_source import dataset_of
from papertrial.data.texts.ragged_column import text_column, texts_of
from papertrial.errors import DataError

NAME = "./data.py:splits"
GREY = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
COLOUR = np.arange(4 * 3 * 5 * 6, dtype=np.uint16).astype(np.uint8).reshape(4, 3, 5, 6)
ROWS = [[1, 2.5], [3, 4], [5, 6], [7, 8]]
LABELS = [0, 1, 0, 1]


def _returns(value: object) -> Callable[[], object]:
    return lambda: value


def _load(targets: TargetKind = "classes", kinds: Sequence[Kind] = KINDS, **parts: Any) -> Dataset:
    return dataset_of(_returns(parts), NAME, targets, kinds)


def _x(dataset: Dataset, part: str = "train") -> torch.Tensor:
    split = dataset.splits[part]
    return split.x.take(slice(0, len(split)))


@pytest.mark.parametrize("as_tensor", [False, True])
def test_bytes_are_images(as_tensor: bool) -> None:
    grey = torch.from_numpy(GREY) if as_tensor else GREY
    dataset = _load(train=(grey, LABELS), test=(grey[:2], torch.tensor([1, 0])))
    assert (dataset.name, dataset.kind, dataset.classes) == (NAME, "image", ("0", "1"))
    assert torch.equal(_x(dataset), torch.from_numpy(GREY)[:, None])
    assert dataset.train.y.dtype == torch.int64
    assert (dataset.train.y.tolist(), dataset.splits["test"].y.tolist()) == (LABELS, [1, 0])
    colour = torch.from_numpy(COLOUR) if as_tensor else COLOUR
    dataset = _load(train=(colour, LABELS), classes=["cat", "dog", "owl"])
    assert torch.equal(_x(dataset), torch.from_numpy(COLOUR))
    assert (dataset.classes, dataset.features) == (("cat", "dog", "owl"), ())


@pytest.mark.parametrize(
    "x",
    [
        ROWS,
        np.array(ROWS),
        torch.tensor(ROWS),
        np.array(ROWS, dtype=">f8"),
        np.asfortranarray(ROWS)[::-1][::-1],
        np.array(ROWS, dtype=np.longdouble),
    ],
    ids=["list", "array", "tensor", "big-endian", "turned", "long double"],
)
def test_numbers_are_tables(x: Any) -> None:
    dataset = _load("numbers", train=(x, [1, 2, 3, 4.5]), target="price", features=["size", "age"])
    assert (dataset.kind, dataset.features, dataset.target) == ("table", ("size", "age"), "price")
    assert _x(dataset).dtype == dataset.train.y.dtype == torch.float32
    assert _x(dataset).tolist() == ROWS
    assert (dataset.train.y.tolist(), dataset.classes) == ([1, 2, 3, 4.5], ())
    assert _load("numbers", train=(x, [1, 2, 3, 4])).features == ("x0", "x1")


def test_read_only_memory_and_booleans_are_taken(tmp_path: Any) -> None:
    np.save(tmp_path / "x.npy", GREY)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    dataset = _load(train=(mapped, np.array([True, False, True, False])))
    assert torch.equal(_x(dataset), torch.from_numpy(GREY)[:, None])
    assert dataset.train.y.tolist() == [1, 0, 1, 0]
    assert _x(_load(train=(np.eye(2, dtype=bool), [0, 1]))).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("as_array", [False, True])
def test_strings_are_texts_and_class_names_are_sorted(as_array: bool) -> None:
    texts, names = ["so so", "größer ☺", "no"], ["b", "a", "b"]
    x, y = (np.array(texts), np.array(names)) if as_array else (texts, names)
    dataset = _load(train=(x, y), validation=(["hm"], ["a"]))
    assert (dataset.kind, dataset.classes) == ("text", ("a", "b"))
    assert list(texts_of(dataset.train.x)) == texts
    assert (dataset.train.y.tolist(), dataset.splits["validation"].y.tolist()) == ([1, 0, 1], [0])
    assert _load(train=(x, y), classes=["b", "a"]).train.y.tolist() == [0, 1, 0]


def test_a_dataset_is_taken_as_it_is() -> None:
    split = Split(DenseColumn(torch.tensor(ROWS)), torch.tensor(LABELS), np.arange(4))
    dataset = Dataset("mine", "table", split, classes=("a", "b"), features=("p", "q"))
    assert dataset_of(_returns(dataset), NAME, "classes") is dataset
    for classes, y, targets, message in [
        ((), torch.tensor(LABELS), "classes", "needs at least 2 classes, got 0"),
        (
            ("a", "b"),
            torch.tensor([0, 1, 2, 1]),
            "classes",
            "int64 from 0 to 1, got int64 from 0 to 2",
        ),
        (("a", "b"), torch.tensor([0.0, 1, 1, 1]), "classes", "int64 from 0 to 1, got float32"),
        ((), torch.tensor(LABELS), "numbers", "y must be finite float32, got int64"),
        ((), torch.tensor([0, 1, 2, torch.nan]), "numbers", "y must be finite float32"),
        ((0, 1), torch.tensor(LABELS), "classes", "classes must be text, got"),
    ]:
        wrong = Dataset("mine", "table", Split(split.x, y, split.ids), classes=classes)
        with pytest.raises(DataError, match=f"^{re.escape(NAME)}: .*{message}"):
            dataset_of(_returns(wrong), NAME, targets)
    none = Split(text_column([]), torch.tensor([]), np.arange(0))
    with pytest.raises(DataError, match='"train" has no samples'):
        dataset_of(_returns(Dataset("mine", "text", none, classes=("a", "b"))), NAME, "classes")


def test_what_the_function_raises_is_told_with_its_line() -> None:
    def fails() -> object:
        return {}["missing"]

    def ends() -> object:
        sys.exit("over")

    def knows() -> object:
        raise DataError("the disk is not mounted")

    line = fails.__code__.co_firstlineno + 1
    with pytest.raises(
        DataError, match=rf"^\./data\.py:splits failed at line {line}: KeyError: 'm"
    ):
        dataset_of(fails, NAME, "classes")
    with pytest.raises(DataError, match=r"failed at line \d+: SystemExit: over"):
        dataset_of(ends, NAME, "classes")
    with pytest.raises(DataError, match=r"^the disk is not mounted$"):
        dataset_of(knows, NAME, "classes")
    with pytest.raises(DataError, match=r"failed: TypeError: .* missing 1 required"):
        dataset_of(lambda needed: needed, NAME, "classes")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, ' must return a mapping {"train": (x, y), ...} or a Dataset, got NoneType'),
        ((ROWS, LABELS), ' must return a mapping {"train": (x, y), ...} or a Dataset, got tuple '),
        ({}, ' must return a mapping with "train": (x, y), got no keys'),
        ({"test": (ROWS, LABELS)}, ' must return a mapping with "train": (x, y), got test'),
        ({"train": (ROWS, LABELS), "tset": 1}, " returns the key 'tset', which is unknown; did"),
        ({"train": (ROWS, LABELS), 7: 1}, " returns the key 7, which is unknown; valid: train,"),
        ({"train": (ROWS,)}, ': "train" must be a pair (x, y), got tuple of 1'),
        ({"train": np.array(ROWS)}, ': "train" must be a pair (x, y), got ndarray'),
        ({"train": (ROWS, LABELS), "target": 3}, ': "target" must be a name, got 3'),
    ],
)
def test_another_form_is_refused(returned: object, message: str) -> None:
    with pytest.raises(DataError, match="^" + re.escape(NAME + message)):
        dataset_of(_returns(returned), NAME, "classes")


X = {
    "one text": ("abc", "x must be a list of texts, got a single text"),
    "number": (3, "x must be an array, a tensor or a list, got int"),
    "mapping": ({"a": 1}, "x['a'] must be an array, a tensor or a list, got int"),
    "scalar": (np.array(3), "x must have one row for each sample"),
    "empty": ([], "x must have at least one sample, got [0]"),
    "empty rows": (np.zeros((0, 3)), "x must have at least one sample, got [0, 3]"),
    "no columns": (np.zeros((4, 0)), "x must be bytes [N, C, H, W] or [N, H, W], numbers [N, F]"),
    "flat": ([1, 2, 3, 4], "x must be bytes [N, C, H, W] or [N, H, W], numbers [N, F], other"),
    "ragged": ([[1, 2], [3]], "x must be an array: "),
    "mixed": ([["a", 2.0]] * 4, "x must be numbers, got object; its rows have different lengths"),
    "complex": (np.ones((4, 2)) * 1j, "x must be numbers, got complex128"),
    "complex tensor": (torch.ones(4, 2) * 1j, "x must be real numbers, got complex64"),
    "dates": (np.zeros((4, 2), "M8[s]"), "x must be numbers, got datetime64[s]"),
    "nan": ([[1, 2], [3, np.nan], [1, 1], [1, 1]], "x[1, 1] must be a finite number that float32"),
    "infinite": (torch.tensor([[1, 2], [torch.inf, 2]]), "x[1, 0] must be a finite number that"),
    "beyond float32": (np.array([[1e39]]), "x[0, 0] must be a finite number"),
    "floats as images": (
        COLOUR / 255,
        "images must be stored as bytes (uint8, 0 to 255)",
    ),
    "channels last": (
        COLOUR.transpose(0, 2, 3, 1),
        "images must be [N, C, H, W], got [4, 5, 6, 3], which looks like [N, H, W, C]; return",
    ),
    "no pixels": (np.zeros((4, 3, 0, 6), np.uint8), "images must have pixels, got [4, 3, 0, 6]"),
    "sparse": (
        torch.eye(4).to_sparse(),
        "x must be a dense tensor, got a sparse_coo one; return x.to_dense()",
    ),
    "empty text": (["a", " \n", "b", "c"], "x[1] must be a non-empty text, got ' \\n'"),
    "a number among texts": (["a", 3, "b", "c"], "x[1] must be a non-empty text, got 3"),
}


@pytest.mark.parametrize("case", X)
@pytest.mark.parametrize("part", ["train", "test"])
def test_samples_that_cannot_be_are_refused(case: str, part: str) -> None:
    x, message = X[case]
    if part == "test":
        parts = {"train": (ROWS, LABELS), "test": (x, LABELS)}
    else:
        parts = {"train": (x, LABELS)}
    where = f'{NAME}: "{part}": '
    with pytest.raises(DataError, match="^" + re.escape(where + message)):
        _load(kinds=("image",), **parts)


Y: dict[str, tuple[Any, dict[str, Any], str]] = {
    "too few": ([0, 1], {}, '"train" must have a target for each sample, got 4 samples and 2 tar'),
    "none": ([], {}, '"train" has no targets'),
    "one-hot": (np.eye(4), {}, '"train": y must be [N], one target for each sample, got [4, 4]'),
    "column": (
        [[0], [1], [0], [1]],
        {},
        '"train": y must be [N], one target for each sample, got [4, 1]',
    ),
    "floats": ([0.0, 1.0, 0.5, 1], {}, '"train": y must hold class indices (integers from 0) or'),
    "one class": ([0, 0, 0, 0], {}, "classification needs at least 2 classes, got ['0']"),
    "one name": (["a"] * 4, {}, "classification needs at least 2 classes, got ['a']"),
    "negative": ([0, 1, -1, 1], {}, '"train": y[2] must be one of the 2 classes (0 to 1), got -1'),
    "classes fewer than labels": (
        [0, 1, 2, 1],
        {"classes": ["a", "b"]},
        '"train": y[2] must be one of the 2 classes (0 to 1), got 2',
    ),
    "unnamed class": (
        ["a", "b", "c", "a"],
        {"classes": ["a", "b"]},
        '"train": y[2] must be one of the 2 classes (a, b), got c',
    ),
    "a class that train lacks": (
        LABELS,
        {"test": (ROWS[:2], [1, 2])},
        '"test": y[1] must be one of the 2 classes (0 to 1), got 2',
    ),
    "a name that train lacks": (
        ["a", "b", "a", "b"],
        {"test": (ROWS[:2], ["a", "z"])},
        '"test": y[1] must be one of the 2 classes (a, b), got z',
    ),
    "names here, indices there": (
        ["a", "b", "a", "b"],
        {"test": (ROWS[:2], [0, 1])},
        '"test": y must have the same type in every part, got int64 here and object in "train"',
    ),
    "numbers that are no classes": (
        [0, 1, 2, 30_000_000],
        {},
        '"train": y has indices up to 30,000,000, but 4 samples; for numbers, set task: regression',
    ),
    "none among indices": (
        LABELS,
        {"test": (ROWS[:2], [0, None])},
        '"test": y must have the same type in every part, got object here and int64 in "train"',
    ),
    "none among names": (
        ["a", "b", None, "a"],
        {},
        '"train": y[2] must be a class name like the others, got None',
    ),
    "bfloat16": (torch.tensor([0, 1, 0, 1]).bfloat16(), {}, '"train": y must hold class indices'),
    "sparse": (
        torch.tensor(LABELS).to_sparse(),
        {},
        '"train": y must be a dense tensor, got a sparse_coo one; return x.to_dense()',
    ),
    "classes twice": (LABELS, {"classes": ["a", "a"]}, '"classes" must be a list of unique names'),
    "classes that are numbers": (
        LABELS,
        {"classes": [1, 2]},
        '"classes" must be a list of unique names',
    ),
    "too few features": (LABELS, {"features": ["a"]}, '"features" must name the 2 columns of x, g'),
    "another width": (
        LABELS,
        {"test": ([[1, 2, 3]], [0])},
        'every part must have samples of the same kind and shape; "train" has tables [2], '
        '"test" has tables [3]',
    ),
    "another kind": (
        LABELS,
        {"test": (["a"], [0])},
        "every part must have samples of the same kind and shape",
    ),
}


@pytest.mark.parametrize("case", Y)
def test_targets_that_do_not_fit_are_refused(case: str) -> None:
    y, more, message = Y[case]
    with pytest.raises(DataError, match="^" + re.escape(f"{NAME}: {message}")):
        _load(train=(ROWS, y), **more)


@pytest.mark.parametrize(
    ("y", "more", "message"),
    [
        (
            ["a", "b", "a", "b"],
            {},
            "\"train\": y must be numbers, got 'a'; for classes, set task: ",
        ),
        ([1, 2, np.nan, 3], {}, '"train": y[2] must be a finite number'),
        ([1, 2, 1e39, 3], {}, '"train": y[2] must be a finite number'),
        ([1, 2, None, 3], {}, '"train": y must be numbers, got object'),
        ([1, 2, 3, 4], {"classes": ["a", "b"]}, ' returns "classes", but regression has none'),
    ],
)
def test_targets_that_are_no_numbers_are_refused(
    y: list[object], more: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(NAME)}:? ?{re.escape(message)}"):
        _load("numbers", train=(ROWS, y), **more)


def test_images_have_no_named_columns() -> None:
    with pytest.raises(DataError, match='"features" names columns of a table, but x holds images'):
        _load(train=(GREY, LABELS), features=["a"])


def test_bfloat16_is_taken_as_numbers() -> None:
    x, y = torch.tensor(ROWS).bfloat16(), torch.tensor([1, 2, 3, 4.5]).bfloat16()
    dataset = _load("numbers", train=(x, y))
    assert (_x(dataset).tolist(), dataset.train.y.tolist()) == (ROWS, [1, 2, 3, 4.5])


def test_a_thousand_unnamed_classes_are_taken() -> None:
    assert len(_load(train=(ROWS, [0, 1, 2, 999])).classes) == 1000
    with pytest.raises(DataError, match="y has indices up to 1,000, but 4 samples"):
        _load(train=(ROWS, [0, 1, 2, 1000]))


SHAPES = [np.zeros((8 + i % 2, 8, 3), np.uint8) for i in range(4)]
SEVERAL: dict[str, tuple[Any, str]] = {
    "arrays": (SHAPES, "[8, 8, 3] and [9, 8, 3]; resize images"),
    "tensors": (list(map(torch.from_numpy, SHAPES)), "[8, 8, 3] and [9, 8, 3]; resize images"),
    "images": (list(map(Image.fromarray, SHAPES)), "[8, 8] and [9, 8]; resize images"),
    "series": ([torch.zeros(3 + i) for i in range(4)], "[3] and [4]; pad them"),
    "a tuple": (
        (torch.zeros(4, 3), torch.zeros(4, 5)),
        'tuple of 2 arrays; return .*"a": ..., "b"',
    ),
    "a list": ([np.zeros((4, 3))] * 2, 'list of 2 arrays; return .*"a": ..., "b"'),
}


@pytest.mark.parametrize("targets", ["classes", "tensors"])
@pytest.mark.parametrize("case", SEVERAL)
def test_samples_of_several_shapes_are_explained(case: str, targets: Any) -> None:
    x, message = SEVERAL[case]
    pattern = message if ".*" in message else re.escape(message)
    with pytest.raises(DataError, match=f'"train": x .*{pattern}'):
        dataset_of(lambda: {"train": (x, np.arange(4) % 2)}, "mine", targets)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    def read(path: Path) -> object:
        return (path / "x.csv").read_text()

    with pytest.raises(DataError, match=r"data\.path is .*gone, which does not exist"):
        dataset_of(lambda: read(tmp_path / "gone"), "mine", "classes", path=tmp_path / "gone")
    with pytest.raises(DataError, match=r"x\.csv'$"):
        dataset_of(lambda: read(tmp_path), "mine", "classes", path=tmp_path)
