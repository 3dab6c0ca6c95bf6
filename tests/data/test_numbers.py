"""Numbers that users write as text."""

from __future__ import annotations

from papertrial.data.numbers import sort_values


def test_the_order_of_values() -> None:
    assert sort_values(["10", "9", "-1", "9"]) == ["-1", "9", "10"]
    assert sort_values(["10", "9", "x"]) == ["10", "9", "x"]
    assert sort_values(["b", "a", "B"]) == ["B", "a", "b"]
