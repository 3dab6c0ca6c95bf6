"""A Dataset that a function returns is held to what a mapping is held to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.python_source import dataset_of
from papertrial.data.texts.ragged_column import RaggedColumn, text_column
from papertrial.errors import DataError

NAME = "./data.py:splits"
GREY = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
COLOUR = np.arange(4 * 3 * 5 * 6, dtype=np.uint16).astype(np.uint8).reshape(4, 3, 5, 6)
ROWS = [[1, 2.5], [3, 4], [5, 6], [7, 8]]
LABELS = [0, 1, 0, 1]


def _returns(value: object) -> Callable[[], object]:
    return lambda: value


def _split(x: Any, rows: int = 4) -> Split:
    return Split(x, torch.arange(rows) % 2, np.arange(rows))


def _dataset(kind: Any, x: Any, **more: Any) -> Dataset:
    return Dataset("mine", kind, _split(x), classes=("a", "b"), **more)


NUMBERS = DenseColumn(torch.tensor(ROWS))
HOLED = torch.tensor(ROWS).repeat(2000, 1)
HOLED[5000, 1] = torch.nan
TOKENS = RaggedColumn(torch.ones(4, dtype=torch.int32), torch.ones(4, dtype=torch.int64))
NOT_UTF8 = RaggedColumn(torch.full((4,), 255, dtype=torch.uint8), torch.ones(4, dtype=torch.int64))
FEATURES = {"features": ("p", "q")}
SETS: dict[str, tuple[Dataset, str]] = {
    "no train": (Dataset("m", "table", None), "train must be a Split, got NoneType"),  # type: ignore[arg-type]
    "a pair": (
        _dataset("table", NUMBERS, test=(ROWS, LABELS)),
        '"test" must be a Split, got tuple',
    ),
    "a tensor": (
        _dataset("table", torch.tensor(ROWS)),
        '"train": x must be a column, DenseColumn(x)',
    ),
    "another kind": (
        _dataset("sound", NUMBERS),
        '"train": kind must be one of image, table, text, tensor, got',
    ),
    "nan": (
        Dataset("m", "table", _split(DenseColumn(HOLED), 8000), classes=("a", "b"), **FEATURES),
        '"train": x[5000, 1] must be a finite number',
    ),
    "no features": (
        _dataset("table", NUMBERS),
        "features must name the 2 columns of x, got 0 names",
    ),
    "float64": (
        _dataset("table", DenseColumn(torch.tensor(ROWS).double()), **FEATURES),
        '"train": x must be float32 [N, F], got float64 [4, 2]',
    ),
    "another width": (
        _dataset("table", NUMBERS, test=_split(DenseColumn(torch.ones(4, 3))), **FEATURES),
        'of the same kind and shape; "train" has tables [2], "test" has tables [3]',
    ),
    "another size": (
        _dataset(
            "image",
            DenseColumn(torch.from_numpy(COLOUR)),
            test=_split(DenseColumn(torch.from_numpy(COLOUR[:, :1]))),
        ),
        'of the same kind and shape; "train" has images [3, 5, 6], "test" has images [1',
    ),
    "float images": (
        _dataset("image", DenseColumn(torch.from_numpy(COLOUR) / 255)),
        '"train": images must be stored as bytes (uint8, 0 to 255), got float32 [4, 3, 5',
    ),
    "grey": (
        _dataset("image", DenseColumn(torch.from_numpy(GREY))),
        '"train": images must be [N, C, H, W], got [4, 5, 6]',
    ),
    "dense text": (
        _dataset("text", DenseColumn(torch.ones(4, 9, dtype=torch.uint8))),
        '"train": x must be texts, text_column(texts), got DenseColumn uint8',
    ),
    "tokens": (
        _dataset("text", TOKENS),
        '"train": x must be texts, text_column(texts), got Ragged',
    ),
    "not UTF-8": (_dataset("text", NOT_UTF8), '"train": x must be texts in UTF-8: '),
    "an empty text": (
        _dataset("text", text_column(["a", "b", " ", "c"])),
        '"train": x[2] must be a non-empty text',
    ),
}


@pytest.mark.parametrize("case", SETS)
def test_a_dataset_is_checked_as_a_mapping_is(case: str) -> None:
    dataset, message = SETS[case]
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        dataset_of(_returns(dataset), NAME, "classes")
    assert str(caught.value).startswith(f"{NAME}: ")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(LABELS), "y must be a tensor, got ndarray"),
        (torch.ones(4, 1).long(), "y must be [N]"),
    ],
)
def test_targets_of_a_dataset_are_a_tensor(y: Any, message: str) -> None:
    dataset = Dataset("m", "table", Split(NUMBERS, y, np.arange(4)), classes=("a", "b"), **FEATURES)
    with pytest.raises(DataError, match=re.escape(message)):
        dataset_of(_returns(dataset), NAME, "classes")


def test_datasets_of_images_and_texts_are_taken() -> None:
    images = _dataset("image", DenseColumn(torch.from_numpy(COLOUR)))
    texts = _dataset("text", text_column(["a", "b", "c", "gr\u00fc\u00df"]))
    assert dataset_of(_returns(images), NAME, "classes") is images
    assert dataset_of(_returns(texts), NAME, "classes") is texts
