"""A network with the weights of a file, such as a teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import papertrial as pt
from papertrial.errors import ModelError, RecipeError
from papertrial.models import MLP, Pretrained


def test_all_weights_are_loaded_or_it_is_an_error(tmp_path: Path) -> None:
    known = nn.Linear(3, 2)
    torch.save({"model": known.state_dict()}, tmp_path / "w.pt")
    model = nn.Linear(3, 2)
    assert Pretrained(model, str(tmp_path / "w.pt")) is model
    assert torch.equal(model.weight, known.weight)
    torch.save({"weight": known.weight.detach(), "more": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"missing: bias; unknown: more"):
        Pretrained(model, str(tmp_path / "w.pt"))
    with pytest.raises(ModelError, match=r"weight \[2, 3\] instead of \[2, 4\]"):
        Pretrained(nn.Linear(4, 2), str(tmp_path / "w.pt"))


def test_a_teacher_is_a_nested_slot(tmp_path: Path) -> None:
    teacher = {"use": "papertrial.models.MLP", "in_features": 64, "hidden": [8], "out_features": 10}
    torch.save(MLP(in_features=64, hidden=[8], out_features=10).state_dict(), tmp_path / "t.pt")

    def recipe(weights: str) -> dict[str, object]:
        return {
            "name": "distilled",
            "task": "image-classification",
            "data": {"source": "digits", "limit": 60, "splits": {"test": 0.5}, "batch_size": 30},
            "model": {**teacher, "hidden": [4]},
            "loss": "torch.nn.CrossEntropyLoss",
            "objective": {
                "use": "papertrial.objectives.Distillation",
                "teacher": {
                    "use": "papertrial.models.Pretrained",
                    "model": teacher,
                    "weights": weights,
                },
            },
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
            "epochs": 1,
        }

    loaded = pt.load_recipe(recipe(str(tmp_path / "t.pt")))
    assert isinstance(loaded, pt.Recipe)
    run = pt.train(loaded, runs=tmp_path / "runs")
    assert (run.path / "code" / "t.pt").read_bytes() == (tmp_path / "t.pt").read_bytes()
    (tmp_path / "t.pt").write_text("no weights")
    with pytest.raises(RecipeError, match=r"teacher.*not a file of weights alone"):
        pt.train(loaded, runs=tmp_path / "runs")
