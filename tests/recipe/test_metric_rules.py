"""Rules for metrics of the user's in a recipe: names, monitors, claims, scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe, require_model

METRICS = """
from sklearn.metrics import f1_score


def dice(output, target):
    return output.mean()


def needs(output, target, weight):
    return output.mean() * weight


def mcc(output, target):
    return f1_score(target, output.argmax(1), average="macro")
"""
AUROC = {"use": "torchmetrics.classification.MulticlassAUROC", "num_classes": 10}
DICE = {"use": "./m.py:dice", "better": "higher", "unit": "fraction"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.py").write_text(METRICS)
    monkeypatch.chdir(tmp_path)


def recipe(metrics: list[Any], *claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "own",
        "task": "image-classification",
        "data": {
            "source": "digits", "splits": {"test": 60, "validation": 60}, "batch_size": 64,
        },
        "model": {"use": "torch.nn.Linear", "in_features": 64, "out_features": 10},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
        "epochs": 1,
        "metrics": metrics,
        "claims": list(claims),
        **more,
    }  # fmt: skip


def problems(*args: Any, **more: Any) -> dict[str, str]:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(recipe(*args, **more))
    return {problem.where: problem.message for problem in caught.value.problems}


def test_the_name_is_given_or_the_last_part_of_the_path() -> None:
    listed = ["loss", DICE, {**DICE, "name": "other"}, AUROC]
    own = require_model(load_recipe(recipe(listed)))
    assert own.metric_names == ("loss", "dice", "other", "MulticlassAUROC")
    assert own.metric("dice").direction == "higher"
    assert own.metric("dice").is_fraction
    assert own.metric("MulticlassAUROC").direction is None
    assert own.metric("accuracy").direction == "higher"  # one of papertrial's own


@pytest.mark.parametrize("name", ["accuracy", "loss", "top3_accuracy", "parameters"])
def test_names_of_papertrials_own_metrics_are_taken(name: str) -> None:
    assert name in problems([{**DICE, "name": name}])["metrics.0.name"]


def test_two_metrics_of_one_name_are_refused() -> None:
    assert "dice" in problems([DICE, "loss", DICE])["metrics.2.name"]


@pytest.mark.parametrize(
    ("metric", "key", "value"),
    [
        ({**DICE, "better": "up"}, "metrics.0.better", "up"),
        ({**DICE, "unit": "percent"}, "metrics.0.unit", "percent"),
        ({**DICE, "name": "a b"}, "metrics.0.name", "a b"),
        ({"use": "./m.py:no_such"}, "metrics.0.use", "no_such"),
        ({"use": "./m.py:needs"}, "metrics.0.weight", "weight"),
        ({**DICE, "smooth": 1}, "metrics.0.smooth", "smooth"),
        ("./m.py:dice", "metrics.0", "m.py:dice"),
        ("dices", "metrics.0", "dices"),
    ],
)
def test_a_metric_that_is_not_valid_is_told_by_its_key(metric: Any, key: str, value: str) -> None:
    found = problems([metric])
    assert key in found
    assert value in found[key] or value in key


def test_arguments_are_checked_and_passed() -> None:
    load_recipe(recipe([{"use": "./m.py:needs", "weight": 2}]))


@pytest.mark.parametrize("use", ["sklearn.metrics.matthews_corrcoef", "./m.py:f1_score"])
def test_metrics_of_scikit_learn_are_refused_with_the_function_to_write(use: str) -> None:
    message = problems([{"use": use}])["metrics.0.use"]
    assert "(targets, predictions)" in message
    assert "output.argmax(1)" in message
    load_recipe(recipe([{"use": "./m.py:mcc"}]))  # a function that calls one


MONITORS: list[tuple[str, dict[str, Any]]] = [
    ("early_stopping.monitor", {"early_stopping": {"monitor": "NAME"}}),
    ("report_metric", {"report": "best-on-validation", "report_metric": "NAME"}),
    (
        "scheduler.monitor",
        {"scheduler": {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "NAME"}},
    ),
]


def _named(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(item, name) for key, item in value.items()}
    return name if value == "NAME" else value


@pytest.mark.parametrize(("key", "keys"), MONITORS, ids=[key for key, _ in MONITORS])
def test_a_monitored_metric_must_be_declared_with_its_direction(
    key: str, keys: dict[str, Any]
) -> None:
    load_recipe(recipe([DICE], **_named(keys, "dice")))
    unknown = problems([DICE], **_named(keys, "dise"))[key]
    assert "dise" in unknown
    assert "dice" in unknown  # did you mean
    undirected = {k: v for k, v in DICE.items() if k != "better"}
    assert "better: higher" in problems([undirected], **_named(keys, "dice"))[key]


CLAIM = {"metric": "dice", "split": "test", "value": 0.8, "tolerance": 0.01, "kind": "expected"}


def test_a_claim_takes_unit_and_direction_from_the_metric() -> None:
    percent = {**CLAIM, "value": "80 %", "tolerance": "1 point"}
    loaded = load_recipe(recipe([DICE], percent))
    assert loaded.claims[0].better == "higher"
    assert loaded.claims[0].unit == "fraction"
    no_unit = {k: v for k, v in DICE.items() if k != "unit"}
    assert any(key.startswith("claims.0") for key in problems([no_unit], percent))


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        ({**CLAIM, "metric": "dise"}, "claims.0.metric"),
        ({**CLAIM, "better": "lower"}, "claims.0.better"),
        ({**CLAIM, "unit": "none"}, "claims.0.unit"),
        ({**CLAIM, "metric": "accuracy", "better": "higher"}, "claims.0.better"),
    ],
)
def test_claims_that_contradict_or_miss_their_metric(claim: dict[str, Any], key: str) -> None:
    assert key in problems([DICE, "accuracy"], claim)


def test_a_claim_of_being_better_needs_a_direction() -> None:
    better = {"metric": "dice", "split": "test", "kind": "better", "versus": {"set": {"epochs": 2}}}
    load_recipe(recipe([DICE], better))
    undirected = {k: v for k, v in DICE.items() if k != "better"}
    assert "better" in problems([undirected], better)["claims.0.kind"]


@pytest.mark.parametrize(
    ("more", "key"),
    [({"keep": "./m.py:dice"}, "keep"), ({"keep": {"use": "./m.py:no_such"}}, "keep.use")],
)
def test_keep_is_for_predictions_and_checked_as_a_slot(more: dict[str, Any], key: str) -> None:
    assert key in problems(["loss"], **more)


def test_objectives_are_checked_as_slots() -> None:
    mixup = "papertrial.objectives.Mixup"
    load_recipe(recipe(["loss"], objective={"use": mixup, "alpha": 0.3}))
    assert "objective.alfa" in problems(["loss"], objective={"use": mixup, "alfa": 0.3})
    assert "objective.alpha" in problems(["loss"], objective={"use": mixup, "alpha": "high"})
    assert "objective.use" in problems(["loss"], objective="papertrial.objectives.MixUp")
    wrong = problems(["loss"], objective="./m.py:dice")  # takes two arguments, not four
    assert any(key.startswith("objective") for key in wrong)


def test_a_classification_computes_named_and_own_metrics_together(tmp_path: Path) -> None:
    mlp = {"use": "papertrial.models.MLP", "in_features": 64, "hidden": [], "out_features": 10}
    tree = recipe(["accuracy", "auroc", "f1", AUROC, {"use": "./m.py:mcc"}], model=mlp)
    run = pt.train(load_recipe(tree), runs=tmp_path, device="cpu")
    test = run.metrics["test"]
    assert list(test) == ["accuracy", "auroc", "f1", "MulticlassAUROC", "mcc"]
    assert test["MulticlassAUROC"] == pytest.approx(test["auroc"], abs=1e-6)
    assert test["mcc"] == pytest.approx(test["f1"], abs=1e-6)  # macro F1 of scikit-learn
