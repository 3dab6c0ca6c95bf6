"""Every recipe that comes with papertrial."""

from __future__ import annotations

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


def test_there_are_three() -> None:
    assert sorted(shipped()) == ["diabetes-linear", "digits-mlp", "fashion-mnist-quickstart"]


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


@pytest.mark.parametrize("seed", range(5))
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
