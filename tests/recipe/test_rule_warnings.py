"""Warnings about alpha, and about tolerances against a spread that is known in advance."""

from __future__ import annotations

import pytest

import papertrial as pt
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.load import to_tree
from papertrial.recipe.rule_warnings import rule_warnings

CLAIM = "claims=[{metric: accuracy, kind: expected, value: %s, tolerance: %s%s}]"


def warned(*overrides: str, value: str = "0.93", tolerance: str = "0.01", more: str = "") -> str:
    claim = CLAIM % (value, tolerance, more)
    return "\n".join(rule_warnings(pt.load_recipe("digits-mlp", [claim, *overrides])))


def test_a_large_alpha() -> None:
    assert warned("verify.alpha=0.1") == ""
    assert "20 % of false claims" in warned("verify.alpha=0.2")


def test_a_tolerance_of_five_reported_sds() -> None:
    sd = ", plus_minus: {value: %s, is: sd}"
    assert warned(more=sd % 0.0021) == ""
    said = warned(more=sd % 0.002)
    assert said.startswith("claim 1 (test accuracy 0.93): ")
    assert "5 times the SD between seeds that the paper reports" in said


def test_a_tolerance_of_five_known_sds() -> None:
    assert warned("verify.sd={value: 0.0021, is: known}") == ""
    assert "in verify.sd, 0.0020" in warned("verify.sd={value: 0.002, is: known}")


@pytest.mark.parametrize(
    ("metric", "value", "tolerance", "words"),
    [
        ("accuracy", 0.97, 0.09, ("1.06", "too high", "0.03", "kind: at-least", "0.88")),
        ("accuracy", 0.97, 0.03, ()),
        ("accuracy", 0.02, 0.03, ("-0.01", "too low", "kind: at-most", "0.05")),
        ("loss", 0.02, 0.03, ()),
    ],
)
def test_a_tolerance_beyond_the_bound_of_the_metric(
    metric: str, value: float, tolerance: float, words: tuple[str, ...]
) -> None:
    claim = (CLAIM % (value, tolerance, "")).replace("accuracy", metric)
    found = claim_warnings(pt.load_recipe("digits-mlp", [claim]))
    assert len(found) == bool(words)
    assert all(word in found[0] for word in words)


@pytest.mark.parametrize(
    ("report", "split", "warned"),
    [
        ("best-on-validation", "validation", True),
        ("best-on-validation", "test", False),
        ("last", "validation", False),
    ],
)
def test_a_claim_on_the_part_that_chooses_the_epoch(report: str, split: str, warned: bool) -> None:
    tree = to_tree(pt.load_recipe("digits-mlp"))
    tree["data"]["splits"]["validation"], tree["report"] = 0.1, report
    tree["claims"] = [
        {"metric": "accuracy", "kind": "expected", "value": 0.9, "tolerance": 0.01, "split": split}
    ]
    found = claim_warnings(pt.load_recipe(tree))
    assert any("the validation part chooses the epoch" in one for one in found) is warned


def test_an_error_cannot_be_negative_but_its_difference_can() -> None:
    rmse = "claims=[{metric: rmse, kind: expected, value: 5, tolerance: 6}]"
    (said,) = claim_warnings(pt.load_recipe("diabetes-linear", [rmse]))
    assert "reaches -1, beyond 0" in said


@pytest.mark.parametrize(
    ("meaning", "sd", "warned"),
    [("known", 0.001, True), ("bound", 0.001, True), ("known", 0.002, False)],
)
def test_a_known_sd_below_that_of_the_paper(meaning: str, sd: float, warned: bool) -> None:
    claim = (
        "claims=[{metric: accuracy, kind: mean, n: 4, value: 0.9, tolerance: 0.004, "
        "plus_minus: {value: 0.0015, is: sd}}]"
    )
    recipe = pt.load_recipe("digits-mlp", [claim, f"verify.sd={{value: {sd}, is: {meaning}}}"])
    assert (
        any("the paper reports an SD of 0.0015" in one for one in rule_warnings(recipe)) == warned
    )
