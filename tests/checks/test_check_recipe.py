"""What `check` finds in the recipe, the data, the model and the loss."""

from __future__ import annotations

import math
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import papertrial as pt
from papertrial.checks.check_result import CheckResult
from papertrial.diagnose.diagnosis import Diagnosis

NETS = '''
import torch.nn.functional as F
from torch import nn


class Printed(nn.Module):
    """As tutorials print it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3)
        self.conv2 = nn.Conv2d(64, 128, 3)
        self.fc1 = nn.Linear(128 * 10 * 10, 256)
        self.fc2 = nn.Linear(256, 10)

    def reshaped(self, x):
        return x.view(-1, 128 * 10 * 10)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc2(F.relu(self.fc1(self.reshaped(x))))


class Flattened(Printed):
    def reshaped(self, x):
        return x.flatten(1)


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(4, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)
'''
DATA = """
import numpy as np

DRAWS = np.random.default_rng(0)


def colours():
    x = DRAWS.integers(0, 256, (80, 3, 32, 32), dtype=np.uint8)
    y = np.arange(80) % 10
    return {"train": (x[:70], y[:70]), "test": (x[70:], y[70:])}


def rows():
    x, y = DRAWS.normal(size=(120, 4)), np.arange(120) % 3
    return {"train": (x[:90], y[:90]), "test": (x[90:], y[90:])}


def two():
    x, y = DRAWS.normal(size=(60, 4)), np.arange(60) % 2
    return {"train": (x, y)}


def rare():
    x, y = DRAWS.normal(size=(88, 4)), (np.arange(88) % 22 == 0).astype(int)
    return {"train": (x, y), "classes": ["common", "rare"]}


def broken():
    return {"train": ([[1.0], [2.0]], [0.5, 1.5])}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has the two files; there is no network."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("the network is cut off")

    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "data.py").write_text(DATA)
    (tmp_path / "sets").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERTRIAL_DATA", str(tmp_path / "sets"))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return tmp_path


def recipe(source: str, model: Any, task: str = "table-classification", **more: Any) -> Any:
    return {
        "name": "checked",
        "task": task,
        "data": {"source": source, "batch_size": 16, **more.pop("data", {})},
        "model": model,
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 2,
        **more,
    }


def layers(*slots: Any) -> dict[str, Any]:
    return {"use": "torch.nn.Sequential", "args": list(slots)}


def linear(inputs: int, outputs: int) -> dict[str, Any]:
    return {"use": "torch.nn.Linear", "in_features": inputs, "out_features": outputs}


def only(result: CheckResult) -> Diagnosis:
    (problem,) = result.problems
    return problem


VIEW = "view asks for 12,800 numbers per row, conv2 gives 100,352 per sample = 128 x 28 x 28"


@pytest.mark.parametrize(
    ("batch", "outcomes"),
    [
        (64, "a batch of 64 fails, a batch of 25 gives 196 rows, a batch of 7 fails"),
        (25, "a batch of 25 gives 196 rows, a batch of 7 fails, a batch of 2 fails"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_model_as_printed_in_tutorials(batch: int, outcomes: str) -> None:
    printed = recipe("./data.py:colours", "./nets.py:Printed", "image-classification")
    result = pt.check(printed, [f"data.batch_size={batch}"])
    assert not result.ok
    assert only(result).severity == "error"
    assert only(result).where == "model"
    assert only(result).message.endswith(f"{VIEW}: {outcomes}")
    assert "replace view by flatten(1)" in only(result).fix
    assert "100352 inputs" in only(result).fix


@pytest.mark.usefixtures("here")
def test_the_same_model_with_flatten() -> None:
    result = pt.check(recipe("./data.py:colours", "./nets.py:Flattened", "image-classification"))
    assert not result.ok
    assert only(result).message == (
        "fc1 expects 12,800 inputs but receives 100,352 = 128 x 28 x 28, from relu(conv2)"
    )


@pytest.mark.usefixtures("here")
def test_a_valid_recipe_has_all_facts() -> None:
    result = pt.check(recipe("./data.py:rows", linear(4, 3)))
    assert result.ok
    assert result.problems == []
    facts = result.facts
    assert facts.device == str(pt_device())
    assert facts.rows == {"train": 90, "test": 30}
    assert facts.batch == [16, 4]
    assert facts.cost is not None
    assert facts.cost.parameters == facts.cost.trainable_parameters == 15
    assert 0 < facts.cost.seconds < 60
    assert facts.cost.bytes > 90 * 4 * 4
    assert facts.first_loss is not None
    assert facts.first_loss.value is not None
    assert 0.5 < facts.first_loss.value < 2
    assert facts.first_loss.expected == pytest.approx(math.log(3))
    assert facts.leaks is not None
    assert facts.leaks.pairs == {("train", "test"): []}
    assert facts.balance is not None
    assert facts.balance.class_counts["train"] == dict.fromkeys("012", 30)
    assert facts.vocabulary is None
    assert list(facts.to_json()) == [
        "device", "rows", "notes", "reading", "leaks", "balance", "batch", "streams",
        "first_loss", "expected_first_loss", "seconds", "seconds_per_step", "bytes", "parameters",
        "trainable_parameters",
    ]  # fmt: skip


def pt_device() -> torch.device:
    from papertrial.training.device import pick_device

    return pick_device()


SOFTMAX = {"use": "torch.nn.Softmax", "dim": 1}


@pytest.mark.usefixtures("here")
def test_a_softmax_before_the_cross_entropy() -> None:
    result = pt.check(recipe("./data.py:rows", layers(linear(4, 3), SOFTMAX)))
    assert not result.ok
    assert only(result).where == "loss"
    assert only(result).message.startswith(
        "CrossEntropyLoss takes logits, but the model ends in a softmax"
    )
    assert only(result).fix == "remove the softmax: CrossEntropyLoss takes logits"


@pytest.mark.usefixtures("here")
def test_a_sigmoid_before_a_loss_that_applies_one() -> None:
    model = layers(linear(4, 1), {"use": "torch.nn.Sigmoid"})
    result = pt.check(recipe("./data.py:two", model, loss="torch.nn.BCEWithLogitsLoss"))
    assert not result.ok
    assert only(result).message.startswith(
        "BCEWithLogitsLoss takes logits, but the model ends in a sigmoid"
    )


@pytest.mark.usefixtures("here")
def test_class_indices_out_of_range() -> None:
    result = pt.check(recipe("./data.py:rows", linear(4, 2)))
    assert not result.ok
    assert only(result).where == "model"
    assert "2 outputs" in only(result).message
    assert "from 0 to 2 (30 of 90 are out of range)" in only(result).message
    assert only(result).fix.startswith("give the model 3 outputs")


@pytest.mark.usefixtures("here")
def test_more_outputs_than_classes() -> None:
    result = pt.check(recipe("./data.py:rows", linear(4, 5)))
    assert not result.ok
    assert "must return [16, 3] for a batch of 16" in only(result).message


@pytest.mark.usefixtures("here")
def test_a_layer_that_is_not_used_is_a_warning() -> None:
    result = pt.check(recipe("./data.py:rows", "./nets.py:Unused"))
    assert result.ok
    assert only(result).severity == "warning"
    assert only(result).where == "model"
    assert "spare.weight, spare.bias get none" in only(result).message
    assert (cost := result.facts.cost) is not None
    assert cost.parameters == 20 + 15


@pytest.mark.usefixtures("here")
def test_an_imbalance_is_a_warning() -> None:
    result = pt.check(recipe("./data.py:rare", linear(4, 2)))
    assert result.ok
    assert only(result).severity == "warning"
    assert "84 training samples of 'common', 4 of 'rare'" in only(result).message
    assert (balance := result.facts.balance) is not None
    assert balance.majority_accuracy == pytest.approx(84 / 88)


def images(folder: Path, parts: dict[str, int]) -> None:
    """Write distinct images of two classes."""
    draws = np.random.default_rng(1)
    for part, count in parts.items():
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = draws.integers(0, 256, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")


def of_images(path: Path, **data: Any) -> Any:
    model = layers({"use": "torch.nn.Flatten"}, linear(64, 2))
    more = {"path": str(path), **data}
    return recipe("image-folder", model, "image-classification", data=more)


def test_a_leak_names_the_files_on_both_sides(here: Path) -> None:
    images(here / "own", {"train": 10, "test": 5})
    leaked = (here / "own/train/dog/3.png").read_bytes()
    (here / "own/test/dog/4.png").write_bytes(leaked)
    result = pt.check(of_images(here / "own"))
    assert result.ok
    assert only(result).severity == "warning"
    assert only(result).where == "data.source"
    assert "1 of 10 test images" in only(result).message
    assert "(all with the same target)" in only(result).message
    pair = "test/dog/4.png (test row 9) = train/dog/3.png (train row 13)"
    assert only(result).message.endswith(pair)
    assert (shared := result.facts.leaks) is not None
    assert shared.pairs["train", "test"] == [(13, 9)]


def test_a_validation_part_that_overlaps(here: Path) -> None:
    images(here / "own", {"train": 10})
    for number in range(10):  # the validation split has the twin of some training image
        twin = (here / f"own/train/cat/{number}.png").read_bytes()
        (here / f"own/train/cat/{number}-again.png").write_bytes(twin)
    result = pt.check(of_images(here / "own", splits={"validation": 9}))
    assert result.ok
    assert only(result).where == "data.splits.validation"
    assert "validation images are also in the training split" in only(result).message
    assert "split so that duplicates stay together" in only(result).fix


def test_all_problems_of_an_invalid_recipe_are_reported(here: Path) -> None:
    (here / "bad.yaml").write_text(
        "name: bad\ntask: image-clasification\ndata:\n  source: digits\n  batch_size: 0\n"
        "model: torch.nn.Linaer\nloss: torch.nn.CrossEntropyLoss\noptimizer: torch.optim.SGD\n"
    )
    result = pt.check("bad.yaml", ["seed=x"])
    assert not result.ok
    assert result.facts.to_json() == {}
    found = {problem.where: problem for problem in result.problems}
    assert set(found) == {"task", "data.batch_size", "model.use", "epochs", "seed"}
    assert 'did you mean "image-classification"?' in found["task"].message
    assert found["task"].fix == "fix task in line 2"
    assert found["data.batch_size"].fix == "fix data.batch_size in line 5"
    assert found["seed"].fix == 'fix seed in override "seed=x"'


@pytest.mark.parametrize("source", ["absent.yaml", "digits-mpl"])
@pytest.mark.usefixtures("here")
def test_a_recipe_that_is_not_there(source: str) -> None:
    result = pt.check(source)
    assert not result.ok
    assert only(result).fix == "give the name of a shipped recipe or a YAML file"


def test_data_that_are_not_there(here: Path) -> None:
    result = pt.check(of_images(here / "gone"))
    assert not result.ok
    assert only(result).where == "data"
    assert str(here / "gone") in only(result).message


@pytest.mark.usefixtures("here")
def test_a_named_set_that_cannot_be_fetched() -> None:
    result = pt.check("fashion-mnist-quickstart")
    assert not result.ok
    assert only(result).where == "data"
    assert "fashion-mnist" in only(result).message.lower()


@pytest.mark.usefixtures("here")
def test_the_name_of_a_function_at_the_start_of_a_message_is_not_a_key() -> None:
    result = pt.check(recipe("./data.py:broken", linear(1, 2)))
    assert only(result).where == "data"
    assert "broken" in only(result).message


@pytest.mark.usefixtures("here")
def test_errors_of_the_model_and_of_the_data_are_reported_together() -> None:
    model = {"use": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 0}
    result = pt.check(recipe("./data.py:broken", {**model, "groups": 2}))
    assert [problem.where for problem in result.problems] == ["model", "data"]


BETTER = {
    "metric": "accuracy",
    "value": 0.1,
    "tolerance": 0.01,
    "kind": "difference",
    "n": "unknown",
}


@pytest.mark.parametrize(
    ("claim", "severity", "where", "message"),
    [
        ({"versus": {"set": {"optimizer.lrr": 1}}}, "error", "claims.0.versus", "lrr"),
        ({"versus": {"recipe": "./no.yaml"}}, "error", "claims.0.versus", "no.yaml"),
        (
            {"versus": {"set": {"metrics": ["loss"]}}}, "error", "claims.0.versus",
            "checked does not compute accuracy; it computes loss",
        ),
        (
            {"versus": {"set": {"data.limit": 20}}}, "warning", "claims.0.versus",
            "the two sides are not tested on the same set: they differ in data.limit",
        ),
        (
            {"versus": {"set": {"epochs": 1}}, "tolerance": 0.09}, "warning", "claims",
            "the tolerance of 0.09 is wider than half of the gain",
        ),
        (
            {"kind": "mean", "metric": "auroc"}, "error", "claims.0.metric",
            "the recipe does not compute auroc; it computes ",
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_claims_are_checked(claim: dict[str, Any], severity: str, where: str, message: str) -> None:
    result = pt.check(recipe("./data.py:rows", linear(4, 3), claims=[{**BETTER, **claim}]))
    assert (only(result).severity, only(result).where) == (severity, where)
    assert message in only(result).message


LATE = {"report": "best-on-validation", "evaluate": {"every": 9}}


@pytest.mark.parametrize(
    ("where", "more"),
    [
        ("metrics", {"metrics": ["mse"]}),
        ("evaluate.every", {**LATE, "data": {"splits": {"validation": 10}}}),
        ("data.splits.validation", {"data": {"splits": {"validation": 1000}}}),
        ("init_from", {"init_from": "FIRST"}),
    ],
)
def test_an_error_has_the_path_of_the_key_that_causes_it(
    where: str, more: dict[str, Any], here: Path
) -> None:
    if where == "init_from":
        other = recipe("./data.py:rows", layers(linear(4, 3)))
        more = {"init_from": str(pt.train(pt.load_recipe(other), runs=here).path)}
    result = pt.check(recipe("./data.py:rows", linear(4, 3), **more))
    assert not result.ok
    assert only(result).where == where


@pytest.mark.usefixtures("here")
def test_a_negative_learning_rate_is_reported() -> None:
    result = pt.check(
        recipe("./data.py:rows", linear(4, 3), optimizer={"use": "torch.optim.SGD", "lr": -1.0})
    )
    assert not result.ok
    assert only(result).where == "optimizer"


def test_a_check_leaves_nothing_behind(here: Path) -> None:
    torch.manual_seed(7)
    state, before = torch.get_rng_state(), sorted(here.rglob("*"))
    assert pt.check(recipe("./data.py:rows", linear(4, 3))).ok
    assert pt.check("digits-mlp").ok
    assert sorted(here.rglob("*")) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_json_has_plain_values(here: Path) -> None:
    import json

    images(here / "own", {"train": 4, "test": 2})
    for checked in (of_images(here / "own"), recipe("./data.py:rows", linear(4, 2))):
        plain = pt.check(checked).to_json()
        assert list(plain) == ["ok", "problems", "facts"]
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        for problem in plain["problems"]:
            assert list(problem) == ["severity", "where", "message", "fix"]
