"""Every recipe that comes with papertrial."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import papertrial as pt
from papertrial.data.column import Dataset
from papertrial.data.sources import SOURCES
from papertrial.evaluate.metrics import FAMILIES
from papertrial.recipe import schema
from papertrial.recipe.load import shipped
from papertrial.tasks import TASKS

FOLDER = Path(pt.__file__).parent / "recipes"


RECIPES = [
    "cifar10-deep-cnn", "cifar10-resnet20", "cifar10-tutorial", "diabetes-bmi", "diabetes-linear",
    "digits-mlp", "fashion-mnist-cnn", "fashion-mnist-cnn-small", "fashion-mnist-quickstart",
    "imdb-bow", "imdb-lstm",
]  # fmt: skip


def test_there_are_eleven() -> None:
    assert sorted(shipped()) == RECIPES
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == RECIPES


@pytest.mark.parametrize("name", sorted(shipped()))
def test_each_is_valid_and_headed_by_the_command_that_runs_it(name: str) -> None:
    recipe = pt.load_recipe(name)
    lines = shipped()[name].splitlines()
    assert lines[0] == "# yaml-language-server: $schema=recipe.schema.json"
    assert lines[1] == f"# papertrial train {name}"
    assert recipe.name == name
    assert recipe.paper.url


def test_the_vocabulary_of_recipes_is_what_the_engine_has() -> None:
    assert set(schema.SOURCES) == set(SOURCES)
    assert set(schema.TASKS) == set(TASKS)
    assert set(schema.METRICS) == {name for names in FAMILIES.values() for name in names}


def needed(recipe: pt.Recipe, request: pytest.FixtureRequest) -> None:
    """Skip, or fail where CI has it, without the recipe's set."""
    fixtures = {
        "fashion-mnist": "fashion_mnist", "cifar10": "cifar10_folder", "imdb": "imdb_folder",
    }  # fmt: skip
    if recipe.data.source in fixtures:
        request.getfixturevalue(fixtures[recipe.data.source])


@pytest.mark.parametrize("name", RECIPES)
def test_each_trains_on_a_few_batches_of_its_real_set(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    few = ["epochs=null", "steps=3"]
    needed(pt.load_recipe(name), request)
    if name not in ("diabetes-bmi", "diabetes-linear", "digits-mlp"):
        few += ["data.limit=200", "data.splits.validation=null", "report=last"]
    run = pt.train(pt.load_recipe(name, few), runs=tmp_path, threads=1)
    assert run.summary["report"]["step"] == 3
    classes = run.metrics["test"].get("confusion_matrix")
    assert "mse" in run.metrics["test"] if classes is None else len(classes) in (2, 10)
    first = next(json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines())
    assert 0 < first["loss"] < 1e5
    reasons = {claim.get("not_judged") or "" for claim in run.summary["claims"]}
    assert all(reason.startswith("the setting differs: ") for reason in reasons)


@pytest.mark.parametrize("name", ["cifar10-deep-cnn", "imdb-lstm"])
def test_what_was_corrected_or_chosen_is_said(name: str) -> None:
    said = {"cifar10-deep-cnn": "x.view(-1, 128 * 10 * 10)", "imdb-lstm": "cut at 400 tokens"}
    assert said[name] in (pt.load_recipe(name).paper.notes or "")


def test_bmi_comes_to_the_numbers_that_scikit_learn_prints(tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("diabetes-bmi"), runs=tmp_path)
    assert run.metrics["test"]["mse"] == pytest.approx(2548.07, abs=0.05)
    assert run.metrics["test"]["r2"] == pytest.approx(0.47258, abs=1e-4)


def test_diabetes_on_all_rows_is_least_squares(tmp_path: Path) -> None:
    whole = ["data.splits.test=null", "data.batch_size=full"]
    run = pt.train(pt.load_recipe("diabetes-linear", whole), runs=tmp_path)
    assert run.metrics["train"]["r2"] == pytest.approx(0.51775, rel=1e-4)
    assert run.metrics["train"]["mse"] == pytest.approx(2859.696, rel=1e-4)
    assert set(run.metrics) == {"train"}


def test_a_bag_of_words_reaches_088_on_the_real_reviews(imdb_folder: Path, tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("imdb-bow"), runs=tmp_path, data=imdb_folder, threads=1)
    assert run.metrics["test"]["accuracy"] >= 0.88
    answers = run.predict(["A wonderful film, the best of the year.", "Awful, a waste of time."])
    assert [answer.prediction for answer in answers] == ["pos", "neg"]


@pytest.mark.parametrize("seed", range(3))
def test_the_quickstart_reaches_what_the_tutorial_prints(
    seed: int, fashion_mnist: Dataset, tmp_path: Path
) -> None:
    run = pt.train(pt.load_recipe("fashion-mnist-quickstart", [f"seed={seed}"]), runs=tmp_path)
    assert 0.62 <= run.metrics["test"]["accuracy"] <= 0.68
    assert len(run.summary["epoch_seconds"]) == 5
    assert fashion_mnist.test is not None
    boot = fashion_mnist.test.x.take(torch.tensor([0]))
    (answer,) = pt.load_run(run.path).predict(boot)
    assert answer.prediction in {"Ankle boot", "Sneaker"}
