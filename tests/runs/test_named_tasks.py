"""Labels, several targets and series, from the recipe to verdicts that an audit confirms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import sklearn.metrics as sk
from typer.testing import Result

import papertrial as pt
from papertrial.errors import DataError, InvalidRecipeError

DATA = """
import numpy as np

LABELS = ["warm", "wet", "windy"]


def _split(x, y, **names):
    return {"train": (x[:60], y[:60]), "test": (x[60:], y[60:]), **names}


def _signs(samples):
    return (np.random.default_rng(0).normal(size=(90, 3)) > samples).astype(int)


def label_images():
    y = _signs(0)
    x = np.zeros((90, 1, 3, 4), np.uint8)
    x[:, 0] = 200 * y[:, :, None] + np.random.default_rng(1).integers(0, 40, (90, 3, 4))
    return _split(x, y, classes=LABELS)


def label_texts():
    y = _signs(0)
    words = [[name for name, has in zip(LABELS, row) if has] or ["dull"] for row in y]
    return _split([" ".join(one) + " day" for one in words], y == 1, classes=LABELS)


def label_series():
    y = _signs(0)
    t = np.linspace(0, 6, 16)
    waves = np.stack([np.sin(t), np.cos(3 * t), np.sin(5 * t)], 1)
    noise = np.random.default_rng(1).normal(0, 0.2, (90, 16, 3))
    return _split((waves * y[:, None] + noise).astype("float32"), y)


def series():
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, 90)
    t = np.linspace(0, 6, 16)
    x = np.sin(t[None] * (1 + y[:, None]))[..., None] + draw.normal(0, 0.2, (90, 16, 3))
    return _split(x.astype("float32"), y, classes=["slow", "fast"])


def numbers_of_series():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(90, 4, 2)).astype("float32")
    return _split(x, x.sum(1) * [1, 10], targets=["low", "high"])


def sizes_of_images():
    y = np.linspace(0, 1, 90)
    x = np.broadcast_to((250 * y)[:, None, None], (90, 3, 4)).astype(np.uint8)
    return _split(x, y, target="size")
"""
FLAT = {"use": "torch.nn.Flatten"}
ADAM = {"use": "torch.optim.Adam", "lr": 0.05}
BCE = "torch.nn.BCEWithLogitsLoss"
EMBED = """
import torch


class Bag(torch.nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.words = torch.nn.EmbeddingBag(20, outputs, mode="sum", padding_idx=0)

    def forward(self, x):
        return self.words(x)
"""


def _linear(inputs: int, outputs: int) -> dict[str, Any]:
    layer = {"use": "torch.nn.Linear", "in_features": inputs, "out_features": outputs}
    return {"use": "torch.nn.Sequential", "args": [FLAT, layer]}


def _recipe(folder: Path, name: str, task: str, model: Any, **changes: Any) -> pt.Recipe:
    (folder / "data.py").write_text(DATA)
    (folder / "net.py").write_text(EMBED)
    data = {"source": f"{folder}/data.py:{name}", "batch_size": 20, **changes.pop("data", {})}
    loss = "torch.nn.MSELoss" if task == "regression" else BCE
    loss = "torch.nn.CrossEntropyLoss" if task == "classification" else loss
    tree = {"name": name.replace("_", "-"), "task": task, "data": data, "model": model,
            "loss": loss, "optimizer": ADAM, "epochs": 30, **changes}  # fmt: skip
    return pt.load_recipe(tree)


def _stored(run: pt.Run, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    kept = safetensors.torch.load_file(run.path / "predictions" / f"{split}.safetensors")
    return kept["target"].numpy(), kept["output"].double().numpy()


LABELLED = {
    "label_images": _linear(12, 3),
    "label_texts": {"use": "./net.py:Bag", "outputs": 3},
    "label_series": _linear(48, 3),
}


@pytest.mark.parametrize("name", LABELLED)
def test_labels_of_every_kind_of_samples(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Callable[..., Result]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["loss", "average_precision", "f1", "f1_micro", "exact_match", "auroc", "hamming_loss"]
    text = {"data": {"text": {"vocabulary": 10}}} if name == "label_texts" else {}
    recipe = _recipe(
        tmp_path, name, "multilabel-classification", LABELLED[name], metrics=names, **text
    )
    run = pt.train(recipe, runs=tmp_path / "runs")
    y, output = _stored(run)
    guess, got = output > 0, run.metrics["test"]
    assert y.dtype == np.uint8
    assert y.shape == output.shape == (30, 3)
    assert got["f1"] == pytest.approx(sk.f1_score(y, guess, average="macro"), abs=1e-12)
    assert got["f1_micro"] == pytest.approx(sk.f1_score(y, guess, average="micro"), abs=1e-12)
    assert got["average_precision"] == pytest.approx(sk.average_precision_score(y, output))
    assert got["exact_match"] == sk.accuracy_score(y, guess)
    assert got["exact_match"] > 0.9
    again = pt.train(recipe, runs=tmp_path / "runs")
    weights = [(one.path / "model.safetensors").read_bytes() for one in (run, again)]
    assert weights[0] == weights[1]
    assert pt.evaluate_run(run).metrics["test"] == got
    assert invoke("report", run.path, cwd=tmp_path).exit_code == 0
    page = next(run.path.glob("report*.html")).read_text("utf-8")
    assert "Each class" in page


def test_labels_are_predicted_by_name(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    recipe = _recipe(tmp_path, "label_images", "multilabel-classification", _linear(12, 3))
    run = pt.train(recipe, runs=tmp_path / "runs")
    images = np.zeros((3, 1, 3, 4), np.uint8)
    images[1, 0, 1] = 220
    images[2, 0, [0, 2]] = 220
    answers = run.predict(images)
    assert [sorted(one.prediction) for one in answers] == [[], ["wet"], ["warm", "windy"]]
    for one in answers:
        likely = [name for name, p in one.probabilities.items() if p > 0.5]
        assert one.prediction == likely
        assert sorted(one.probabilities.values(), reverse=True) == [*one.probabilities.values()]
    from PIL import Image

    Image.fromarray(images[2, 0]).save(tmp_path / "two.png")
    done = invoke("predict", run.path, tmp_path / "two.png", cwd=tmp_path)
    assert "warm" in done.stdout
    assert "windy" in done.stdout
    assert "wet" not in done.stdout
    plain = json.loads(invoke("predict", run.path, "--json", "two.png", cwd=tmp_path).stdout)
    assert sorted(plain[0]["prediction"]) == ["warm", "windy"]


TABLE = "x,z,warm,wet,lat,lon\n"


def _table(folder: Path) -> Path:
    draw = np.random.default_rng(0)
    rows = [
        f"{x:.4f},{z:.4f},{int(x > 0)},{z > x},{x + z:.4f},{10 * (x - z):.4f}"
        for x, z in draw.normal(size=(80, 2))
    ]
    (folder / "rows.csv").write_text(TABLE + "\n".join(rows) + "\n")
    return folder / "rows.csv"


def _of_table(folder: Path, target: Any, task: str, outputs: int, **changes: Any) -> pt.Recipe:
    table = {"target": target, "features": ["x", "z"]}
    data = {"source": "table", "path": str(_table(folder)), "table": table, "splits": {"test": 20}}
    return _recipe(folder, "unused", task, _linear(2, outputs), data=data, **changes)


def test_labels_of_a_table(tmp_path: Path) -> None:
    recipe = _of_table(tmp_path, ["warm", "wet"], "multilabel-classification", 2)
    run = pt.train(recipe, runs=tmp_path / "runs")
    assert run.metrics["test"]["f1"] > 0.9
    (tmp_path / "new.csv").write_text("z,x\n3,1\n-3,-1\n")
    answers = run.predict(str(tmp_path / "new.csv"))
    assert [sorted(one.prediction) for one in answers] == [["warm", "wet"], []]
    other = pt.evaluate_run(run, tmp_path / "rows.csv").metrics["data"]
    assert other["f1"] > 0.9


def test_several_numbers_of_a_table(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    metrics = ["loss", "rmse", "r2", {"rmse": {"target": "lat"}}, "r2[lon]"]
    recipe = _of_table(tmp_path, ["lat", "lon"], "regression", 2, metrics=metrics, epochs=300)
    run = pt.train(recipe, runs=tmp_path / "runs")
    y, output = _stored(run)
    got = run.metrics["test"]
    assert list(got) == ["loss", "rmse", "r2", "rmse[lat]", "r2[lon]"]
    assert got["rmse[lat]"] == pytest.approx(sk.root_mean_squared_error(y[:, 0], output[:, 0]))
    assert got["r2"] == pytest.approx(sk.r2_score(y, output))
    assert got["r2"] > 0.9
    (tmp_path / "new.csv").write_text("x,z\n1,2\n")
    answer = run.predict(str(tmp_path / "new.csv"))[0]
    assert answer.prediction == {
        "lat": pytest.approx(3, abs=0.5), "lon": pytest.approx(-10, abs=0.5)
    }  # fmt: skip
    done = invoke("predict", run.path, "new.csv", cwd=tmp_path)
    assert "lat" in done.stdout
    assert "lon" in done.stdout
    assert invoke("report", run.path, cwd=tmp_path).exit_code == 0
    assert "lat " in next(run.path.glob("report*.html")).read_text("utf-8")


def test_series_as_samples(tmp_path: Path) -> None:
    run = pt.train(_recipe(tmp_path, "series", "classification", _linear(48, 2)), runs=tmp_path)
    assert run.metrics["test"]["accuracy"] > 0.9
    np.save(tmp_path / "new.npy", np.sin(np.linspace(0, 6, 16))[None, :, None].repeat(3, 2))
    assert run.predict(str(tmp_path / "new.npy"))[0].prediction == "slow"
    numbers = _recipe(tmp_path, "numbers_of_series", "regression", _linear(8, 2))
    run = pt.train(numbers, runs=tmp_path)
    assert {"low", "high"} == set(run.predict(np.zeros((1, 4, 2), "float32"))[0].prediction)
    sizes = _recipe(tmp_path, "sizes_of_images", "regression", _linear(12, 1))
    assert pt.train(sizes, runs=tmp_path).metrics["test"]["rmse"] < 0.2


@pytest.mark.parametrize("task", ["table-classification", "image-classification"])
def test_series_for_another_kind_are_refused_with_the_task_that_fits(
    task: str, tmp_path: Path
) -> None:
    recipe = _recipe(tmp_path, "series", task, _linear(48, 2), loss="torch.nn.CrossEntropyLoss")
    with pytest.raises(DataError) as error:
        pt.train(recipe, runs=tmp_path)
    fits = {"table": "set task: classification", "image": "stored as bytes"}
    assert fits[task.partition("-")[0]] in str(error.value)


def test_a_claim_on_one_label_is_verified_and_audited(tmp_path: Path) -> None:
    metric = {"average_precision": {"class": "wet"}}
    claim = {"metric": metric, "split": "test", "kind": "at-least", "value": 0.7}
    task, labels = "multilabel-classification", ["warm", "wet"]
    recipe = _of_table(tmp_path, labels, task, 2, claims=[claim], epochs=5, metrics=[metric])
    done = pt.verify(recipe, runs=tmp_path / "runs", workers=1, threads=1)
    assert done.verdict == "REPRODUCED"
    assert [line.metric for line in done.claims] == ["average_precision[wet]"]
    made = pt.audit(done.path)
    assert [str(finding) for finding in made.findings if not finding.ok] == []


BAD: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "a list for classes": (
        "table-classification",
        {"target": ["warm", "wet"]},
        ("data.table.target", "must be one column", "multilabel-classification"),
    ),
    "one label": (
        "multilabel-classification",
        {"target": ["warm"]},
        ("data.table.target", "at least 2"),
    ),
    "a column twice": (
        "regression",
        {"target": ["lat", "lat"]},
        ("data.table.target", "different names"),
    ),
    "a metric that is not computed": (
        "regression",
        {
            "target": "lat",
            "claims": [{"metric": "r2[lat]", "value": 0.5, "kind": "at-least"}],
        },
        ("claims.0.metric", "does not compute r2[lat]; it computes "),
    ),
    "a metric of one class": (
        "regression",
        {"target": "lat", "claims": [{"metric": "f1[x]", "value": 0.5, "kind": "at-least"}]},
        ("claims.0.metric", "regression has no metric f1[x]"),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_recipes_that_do_not_fit_are_refused(case: str, tmp_path: Path) -> None:
    task, changes, parts = BAD[case]
    target = changes.pop("target")
    with pytest.raises(InvalidRecipeError) as error:
        _of_table(tmp_path, target, task, 2, **changes)
    assert all(part in str(error.value) for part in parts)


def test_labels_that_are_not_0_or_1_are_refused_with_their_line(tmp_path: Path) -> None:
    recipe = _of_table(tmp_path, ["warm", "lat"], "multilabel-classification", 2)
    with pytest.raises(DataError, match="line 2: the label lat must be 0 or 1, got"):
        pt.train(recipe, runs=tmp_path)
