"""Rules for `verify` are refused with the key, what was given, and the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]
MakeTree = Callable[..., Tree]
MEAN = {"metric": "accuracy", "value": 0.9, "tolerance": 0.01, "kind": "mean", "n": 4}
PERCENT = {**MEAN, "value": "90 %", "tolerance": "1 point"}
OTHER = {"versus": {"set": {"epochs": 2}}}
KNOWN = {"value": 0.002, "is": "known"}
PAPER = {"value": 0.002, "is": "paper", "n": 4}
PART = {"number": 3, "of": 2, "registration": "ab" * 32, "data": [], "versions": {}}
TOO_FEW = "must be at least 5"


@pytest.mark.parametrize(
    ("verify", "claims", "key", "words"),
    [
        ({"max_seeds": 4}, [], "verify.max_seeds", f"{TOO_FEW}, because"),
        ({"max_seeds": 2}, [], "verify.max_seeds", "got 2"),
        ({"max_seeds": 2, "sd": PAPER}, [], "verify.max_seeds", TOO_FEW),
        ({"seeds": [4, 2, 1]}, [], "verify.seeds", "got 3 seeds"),
        ({"seeds": {"from": "x", "count": 4}}, [], "verify.seeds.count", "got 4"),
        ({"max_seeds": 501, "horizon": "fixed"}, [], "verify.max_seeds", "at most 500"),
        ({"labs": {"part": PART}}, [], "verify.labs.part.number", "at most verify.labs.part.of, 2"),
        ({"labs": {"combine": "sum"}}, [], "verify.labs.combine", "one of the known names"),
        (
            {"labs": {"part": {**PART, "number": 1, "registration": "ab"}}},
            [],
            "verify.labs.part.registration",
            "at least 64 characters",
        ),
        ({"sd": {**KNOWN, "n": 4}}, [], "verify.sd.n", "only for is: paper, got is: known"),
        ({"sd": {**KNOWN, "is": "bound", "n": 4}}, [], "verify.sd.n", "got is: bound"),
        ({"sd": {"value": 0.002, "is": "paper"}}, [], "verify.sd.n", "is missing"),
        ({"sd": {**KNOWN, "value": 0}}, [], "verify.sd.value", "must be positive"),
        ({"sd": {**KNOWN, "value": 2}}, [], "verify.sd.value", 'write 0.02 or "2 points"'),
        (
            {"sd": KNOWN},
            [PERCENT],
            "verify.sd.value",
            'claims.0.value is in percent or points; write "0.002 points" or "0.2 points"',
        ),
        (
            {"sd": {**KNOWN, "value": "1 point"}},
            [{**MEAN, "metric": "loss"}],
            "verify.sd.value",
            "give a number in its own unit",
        ),
        ({"sd": KNOWN, "statistic": "median"}, [], "verify.sd", "statistic: median"),
        (
            {"statistic": "median"},
            [{"metric": "accuracy", "kind": "better", "pairing": "none", **OTHER}],
            "claims.0.pairing",
            "seed by seed; remove one of the two",
        ),
        (
            {"sd": KNOWN},
            [MEAN, {**MEAN, "metric": "loss"}],
            "verify.sd",
            "the claims are about test accuracy, test loss",
        ),
        ({"sd": KNOWN}, [{**MEAN, "kind": "best-of"}], "verify.sd", "claims.0, kind: best-of"),
        ({"sd": KNOWN}, [{**MEAN, "kind": "difference", **OTHER}], "verify.sd", "difference"),
        (
            {"sd": KNOWN},
            [{"metric": "accuracy", "kind": "better", **OTHER}],
            "verify.sd",
            "kind: better",
        ),
        (
            {"sd": PAPER},
            [{**MEAN, "plus_minus": {"value": 0.003, "is": "sd"}}],
            "verify.sd.value",
            "claims.0.plus_minus says 0.003, got 0.002",
        ),
        ({"sd": {**PAPER, "n": 5}}, [], "verify.sd.n", "claims.0.n is 4, got 5"),
        (
            {"sd": PAPER},
            [{**MEAN, "plus_minus": {"value": 0.002, "is": "se"}}],
            "verify.sd.value",
            "a standard error of 4 runs, so the SD is 0.004, got 0.002",
        ),
        ({"sd": {**KNOWN, "value": "0.2 %"}}, [], "verify.sd.value", 'write "0.2 points", got'),
        ({"sd": KNOWN}, [{**MEAN, "split": ["test"]}], "claims.0.split", "got ['test']"),
    ],
)
def test_what_is_refused(
    with_claims: MakeTree, verify: Tree, claims: list[Tree], key: str, words: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(with_claims(*(claims or [MEAN]), verify=verify))
    (problem,) = caught.value.problems
    assert problem.where == key
    assert words in problem.message


@pytest.mark.parametrize(
    ("verify", "claims"),
    [
        ({"max_seeds": 2, "sd": KNOWN}, []),
        ({"seeds": [3, 1], "sd": {**KNOWN, "is": "bound"}}, []),
        ({"seeds": {"from": "x", "count": 2}, "sd": KNOWN}, []),
        ({"sd": {**KNOWN, "value": "0.2 points"}}, [PERCENT]),
        ({"sd": {**PAPER, "value": "0.2 points"}}, [{**MEAN, "plus_minus": {"value": 0.002}}]),
        (
            {"sd": {**PAPER, "value": "0.2 points"}},
            [{**MEAN, "plus_minus": {"value": 0.002, "is": "sd"}}],
        ),
        (
            {"sd": {**PAPER, "value": 0.0041}},
            [{**MEAN, "plus_minus": {"value": 0.002, "is": "se"}}],
        ),
        ({"sd": KNOWN}, [MEAN, {"metric": "accuracy", "value": 0.5, "kind": "at-least"}]),
        # A claim that is not judged, or counted, has no SD.
        ({"sd": KNOWN}, [MEAN, {**MEAN, "metric": "loss", "not_judged": "another setting"}]),
        ({"sd": KNOWN}, [MEAN, {"metric": "parameters", "value": 650, "kind": "exact"}]),
    ],
)
def test_what_is_accepted(with_claims: MakeTree, verify: Tree, claims: list[Tree]) -> None:
    assert load_recipe(with_claims(*(claims or [MEAN]), verify=verify)).verify.max_seeds >= 2
