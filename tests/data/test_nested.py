"""One tensor or several by name: rows, parts, comparison, words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from papertrial.data.nested import (
    first_of,
    in_parts,
    mapped,
    row_count,
    row_of,
    same_tensors,
    shapes_of,
)

ONE = torch.arange(10.0).reshape(5, 2)
NAMED = {"a": ONE, "b": torch.arange(5)}


def test_a_change_is_made_to_each_tensor_and_the_original_stays() -> None:
    assert torch.equal(mapped(lambda t: t + 1, ONE), ONE + 1)
    changed = mapped(lambda t: t + 1, NAMED)
    assert list(changed) == ["a", "b"]
    assert torch.equal(changed["b"], torch.arange(1, 6))
    assert torch.equal(NAMED["b"], torch.arange(5))


def test_rows() -> None:
    assert row_count(ONE) == row_count(NAMED) == 5
    assert first_of(NAMED) is ONE
    assert row_of(ONE, 1).tolist() == [2, 3]
    assert {k: v.tolist() for k, v in row_of(NAMED, 1).items()} == {"a": [2, 3], "b": 1}


@pytest.mark.parametrize(("count", "sizes"), [(1, [5]), (2, [3, 2]), (4, [2, 2, 1]), (9, [1] * 5)])
def test_parts_have_the_rows_of_each_tensor_together(count: int, sizes: list[int]) -> None:
    assert [len(part) for part in in_parts(ONE, count)] == sizes
    parts = in_parts(NAMED, count)
    assert [len(part["b"]) for part in parts] == sizes
    assert torch.equal(torch.cat([part["a"] for part in parts]), ONE)
    assert all(torch.equal(part["a"][:, 0] / 2, part["b"].float()) for part in parts)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ONE, ONE.clone(), True),
        (ONE, ONE + 1, False),
        (ONE, ONE[:4], False),
        (ONE, NAMED, False),
        (NAMED, {"b": NAMED["b"].clone(), "a": ONE.clone()}, True),
        (NAMED, {"a": ONE}, False),
        (NAMED, {"a": ONE, "b": ONE}, False),
    ],
)
def test_comparison(one: Any, other: Any, same: bool) -> None:
    assert same_tensors(one, other) is same
    assert same_tensors(other, one) is same


def test_shapes_in_words() -> None:
    assert shapes_of(ONE) == "[5, 2]"
    assert shapes_of(NAMED) == "a [5, 2], b [5]"
