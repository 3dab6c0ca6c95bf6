"""Claims that cannot be judged are refused, each with its key, its line and the fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, Problem
from papertrial.recipe.load import load_recipe

Tree = dict[str, Any]

CLAIM = {"metric": "accuracy", "value": 0.55, "tolerance": 0.01, "kind": "expected"}
NO_TOLERANCE = 'as "1 point"'
AMBIGUOUS = 'write "1 point", or relative_tolerance: "1 %" for a share of the value'
OTHER = {"recipe": "other.yaml"}
GAIN = {"kind": "difference", "versus": OTHER, "n": "unknown"}
BETTER = {"kind": "better", "versus": OTHER, "value": None, "tolerance": None}
NO_RUNS = "write n: unknown if the paper does not say, which counts as one run"
NO_BOUND = "put the lowest or highest score into value"
# (changes to the claim, key, part of the message with the given value or the fix)
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
        'write 0.02 or "2 points"',
    ),
    (
        {"metric": "loss", "value": 1.5, "tolerance": "1 point", "kind": "expected"},
        "tolerance",
        "give a number in its own unit, got '1 point'",
    ),
    (
        {"relative_tolerance": 0.1},
        "relative_tolerance",
        "(got 0.01 and 0.1)",
    ),
    (
        {"tolerance": None, "relative_tolerance": 5},
        "relative_tolerance",
        '0.01 or "1 %", got 5',
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
    ({"value": -0.1}, "value", "cannot be negative, got -0.1"),
    (
        {"metric": "loss", "value": "55 %"},
        "value",
        "give a number in its own unit, got '55 %'",
    ),
    (
        {"value": "55 points", "tolerance": "1 point"},
        "value",
        "write a percent sign, got '55 points'",
    ),
    (
        {"metric": "f1", "value": "8.75 % error", "tolerance": "1 point", "kind": "expected"},
        "value",
        "f1, got '8.75 % error'",
    ),
    (
        {"printed": "64 %", "tolerance": "1 point"},
        "printed",
        "'64 %' means 0.635 to 0.645, but the value is 0.55",
    ),
    (
        {"printed": "53 %", "rounding": "truncated", "tolerance": "1 point"},
        "printed",
        "'53 %' means 0.53 to 0.54, but the value is 0.55",
    ),
    (
        {"printed": "55"},
        "printed",
        'write "55 %"',
    ),
    (
        {"printed": 0.55},
        "printed",
        '"0.900", got 0.55',
    ),
    ({"printed": "0.55M"}, "printed", "parameters and samples, got '0.55M'"),
    ({"rounding": "truncated"}, "rounding", "give them in printed"),
    (
        {"baseline": 54},
        "baseline",
        'write 0.54 or "54 %"',
    ),
    (
        {"plus_minus": {"value": 1.5, "is": "sd"}},
        "plus_minus.value",
        'write 0.015 or "1.5 points"',
    ),
    (
        {"metric": "f1_per_class"},
        "metric",
        "got 'f1_per_class'",
    ),
    (
        {"metric": "confusion_matrix"},
        "metric",
        "got 'confusion_matrix'",
    ),
    (
        {"metric": "mse"},
        "metric",
        "its metrics are loss, accuracy, top5_accuracy, precision, recall, f1, precision_macro, "
        "recall_macro, f1_macro, precision_micro, recall_micro, f1_micro, precision_weighted, "
        "recall_weighted, f1_weighted, balanced_accuracy, specificity, average_precision, auroc, "
        "mcc, cohen_kappa",
    ),
    ({"metric": "f1_micro"}, "metric", "add it to metrics"),
    ({"split": "validation"}, "split", "set data.splits.validation"),
    ({"kind": "best-of"}, "n", "at least 2; it is missing"),
    ({"kind": "best-of", "n": 1}, "n", "at least 2; got 1"),
    (
        {"kind": "single-run", "n": 3},
        "n",
        "got 3; for a mean of runs, use kind: mean",
    ),
    (
        {"kind": "exact", "tolerance": None},
        "kind",
        "got metric: accuracy; for a deterministic score, use kind: expected",
    ),
    (
        {"metric": "parameters", "value": 11},
        "kind",
        "must be exact for parameters, which is a count, got expected",
    ),
    (
        {"metric": "samples", "value": 11, "kind": "exact"},
        "tolerance",
        "kind: exact; remove it",
    ),
    (
        {"metric": "samples", "value": 11.5, "kind": "exact", "tolerance": None},
        "value",
        "whole number for samples, got 11.5",
    ),
    (
        {"metric": "parameters", "value": 280_000, "kind": "exact", "tolerance": None,
         "printed": "0.27M"},
        "printed",
        "'0.27M' means 265000 to 275000, but the value is 280000",
    ),
    ({"value": None}, "value", "is missing: give the reported number"),
    ({"kind": "mean"}, "n", NO_RUNS),
    ({"kind": None}, "kind", "got None"),
    ({**GAIN, "n": None, "value": 0.02}, "n", NO_RUNS),
    ({**GAIN, "n": None, "value": 0.02, "side": "about"}, "n", NO_RUNS),
    ({"kind": "best-of", "n": "unknown"}, "n", "at least 2; got unknown"),
    ({"kind": "single-run", "n": "unknown"}, "n", "got unknown; for a mean of runs"),
    ({"kind": "mean", "n": "many"}, "n", "got 'many'"),
    ({"kind": "mean", "n": 0}, "n", "got 0"),
    ({"n": 3}, "n", "an expected score, which has no noise; remove it, or use kind: mean"),
    ({"n": "unknown"}, "n", "an expected score, which has no noise"),
    ({"kind": "at-least", "tolerance": None, "n": 3}, "n", "a bound, which has no noise"),
    ({"kind": "at-most"}, "tolerance", NO_BOUND),
    (
        {"kind": "at-least", "tolerance": None, "relative_tolerance": 0.1},
        "relative_tolerance",
        NO_BOUND,
    ),
    ({**GAIN, "n": None, "side": "at-least", "value": 0.02}, "tolerance", NO_BOUND),
    ({**BETTER, "value": 0.02}, "value", "only that the difference is at least 0"),
    ({**BETTER, "metric": "loss", "value": 0.02}, "value", "the difference is at most 0"),
    ({**BETTER, "tolerance": 0.02}, "tolerance", "use kind: difference"),
    ({**BETTER, "n": 3}, "n", "use kind: difference"),
    ({**BETTER, "side": "at-least"}, "side", "use kind: difference"),
    ({**BETTER, "plus_minus": {"value": 0.1}}, "plus_minus", "use kind: difference"),
    ({**BETTER, "versus": None}, "versus", "kind: better needs another recipe"),
    ({"pairing": "none"}, "pairing", "difference or better, got kind: expected"),
    ({**BETTER, "pairing": "seeds"}, "pairing", "got 'seeds'"),
    ({"side": "about"}, "side", "only for kind: difference, got kind: expected"),
    ({"versus": OTHER}, "versus", "difference or better, got kind: expected"),
    (
        {"kind": "difference", "n": "unknown"},
        "versus",
        "versus: {recipe: other.yaml} or versus: {set: {epochs: 2}}",
    ),
    (
        {"kind": "difference", "versus": {"recipe": None, "set": {}}, "n": "unknown"},
        "versus",
        "versus: {recipe: other.yaml} or versus: {set: {epochs: 2}}",
    ),
    (
        {**GAIN, "value": "1.2 %", "tolerance": "1 point"},
        "value",
        'write 0.012 or "1.2 points", got \'1.2 %\'',
    ),
    (
        {"kind": "difference", "versus": OTHER, "value": 1.2, "n": "unknown"},
        "value",
        'write 0.012 or "1.2 points"',
    ),
    (
        {"kind": "difference", "versus": OTHER, "value": 0.012, "baseline": 0.5, "n": "unknown"},
        "baseline",
        "itself a gain; remove it",
    ),
    (
        {"best_epoch_on_test": True},
        "best_epoch_on_test",
        "set evaluate.test: every-epoch",
    ),
]  # fmt: skip


@pytest.fixture
def digits(tree: Tree) -> Tree:
    tree |= {"task": "image-classification", "metrics": ["loss", "accuracy", "f1"]}
    tree["data"] = {"source": "digits", "batch_size": 8, "splits": {"test": 0.5}}
    tree["loss"] = "torch.nn.CrossEntropyLoss"
    return tree


def problem_of(tree: Tree) -> Problem:
    """The only problem of an invalid recipe."""
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(tree)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(("changes", "key", "words"), REFUSED)
def test_a_claim_that_cannot_be_judged_is_refused_with_one_problem(
    digits: Tree, changes: Tree, key: str, words: str
) -> None:
    digits["claims"] = [CLAIM]
    load_recipe(digits)
    digits["claims"] = [{**CLAIM, **changes}]
    problem = problem_of(digits)
    assert problem.where == f"claims.0.{key}"
    assert words in problem.message


def test_the_best_epoch_on_test_needs_the_test_split(digits: Tree) -> None:
    digits["evaluate"] = {"test": "every-epoch"}
    digits["claims"] = [{**CLAIM, "best_epoch_on_test": True}]
    assert load_recipe(digits).claims[0].best_epoch_on_test
    digits["claims"][0]["split"] = "train"
    problem = problem_of(digits)
    assert problem.where == "claims.0.best_epoch_on_test"
    assert "got split: train" in problem.message


def test_a_claim_on_a_missing_test_part_is_refused(digits: Tree) -> None:
    digits["claims"] = [CLAIM]
    digits["data"]["splits"] = {}
    problem = problem_of(digits)
    assert problem.where == "claims.0.split"
    assert problem.message.endswith("; set data.splits.test")


def test_a_monitored_metric_is_computed(digits: Tree) -> None:
    digits |= {"metrics": ["accuracy"], "early_stopping": {}}
    digits["data"]["splits"]["validation"] = 0.1
    digits["claims"] = [{**CLAIM, "metric": "loss", "split": "validation"}]
    assert load_recipe(digits).claims[0].number == 0.55


def test_without_metrics_in_the_recipe_the_usual_ones_of_the_task_are_computed(
    digits: Tree,
) -> None:
    del digits["metrics"]
    digits["claims"] = [{**CLAIM, "metric": "f1"}]
    assert load_recipe(digits).metrics == ()
    digits["claims"] = [{**CLAIM, "metric": "auroc"}]
    problem = problem_of(digits)
    assert (problem.where, "add it to metrics" in problem.message) == ("claims.0.metric", True)


def test_a_metric_of_another_task_is_reported_without_metrics_in_the_recipe(tree: Tree) -> None:
    tree["claims"] = [{**CLAIM, "split": "train", "metric": "top3_accuracy"}]
    problem = problem_of(tree)
    assert problem.where == "claims.0.metric"
    assert "its metrics are loss, mse, rmse, mae, r2" in problem.message


def test_a_fixed_horizon_has_at_most_500_seeds(digits: Tree) -> None:
    digits["verify"] = {"horizon": "fixed", "max_seeds": 501}
    problem = problem_of(digits)
    assert problem.where == "verify.max_seeds"
    assert "at most 500" in problem.message
    assert "got 501; for more seeds, set verify.horizon: anytime" in problem.message
    digits["verify"]["max_seeds"] = 500
    assert load_recipe(digits).verify.max_seeds == 500


def test_a_duplicate_claim_is_refused_also_in_another_unit(digits: Tree) -> None:
    digits["claims"] = [CLAIM, {**CLAIM, "value": "55 %", "tolerance": "2 points"}]
    problem = problem_of(digits)
    assert problem.where == "claims.1"
    assert "claims.0; keep one" in problem.message
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


def test_all_problems_of_claims_are_reported_together_with_their_lines(tmp_path: Path) -> None:
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
    kind: expected
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
        (15, "claims.1.n"),
        (17, "claims.1.value"),
        (18, "claims.1.tolerance"),
        (21, "claims.2"),
        (22, "claims.3.metric"),
        (23, "claims.3.value"),
        (24, "claims.3.tolerance"),
        (25, "claims.3.versus"),
        (26, "claims.3.kind"),
    ]


def test_a_claim_on_a_training_part_that_is_not_evaluated_is_refused(digits: Tree) -> None:
    digits |= {"task": "prediction", "metrics": ["loss"], "evaluate": {"train": False}}
    claim = {"metric": "loss", "split": "train", "value": 1, "kind": "at-most"}
    digits["claims"] = [claim]
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(digits, check=False)
    assert [problem.where for problem in caught.value.problems] == ["claims.0.split"]
    assert "remove evaluate.train: false" in str(caught.value)
    load_recipe({**digits, "evaluate": {}}, check=False)
