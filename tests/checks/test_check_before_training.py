"""Mistakes that `check` and `train` both refuse before the first step."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.errors import ModelError

NETS = """
import traceback

import torch
from torch import nn


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 10)
        self.extra = [nn.Linear(10, 10)]

    def forward(self, x):
        return self.extra[0](self.first(x.flatten(1)))


class Traced(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 10)
        self.made_at = traceback.format_stack()

    def forward(self, x):
        return self.first(x.flatten(1))


class Chosen(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 10)

    def forward(self, x):
        return self.first(x.flatten(1)) > 0


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 10)

    def forward(self, x):
        return self.first(x.sub_(0.5).div_(0.25).flatten(1))


class Plain(InPlace):
    def forward(self, x):
        return self.first(((x - 0.5) / 0.25).flatten(1))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.LazyLinear(10)

    def forward(self, x):
        return self.first(nn.functional.dropout(x.flatten(1), 0.1))
"""


@pytest.fixture
def nets(tmp_path: Path) -> str:
    (tmp_path / "nets.py").write_text(NETS)
    return f"{tmp_path}/nets.py"


def test_lines_of_the_calling_script_are_not_files_that_the_code_reads(
    nets: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    call = f'import papertrial as pt\nfound = pt.check("digits-mlp", ["model={nets}:Traced"])\n'
    script.write_text(call)
    assert runpy.run_path(str(script))["found"].problems == []


def test_a_layer_that_would_be_neither_trained_nor_stored(nets: str, tmp_path: Path) -> None:
    model = f"model={nets}:Listed"
    (problem,) = pt.check("digits-mlp", [model]).problems
    assert problem.where == "model"
    assert "built again with the weights" in problem.message
    assert "torch.nn.ModuleList" in problem.message
    with pytest.raises(ModelError, match="neither parameter nor buffer"):
        pt.train(pt.load_recipe("digits-mlp", [model]), runs=tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_model_that_draws_or_is_lazy_can_be_built_again(nets: str, tmp_path: Path) -> None:
    recipe = pt.load_recipe("digits-mlp", [f"model={nets}:Noisy", "epochs=1", "precision=bf16"])
    assert pt.train(recipe, runs=tmp_path / "runs").metrics["test"]["accuracy"] > 0.2


def test_an_output_that_is_not_floating_point(nets: str) -> None:
    (problem,) = pt.check("digits-mlp", [f"model={nets}:Chosen"]).problems
    assert problem.where == "model"
    assert "floating-point" in problem.message
    assert "got bool" in problem.message


def test_a_model_that_changes_its_input_is_not_reported(nets: str) -> None:
    reports = [pt.check("digits-mlp", [f"model={nets}:{name}"]) for name in ("InPlace", "Plain")]
    assert [report.problems for report in reports] == [[], []]
    first, plain = (report.facts.first_loss for report in reports)
    assert first is not None
    assert plain is not None
    assert first.value == pytest.approx(plain.value, rel=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        "torch.nn.MSELoss",
        "torch.nn.functional.mse_loss",
        "torch.nn.CTCLoss",
        "{use: torch.nn.CrossEntropyLoss, reduction: none}",
    ],
)
def test_a_loss_that_does_not_fit_is_a_problem_and_not_a_crash(loss: str) -> None:
    (problem,) = pt.check("digits-mlp", [f"loss={loss}"]).problems
    assert problem.severity == "error"
    assert problem.where == "loss"


def test_a_scheduler_that_is_too_short(tmp_path: Path) -> None:
    short = "scheduler={use: torch.optim.lr_scheduler.OneCycleLR, max_lr: 0.1, total_steps: 100}"
    changes = [short, "scheduler.interval=step"]
    (problem,) = pt.check("digits-mlp", changes).problems
    assert problem.where == "scheduler"
    assert "total steps is 100; the training has 870 steps" in problem.message
    with pytest.raises(ModelError, match="the training has 870 steps"):
        pt.train(pt.load_recipe("digits-mlp", changes), runs=tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_device_that_is_not_there_is_a_problem() -> None:
    (problem,) = pt.check("digits-mlp", device="xpu").problems
    assert problem.where == "device"
    assert problem.message.startswith("this machine has no device 'xpu'")


def test_a_vocabulary_larger_than_the_embedding_is_found_by_its_rarest_word(
    tmp_path: Path,
) -> None:
    words = [f"word{i} and some more of them here" for i in range(40)]
    rows = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(words)]
    (tmp_path / "texts.csv").write_text("text,target\n" + "\n".join(rows) + "\n")
    bag = {"use": "papertrial.models.BagOfWords", "num_embeddings": 40}
    report = pt.check(
        {
            "name": "texts",
            "task": "text-classification",
            "data": {
                "source": "text-table",
                "path": str(tmp_path / "texts.csv"),
                "table": {"text": "text", "target": "target"},
                "batch_size": 4,
            },
            "model": bag,
            "loss": "torch.nn.BCEWithLogitsLoss",
            "optimizer": {"use": "torch.optim.Adam"},
            "epochs": 1,
        }
    )
    (problem,) = [p for p in report.problems if p.severity == "error"]
    assert "has 40 rows, the largest token is 47" in problem.message
