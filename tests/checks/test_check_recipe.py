"""What `check` finds in seconds: in the recipe, the data, the model and the loss."""

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
from papertrial.checks.check_recipe import CheckResult
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
    """A folder with the two files, that relative paths begin in; no network."""

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


def only(report: CheckResult) -> Diagnosis:
    (problem,) = report.problems
    return problem


VIEW = "view asks for 12,800 numbers a row, conv2 gives 100,352 a sample = 128 x 28 x 28"


@pytest.mark.parametrize(
    ("batch", "outcomes"),
    [
        (64, "a batch of 64 fails, a batch of 25 gives 196 rows, a batch of 7 fails"),
        (25, "a batch of 25 gives 196 rows, a batch of 7 fails, a batch of 2 fails"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_model_as_tutorials_print_it(batch: int, outcomes: str) -> None:
    printed = recipe("./data.py:colours", "./nets.py:Printed", "image-classification")
    report = pt.check(printed, [f"data.batch_size={batch}"])
    assert not report.ok
    rule = "the output must have one row a sample whatever the batch size"
    assert only(report).severity == "error"
    assert only(report).where == "model"
    assert only(report).message == f"{rule}: {VIEW}: {outcomes}"
    assert "use flatten(1) in place of view" in only(report).fix
    assert "100352 inputs" in only(report).fix


@pytest.mark.usefixtures("here")
def test_its_variant_that_keeps_the_rows() -> None:
    report = pt.check(recipe("./data.py:colours", "./nets.py:Flattened", "image-classification"))
    assert not report.ok
    assert only(report).message == (
        "fc1 expects 12,800 inputs but receives 100,352 = 128 x 28 x 28, from relu(conv2)"
    )


@pytest.mark.usefixtures("here")
def test_a_recipe_that_is_whole_has_its_facts() -> None:
    report = pt.check(recipe("./data.py:rows", linear(4, 3)))
    assert report.ok
    assert report.problems == []
    facts = report.facts
    assert facts["device"] == str(pt_device())
    assert facts["rows"] == {"train": 90, "test": 30}
    assert facts["batch"] == [16, 4]
    assert facts["parameters"] == facts["trainable_parameters"] == 15
    assert facts["expected_first_loss"] == pytest.approx(math.log(3))
    assert 0.5 < facts["first_loss"] < 2
    assert 0 < facts["seconds"] < 60
    assert facts["bytes"] > 90 * 4 * 4
    assert facts["leaks"]["train/test"] == []
    counts = dict.fromkeys("012", 30)
    assert facts["balance"]["class_counts"]["train"] == counts


def pt_device() -> torch.device:
    from papertrial.training.device import pick_device

    return pick_device()


SOFTMAX = {"use": "torch.nn.Softmax", "dim": 1}


@pytest.mark.usefixtures("here")
def test_a_softmax_before_the_cross_entropy() -> None:
    report = pt.check(recipe("./data.py:rows", layers(linear(4, 3), SOFTMAX)))
    assert not report.ok
    assert only(report).where == "loss"
    assert only(report).message.startswith(
        "CrossEntropyLoss takes logits, but the model ends in a softmax"
    )
    assert only(report).fix == "remove the softmax: CrossEntropyLoss takes logits"


@pytest.mark.usefixtures("here")
def test_a_sigmoid_before_the_loss_that_has_one() -> None:
    model = layers(linear(4, 1), {"use": "torch.nn.Sigmoid"})
    report = pt.check(recipe("./data.py:two", model, loss="torch.nn.BCEWithLogitsLoss"))
    assert not report.ok
    assert only(report).message.startswith(
        "BCEWithLogitsLoss takes logits, but the model ends in a sigmoid"
    )


@pytest.mark.usefixtures("here")
def test_class_indices_out_of_range() -> None:
    report = pt.check(recipe("./data.py:rows", linear(4, 2)))
    assert not report.ok
    assert only(report).where == "model"
    assert only(report).message == (
        "class indices must run from 0 to 1, the model giving 2 outputs, but they run from 0 to 2 "
        "(30 of 90 are out of range)"
    )
    assert only(report).fix.startswith("give the model 3 outputs")


@pytest.mark.usefixtures("here")
def test_more_outputs_than_classes() -> None:
    report = pt.check(recipe("./data.py:rows", linear(4, 5)))
    assert not report.ok
    assert "must return [16, 3] for a batch of 16" in only(report).message


@pytest.mark.usefixtures("here")
def test_a_layer_that_is_not_used_is_a_warning() -> None:
    report = pt.check(recipe("./data.py:rows", "./nets.py:Unused"))
    assert report.ok
    assert only(report).severity == "warning"
    assert only(report).message == (
        "every parameter must get a gradient, but spare.weight, spare.bias get none"
    )
    assert report.facts["parameters"] == 20 + 15


@pytest.mark.usefixtures("here")
def test_an_imbalance_is_a_warning() -> None:
    report = pt.check(recipe("./data.py:rare", linear(4, 2)))
    assert report.ok
    assert only(report).severity == "warning"
    assert "84 training samples of 'common', 4 of 'rare'" in only(report).message
    assert report.facts["balance"]["majority_accuracy"] == pytest.approx(84 / 88)


def images(folder: Path, parts: dict[str, int]) -> None:
    """Write images of two classes, each another one."""
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
    report = pt.check(of_images(here / "own"))
    assert report.ok
    assert only(report).severity == "warning"
    assert only(report).where == "data.source"
    assert only(report).message == (
        "no sample may be in two parts, but 1 of 10 test images also stands in the training part "
        "(all with the same target): test/dog/4.png (test row 9) = train/dog/3.png (train row 13)"
    )
    assert report.facts["leaks"]["train/test"] == [[13, 9]]


def test_a_validation_part_that_overlaps(here: Path) -> None:
    images(here / "own", {"train": 10})
    for number in range(10):  # the drawn part cannot but have the twin of some training image
        twin = (here / f"own/train/cat/{number}.png").read_bytes()
        (here / f"own/train/cat/{number}-again.png").write_bytes(twin)
    report = pt.check(of_images(here / "own", splits={"validation": 9}))
    assert report.ok
    assert only(report).where == "data.splits.validation"
    assert "validation images also stand in the training part" in only(report).message
    assert "cut the validation part so that they stay together" in only(report).fix


def test_an_invalid_recipe_is_told_whole(here: Path) -> None:
    (here / "bad.yaml").write_text(
        "name: bad\ntask: image-clasification\ndata:\n  source: digits\n  batch_size: 0\n"
        "model: torch.nn.Linaer\nloss: torch.nn.CrossEntropyLoss\noptimizer: torch.optim.SGD\n"
    )
    report = pt.check("bad.yaml", ["seed=x"])
    assert not report.ok
    assert report.facts == {}
    found = {problem.where: problem for problem in report.problems}
    assert set(found) == {"task", "data.batch_size", "model.use", "epochs", "seed"}
    assert 'did you mean "image-classification"?' in found["task"].message
    assert found["task"].fix == "mend task in line 2"
    assert found["data.batch_size"].fix == "mend data.batch_size in line 5"
    assert found["seed"].fix == 'mend seed in override "seed=x"'


@pytest.mark.parametrize("source", ["absent.yaml", "digits-mpl"])
@pytest.mark.usefixtures("here")
def test_a_recipe_that_is_not_there(source: str) -> None:
    report = pt.check(source)
    assert not report.ok
    assert only(report).fix == "give a shipped recipe's name or a YAML file"


def test_data_that_are_not_there(here: Path) -> None:
    report = pt.check(of_images(here / "gone"))
    assert not report.ok
    assert only(report).where == "data"
    assert str(here / "gone") in only(report).message


@pytest.mark.usefixtures("here")
def test_a_named_set_that_cannot_be_fetched() -> None:
    report = pt.check("fashion-mnist-quickstart")
    assert not report.ok
    assert only(report).where == "data"
    assert "fashion-mnist" in only(report).message.lower()


@pytest.mark.usefixtures("here")
def test_a_message_that_begins_with_a_name_of_ones_own_is_not_taken_for_a_key() -> None:
    report = pt.check(recipe("./data.py:broken", linear(1, 2)))
    assert only(report).where == "data"
    assert "broken" in only(report).message


@pytest.mark.usefixtures("here")
def test_mistakes_in_the_model_and_in_the_data_are_told_together() -> None:
    model = {"use": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 0}
    report = pt.check(recipe("./data.py:broken", {**model, "groups": 2}))
    assert [problem.where for problem in report.problems] == ["model", "data"]


BETTER = {"metric": "accuracy", "value": 0.1, "tolerance": 0.01, "kind": "difference"}


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
            "checked does not compute auroc; it computes loss, accuracy",
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("here")
def test_claims_are_looked_at(
    claim: dict[str, Any], severity: str, where: str, message: str
) -> None:
    report = pt.check(recipe("./data.py:rows", linear(4, 3), claims=[{**BETTER, **claim}]))
    assert (only(report).severity, only(report).where) == (severity, where)
    assert message in only(report).message


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
def test_what_a_key_of_the_recipe_breaks_has_its_path(
    where: str, more: dict[str, Any], here: Path
) -> None:
    if where == "init_from":
        other = recipe("./data.py:rows", layers(linear(4, 3)))
        more = {"init_from": str(pt.train(pt.load_recipe(other), runs=here).path)}
    report = pt.check(recipe("./data.py:rows", linear(4, 3), **more))
    assert not report.ok
    assert only(report).where == where


@pytest.mark.usefixtures("here")
def test_a_rate_that_is_none_is_told() -> None:
    report = pt.check(
        recipe("./data.py:rows", linear(4, 3), optimizer={"use": "torch.optim.SGD", "lr": -1.0})
    )
    assert not report.ok
    assert only(report).where == "optimizer"


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
