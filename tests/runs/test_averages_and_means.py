"""Averaged weights and means over the last evaluations, from the recipe to the audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.metrics import accuracy_score
from typer.testing import Result

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.errors import DataError, DeviceError, ModelError, RecipeError
from papertrial.runs.evaluate import evaluate_run

TREE: dict[str, Any] = {
    "name": "digits-average",
    "task": "image-classification",
    "data": {
        "source": "digits", "splits": {"test": 0.3, "validation": 0.3}, "batch_size": 128,
        "limit": 400,
    },
    "model": {
        "use": "torch.nn.Sequential",
        "args": [
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Linear", "args": [64, 16]},
            {"use": "torch.nn.BatchNorm1d", "args": [16]},
            {"use": "torch.nn.ReLU"},
            {"use": "torch.nn.Linear", "args": [16, 10]},
        ],
    },
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.2},
    "epochs": 6,
    "evaluate": {"test": "every-epoch"},
    "metrics": ["loss", "accuracy", "confusion_matrix"],
}  # fmt: skip
AVERAGES = {
    "ema": {"use": "ema", "decay": 0.8},
    "swa": {"use": "swa", "start": 3},
}
MEAN = {"mean-of-last": 3}


def train(runs: Path, **changes: Any) -> pt.Run:
    return pt.train(pt.load_recipe({**TREE, **changes}), runs=runs, device="cpu")


def evaluations(run: pt.Run, split: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == "evaluation" and line["split"] == split]


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("report", ["last", "best-on-validation"])
def test_the_average_is_evaluated_kept_and_used(average: str, report: str, tmp_path: Path) -> None:
    changes = {"average": AVERAGES[average], "report": report}
    one, other = (train(tmp_path / name, **changes) for name in "ab")
    weights = [(run.path / "model.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1]
    kept = safetensors.torch.load(weights[0])
    state = torch.load(one.path / "state.pt", weights_only=True)
    assert not torch.equal(kept["4.weight"], state["model"]["4.weight"])
    if report == "last":
        assert torch.equal(kept["4.weight"], state["average"]["module.4.weight"])
    assert one.metrics == other.metrics == evaluate_run(one).metrics
    stored = safetensors.torch.load_file(one.path / "predictions" / "test.safetensors")
    answer = stored["output"].argmax(1).numpy()
    assert one.metrics["test"]["accuracy"] == accuracy_score(stored["target"].numpy(), answer)
    with torch.no_grad():
        model = one.predictor.prepared.model
        assert torch.equal(model.state_dict()["2.running_var"], kept["2.running_var"])
    if report != "last":
        scores = [line["metrics"]["accuracy"] for line in evaluations(one, "validation")]
        assert one.metrics["validation"]["accuracy"] == max(scores)


def test_the_training_is_that_without_an_average(tmp_path: Path) -> None:
    plain, averaged = train(tmp_path), train(tmp_path, average=AVERAGES["swa"])
    states = [torch.load(run.path / "state.pt", weights_only=True) for run in (plain, averaged)]
    assert all(torch.equal(v, states[1]["model"][k]) for k, v in states[0]["model"].items())
    assert plain.metrics != averaged.metrics
    early = [evaluations(run, "test")[:3] for run in (plain, averaged)]
    assert early[0] == early[1]  # the average starts after three epochs


@pytest.mark.parametrize(
    ("average", "words"),
    [
        ({"use": "swa"}, "average.start"),
        ({"use": "swa", "start": 1, "decay": 0.9}, "average.decay"),
        ({"use": "ema", "decay": 1.0}, "average.decay"),
        ({"use": "mean"}, "average.use"),
    ],
)
def test_an_average_of_wrong_form_is_refused(average: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError) as error:
        pt.load_recipe({**TREE, "average": average})
    assert words in str(error.value)


@pytest.mark.parametrize(
    "average",
    [{"use": "swa", "start": 6}, {"use": "ema", "start": 24}, {"use": "ema", "every": 25}],
)
def test_an_average_that_nothing_updates_is_refused_before_the_training(
    average: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"lower average\.start"):
        train(tmp_path, average=average)
    (problem,) = pt.check({**TREE, "average": average}).problems
    assert problem.severity == "error"
    assert not list(tmp_path.iterdir())


def test_a_training_that_stops_before_its_average_is_an_error(tmp_path: Path) -> None:
    stopping = {"monitor": "loss", "patience": 1, "min_delta": 100.0}
    with pytest.raises(ModelError, match="before anything was averaged"):
        train(tmp_path, average={"use": "swa", "start": 5}, early_stopping=stopping)


def test_weights_from_before_the_average_are_not_chosen(tmp_path: Path) -> None:
    rising = {"use": "torch.optim.lr_scheduler.ExponentialLR", "gamma": 4}  # ever worse
    changes = {"scheduler": rising, "report": "best-on-validation", "report_metric": "loss"}
    plain = train(tmp_path / "a", **changes)
    assert plain.summary.report.epoch < 4
    averaged = train(tmp_path / "b", **changes, average=AVERAGES["swa"])
    assert averaged.summary.report.epoch >= 4


def test_fp16_is_refused_without_cuda(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="bf16"):
        train(tmp_path, precision="fp16")
    (problem,) = pt.check({**TREE, "precision": "fp16"}, device="cpu").problems
    assert "bf16" in problem.message


def test_the_mean_of_the_last_evaluations_is_reported(
    tmp_path: Path, invoke: Callable[..., Result]
) -> None:
    run = train(tmp_path, report=MEAN)
    for split in ("validation", "test"):
        lines = evaluations(run, split)
        assert len(lines) == 6
        for metric in ("loss", "accuracy"):
            last = [line["metrics"][metric] for line in lines[-3:]]
            assert run.metrics[split][metric] == pytest.approx(np.mean(last), rel=1e-14)
        assert run.metrics[split]["confusion_matrix"] == lines[-1]["metrics"]["confusion_matrix"]
        assert run.summary.report.last_metrics is not None
        assert run.summary.report.last_metrics[split] == lines[-1]["metrics"]
    assert run.metrics["train"] == evaluations(run, "train")[-1]["metrics"]
    report = run.summary.report
    assert (report.rule, report.evaluations, report.optimistic) == ("mean-of-last", 3, False)
    assert report.step == report.last_step == 24
    again = evaluate_run(run)
    assert again.metrics == report.last_metrics
    assert any("means over 3 evaluations" in note for note in again.notes)
    plain = train(tmp_path)
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, plain)]
    assert weights[0] == weights[1]
    text = invoke("report", run.path).stdout
    assert (run.path / "report.md").is_file(), text
    assert "means over the last 3 evaluations" in (run.path / "report.md").read_text()


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({"report": {"mean-of-last": 7}}, 6),
        ({"evaluate": {"test": "at-end"}}, 1),
        ({"evaluate": {"every": 2, "test": "every-epoch"}}, 3),
        ({"evaluate": {"interval": "step", "every": 10, "test": "every-interval"}}, 3),
    ],
)
def test_fewer_evaluations_than_the_mean_needs_are_refused(
    changes: dict[str, Any], there: int, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"there will be {there};"):
        train(tmp_path, **{"report": {"mean-of-last": 4}, **changes})


@pytest.mark.parametrize("start", [3, 4])
def test_a_mean_of_scores_with_and_without_an_average_is_refused(
    start: int, tmp_path: Path
) -> None:
    changes = {"report": MEAN, "average": {"use": "swa", "start": start}}  # evaluates 4, 5 and 6
    if start == 3:  # the fourth epoch has the first average
        assert train(tmp_path, **changes).summary.report.evaluations == 3
        return
    with pytest.raises(ModelError, match=r"^report: .*after 16 steps, .* after 20.*average\.start"):
        train(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "key", "fix"),
    [
        ({"report": "mean-of-last-10"}, "report", "write {mean-of-last: 10}"),
        ({"report": {"mean-of-last": 1}}, "report.mean-of-last", "2"),
        ({"report": MEAN, "early_stopping": {}}, "early_stopping", "remove"),
        ({"report": MEAN, "report_metric": "loss"}, "report_metric", "remove"),
        (
            {"report": MEAN, "claims": [
                {"metric": "accuracy", "value": 0.9, "kind": "at-least", "about": "new-samples"}
            ]},
            "claims.0.about", "report: last",
        ),
    ],
)  # fmt: skip
def test_a_mean_that_does_not_fit_is_refused(changes: dict[str, Any], key: str, fix: str) -> None:
    with pytest.raises(RecipeError) as error:
        pt.load_recipe({**TREE, **changes})
    assert key in str(error.value)
    assert fix in str(error.value)


def test_a_verification_of_means_and_averages_passes_the_audit(tmp_path: Path) -> None:
    claims = [{"metric": "accuracy", "kind": "at-least", "value": 0.2}]
    recipe = pt.load_recipe(
        {
            **TREE, "report": MEAN, "average": {"use": "swa", "start": 2}, "claims": claims,
            "verify": {"max_seeds": 2, "sd": {"value": 0.02, "is": "bound"}},
        }
    )  # fmt: skip
    done = pt.verify(recipe, runs=tmp_path, workers=1, device="cpu")
    assert {claim.verdict for claim in done.claims} == {"REPRODUCED"}
    # A second interval, for new samples, would be that of the last predictions, not of the means.
    report = json.loads((done.path / "report.json").read_text())
    assert report["claims"][0]["new_samples"] is None
    made = audit(done.path, seed=1)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    # The mean is recomputed from metrics.jsonl: an earlier evaluation that is edited is noticed.
    path = next((done.path / "seeds").glob("*/metrics.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edited = next(
        line for line in lines
        if line["kind"] == "evaluation" and line["split"] == "test" and line["step"] == 16
    )  # fmt: skip
    edited["metrics"]["accuracy"] += 0.01
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = audit(done.path, retrain=False, seed=1).differences
    assert any(one.check == "scores" and "test accuracy" in one.message for one in found)
