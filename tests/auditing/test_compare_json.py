"""JSON values compared: where they differ, whole numbers exactly, others with a tolerance."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.auditing.compare_json import EXACT, ROUNDING, Tolerance, Unlike, alike, unlike


def test_the_innermost_places_are_named() -> None:
    first = {"claims": [{"value": 1.0, "kind": "mean"}], "seeds": [1, 2], "only": None}
    second = {"claims": [{"value": 2.0, "kind": "mean"}], "seeds": [1, 2, 3]}
    assert list(unlike(first, second)) == [
        Unlike("claims.0.value", 1.0, 2.0),
        Unlike("seeds", [1, 2], [1, 2, 3]),
        Unlike("only", None, None),
    ]


@pytest.mark.parametrize(
    ("first", "second", "tolerance", "same"),
    [
        (1.0, 1.0 + 1e-12, EXACT, False),
        (1.0, 1.0 + 1e-12, ROUNDING, True),
        (1.0, 1.0 + 1e-6, ROUNDING, False),
        (0.0, 1e-13, ROUNDING, True),
        (11, 11.0, EXACT, True),
        (2**53, 2**53 + 1, EXACT, False),
        (2**53, 2**53 + 1, Tolerance(0.5, 0.5), False),
        (10**400, 1.0, ROUNDING, False),
        (10**400, 10**400, ROUNDING, True),
        ("a", "b", ROUNDING, False),
        (None, 0.0, ROUNDING, False),
        ([1.0, {"x": 2.0}], [1.0, {"x": 2.0 + 1e-12}], ROUNDING, True),
    ],
)
def test_numbers_are_alike_within_the_tolerance(
    first: Any, second: Any, tolerance: Tolerance, same: bool
) -> None:
    assert alike(first, second, tolerance) is same
    assert alike(second, first, tolerance) is same
