"""Key paths, lookups in plain values of any shape, and checks of numbers."""

from __future__ import annotations

import math

import pytest

from papertrial.recipe.plain_values import (
    dotted,
    is_finite_number,
    is_whole_number,
    list_at,
    value_at,
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": {"c": 3}, "d": [1, 2]}),
        ("a.b.c", 3),
        ("a.b.x", None),
        ("a.b.c.x", None),
        ("a.d.0", None),
        ("x.b.c", None),
    ],
)
def test_a_value_is_found_by_its_key_path(path: str, value: object) -> None:
    assert value_at({"a": {"b": {"c": 3}, "d": [1, 2]}}, path) == value


@pytest.mark.parametrize("tree", [None, 3, "text", [1]])
def test_a_tree_that_is_not_a_mapping_has_no_values(tree: object) -> None:
    assert value_at(tree, "a") is None
    assert list(list_at(tree, "a")) == []


@pytest.mark.parametrize(
    ("value", "items"), [([1, 2], [1, 2]), ((1,), [1]), ("ab", []), ({"a": 1}, []), (None, [])]
)
def test_only_lists_and_tuples_are_lists(value: object, items: list[int]) -> None:
    assert list(list_at({"a": value}, "a")) == items


@pytest.mark.parametrize(
    ("value", "is_number"),
    [(0, True), (-1.5, True), (True, False), ("1", False), (math.nan, False), (math.inf, False)],
)
def test_is_finite_number(value: object, is_number: bool) -> None:
    assert is_finite_number(value) is is_number


@pytest.mark.parametrize(
    ("value", "is_whole"), [(1, True), (2, True), (0, False), (True, False), (1.0, False)]
)
def test_is_whole_number(value: object, is_whole: bool) -> None:
    assert is_whole_number(value, 1) is is_whole


def test_a_whole_number_that_no_float_holds_is_not_finite() -> None:
    assert not is_finite_number(10**400)
    assert is_finite_number(2**70)


def test_dotted() -> None:
    assert dotted(("data", "augment", 0)) == "data.augment.0"
