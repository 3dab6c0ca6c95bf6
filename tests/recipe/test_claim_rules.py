"""Claims that cannot be judged are refused, each with its key, its line and what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]

CLAIM = {"metric": "accuracy", "value": 0.55, "tolerance": 0.01}
NO_TOLERANCE = (
    "is missing: how far from the number is still the same result? Give it in the metric's unit "
    '(0.01), of a fraction also in text ("1 point")'
)
AMBIGUOUS = 'a percent of what is ambiguous: write 0.01, "1 point", or relative_tolerance: 0.01'
BEST_OF = "best-of needs the number of runs that it is the best of, at least 2"
OTHER = {"recipe": "other.yaml"}
TWICE = "has the metric, split, kind and value of another claim, claims.0; keep one"
# (changes to the claim, key, message)
REFUSED: list[tuple[Tree, str, str]] = [
    ({"tolerance": None}, "tolerance", NO_TOLERANCE),
    ({"tolerance": None, "kind": "single-run"}, "tolerance", NO_TOLERANCE),
    ({"tolerance": None, "kind": "best-of", "n": 5}, "tolerance", NO_TOLERANCE),
    ({"tolerance": -0.01}, "tolerance", "must be 0 or more, got -0.01"),
    ({"tolerance": "-1 point"}, "tolerance", "must be 0 or more, got '-1 point'"),
    ({"tolerance": "1 %"}, "tolerance", f"{AMBIGUOUS}, got '1 %'"),
    (
        {"tolerance": 2},
        "tolerance",
        '2 is more than accuracy itself can be, a fraction; write 0.02 or "2 points"',
    ),
    (
        {"metric": "loss", "value": 1.5, "tolerance": "1 point"},
        "tolerance",
        "loss is no fraction, so points mean nothing: give a number in its own unit, got '1 point'",
    ),
    (
        {"relative_tolerance": 0.1},
        "relative_tolerance",
        "give tolerance or relative_tolerance, not both (got 0.01 and 0.1)",
    ),
    (
        {"tolerance": None, "relative_tolerance": 5},
        "relative_tolerance",
        'must be a fraction of the value below 1, 0.01 or "1 %", got 5',
    ),
    (
        {"value": 55},
        "value",
        '55 is more than 1: accuracy is a fraction; write 0.55 or "55 %"',
    ),
    (
        {"value": 55, "printed": "55 %", "tolerance": "1 point"},
        "value",
        '55 is more than 1: accuracy is a fraction; write 0.55 or "55 %"',
    ),
    (
        {"value": "155 %", "tolerance": "1 point"},
        "value",
        "155 % is more than 1: accuracy is a fraction",
    ),
    ({"value": -0.1}, "value", "accuracy is never below 0, got -0.1"),
    (
        {"metric": "loss", "value": "55 %"},
        "value",
        "loss is no fraction: give a number in its own unit, got '55 %'",
    ),
    (
        {"value": "55 points", "tolerance": "1 point"},
        "value",
        "points are for a difference: write a percent sign, got '55 points'",
    ),
    (
        {"metric": "f1", "value": "8.75 % error", "tolerance": "1 point"},
        "value",
        "an error is 1 - accuracy, which f1 is not, got '8.75 % error'",
    ),
    (
        {"printed": "64 %", "tolerance": "1 point"},
        "printed",
        "'64 %' is 0.635 to 0.645, which the value 0.55 is not within",
    ),
    (
        {"printed": "53 %", "rounding": "truncated", "tolerance": "1 point"},
        "printed",
        "'53 %' is 0.53 to 0.54, which the value 0.55 is not within",
    ),
    (
        {"printed": "55"},
        "printed",
        '55 is more than 1: accuracy is a fraction; where the paper means percent, write "55 %"',
    ),
    (
        {"printed": 0.55},
        "printed",
        'must be text in quotes, which keeps the last digits: "0.900", got 0.55',
    ),
    ({"printed": "0.55M"}, "printed", "M is for parameters and samples, got '0.55M'"),
    ({"rounding": "truncated"}, "rounding", "is for printed digits; give them as printed"),
    (
        {"baseline": 54},
        "baseline",
        '54 is more than 1: accuracy is a fraction; write 0.54 or "54 %"',
    ),
    (
        {"plus_minus": {"value": 1.5, "is": "sd"}},
        "plus_minus.value",
        '1.5 is more than accuracy itself can be, a fraction; write 0.015 or "1.5 points"',
    ),
    (
        {"metric": "f1_per_class"},
        "metric",
        "a claim takes a metric that is one number, got 'f1_per_class'",
    ),
    (
        {"metric": "confusion_matrix"},
        "metric",
        "a claim takes a metric that is one number, got 'confusion_matrix'",
    ),
    (
        {"metric": "mse"},
        "metric",
        "image-classification has no mse; it has loss, accuracy, top5_accuracy, precision, recall, "
        "f1, precision_micro, recall_micro, f1_micro, precision_weighted, recall_weighted, "
        "f1_weighted, auroc",
    ),
    ({"metric": "f1_micro"}, "metric", "the recipe does not compute f1_micro; add it to metrics"),
    ({"split": "validation"}, "split", "digits has no validation part; set data.splits.validation"),
    ({"kind": "best-of"}, "n", f"{BEST_OF}; it is missing"),
    ({"kind": "best-of", "n": 1}, "n", f"{BEST_OF}; got 1"),
    (
        {"kind": "single-run", "n": 3},
        "n",
        "a single run is one run, got 3; the mean of more is kind: mean",
    ),
    (
        {"kind": "exact", "tolerance": None},
        "kind",
        "exact is for parameters and samples, which no training changes, got accuracy; a "
        "deterministic number is a mean",
    ),
    (
        {"metric": "parameters", "value": 11},
        "kind",
        "parameters are counted, not trained for: give kind: exact, got mean",
    ),
    (
        {"metric": "samples", "value": 11, "kind": "exact"},
        "tolerance",
        "means nothing for kind: exact, a count; remove it",
    ),
    (
        {"metric": "samples", "value": 11.5, "kind": "exact", "tolerance": None},
        "value",
        "samples are a whole number, got 11.5",
    ),
    (
        {"metric": "parameters", "value": 280_000, "kind": "exact", "tolerance": None,
         "printed": "0.27M"},
        "printed",
        "'0.27M' is 265000 to 275000, which the value 280000 is not within",
    ),
    ({"side": "about"}, "side", "is for kind: difference, got kind: mean"),
    ({"versus": OTHER}, "versus", "is for kind: difference, got kind: mean"),
    (
        {"kind": "difference"},
        "versus",
        "a difference needs its other side, a recipe or a change (set) to this one: versus: "
        "{recipe: other.yaml}",
    ),
    (
        {"kind": "difference", "versus": {"recipe": None, "set": {}}},
        "versus",
        "a difference needs its other side, a recipe or a change (set) to this one: versus: "
        "{recipe: other.yaml}",
    ),
    (
        {"kind": "difference", "versus": OTHER, "value": "1.2 %", "tolerance": "1 point"},
        "value",
        'is ambiguous for a difference: write 0.012 or "1.2 points", got \'1.2 %\'',
    ),
    (
        {"kind": "difference", "versus": OTHER, "value": 1.2},
        "value",
        '1.2 is more than 1: accuracy is a fraction; write 0.012 or "1.2 points"',
    ),
    (
        {"kind": "difference", "versus": OTHER, "value": 0.012, "baseline": 0.5},
        "baseline",
        "a difference is itself the gain that is claimed; remove it",
    ),
    (
        {"best_epoch_on_test": True},
        "best_epoch_on_test",
        "needs each epoch's test score: set evaluate.test: every-epoch",
    ),
]  # fmt: skip


@pytest.fixture
def digits(tree: Tree) -> Tree:
    tree |= {"task": "image-classification", "metrics": ["loss", "accuracy", "f1"]}
    tree["data"] = {"source": "digits", "batch_size": 8, "splits": {"test": 0.5}}
    tree["loss"] = "torch.nn.CrossEntropyLoss"
    return tree


def problems(tree: Tree) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(tree)
    return [(problem.where, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(("changes", "key", "message"), REFUSED)
def test_what_cannot_be_judged_is_refused_with_one_problem(
    digits: Tree, changes: Tree, key: str, message: str
) -> None:
    digits["claims"] = [CLAIM]
    load_recipe(digits)
    digits["claims"] = [{**CLAIM, **changes}]
    assert problems(digits) == [(f"claims.0.{key}", message)]


def test_the_best_epoch_on_test_is_that_of_the_test_split(digits: Tree) -> None:
    digits["evaluate"] = {"test": "every-epoch"}
    digits["claims"] = [{**CLAIM, "best_epoch_on_test": True}]
    assert load_recipe(digits).claims[0].best_epoch_on_test
    digits["claims"][0]["split"] = "train"
    rule = "is for the test split, got split: train"
    assert problems(digits) == [("claims.0.best_epoch_on_test", rule)]


def test_a_set_without_a_test_part_needs_one_drawn(digits: Tree) -> None:
    digits["claims"] = [CLAIM]
    digits["data"]["splits"] = {}
    rule = "digits has no test part; set data.splits.test"
    assert problems(digits) == [("claims.0.split", rule)]


def test_what_something_listens_to_is_computed(digits: Tree) -> None:
    digits |= {"metrics": ["accuracy"], "early_stopping": {}}
    digits["data"]["splits"]["validation"] = 0.1
    digits["claims"] = [{**CLAIM, "metric": "loss", "split": "validation"}]
    assert load_recipe(digits).claims[0].number == 0.55


def test_without_metrics_named_nothing_is_known_of_them_yet(digits: Tree) -> None:
    del digits["metrics"]
    digits["claims"] = [{**CLAIM, "metric": "auroc"}]
    assert load_recipe(digits).metrics == ()


def test_a_metric_of_another_task_is_told_where_no_metrics_are_named(tree: Tree) -> None:
    tree["claims"] = [{**CLAIM, "metric": "top3_accuracy"}]
    rule = "regression has no top3_accuracy; it has loss, mse, rmse, mae, r2"
    assert ("claims.0.metric", rule) in problems(tree)


def test_a_fixed_horizon_is_not_far(digits: Tree) -> None:
    digits["verify"] = {"horizon": "fixed", "max_seeds": 501}
    rule = "a fixed horizon is one of at most 500 seeds, got 501; set verify.horizon: anytime for "
    assert problems(digits) == [("verify.max_seeds", f"{rule}more")]
    digits["verify"]["max_seeds"] = 500
    assert load_recipe(digits).verify.max_seeds == 500


def test_a_claim_that_stands_twice_is_refused_also_in_other_words(digits: Tree) -> None:
    digits["claims"] = [CLAIM, {**CLAIM, "value": "55 %", "tolerance": "2 points"}]
    assert problems(digits) == [("claims.1", TWICE)]
    digits["claims"][1]["value"] = 0.56
    assert len(load_recipe(digits).claims) == 2
    digits["claims"][1] |= {"value": 0.55, "kind": "single-run"}
    assert len(load_recipe(digits).claims) == 2


def test_bounds_need_no_tolerance(digits: Tree) -> None:
    bound = {"metric": "accuracy", "value": 0.5}
    digits["claims"] = [{**bound, "kind": "at-least"}, {**bound, "kind": "at-most"}]
    digits["claims"].append(
        {**bound, "kind": "difference", "side": "at-least", "versus": {"set": {"epochs": 2}}}
    )
    assert [claim.allowed for claim in load_recipe(digits).claims] == [0, 0, 0]


def test_all_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        """name: linear
task: regression
data: {source: diabetes, batch_size: 8}
model: {use: torch.nn.Linear, in_features: 10, out_features: 1}
loss: torch.nn.MSELoss
optimizer: {use: torch.optim.SGD, lr: 0.1}
epochs: 1
metrics: [r2, mse]
claims:
  - metric: r2
    value: 55
    split: validation
    tolerance: 2
  - metric: mse
    split: train
    value: 1 %
    tolerance: 1 %
    printed: "1"
    kind: best-of
  - 3
  - metric: [r2]
    value: .nan
    tolerance: {}
    versus: []
    kind: 3
"""
    )
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(path)
    places = [(problem.line, problem.where) for problem in caught.value.problems]
    assert sorted(places) == [
        (11, "claims.0.value"),
        (12, "claims.0.split"),
        (13, "claims.0.tolerance"),
        (14, "claims.1.n"),
        (16, "claims.1.value"),
        (17, "claims.1.tolerance"),
        (20, "claims.2"),
        (21, "claims.3.metric"),
        (22, "claims.3.value"),
        (23, "claims.3.tolerance"),
        (24, "claims.3.versus"),
        (25, "claims.3.kind"),
    ]
