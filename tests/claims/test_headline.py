"""The sentence that a verification begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from papertrial.claims.headline import headline


def said(
    verdict: Any, count: int = 1, n: int = 6, deviations: Sequence[str] = (), **more: Any
) -> str:
    return headline("digits", verdict, count, n, deviations, **more)


@pytest.mark.parametrize("verdict", ["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"])
@pytest.mark.parametrize("n", [0, 1, 6])
@pytest.mark.parametrize("count", [1, 3])
def test_it_begins_with_the_verdict_and_names_recipe_seeds_and_claims(
    verdict: str, n: int, count: int
) -> None:
    sentence = said(verdict, count, n)
    assert sentence.startswith(f"{verdict}: ")
    assert sentence.endswith(".")
    assert "digits" in sentence
    assert ("3 claims" in sentence) == (count == 3)
    if n:
        assert f"{n} seed{'s' if n > 1 else ''} " in sentence.replace(".", " ").replace(",", " ")
    else:
        assert "seeds" not in sentence


def test_it_is_about_the_recipe_as_written() -> None:
    assert "as written here" in said("REPRODUCED")
    assert "as written here" in said("NOT REPRODUCED")
    assert "run with 6 seeds" in said("NOT REPRODUCED", n=6)
    assert "run with" not in said("NOT REPRODUCED", n=0)


def test_deviations_are_marked_and_counted() -> None:
    one, two = (said("REPRODUCED", deviations=["a", "b"][:k]) for k in (1, 2))
    assert one.startswith("REPRODUCED WITH DEVIATIONS: ")
    assert "1 respect." in one
    assert "2 respects." in two
    assert "DEVIATIONS" not in said("NOT REPRODUCED", deviations=["a"])


@pytest.mark.parametrize("verdict", ["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"])
def test_tolerance_and_alpha_are_in_it(verdict: str) -> None:
    sentence = said(verdict, tolerances=[0.0054], alpha=0.05)
    assert "within a tolerance of 0.0054" in sentence
    assert "(alpha 5 %)" in sentence
    assert "alpha" not in said(verdict, tolerances=[0.1])  # where chance plays no part


@pytest.mark.parametrize(
    ("tolerances", "words"),
    [
        ([0.02, 0.02], "within a tolerance of 0.02"),
        ([0.05, 0.02], "within their tolerances of 0.02 and 0.05"),
        ([0.05, 0.02, 0.1], "within their tolerances of 0.02, 0.05 and 0.1"),
        ([0.05, 0.02, 0.1, 0.3], "within their tolerances of 0.02 to 0.3"),
    ],
)
def test_several_tolerances(tolerances: list[float], words: str) -> None:
    assert words in said("REPRODUCED", len(tolerances), tolerances=tolerances, alpha=0.1)
    assert "tolerance" not in said("REPRODUCED", 2)


@pytest.mark.parametrize("verdict", ["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"])
def test_a_tolerance_of_some_claims_is_not_said_of_all(verdict: str) -> None:
    assert "within" not in said(verdict, 2, tolerances=[0.005], alpha=0.05)
    assert "within" in said(verdict, 2, tolerances=[0.005, 0.005], alpha=0.05)


def test_one_of_several_claims_that_fails_is_not_called_the_reported_number() -> None:
    assert "the reported number" in said("NOT REPRODUCED", 1)
    assert "every reported number" in said("NOT REPRODUCED", 2)
