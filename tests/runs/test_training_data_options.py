"""Keys of `data` that decide the batches of a training, from recipes to runs, checks and audits."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import WeightedRandomSampler

import papertrial as pt
from papertrial.data.streams import derive
from papertrial.errors import DataError, InvalidRecipeError, ModelError, RecipeError
from papertrial.recipe.load import load_recipe, to_tree

FLATTEN = {"use": "torch.nn.Flatten"}
LINEAR = {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2}
NORMED = {
    "use": "torch.nn.Sequential",
    "args": [{"use": "torch.nn.BatchNorm1d", "num_features": 2}, LINEAR],
}
FRAUD: dict[str, Any] = {
    "name": "fraud",
    "task": "table-classification",
    "data": {
        "source": "table",
        "path": "fraud.csv",
        "table": {"target": "label"},
        "splits": {"test": 19, "draw": "last"},
        "batch_size": 16,
    },
    "model": LINEAR,
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 2,
}
WEIGHTED = "torch.utils.data.WeightedRandomSampler"
FLIP = "papertrial.transforms.RandomHorizontalFlip"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of 84 rows, of which every twelfth is a fraud; 65 are for training."""
    draws = np.random.default_rng(0)
    with (tmp_path / "fraud.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["amount", "hour", "label"])
        for i in range(84):
            fraud = i % 12 == 0
            amount, hour = draws.normal(3.0 * fraud), draws.normal(1.0 * fraud)
            rows.writerow([f"{amount:.3f}", f"{hour:.3f}", "fraud" if fraud else "fine"])
    return tmp_path


def loaded(folder: Path, *overrides: str, **changes: Any) -> Any:
    (folder / "recipe.yaml").write_text(json.dumps({**FRAUD, **changes}))
    return load_recipe(folder / "recipe.yaml", overrides)


def trained(folder: Path, *overrides: str, runs: str = "runs", **changes: Any) -> pt.Run:
    return pt.train(loaded(folder, *overrides, **changes), runs=folder / runs)


def weights(run: pt.Run) -> bytes:
    return (run.path / "model.safetensors").read_bytes()


def by_hand(folder: Path, order: Any, steps: int, seed: int = 0) -> dict[str, torch.Tensor]:
    """The weights of the recipe after some epochs, by a loop of plain torch."""
    with (folder / "fraud.csv").open() as file:
        rows = list(csv.DictReader(file))[:65]
    x = torch.tensor([[float(r["amount"]), float(r["hour"])] for r in rows])
    y = torch.tensor([int(r["label"] == "fraud") for r in rows])
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "init"))
        model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for epoch in range(2):
        rows_of_epoch = order(epoch, y)
        for step in range(steps):
            at = rows_of_epoch[step * 16 : step * 16 + 16]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[at]), y[at]).backward()
            optimizer.step()
    return {name: value.detach() for name, value in model.state_dict().items()}


def assert_weights(run: pt.Run, expected: dict[str, torch.Tensor]) -> None:
    found = run.predictor.prepared.model.state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(found[name].cpu(), value, rtol=1e-5, atol=1e-6)


def test_drop_last_trains_on_whole_batches_alone(folder: Path) -> None:
    run = trained(folder, "data.drop_last=true")
    assert run.summary.report.last_step == 2 * 4
    assert trained(folder).summary.report.last_step == 2 * 5

    def order(epoch: int, _: torch.Tensor) -> torch.Tensor:
        stream = torch.Generator().manual_seed(derive(0, "shuffle", epoch))
        return torch.randperm(65, generator=stream)

    assert_weights(run, by_hand(folder, order, 4))
    assert weights(trained(folder, "data.drop_last=true", runs="again")) == weights(run)


def test_a_weighted_sampler_trains_as_in_plain_torch(folder: Path) -> None:
    def order(epoch: int, y: torch.Tensor) -> list[int]:
        each: Any = 1 / torch.bincount(y).double()[y]
        stream = torch.Generator().manual_seed(derive(0, "shuffle", epoch))
        return list(WeightedRandomSampler(each, 65, generator=stream))

    expected = by_hand(folder, order, 5)
    named = trained(folder, "data.sampler=balanced")
    assert_weights(named, expected)
    spelt = {"use": WEIGHTED, "weights": "balanced"}
    data = {**FRAUD["data"], "sampler": spelt}
    assert weights(trained(folder, data=data)) == weights(named)
    assert weights(trained(folder, data=data, runs="again")) == weights(named)
    by_class = {"use": WEIGHTED, "weights": {"fine": 59, "fraud": 6}, "num_samples": 32}
    other = trained(folder, data={**FRAUD["data"], "sampler": by_class})
    assert other.summary.report.last_step == 2 * 2
    assert to_tree(loaded(folder, "data.sampler=balanced"))["data"]["sampler"] == {
        "use": "papertrial.samplers.Balanced"
    }


SAMPLERS = """
import random

def frauds_twice(targets):
    rows = list(range(len(targets))) + targets.nonzero().flatten().tolist()
    random.shuffle(rows)
    return rows

class Some:
    def __init__(self, data_source, count):
        self.rows = random.sample(list(data_source), count)

    def __iter__(self):
        return iter(self.rows)

def shrinking(data_source):
    return range(random.randint(5, len(data_source)))
"""


def test_samplers_of_the_users_code_draw_from_our_streams(folder: Path) -> None:
    (folder / "samplers.py").write_text(SAMPLERS)
    twice = {**FRAUD["data"], "sampler": "./samplers.py:frauds_twice"}
    runs = [trained(folder, data=twice, runs=name) for name in ("a", "b")]
    assert weights(runs[0]) == weights(runs[1])
    assert (runs[0].path / "code" / "samplers.py").read_text() == SAMPLERS
    assert runs[0].summary.report.last_step == 2 * 5  # 65 rows, and 6 frauds again
    some = {**FRAUD["data"], "sampler": {"use": "./samplers.py:Some", "count": 20}}
    assert trained(folder, data=some).summary.report.last_step == 2 * 2
    with pytest.raises(DataError, match=r"^data.sampler: .*in one epoch and"):
        trained(folder, data={**FRAUD["data"], "sampler": "./samplers.py:shrinking"})


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"sampler": "balanced", "shuffle": False}, "data.shuffle", "sampler"),
        ({"sampler": WEIGHTED}, "data.sampler.weights", "is missing"),
        ({"sampler": {"use": WEIGHTED, "weight": 1}}, "data.sampler.weight", "weights"),
        ({"sampler": "balancd"}, "data.sampler.use", "balancd"),
        ({"transform": [{"use": "torch.relu", "only": "testing"}]}, "data.transform.0.only", ""),
        (
            {"augment": [{"use": FLIP, "only": "training"}]},
            "data.augment.0.only",
            "not an argument",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_by_their_key(
    folder: Path, changes: dict[str, Any], key: str, message: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(folder, data={**FRAUD["data"], **changes})
    problems = {problem.where: problem.message for problem in caught.value.problems}
    assert message in problems[key]


@pytest.mark.parametrize(
    ("task", "augment", "key"),
    [
        ("table-classification", {"flip": True}, "evaluate.augment.flip"),
        ("prediction", {"shift": 2}, "evaluate.augment.shift"),
        ("image-classification", {}, "evaluate.augment"),
        ("image-classification", {"shift": 0}, "evaluate.augment.shift"),
        ("image-classification", {"views": ["torch.reluu"]}, "evaluate.augment.views.0.use"),
    ],
)
def test_views_that_do_not_fit_are_refused_by_their_key(
    folder: Path, task: str, augment: dict[str, Any], key: str
) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(folder, task=task, evaluate={"augment": augment})
    assert key in {problem.where for problem in caught.value.problems}


def test_a_sampler_and_buckets_exclude_each_other(folder: Path) -> None:
    data = {"source": "imdb", "batch_size": 8, "sampler": "balanced", "text": {"bucket": 4}}
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(folder, task="text-classification", data=data)
    assert "data.text.bucket" in {problem.where for problem in caught.value.problems}


def test_balanced_needs_classes(folder: Path) -> None:
    data = {"source": "diabetes", "batch_size": 8, "sampler": "balanced"}
    with pytest.raises(DataError, match=r"^data.sampler: balanced needs one class for each"):
        trained(folder, task="regression", data=data, loss="torch.nn.MSELoss")


@pytest.mark.parametrize(
    ("overrides", "key", "words"),
    [
        ((), "data.batch_size", r"last batch of an epoch has 1 sample of 16.*data.drop_last: true"),
        (("data.batch_size=1",), "data.batch_size", r"a batch has 1 sample.*raise it"),
        (
            ("data.batch_size=13", "accumulate=13"),
            "accumulate",
            r"13 cuts a batch of 13 into parts, the last of 1 sample.*lower accumulate",
        ),
        (
            ("data.batch_size=5", "accumulate=4"),
            "accumulate",
            r"4 cuts a batch of 5 into parts, the last of 1 sample.*lower accumulate",
        ),
        (
            ("data.batch_size=12", "accumulate=4"),  # a last batch of 5
            "accumulate",
            r"4 cuts a batch of 5 into parts, the last of 1 sample.*drop_last",
        ),
    ],
)
def test_a_batch_too_small_for_batch_norm_is_named_and_not_the_model(
    folder: Path, overrides: tuple[str, ...], key: str, words: str
) -> None:
    with pytest.raises(ModelError, match=rf"^{key}: .*{words}"):
        trained(folder, *overrides, model=NORMED)
    found = pt.check(folder / "recipe.yaml", list(overrides))
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert [problem.where for problem in errors] == [key]


def test_drop_last_makes_batch_norm_work(folder: Path) -> None:
    run = trained(folder, "data.drop_last=true", "data.batch_size=32", model=NORMED)
    assert run.summary.report.last_step == 2 * 2


DIGITS: dict[str, Any] = {
    "name": "views",
    "task": "image-classification",
    "data": {
        "source": "digits",
        "splits": {"test": 300},
        "limit": 60,
        "batch_size": 16,
        "sampler": "balanced",
        "drop_last": True,
        "augment": ["papertrial.transforms.AlternatingFlip"],
        "transform": [
            {"use": "torchvision.transforms.v2.GaussianNoise", "only": "training"},
            {"use": "torchvision.transforms.v2.RandomInvert", "p": 1.0, "only": "evaluation"},
        ],
    },
    "model": {
        "use": "torch.nn.Sequential",
        "args": [FLATTEN, {"use": "torch.nn.Linear", "in_features": 64, "out_features": 10}],
    },
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 2,
    "evaluate": {"augment": {"flip": True}},
}


def test_predictions_prepare_samples_as_evaluations_do(tmp_path: Path) -> None:
    run = trained(tmp_path, **DIGITS)
    assert weights(trained(tmp_path, runs="again", **DIGITS)) == weights(run)
    image = torch.randint(0, 256, (1, 1, 8, 8), dtype=torch.uint8)
    model = run.predictor.prepared.model
    x = 1 - image.float() / 255
    with torch.no_grad():
        logits = (model(x) + model(x.flip(3))) / 2
    answer = run.predict(image)[0]
    expected = logits.softmax(1)[0].tolist()
    assert [answer.probabilities[str(digit)] for digit in range(10)] == pytest.approx(expected)


def test_a_view_that_gives_other_outputs_fails_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text("def half(x):\n    return x[: len(x) // 2]\n")
    changes = {**DIGITS, "evaluate": {"augment": {"views": ["./views.py:half"]}}}
    with pytest.raises(ModelError, match=r"evaluate.augment.views.0: "):
        trained(tmp_path, **changes)
    assert not list((tmp_path / "runs").glob("*/*"))


def test_a_sampler_that_raises_is_told_with_its_error(tmp_path: Path) -> None:
    changes = {**DIGITS, "data": {**DIGITS["data"], "sampler": {"use": WEIGHTED, "weights": [1]}}}
    with pytest.raises(DataError, match=r"data.sampler.weights: .*60 training samples, got 1"):
        trained(tmp_path, **changes)
    data = {**DIGITS["data"], "sampler": {"use": WEIGHTED, "weights": "balanced", "num_samples": 0}}
    with pytest.raises((DataError, RecipeError), match=r"data.sampler: .*num_samples"):
        trained(tmp_path, **{**DIGITS, "data": data})
