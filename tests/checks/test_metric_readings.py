"""Claims on two classes that do not say which average is meant are asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

import papertrial as pt
from papertrial.checks.metric_readings import two_readings
from papertrial.recipe.claims import Claim
from papertrial.tasks.classification import Classification
from papertrial.tasks.task import Task

TWO = Classification(["fine", "fraud"])


def _claim(metric: str, **others: object) -> Claim:
    return Claim.model_validate({"metric": metric, "value": 0.8, "kind": "at-least", **others})


@pytest.mark.parametrize("metric", ["f1", "precision", "recall", "average_precision"])
def test_both_readings_are_named(metric: str) -> None:
    found = two_readings([_claim("accuracy"), _claim(metric)], TWO)
    assert [(one.severity, one.where) for one in found] == [("warning", "claims.1.metric")]
    assert f"{{{metric}: {{class: fraud}}}}" in found[0].fix
    assert "average" in found[0].fix


@pytest.mark.parametrize(
    ("claim", "task"),
    [
        (_claim("f1[fraud]"), TWO),
        (_claim("f1_macro"), TWO),
        (_claim("accuracy"), TWO),
        (_claim("f1", not_judged="the setting differs"), TWO),
        (_claim("f1"), Classification(["a", "b", "c"])),
    ],
)
def test_what_is_clear_is_not_asked_about(claim: Claim, task: Task) -> None:
    assert two_readings([claim], task) == []


DATA = """
import numpy as np


def rows():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, "fraud", "fine")
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:])}
"""


def test_check_asks_and_knows_the_classes(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text(DATA)
    tree = {
        "name": "fraud",
        "task": "classification",
        "data": {"source": f"{tmp_path}/rows.py:rows", "batch_size": 20},
        "model": {"use": "torch.nn.Linear", "in_features": 2, "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
        "metrics": ["loss", "f1"],
        "claims": [{"metric": "f1", "value": 0.8, "kind": "at-least"}],
    }
    found = pt.check(tree).problems
    assert [(one.severity, one.where) for one in found] == [("warning", "claims.0.metric")]
    wrong = pt.check({**tree, "metrics": ["loss", "f1", {"f1": {"class": "frod"}}]})
    errors = [one for one in wrong.problems if one.severity == "error"]
    assert [one.where for one in errors] == ["metrics"]
    assert "no class 'frod'; did you mean \"fraud\"?" in errors[0].message
