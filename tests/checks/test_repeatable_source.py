"""A function that returns other data when it is called again is found out, whatever it draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.checks.check_result import CheckResult
from papertrial.checks.repeatable_source import Loading, check_repeats
from papertrial.progress import finish

CODE = """
import random
import time

import numpy as np
from sklearn.model_selection import train_test_split

SEEDED, UNSEEDED = np.random.default_rng(3), np.random.default_rng()
X, Y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2


def ordered(places):
    return {"train": (X[places[:40]], Y[places[:40]]), "test": (X[places[40:]], Y[places[40:]])}


def fixed():
    return ordered(train_test_split(np.arange(60), random_state=1)[0].tolist() + [*range(15)])


def sklearn_split():
    a, b, c, d = train_test_split(X, Y)
    return {"train": (a, c), "test": (b, d)}


def own_generator():
    return ordered(np.random.default_rng().permutation(60))


def timed():
    random.seed(time.time_ns())
    places = list(range(60))
    random.shuffle(places)
    return ordered(places)


def of_module():
    return ordered(UNSEEDED.permutation(60))


def of_seeded_module():
    return ordered(SEEDED.permutation(60))


def only_test():
    places = np.arange(60)
    np.random.default_rng().shuffle(places[40:])
    return ordered(places)


def once():
    with open("once.txt", "x"):
        return ordered(np.arange(60))
"""


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CheckResult]:
    """Return what compares two calls of a function of the file."""
    (tmp_path / "d.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)

    def run(function: str, seconds: float = 0.1) -> CheckResult:
        recipe = pt.load_recipe(
            {
                "name": "repeated", "task": "table-classification",
                "data": {"source": f"./d.py:{function}", "batch_size": 8},
                "model": {"use": "torch.nn.Linear", "in_features": 3, "out_features": 2},
                "loss": "torch.nn.CrossEntropyLoss", "optimizer": "torch.optim.Adam", "epochs": 1,
            }
        )  # fmt: skip
        from papertrial.runs.load_data import load_set

        first = Loading.of(finish(load_set(recipe, tmp_path)).dataset, seconds)
        result = CheckResult("repeated")
        finish(check_repeats(recipe, first, tmp_path, result))
        return result

    return run


@pytest.mark.parametrize(
    ("function", "parts"),
    [
        ("own_generator", "train and test"),
        ("timed", "train and test"),
        ("of_module", "train and test"),
        ("only_test", "test"),
    ],
)
def test_draws_without_a_seed_are_an_error(
    function: str, parts: str, checked: Callable[..., CheckResult]
) -> None:
    (problem,) = checked(function).problems
    assert (problem.severity, problem.where) == ("error", "data.source")
    assert f"gave other samples for {parts}, " in problem.message
    assert "random_state=0" in problem.fix


@pytest.mark.parametrize("function", ["fixed", "of_seeded_module"])
def test_what_a_new_process_repeats_is_repeatable(
    function: str, checked: Callable[..., CheckResult]
) -> None:
    result = checked(function)
    assert result.problems == []
    assert result.facts.notes == []


def test_draws_of_the_global_generators_follow_a_seed_of_the_recipe(
    checked: Callable[..., CheckResult],
) -> None:
    result = checked("sklearn_split")
    assert result.problems == []
    (note,) = result.facts.notes or []
    assert "data.splits.seed: 0 decides" in note


def test_a_slow_function_is_not_called_again(
    checked: Callable[..., CheckResult], tmp_path: Path
) -> None:
    result = checked("own_generator", seconds=31)
    assert result.problems == []
    assert "took 31 s" in (result.facts.notes or [""])[0]
    (problem,) = checked("once").problems
    assert problem.severity == "warning"
    assert "once.txt" in problem.message
