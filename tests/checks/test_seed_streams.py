"""Which random streams a seed moves, found by trying."""

from __future__ import annotations

from typing import Any

import pytest

import papertrial as pt
from papertrial.checks.check_result import CheckResult

CLAIM = {
    "metric": "loss", "split": "test", "value": 1, "tolerance": 0.1, "kind": "expected",
}  # fmt: skip


def checked(model: Any, claims: Any = (), **data: Any) -> CheckResult:
    return pt.check(
        {
            "name": "moved",
            "task": "image-classification",
            "data": {"source": "digits", "splits": {"test": 0.2}, "batch_size": 64, **data},
            "model": model,
            "loss": "torch.nn.CrossEntropyLoss",
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
            "epochs": 1,
            "metrics": ["loss"],
            "claims": list(claims),
        }
    )


def layers(*middle: Any, last: Any = "torch.nn.Linear") -> dict[str, Any]:
    linear = {"use": last, "in_features": 64, "out_features": 10}
    if last == "torch.nn.LazyLinear":
        del linear["in_features"]
    return {"use": "torch.nn.Sequential", "args": [{"use": "torch.nn.Flatten"}, *middle, linear]}


DROPOUT = {"use": "torch.nn.Dropout", "p": 0.5}
NO_DROPOUT = {"use": "torch.nn.Dropout", "p": 0.0}
CROP = {"use": "papertrial.transforms.RandomCrop", "padding": 1}


@pytest.mark.parametrize(
    ("model", "data", "moved"),
    [
        (layers(), {}, ("init", "order")),
        (layers(last="torch.nn.LazyLinear"), {"shuffle": False}, ("init",)),
        (layers(), {"batch_size": "full"}, ("init",)),
        (layers(DROPOUT), {"shuffle": False}, ("init", "model")),
        (layers(NO_DROPOUT), {"shuffle": False}, ("init",)),
        (layers(), {"augment": [CROP]}, ("init", "order", "augment")),
    ],
)
def test_the_streams_that_a_seed_moves(model: Any, data: Any, moved: tuple[str, ...]) -> None:
    result = checked(model, **data)
    assert [one for one in result.problems if one.severity == "error"] == []
    assert result.facts.streams is not None
    assert result.facts.streams.moved == moved
    assert [one for one in result.problems if one.where == "seed"] == []


FIXED = """
import torch
from torch import nn


class Zeros(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.arange(parameter.numel()).view_as(parameter) / 6400)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


@pytest.mark.parametrize(("claims", "warned"), [([CLAIM], True), ([], False)])
def test_a_recipe_that_no_seed_changes(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, claims: Any, warned: bool
) -> None:
    (tmp_path / "fixed.py").write_text(FIXED)
    monkeypatch.chdir(tmp_path)
    result = checked("./fixed.py:Zeros", claims, shuffle=False)
    assert result.facts.streams is not None
    assert result.facts.streams.moved == ()
    assert result.facts.to_json()["streams"] == {
        "init": False, "order": False, "augment": False, "model": False, "splits": False,
    }  # fmt: skip
    found = [one.severity for one in result.problems if one.where == "seed"]
    assert found == (["warning"] if warned else [])
