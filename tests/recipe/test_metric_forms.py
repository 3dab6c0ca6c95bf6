"""Metrics of one class or target in a recipe, and suggestions for unknown names."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

import papertrial as pt
from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.recipe.metric_forms import metric_text
from papertrial.recipe.schema import json_schema
from papertrial.recipe.yaml_text import parse
from papertrial.vocabulary import (
    METRICS,
    Metric,
    is_metric,
    own_metric_form,
    split_metric,
    suggest_metric,
)

OF_FRAUD = {"f1": {"class": "fraud"}}
TREE: dict[str, Any] = {
    "name": "fraud",
    "task": "classification",
    "data": {"source": "./rows.py:rows", "batch_size": 8, "splits": {"validation": 0.2}},
    "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 1,
}
CLAIM = {"value": 0.46, "tolerance": 0.03, "n": 5}


def _load(tree: dict[str, Any]) -> pt.Recipe:
    recipe = load_recipe(tree, check=False)
    assert isinstance(recipe, pt.Recipe)
    return recipe


def _problems(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRecipeError) as error:
        _load({**TREE, **changes})
    return [(problem.where, problem.message) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (OF_FRAUD, "f1[fraud]"),
        ({"recall": {"class": 7}}, "recall[7]"),
        ({"rmse": {"target": "lat"}}, "rmse[lat]"),
        ("f1[fraud]", "f1[fraud]"),
        ("accuracy", "accuracy"),
        ({"f9": {"class": "fraud"}}, "f9[fraud]"),  # which is then unknown
    ],
)
def test_a_metric_of_one_class_has_a_name(given: Any, name: str) -> None:
    assert metric_text(given) == name


@pytest.mark.parametrize(
    "given",
    [
        {"f1": {"target": "lat"}},
        {"rmse": {"class": "fraud"}},
        {"f1": {"clas": "fraud"}},
        {"f1": "fraud"},
        {"f1": {"class": "fraud"}, "recall": {"class": "fraud"}},
        {"f1": {"class": True}},
        {"use": "./m.py:dice"},
    ],
)
def test_other_mappings_stay(given: Any) -> None:
    assert metric_text(given) == given


def test_both_forms_are_the_same_recipe_wherever_a_metric_is_named() -> None:
    parts = {
        "metrics": ["loss", OF_FRAUD],
        "claims": [{"metric": OF_FRAUD, **CLAIM}],
        "early_stopping": {"monitor": OF_FRAUD},
        "report": "best-on-validation",
        "report_metric": OF_FRAUD,
    }
    recipe = _load({**TREE, **parts})
    text = {
        **parts,
        "metrics": ["loss", "f1[fraud]"],
        "claims": [{"metric": "f1[fraud]", **CLAIM}],
        "early_stopping": {"monitor": "f1[fraud]"},
        "report_metric": "f1[fraud]",
    }
    assert recipe == _load({**TREE, **text})
    assert recipe.metric_names == ("loss", "f1[fraud]")
    assert recipe.claims[0].metric == "f1[fraud]"
    assert parse(to_yaml(recipe)).tree["metrics"] == ["loss", "f1[fraud]"]
    again = parse(to_yaml(recipe)).tree
    assert _load(again) == recipe
    schema = json_schema()
    for given in (parts, text):
        jsonschema.validate({**TREE, **given}, schema)


def test_overrides_may_name_one_class() -> None:
    changed = load_recipe(
        {**TREE, "metrics": ["loss"], "claims": [{"metric": "loss", **CLAIM}]},
        ["metrics=[loss, {f1: {class: fraud}}]", "claims.0.metric=f1[fraud]"],
        check=False,
    )
    assert [claim.metric for claim in changed.claims] == ["f1[fraud]"]


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"metrics": [{"f1": {"clas": "x"}}]}, "metrics.0", "{f1: {class: NAME}}"),
        ({"metrics": [{"accuracy": {"class": "x"}}]}, "metrics.0", "unknown metric"),
        ({"metrics": ["f1_binary"]}, "metrics.0", "for one class, write {f1: {class: NAME}}"),
        ({"metrics": ["f1.fraud"]}, "metrics.0", "for one class, write {f1: {class: NAME}}"),
        ({"report_metric": "sensitivity"}, "report_metric", 'did you mean "recall"?'),
        ({"claims": [{"metric": "map", **CLAIM}]}, "claims.0.metric", '"average_precision"?'),
        (
            {"metrics": ["f1"], "claims": [{"metric": "f1[fraud]", **CLAIM}]},
            "claims.0.metric",
            "does not compute f1[fraud]; it computes f1; add it to metrics",
        ),
        (
            {"claims": [{"metric": "rmse[fraud]", **CLAIM}]},
            "claims.0.metric",
            "classification has no metric rmse[fraud]",
        ),
    ],
)
def test_what_is_not_a_metric_is_refused_with_a_suggestion(
    changes: dict[str, Any], where: str, message: str
) -> None:
    found = dict(_problems(**changes))
    assert message in found[where]


@pytest.mark.parametrize(
    ("got", "meant"),
    [
        ("map", "average_precision"),
        ("mAP", "average_precision"),
        ("AUPRC", "average_precision"),
        ("matthews_corrcoef", "mcc"),
        ("kappa", "cohen_kappa"),
        ("roc_auc", "auroc"),
        ("sensitivity", "recall"),
        ("TNR", "specificity"),
        ("balanced accuracy", "balanced_accuracy"),
        ("subset_accuracy", "exact_match"),
        ("hamming", "hamming_loss"),
        ("macro-f1", "f1_macro"),
        ("root_mean_squared_error", "rmse"),
        ("accurracy", "accuracy"),
    ],
)
def test_common_names_are_understood(got: str, meant: str) -> None:
    assert suggest_metric(got) == f'; did you mean "{meant}"?'


def test_a_suggestion_is_a_name_that_can_be_used_there() -> None:
    assert "average_precision" not in suggest_metric("map", ["loss", "rmse"])
    assert suggest_metric("rmse_lat", ["rmse"]).startswith("; for one target, write {rmse:")


def test_an_unknown_metric_may_be_a_function_of_the_users() -> None:
    assert "{use: ./m.py:psnr, better: higher}" in own_metric_form("psnr")
    assert "./m.py:own_rmse, better: lower}" in own_metric_form("rmse")
    tree: dict[str, Any] = {
        "task": "prediction",
        "metrics": ["loss", "psnr", "accurracy"],
        "report_metric": "ssim",
        "claims": [{"metric": name, "value": 1} for name in ("mae", "fid")],
    }
    told = dict(_problems(**tree))
    for where, name in {
        "metrics.1": "psnr",
        "report_metric": "ssim",
        "claims.0.metric": "own_mae",
        "claims.1.metric": "fid",
    }.items():
        assert f"./m.py:{name}" in told[where]
    assert "./m.py" not in told["metrics.2"]  # a typing error


def test_facts_of_a_metric_of_one_class_are_those_of_the_metric() -> None:
    for name in ("f1", "rmse", "r2", "average_precision"):
        whole, part = Metric(name), Metric(f"{name}[x]")
        assert part.is_known
        assert part.is_fraction == whole.is_fraction
        assert part.direction == whole.direction
        assert part.may_be_negative == whole.may_be_negative
    assert split_metric("f1[a[b]]") == ("f1", "a[b]")
    assert split_metric("accuracy[a]") == ("accuracy[a]", None)
    assert not is_metric("accuracy[a]")
    assert not is_metric("f1[ ]")
    assert not any(split_metric(name)[1] for name in METRICS)
