"""A number without a unit beside a percentage is refused, with each text that it can mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, Problem
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]
MakeTree = Callable[..., Tree]

OTHER = {"kind": "difference", "versus": {"set": {"epochs": 2}}, "n": "unknown"}
BARE = {"metric": "accuracy", "value": 0.9263, "kind": "expected"}
TEXT = """name: points
task: image-classification
data: {source: digits, splits: {test: 0.2}, batch_size: 64}
model: {use: torch.nn.Linear, in_features: 64, out_features: 10}
loss: torch.nn.CrossEntropyLoss
optimizer: {use: torch.optim.Adam, lr: 0.01}
epochs: 1
claims:
  - metric: accuracy
    value: "7.37 % error"
    tolerance: 0.06
    kind: mean
    n: 6
    plus_minus:
      value: 0.07
      is: sd
    printed: "8.5 %"
  - metric: f1
    value: 0.9
    kind: expected
    baseline: 85 percent
    relative_tolerance: 0.03
"""


def problems(source: Tree | Path, *overrides: str) -> list[Problem]:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(source, overrides)
    return caught.value.problems


def points(*meant: str) -> str:
    return " or ".join(f'"{text}"' for text in meant)


@pytest.mark.parametrize(
    ("changes", "key", "readings"),
    [
        (
            {"value": "7.37 % error", "tolerance": 0.06},
            "tolerance",
            points("0.06 points", "6 points"),
        ),
        ({"value": "92.6 %", "tolerance": 0.5}, "tolerance", points("0.5 points", "50 points")),
        ({"value": "92.6 %", "tolerance": 0.01}, "tolerance", points("0.01 points", "1 point")),
        ({"value": "92.6 percent", "tolerance": 2}, "tolerance", points("2 points")),
        ({"value": "92.6%", "tolerance": 1}, "tolerance", points("1 point")),
        (
            {"printed": "92.6 %", "tolerance": 0.02},
            "tolerance",
            points("0.02 points", "2 points"),
        ),
        (
            {"printed": "7.37 % error", "tolerance": 0.02},
            "tolerance",
            points("0.02 points", "2 points"),
        ),
        (
            {"baseline": "90 %", "tolerance": 0.005},
            "tolerance",
            points("0.005 points", "0.5 points"),
        ),
        (
            {"value": "92.6 %", "tolerance": "1 point", "plus_minus": {"value": 0.16, "is": "sd"}},
            "plus_minus.value",
            points("0.16 points", "16 points"),
        ),
        (
            {"tolerance": "0.5 points", "plus_minus": {"value": 0.16}},
            "plus_minus.value",
            points("0.16 points", "16 points"),
        ),
        (
            {"tolerance": 0.01, "plus_minus": {"value": "0.16 points"}},
            "tolerance",
            points("0.01 points", "1 point"),
        ),
        (
            {"value": "50 %", "kind": "at-least", "plus_minus": {"value": 0.1}},
            "plus_minus.value",
            points("0.1 points", "10 points"),
        ),
        (
            {"value": "1.2 points", "tolerance": 0.5, **OTHER},
            "tolerance",
            points("0.5 points", "50 points"),
        ),
        ({"value": "-1.2 pp", "tolerance": 1, **OTHER}, "tolerance", points("1 point")),
        (
            {"value": 0.012, "printed": "1.2 %", "tolerance": 0.004, **OTHER},
            "tolerance",
            points("0.004 points", "0.4 points"),
        ),
        (
            {"value": "92.6 %", "relative_tolerance": 0.03},
            "relative_tolerance",
            '"0.03 %" or "3 %"',
        ),
        ({"value": "92.6 %", "relative_tolerance": 0.5}, "relative_tolerance", '"0.5 %" or "50 %"'),
        (
            {"value": "8 % error", "relative_tolerance": "3 %"},
            "relative_tolerance",
            'tolerance: "0.24 points" for a share of the error, or "2.76 points" for a share of '
            "the accuracy",
        ),
        (
            {"value": "0.23 % error", "tolerance": "0.1 points", "baseline": 0.39},
            "baseline",
            '"39 %" or "0.39 % error"',
        ),
        (
            {"value": 0.23, "tolerance": "0.1 points", "baseline": "0.39 % error"},
            "value",
            '"23 %" or "0.23 % error"',
        ),
    ],
)
def test_a_bare_number_beside_a_percentage_is_refused_with_its_readings(
    with_claims: MakeTree, changes: Tree, key: str, readings: str
) -> None:
    (problem,) = problems(with_claims({**BARE, **changes}))
    assert problem.where == f"claims.0.{key}"
    assert f"write {readings}, got" in problem.message


@pytest.mark.parametrize(
    "changes",
    [
        {"tolerance": 0.06, "plus_minus": {"value": 0.06}},  # fractions all of them
        {"tolerance": 0.06, "printed": "0.9263", "baseline": 0.9},
        {"tolerance": 0.06, "printed": "0.0737 error"},
        {"value": "92.6 %", "tolerance": 0},  # in whichever unit
        {"value": "92.6 %", "tolerance": "1 point", "plus_minus": {"value": 0, "is": "sd"}},
        {"tolerance": "1 point", "plus_minus": {"value": "0.16 points", "is": "sd"}},
        {"value": "92.6 %", "relative_tolerance": "3 %"},
        {"relative_tolerance": 0.03, "plus_minus": {"value": 0.003}},
        {"relative_tolerance": "3 %", "plus_minus": {"value": 0.003}},  # of the value
        {
            "metric": "loss",
            "value": 1.5,
            "tolerance": 0.2,
            "plus_minus": {"value": 0.1},
            "kind": "expected",
        },
        {
            "metric": "loss",
            "value": 1.5,
            "relative_tolerance": 0.03,
            "baseline": 2,
            "kind": "expected",
        },
        {"value": "64.6 %", "tolerance": "2 points", "baseline": 0.6},  # 0.6 % is no rival
        {"printed": "7.37 % error", "tolerance": "1 point", "baseline": "8 % error"},
        {"value": "7.37 % error", "tolerance": "1 point", "baseline": "8 % error"},
        {"value": 0.012, "tolerance": 0.005, **OTHER},
        {"value": "1.2 points", "tolerance": "0.5 points", **OTHER},
    ],
)
def test_what_can_be_read_in_one_way_is_accepted(with_claims: MakeTree, changes: Tree) -> None:
    (claim,) = load_recipe(with_claims({**BARE, **changes})).claims
    assert claim.number


def test_units_are_reported_with_all_other_problems_and_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(TEXT)
    found = problems(path)
    assert [(problem.line, problem.where) for problem in found] == [
        (11, "claims.0.tolerance"),
        (15, "claims.0.plus_minus.value"),
        (17, "claims.0.printed"),
        (22, "claims.1.relative_tolerance"),
    ]
    assert '"0.07 points" or "7 points"' in found[1].message


def test_an_override_is_named_in_place_of_the_line(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(TEXT)
    *_, last = problems(path, "claims.0.tolerance=0.5")
    assert (last.line, last.where) == (None, "claims.0.tolerance")
    assert "claims.0.tolerance=0.5" in last.origin
    assert '"0.5 points" or "50 points"' in last.message


def test_a_claim_that_is_not_judged_is_read_in_one_way_too(with_claims: MakeTree) -> None:
    claim = {**BARE, "printed": "92.63 %", "tolerance": 0.06, "not_judged": "other data"}
    assert [problem.where for problem in problems(with_claims(claim))] == ["claims.0.tolerance"]
