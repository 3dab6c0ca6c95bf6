"""Mistakes in optimizer, scheduler or learning rate give one message and no traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.errors import DivergedError, PapertrialError
from papertrial.recipe.load import load_recipe
from papertrial.runs.train import train

RECIPE: dict[str, Any] = {
    "name": "mistaken",
    "task": "image-classification",
    "data": {
        "source": "digits",
        "splits": {"validation": 6, "test": 0.5},
        "batch_size": 300,
    },
    "model": {"use": "papertrial.models.MLP", "in_features": 64, "hidden": [], "out_features": 10},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 2,
}
SCHEDULERS: dict[str, dict[str, Any]] = {
    "a metric is needed, none is monitored": {"use": "torch.optim.lr_scheduler.ReduceLROnPlateau"},
    "a metric is monitored, none is taken": {
        "use": "torch.optim.lr_scheduler.StepLR",
        "step_size": 1,
        "monitor": "loss",
    },
    "more steps than the scheduler has": {
        "use": "torch.optim.lr_scheduler.OneCycleLR",
        "max_lr": 0.1,
        "total_steps": 2,
        "interval": "step",
    },
    "a metric that is no number": {
        "use": "torch.optim.lr_scheduler.ReduceLROnPlateau",
        "monitor": "confusion_matrix",
    },
    "a metric that is not defined": {
        "use": "torch.optim.lr_scheduler.ReduceLROnPlateau",
        "monitor": "auroc",
    },
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_that_does_not_fit_is_reported(name: str, tmp_path: Path) -> None:
    with pytest.raises(PapertrialError, match=r"scheduler|metric"):
        train(load_recipe({**RECIPE, "scheduler": SCHEDULERS[name]}), runs=tmp_path)


def test_infinite_weights_after_the_last_step_are_reported(tmp_path: Path) -> None:
    recipe = {k: v for k, v in RECIPE.items() if k != "epochs"}
    recipe = {**recipe, "steps": 1, "optimizer": {"use": "torch.optim.SGD", "lr": 1e39}}
    with pytest.raises(DivergedError):
        train(load_recipe(recipe), runs=tmp_path)


class Sparse(nn.Module):
    """Looks its pixels up in a table with sparse gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(2, 10, sparse=True)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.table((x > 0).long()).mean((1, 2, 3))
        return logits


def test_an_optimizer_that_cannot_step_is_reported(make_training: Callable[..., Any]) -> None:
    training = make_training(torch.optim.Adam, model=Sparse())
    with pytest.raises(PapertrialError, match="sparse"):
        list(training.steps(1))


def test_sparse_gradients_train_with_an_optimizer_for_them(
    make_training: Callable[..., Any],
) -> None:
    training = make_training(torch.optim.SparseAdam, model=Sparse())
    before = training.weights()
    list(training.steps(3))
    assert not torch.equal(training.weights()["table.weight"], before["table.weight"])
