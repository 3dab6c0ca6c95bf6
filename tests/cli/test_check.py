"""`papertrial check` as a user meets it: what it prints, its JSON, its exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
FLAWED = "model={use: torch.nn.Sequential, args: [{use: torch.nn.Flatten}, LAYERS]}"
LINEAR = "{use: torch.nn.Linear, in_features: 64, out_features: 10}"
SOFTMAX = FLAWED.replace("LAYERS", f"{LINEAR}, {{use: torch.nn.Softmax, dim: 1}}")


def test_a_valid_recipe_exits_with_0_and_shows_its_facts(invoke: Invoke) -> None:
    done = invoke("check", "digits-mlp")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "samples: 898 train, 899 test"
    assert lines[1] == "parameters: 4,810, all of them trainable"
    assert lines[2].startswith("first loss: 2.")
    assert lines[2].endswith(" (random guessing: 2.3026)")
    unmoved = "augmentation, draws of the model, splits"
    assert lines[3] == f"seed changes: initial weights, batches; not {unmoved}"
    assert re.match(
        r"estimate: \d+\.\d s for the whole run on cpu; [\d.]+ [kM]B of memory ", lines[4]
    )
    assert lines[-1].startswith("digits-mlp: ok; 0 errors, ")


def test_each_parameter_group_is_a_line_and_an_empty_rest_is_not(invoke: Invoke) -> None:
    groups = "[{match: '*.bias', weight_decay: 0}, {ndim: 2, use: torch.optim.SGD, lr: 0.1}]"
    done = invoke("check", "digits-mlp", f"optimizer.groups={groups}")
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("optimizer")] == [
        "optimizer.groups.0: 74 parameters in 2 tensors, Adam with weight_decay: 0",
        "optimizer.groups.1: 4,736 parameters in 2 tensors, SGD with lr: 0.1",
    ]


def test_an_error_is_2_and_says_what_to_do(invoke: Invoke) -> None:
    done = invoke("check", "digits-mlp", SOFTMAX)
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    told = next(i for i, line in enumerate(lines) if line.startswith("error loss: CrossEntropyLo"))
    assert lines[told + 1] == "  remove the softmax: CrossEntropyLoss takes logits"
    assert lines[-1].startswith("digits-mlp: not ok; 1 error, ")


def test_json_is_the_last_line_and_all_of_standard_output(invoke: Invoke) -> None:
    done = invoke("check", "digits-mlp", SOFTMAX, "--json")
    assert done.exit_code == 2
    report = json.loads(done.stdout)
    assert list(report) == ["ok", "problems", "facts"]
    assert report["ok"] is False
    errors = [problem for problem in report["problems"] if problem["severity"] == "error"]
    assert [list(problem) for problem in errors] == [["severity", "where", "message", "fix"]]
    assert errors[0]["where"] == "loss"
    assert report["facts"]["rows"] == {"train": 898, "test": 899}


def test_warnings_leave_it_ok(invoke: Invoke, tmp_path: Path) -> None:
    for name, count in (("many", 30), ("few", 2)):
        (tmp_path / "films" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "films" / name / f"{number}.txt").write_text(f"{name} {number}")
    (tmp_path / "own.yaml").write_text(
        "name: own\ntask: text-classification\n"
        "data: {source: text-folder, path: films, batch_size: 8}\n"
        "model: {use: papertrial.models.BagOfWords, num_embeddings: 40}\n"
        "loss: torch.nn.BCEWithLogitsLoss\noptimizer: torch.optim.Adam\nepochs: 1\n"
    )
    done = invoke("check", tmp_path / "own.yaml", "--json")
    assert done.exit_code == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert {problem["severity"] for problem in report["problems"]} == {"warning"}
    assert any("imbalanced" in problem["message"] for problem in report["problems"])


def test_an_invalid_recipe_is_2_with_every_problem(invoke: Invoke) -> None:
    done = invoke("check", "digits-mlp", "epochs=0", "optimzer.lr=1", "--json")
    assert done.exit_code == 2
    report = json.loads(done.stdout)
    assert [problem["where"] for problem in report["problems"]] == ["epochs", "optimzer"]
    assert report["facts"] == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits-mlp", "--device", "cuda:99"], "this machine has no device 'cuda:99'"),
        (["digits-mlp", "--device", "tpu"], "a device is auto, cpu"),
    ],
)
def test_a_device_that_is_not_there_is_2(invoke: Invoke, words: list[str], message: str) -> None:
    done = invoke("check", *words)
    assert done.exit_code == 2
    assert f"error device: {message}" in done.stdout
    assert done.stdout.endswith("digits-mlp: not ok; 1 error, 0 warnings\n")


def test_it_makes_no_file(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(64, 10))\n"
    )
    (tmp_path / "own.yaml").write_text(
        "name: own\ntask: image-classification\n"
        "data: {source: digits, batch_size: 32}\nmodel: ./net.py:Net\n"
        "loss: torch.nn.CrossEntropyLoss\noptimizer: torch.optim.Adam\nepochs: 1\n"
    )
    done = invoke("check", "own.yaml", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("own.yaml: ok")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py", "own.yaml"]
