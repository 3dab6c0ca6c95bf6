"""Two classes by one logit: `BCEWithLogitsLoss` from the recipe to the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn import metrics as sk

import papertrial as pt
from papertrial.errors import ModelError

DATA = """
import numpy as np


def rows():
    draws = np.random.default_rng(3)
    x = draws.normal(size=(300, 4)).astype("float32")
    z = x @ [1.5, -2.0, 0.5, 0.0] + draws.logistic(size=300)
    y = (z > 0.7).astype(int)
    return {"train": (x[:200], y[:200]), "test": (x[200:], y[200:]), "classes": ["no", "yes"]}
"""
NAMES = ["loss", "accuracy", "precision", "recall", "f1", "auroc", "confusion_matrix",
         "precision_per_class"]  # fmt: skip
LINEAR = {"use": "torch.nn.Linear", "in_features": 4, "out_features": 1}
SHAPES = {
    "[B, 1]": {"use": "torch.nn.Sequential", "args": [LINEAR]},
    "[B]": {
        "use": "torch.nn.Sequential",
        "args": [LINEAR, {"use": "torch.nn.Flatten", "start_dim": 0}],
    },
}


def recipe(folder: Path, model: Any, loss: Any = "torch.nn.BCEWithLogitsLoss") -> pt.Recipe:
    (folder / "data.py").write_text(DATA)
    return pt.load_recipe(
        {
            "name": "binary",
            "task": "table-classification",
            "data": {"source": f"{folder}/data.py:rows", "batch_size": 32},
            "model": model,
            "loss": loss,
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.5},
            "epochs": 5,
            "metrics": NAMES,
        }
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_are_scikit_learns(shape: str, tmp_path: Path) -> None:
    run = pt.train(recipe(tmp_path, SHAPES[shape]), runs=tmp_path / "runs")
    for split in ("train", "test"):
        stored = safetensors.torch.load_file(run.path / "predictions" / f"{split}.safetensors")
        assert stored["output"].ndim == (1 if shape == "[B]" else 2)
        truth = stored["target"].numpy()
        share = torch.sigmoid(stored["output"].double()).flatten().numpy()
        answer = (share > 0.5).astype(int)
        got = run.metrics[split]
        assert got["accuracy"] == sk.accuracy_score(truth, answer)
        assert got["loss"] == pytest.approx(sk.log_loss(truth, share), rel=1e-5)
        assert got["precision"] == pytest.approx(
            sk.precision_score(truth, answer, average="macro"), rel=1e-6
        )
        assert got["recall"] == pytest.approx(
            sk.recall_score(truth, answer, average="macro"), rel=1e-6
        )
        assert got["f1"] == pytest.approx(sk.f1_score(truth, answer, average="macro"), rel=1e-6)
        assert got["auroc"] == pytest.approx(sk.roc_auc_score(truth, share), rel=1e-5)
        assert got["confusion_matrix"] == sk.confusion_matrix(truth, answer).tolist()
        assert got["precision_per_class"]["yes"] == pytest.approx(
            sk.precision_score(truth, answer), rel=1e-6
        )
    assert run.metrics["test"]["accuracy"] > 0.75


def test_both_shapes_train_to_the_same_weights(tmp_path: Path) -> None:
    runs = [
        pt.train(recipe(tmp_path, SHAPES[s]), runs=tmp_path / "runs") for s in ("[B]", "[B, 1]")
    ]
    assert runs[0].metrics == runs[1].metrics


def test_an_answer_has_both_probabilities(tmp_path: Path) -> None:
    run = pt.train(recipe(tmp_path, SHAPES["[B, 1]"]), runs=tmp_path / "runs")
    rows = np.array([[3.0, -3, 0, 0], [-3, 3, 0, 0]], dtype=np.float32)
    answers = pt.load_run(run.path).predict(rows)
    assert [answer.prediction for answer in answers] == ["yes", "no"]
    with torch.no_grad():
        share = torch.sigmoid(run.predictor.prepared.model.cpu()(torch.from_numpy(rows)).double())
    for answer, p in zip(answers, share.flatten().tolist(), strict=True):
        assert answer.probabilities == pytest.approx({"yes": p, "no": 1 - p}, abs=1e-6)


def test_the_loss_that_takes_probabilities_is_refused_for_logits(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"use torch\.nn\.BCEWithLogitsLoss, .* or end .* sigmoid"):
        pt.train(recipe(tmp_path, SHAPES["[B, 1]"], "torch.nn.BCELoss"), runs=tmp_path / "runs")
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", ["torch.nn.BCELoss", "torch.nn.functional.binary_cross_entropy"])
def test_a_sigmoid_at_the_end_gives_what_the_logit_gives(
    shape: str, loss: str, tmp_path: Path
) -> None:
    args: Any = [*SHAPES[shape]["args"], {"use": "torch.nn.Sigmoid"}]
    model = {"use": "torch.nn.Sequential", "args": args}
    ours = pt.train(recipe(tmp_path, model, loss), runs=tmp_path / "runs")
    logits = pt.train(recipe(tmp_path, SHAPES[shape]), runs=tmp_path / "runs")
    assert ours.preprocessing.to_plain()["meaning"]["probabilities"] is True
    for split, expected in logits.metrics.items():
        for name, value in expected.items():
            if isinstance(value, list):
                assert ours.metrics[split][name] == value
            else:
                assert ours.metrics[split][name] == pytest.approx(value, rel=1e-4)
    stored = safetensors.torch.load_file(ours.path / "predictions" / "test.safetensors")
    truth, share = stored["target"].numpy(), stored["output"].flatten().double().numpy()
    assert ours.metrics["test"]["auroc"] == pytest.approx(sk.roc_auc_score(truth, share), rel=1e-6)
    rows = np.array([[3.0, -3, 0, 0], [-3, 3, 0, 0]], dtype=np.float32)
    answers, others = (pt.load_run(run.path).predict(rows) for run in (ours, logits))
    assert [answer.prediction for answer in answers] == ["yes", "no"]
    for one, other in zip(answers, others, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


def test_one_logit_is_not_for_the_cross_entropy(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        pt.train(
            recipe(tmp_path, SHAPES["[B, 1]"], "torch.nn.CrossEntropyLoss"), runs=tmp_path / "runs"
        )


def test_a_check_knows_the_loss_of_a_guess(tmp_path: Path) -> None:
    from papertrial.recipe.load import to_tree

    report = pt.check(to_tree(recipe(tmp_path, SHAPES["[B, 1]"])))
    assert report.ok, report.problems
    assert report.facts.first_loss is not None
    assert report.facts.first_loss.expected == pytest.approx(np.log(2))
