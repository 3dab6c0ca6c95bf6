"""The models of claims and the JSON Schema accept the same values."""

from __future__ import annotations

from functools import reduce
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from papertrial.recipe.schema import Recipe, json_schema

Tree = dict[str, Any]

CLAIM = {"metric": "r2", "split": "train", "value": 0.5, "tolerance": 0.1, "kind": "expected"}
RIGHT: list[tuple[str, Any]] = [
    ("claims", [{**CLAIM, "value": 1, "tolerance": 0, "n": 2, "kind": "best-of"}]),
    ("claims", [{**CLAIM, "printed": "0.5", "unverified": True}]),
    ("claims", [{**CLAIM, "not_judged": "the setting differs: epochs=2"}]),
    ("claims", [{**CLAIM, "value": "50 %", "printed": "50 %", "tolerance": "5 points"}]),
    ("claims", [{**CLAIM, "printed": "0.5", "rounding": "truncated"}]),
    ("claims", [{**CLAIM, "value": "50percent", "tolerance": "1.5 points", "baseline": ".4e2 %"}]),
    ("claims", [{**CLAIM, "tolerance": "1 pp", "plus_minus": {"value": "9 pp", "is": "sd"}}]),
    ("claims", [{**CLAIM, "plus_minus": {"value": 0.01, "is": "ci", "level": 0.9}}]),
    ("claims", [{**CLAIM, "tolerance": None, "relative_tolerance": 0.01}]),
    ("claims", [{**CLAIM, "tolerance": None, "relative_tolerance": "1 %"}]),
    (
        "claims",
        [{**CLAIM, "value": -0.5, "printed": "-0.5", "tolerance": None, "kind": "at-least"}],
    ),
    (
        "claims",
        [{**CLAIM, "n": 3, "kind": "difference", "side": "at-least", "versus": {"recipe": "a"}}],
    ),
    ("claims", [{**CLAIM, "kind": "mean", "n": "unknown"}]),
    (
        "claims",
        [
            {
                "metric": "r2",
                "split": "train",
                "kind": "better",
                "pairing": "none",
                "versus": {"recipe": "a"},
            }
        ],
    ),
    ("claims", [{"metric": "parameters", "kind": "exact", "value": 11, "printed": "11"}]),
    ("claims", [{"metric": "samples", "kind": "exact", "value": 442, "split": "train"}]),
    ("verify", {"max_seeds": 5, "alpha": 0.01, "statistic": "median", "prior": 0.5}),
    ("verify", {"horizon": "fixed", "max_diverged": 0, "seeds": [5, 4, 3, 2, 0]}),
    ("verify.seeds", None),
    ("verify", {"max_seeds": 2, "sd": {"value": 0.1, "is": "known"}}),
    ("verify", {"seeds": [3, 1], "sd": {"value": 0.1, "is": "bound"}}),
    ("verify", {"sd": {"value": 0.1, "is": "paper", "n": 4}}),
    ("verify", {"max_seeds": 10_000, "seeds": [0, 1, 2, 3, 2**63 - 1]}),
    ("deviations", ["Another optimizer"]),
]
WRONG: list[tuple[str, Any]] = [
    ("claims", [{"metric": "r2"}]),
    ("claims", [{**CLAIM, "value": "0.5"}]),
    ("claims", [{**CLAIM, "tolerance": -1}]),
    ("claims", [{**CLAIM, "n": 0}]),
    ("claims", [{**CLAIM, "split": "dev"}]),
    ("claims", [{**CLAIM, "kind": "about"}]),
    ("claims", [{**CLAIM, "printed": 0.5}]),
    ("claims", {"metric": "r2", "value": 1}),
    ("claims", [{**CLAIM, "not_judged": True}]),
    ("claims", [{**CLAIM, "value": "half"}]),
    ("claims", [{**CLAIM, "value": "55,5 %"}]),
    ("claims", [{**CLAIM, "value": True}]),
    ("claims", [{**CLAIM, "value": None}]),
    ("claims", [{**CLAIM, "metric": {"f1": "x"}}]),
    ("claims", [{**CLAIM, "metric": "f1 x"}]),
    ("claims", [{**CLAIM, "tolerance": "1 %"}]),
    ("claims", [{**CLAIM, "tolerance": "0.1"}]),
    ("claims", [{**CLAIM, "tolerance": None, "relative_tolerance": 1}]),
    ("claims", [{**CLAIM, "tolerance": None, "relative_tolerance": "1 point"}]),
    ("claims", [{**CLAIM, "printed": "about half"}]),
    ("claims", [{**CLAIM, "rounding": "up"}]),
    ("claims", [{**CLAIM, "side": "below"}]),
    ("claims", [{**CLAIM, "best_epoch_on_test": "yes"}]),
    ("claims", [{**CLAIM, "versus": "other"}]),
    ("claims", [{**CLAIM, "versus": {"overrides": {}}}]),
    ("claims", [{**CLAIM, "plus_minus": 0.1}]),
    ("claims", [{**CLAIM, "plus_minus": {"is": "sd"}}]),
    ("claims", [{**CLAIM, "plus_minus": {"value": 0.1, "is_": "sd"}}]),
    ("claims", [{**CLAIM, "plus_minus": {"value": 0.1, "is": "std"}}]),
    ("claims", [{**CLAIM, "plus_minus": {"value": 0.1, "is": "ci", "level": 95}}]),
    ("claims", [{**CLAIM, "value": "1e-9999 %"}]),
    ("verify.max_seeds", 1),
    ("verify.max_seeds", 10_001),
    ("verify.seeds", [0, 1, 2, 3, 2**63]),
    ("verify.sd", 0.1),
    ("verify.sd", {"value": 0.1}),
    ("verify.sd", {"value": 0.1, "is": "sd"}),
    ("verify.sd", {"value": -0.1, "is": "known"}),
    ("verify.sd", {"value": 0.1, "is": "paper", "n": 1}),
    ("verify.alpha", 0.5),
    ("verify.alpha", 0),
    ("verify.statistic", "mode"),
    ("verify.prior", 0),
    ("verify.horizon", "any"),
    ("verify.max_diverged", 1),
    ("verify.max_diverged", -0.1),
    ("verify.seeds", [1]),
    ("verify.seeds", [1, 2, 3, 4, 4]),
    ("verify.seeds", [1, 2, 3, 4, -5]),
    ("verify.seeds", [1, 2, 3, 4, 0.5]),
    ("verify.seeds", 5),
    ("verify.first_look", 3),
    ("deviations", "Another optimizer"),
    ("deviations", [""]),
    ("deviations", [3]),
]


def accepts(tree: Tree, key: str, value: Any) -> tuple[bool, bool]:
    """Whether the model and the JSON Schema accept a recipe with `dotted.key` set."""
    *path, last = key.split(".")
    reduce(lambda node, part: node.setdefault(part, {}), path, tree)[last] = value
    try:
        Recipe.model_validate(tree)
    except ValidationError:
        typed = False
    else:
        typed = True
    return typed, jsonschema.Draft202012Validator(json_schema()).is_valid(tree)


@pytest.mark.parametrize(("key", "value"), RIGHT)
def test_model_and_json_schema_accept(tree: Tree, key: str, value: Any) -> None:
    assert accepts(tree, key, value) == (True, True)


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_model_and_json_schema_refuse(tree: Tree, key: str, value: Any) -> None:
    assert accepts(tree, "seed", 0) == (True, True)
    assert accepts(tree, key, value) == (False, False)
