"""Tensors of any shape that a function returns: what is read, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset, NamedColumns
from papertrial.data.sources.tensor_source import tensors_of
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError


def made(x: Any, y: Any, **others: tuple[Any, Any]) -> Dataset:
    return tensors_of({"train": (x, y), **others}, "./data.py:make")


@pytest.mark.parametrize(
    ("x", "kind", "shape"),
    [
        (np.zeros((4, 6), np.float32), "tensor", (6,)),
        (np.zeros((4, 5, 6)), "tensor", (5, 6)),
        (torch.zeros(4, 12, dtype=torch.int64), "tensor", (12,)),
        (torch.zeros(4, 2, 3, 3, 3), "tensor", (2, 3, 3, 3)),
        ([1.0, 2.0, 3.0, 4.0], "tensor", ()),
        (np.zeros((4, 3), complex), "tensor", (3,)),
        (np.ones((4, 2), bool), "tensor", (2,)),
        (np.zeros((4, 8, 8), np.uint8), "image", (1, 8, 8)),
        (np.zeros((4, 3, 8, 8), np.uint8), "image", (3, 8, 8)),
        (np.zeros((4, 8), np.uint8), "tensor", (8,)),
    ],
)
def test_shapes_and_kinds_of_samples(x: Any, kind: str, shape: tuple[int, ...]) -> None:
    dataset = made(x, np.arange(4))
    assert dataset.kind == kind
    assert tuple(dataset.train.x.shape) == shape
    if kind == "tensor":
        expected = torch.as_tensor(x)
        assert torch.equal(dataset.train.x.take(torch.arange(4)), expected)


@pytest.mark.parametrize(
    "y",
    [
        torch.arange(4),
        torch.rand(4, 7),
        np.zeros((4, 5, 5), np.int64),
        {"mask": torch.zeros(4, 3, 3), "label": torch.arange(4)},
    ],
)
def test_targets_stay_as_they_are(y: Any) -> None:
    known = made(np.zeros((4, 2)), y).train.y
    if isinstance(y, dict):
        assert set(known) == {"mask", "label"}
        assert all(torch.equal(known[name], y[name]) for name in y)
    else:
        assert torch.equal(known, torch.as_tensor(y))
        assert known.dtype == torch.as_tensor(y).dtype


def test_named_tensors_and_texts() -> None:
    dataset = made({"ids": torch.ones(3, 4, dtype=torch.int32), "mask": torch.ones(3, 4)}, None)
    assert isinstance(dataset.train.x, NamedColumns)
    assert list(dataset.train.x.columns) == ["ids", "mask"]
    assert dataset.train.y.tolist() == [0, 0, 0]  # no targets
    other_order = {"mask": torch.ones(3, 4), "ids": torch.ones(3, 4, dtype=torch.int32)}
    again = made(other_order, None)
    assert list(again.train.x.columns) == ["ids", "mask"]
    assert again.train.fingerprint == dataset.train.fingerprint
    texts = made(["a b", "c"], [[0.0, 1.0], [1.0, 0.0]])
    assert texts.kind == "text"
    assert list(texts_of(texts.train.x)) == ["a b", "c"]
    assert texts.train.y.shape == (2, 2)


def test_the_fingerprint_knows_names_shapes_types_and_values() -> None:
    a, b = torch.arange(6.0).reshape(3, 2), torch.zeros(3, 1)
    sets = [
        made(a, torch.zeros(3)),
        made(a.reshape(3, 1, 2), torch.zeros(3)),
        made(a.double(), torch.zeros(3)),
        made(a, torch.zeros(3, 1)),
        made(a, torch.ones(3)),
        made(a, {"y": torch.zeros(3)}),
        made({"a": a, "b": b}, torch.zeros(3)),
        made({"b": a, "a": b}, torch.zeros(3)),
    ]
    assert len({one.train.fingerprint for one in sets}) == len(sets)
    assert made(a.clone(), torch.zeros(3)).train.fingerprint == sets[0].train.fingerprint


BAD: list[tuple[Any, Any, str]] = [
    (np.zeros((4, 2)), np.zeros(3), "4 samples and 3 targets"),
    (np.array([[1.0, np.nan]]), np.zeros(1), r"x must be finite.*row 0"),
    (np.zeros((2, 2)), np.array([1.0, np.inf]), r"y must be finite.*row 1"),
    (np.zeros((2, 2)), {"a": np.array([1.0, np.nan])}, r"y\['a'\] must be finite"),
    (np.zeros((0, 2)), np.zeros(0), "at least one row"),
    (np.float64(3.0), np.zeros(1), "got a single float64"),
    ("text", np.zeros(1), "got a single text|must be an array"),
    (None, np.zeros(1), "must be an array"),
    ({}, np.zeros(1), r"identifiers, got \[\]"),
    ({"not a name": np.zeros(2)}, np.zeros(2), "not a name"),
    ({1: np.zeros(2)}, np.zeros(2), r"identifiers, got \[1\]"),
    ({"a": np.zeros(2), "b": np.zeros(3)}, np.zeros(2), r"'a': 2, 'b': 3"),
    (np.zeros((2, 2)), ["yes", "no"], "numbers, got text such as 'yes'"),
    ([[1.0], [1.0, 2.0]], np.zeros(2), "x must be an array"),
    (torch.zeros(2, 2).to_sparse(), np.zeros(2), "dense"),
]


@pytest.mark.parametrize(("x", "y", "told"), BAD)
def test_what_is_no_set_of_tensors_is_refused(x: Any, y: Any, told: str) -> None:
    with pytest.raises(DataError, match=f'^./data.py:make: "train".*(?:{told})'):
        made(x, y)


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (np.zeros((2, 3)), np.zeros(2), r"\[3\]"),
        (np.zeros((2, 2)), np.zeros((2, 1)), "y must have the same shape"),
        (np.zeros((2, 2)), np.zeros(2, np.int64), "y must have the same shape and type"),
        (np.zeros((2, 2)), {"a": np.zeros(2)}, "y must have the same shape"),
        ({"a": np.zeros((2, 2))}, np.zeros(2), r"got a \[2\] float64 here and \[2\] float64"),
        (np.zeros((2, 2), np.float32), np.zeros(2), r"got \[2\] float32 here"),
        (np.zeros((2, 2), np.uint8), np.zeros(2), "uint8 here"),
        (["a", "b"], np.zeros(2), "texts"),
    ],
)
def test_parts_of_other_forms_are_refused(x: Any, y: Any, told: str) -> None:
    with pytest.raises(DataError, match=f'"test".*({told})'):
        made(np.zeros((2, 2)), np.zeros(2), test=(x, y))


def test_classes_of_positions_are_named() -> None:
    y = torch.tensor([[0, 1, -100], [2, 1, 0]])
    pairs = {"train": (torch.zeros(2, 3), y)}
    assert tensors_of(pairs, "mine", ("a", "b", "c")).position_classes == ("a", "b", "c")
    with pytest.raises(DataError, match=r"0 to 1 for 2 .* got -100, 2"):
        tensors_of(pairs, "mine", ("a", "b"))
    for wrong in (y[:, 0], y.float(), {"y": y}):
        with pytest.raises(DataError, match=r"index of a class at each position"):
            tensors_of({"train": (torch.zeros(2, 3), wrong)}, "mine", ("a", "b", "c"))
