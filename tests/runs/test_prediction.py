"""`task: prediction` from the recipe to predictions: sequences, masks, named tensors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from PIL import Image

import papertrial as pt
from papertrial.errors import DataError, ModelError, PredictionInputError
from papertrial.runs import extreme_samples
from papertrial.runs.evaluate import evaluate_run
from papertrial.store.run_folder import PREDICTIONS, RECORDS, WEIGHTS

CODE = '''
import torch
import torch.nn.functional as F
from torch import nn


def tokens():
    """Sequences that count upwards modulo 7, and the next token of each position."""
    start, step = torch.arange(96) % 7, 1 + torch.arange(96) % 2
    x = (start[:, None] + step[:, None] * torch.arange(6)) % 7
    y = (x + step[:, None]) % 7
    return {"train": (x[:64], y[:64]), "test": (x[64:], y[64:])}


def masks():
    """Bright squares on noise, and where they are."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randint(0, 100, (60, 8, 8), generator=draw)
    y = torch.zeros(60, 8, 8, dtype=torch.int64)
    for i in range(60):
        y[i, i % 4 : i % 4 + 3 + i % 2, i % 5 : i % 5 + 3] = 1
    x = (x + 120 * y).to(torch.uint8)
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:])}


def rare():
    """Tokens of which one test sample has a larger one than all others."""
    parts = tokens()
    parts["test"][0][5, 2] = 11
    parts["test"][0][6, 0] = -1
    return parts


def late():
    x, y = tokens()["train"]
    x[40, 1] = 7
    return {"train": (x, y)}


def named_masks():
    return {**masks(), "classes": ["background", "square"]}


def named():
    """Two tensors a sample, and two targets."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 9, (48, 5), generator=draw)
    weight = torch.rand(48, 5, generator=draw)
    total = (ids * weight).sum(1)
    y = {"total": total, "large": (total > 10).float()}
    rows = lambda given, rows: {k: v[rows] for k, v in given.items()}
    x = {"ids": ids, "weight": weight}
    one, other = slice(0, 32), slice(32, 48)
    return {"train": (rows(x, one), rows(y, one)), "test": (rows(x, other), rows(y, other))}


def doubles():
    x = torch.rand(32, 3, dtype=torch.float64)
    return {"train": (x, x.sum(1, keepdim=True)), "test": (x, x.sum(1, keepdim=True))}


class Language(nn.Module):
    """Returns logits of each token [B, T, K], and its hidden states."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(7, 16), nn.Linear(16, 7)
        self.rnn = nn.GRU(16, 16, batch_first=True)

    def forward(self, x):
        hidden, _ = self.rnn(self.embed(x))
        return {"logits": self.head(hidden), "hidden": hidden}


class Wide(nn.Module):
    """Takes named tensors; its first layer is lazy."""

    def __init__(self):
        super().__init__()
        self.fc = nn.LazyLinear(2)

    def forward(self, ids, weight):
        return self.fc(torch.cat([ids.float(), weight, ids * weight], 1)), ids


def segment():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))


def token_loss(output, target):
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def pair_loss(output, target):
    return F.mse_loss(output[:, 0], target["total"]) + F.binary_cross_entropy_with_logits(
        output[:, 1], target["large"]
    )


def perplexity(output, target):
    return token_loss(output, target).exp()


def token_accuracy(output, target):
    return (output.argmax(-1) == target).float().mean()


def large_accuracy(output, target):
    return ((output[:, 1] > 0) == target["large"].bool()).float().mean()


def overlap(output, target):
    """Keep of each image: the pixels in both masks, and the sum of their sizes."""
    found = output.argmax(1)
    return torch.stack([(found * target).sum((1, 2)), (found + target).sum((1, 2))], 1)


def dice_of_counts(counts, target):
    both, sizes = counts.double().sum(0)
    return 2 * both / sizes


def dice(output, target):
    return dice_of_counts(overlap(output, target), target)


calls = []


def drawn(output, target):
    return torch.rand(())


def counted(output, target):
    calls.append(1)
    return len(calls)


def in_place(output, target):
    output += 1
    return output.mean()


def vector(output, target):
    return output.mean(0)


def words(output, target):
    return "good"


def broken(output, target):
    return output[:, 99, 99].mean()


def too_few(output, target):
    return output[:1]
'''
KINDS: dict[str, dict[str, Any]] = {
    "tokens": {
        "model": "./code.py:Language",
        "loss": "./code.py:token_loss",
        "metrics": [
            "loss",
            {"use": "./code.py:perplexity", "better": "lower"},
            {
                "use": "./code.py:token_accuracy",
                "name": "hits",
                "better": "higher",
                "unit": "fraction",
            },
        ],
    },
    "masks": {
        "model": "./code.py:segment",
        "loss": "torch.nn.CrossEntropyLoss",
        "metrics": ["loss", {"use": "./code.py:dice", "better": "higher", "unit": "fraction"}],
    },
    "named": {
        "model": "./code.py:Wide",
        "loss": "./code.py:pair_loss",
        "metrics": ["loss", {"use": "./code.py:large_accuracy", "unit": "fraction"}],
    },
}  # fmt: skip
COUNTS = {"use": "./code.py:dice_of_counts", "name": "dice", "better": "higher", "unit": "fraction"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the code, that relative paths begin in."""
    (tmp_path / "code.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(kind: str, **more: Any) -> dict[str, Any]:
    tree = {
        "name": kind,
        "task": "prediction",
        "data": {"source": f"./code.py:{kind}", "batch_size": 16},
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.02},
        "epochs": 3,
        **KINDS.get(kind, {}),
        **more,
    }
    if kind == "masks":
        tree["data"]["transform"] = ["papertrial.transforms.Normalize"]
    return tree


def train(tree: dict[str, Any], runs: str = "runs") -> pt.Run:
    return pt.train(pt.load_recipe(tree), runs=Path(runs), device="cpu")


def stored(run: pt.Run, split: str = "test") -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run.path / PREDICTIONS / f"{split}.safetensors")


def digest(run: pt.Run) -> str:
    return hashlib.sha256((run.path / WEIGHTS).read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_trained_twice_to_the_same_bytes_and_evaluated_again(kind: str) -> None:
    first, second = train(recipe(kind), "one"), train(recipe(kind), "two")
    assert digest(first) == digest(second)
    opened = pt.load_run(first.path)
    assert evaluate_run(opened).metrics["test"] == first.metrics["test"]
    assert set(first.metrics["test"]) == set(opened.recipe.metric_names)  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_check_finds_no_problem(kind: str) -> None:
    found = pt.check(recipe(kind), device="cpu")
    assert [str(problem) for problem in found.problems if problem.severity == "error"] == []


def test_sequences_are_scored_by_token() -> None:
    run = train(recipe("tokens", epochs=20))
    metrics, kept = run.metrics["test"], stored(run)
    assert kept["output"].shape == (32, 6, 7)
    assert kept["target"].shape == (32, 6)
    p = torch.softmax(kept["output"].double(), -1)
    likelihood = p.gather(-1, kept["target"][..., None]).log().mean()
    assert metrics["loss"] == pytest.approx(-likelihood.item(), rel=1e-5)
    assert metrics["perplexity"] == pytest.approx(np.exp(-likelihood.item()), rel=1e-5)
    assert metrics["hits"] == pytest.approx((p.argmax(-1) == kept["target"]).double().mean().item())
    assert metrics["hits"] > 0.8  # the first token does not say by how much it counts


def test_predictions_of_sequences_from_arrays_and_files(invoke: Any) -> None:
    run = train(recipe("tokens"))
    x = np.arange(12).reshape(2, 6) % 7
    answers = run.predict(x)
    assert np.shape(answers[0].prediction) == (6, 7)
    np.save("x.npy", x.astype(np.int32))  # another type of integers
    assert [a.prediction for a in pt.load_run(run.path).predict("x.npy")] == [
        a.prediction for a in answers
    ]
    shown = invoke("predict", run.path, "x.npy")
    assert shown.exit_code == 0, shown.stderr
    assert "[6, 7]" in shown.stdout
    as_json = json.loads(invoke("predict", run.path, "x.npy", "--json").stdout)
    assert np.allclose(as_json[1]["prediction"], answers[1].prediction)
    longer = run.predict(np.arange(18).reshape(2, 9) % 7)  # a recurrent network takes any length
    assert np.shape(longer[0].prediction) == (9, 7)
    assert [a.converted for a in longer] == ["[9], in training [6]"] * 2
    np.save("none.npy", x[:0])
    wrongs = (
        (x[..., None], r"\[N, 6\], got \[2, 6, 1\]"),
        ("none.npy", "nothing to predict"),
        (x / 2, "int64, got float64"),
    )
    for wrong, told in wrongs:
        with pytest.raises(PredictionInputError, match=told):
            run.predict(wrong)


def test_an_embedding_needs_a_row_for_every_token_of_every_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = {"source": "./code.py:rare", "batch_size": 16}
    rare = recipe("tokens", data=data)
    (problem,) = (one for one in pt.check(rare, device="cpu").problems if one.severity == "error")
    assert problem.where == "model"
    assert "embed has 7 rows" in problem.message
    with pytest.raises(ModelError, match="embed has 7 rows"):
        train(rare)
    monkeypatch.setattr(extreme_samples, "_MOST", 0)  # too many tokens to be searched
    late = recipe("tokens", data={"source": "./code.py:late", "batch_size": 16})
    (problem,) = (one for one in pt.check(late, device="cpu").problems if one.severity == "error")
    assert problem.where == "model"


def test_predictions_from_named_tensors() -> None:
    run = train(recipe("named"))
    kept = stored(run)
    assert set(kept) == {"output", "target.total", "target.large", "ids"}
    x = {"weight": torch.rand(3, 5), "ids": torch.ones(3, 5, dtype=torch.int64)}
    opened = pt.load_run(run.path)  # whose lazy layer has no shape yet
    answers = [a.prediction for a in opened.predict(x)]
    np.savez("x.npz", **{name: one.numpy() for name, one in x.items()})
    safetensors.torch.save_file(x, "x.safetensors")
    for path in ("x.npz", "x.safetensors"):
        assert [a.prediction for a in opened.predict(path)] == answers
    with pytest.raises(PredictionInputError, match="ids, weight, got ids"):
        opened.predict({"ids": x["ids"]})
    wide = {"weight": torch.rand(3, 8), "ids": torch.ones(3, 8, dtype=torch.int64)}
    with pytest.raises(PredictionInputError, match=r"0: .*\(it has ids \[8\], in training \[5\]"):
        opened.predict(wide)


def test_classes_of_positions_are_named_in_predictions_and_pictures(invoke: Any) -> None:
    run = train(recipe("masks", data={"source": "./code.py:named_masks", "batch_size": 16}))
    assert digest(run) == digest(train(recipe("masks"), "plain"))
    x = np.zeros((2, 8, 8), dtype=np.uint8)
    x[1, 2:5, 1:4] = 200
    answers = pt.load_run(run.path).predict(x)
    outputs = torch.stack([a.output for a in answers if a.output is not None])
    found = outputs.argmax(1)
    assert found.unique().tolist() == [0, 1]
    expected = np.array(["background", "square"])[found.numpy()].tolist()
    assert [a.prediction for a in answers] == expected
    np.save("x.npy", x)
    shown = invoke("predict", run.path, "x.npy")
    assert f"[8, 8]: background {int((found[1] == 0).sum())}, square" in shown.stdout
    done = invoke("predict", run.path, "x.npy", "--output", "out", "--json")
    assert json.loads(done.stdout) == [f"out/x-{i}.{e}" for i in (0, 1) for e in ("npy", "png")]
    assert np.array_equal(np.load("out/x-1.npy"), outputs[1].numpy())
    assert np.array_equal(np.asarray(Image.open("out/x-1.png")), found[1].numpy())


def test_batches_of_named_tensors_in_parts_give_nearly_the_same_weights() -> None:
    whole, parts = (train(recipe("named", accumulate=n, epochs=1)) for n in (1, 4))
    one, other = (safetensors.torch.load_file(run.path / WEIGHTS) for run in (whole, parts))
    for name, values in one.items():
        torch.testing.assert_close(values, other[name], rtol=1e-3, atol=1e-5)


def test_the_report_of_a_prediction_shows_its_own_metrics(invoke: Any) -> None:
    run = train(recipe("tokens"))
    made = invoke("report", run.path)
    assert made.exit_code == 0, made.stderr
    assert "perplexity" in (run.path / "report.html").read_text()


def test_the_best_epoch_is_chosen_by_a_metric_of_the_users(here: Path) -> None:
    tree = recipe(
        "tokens",
        report="best-on-validation",
        report_metric="perplexity",
        early_stopping={"monitor": "hits", "patience": 50},
        scheduler={"use": "torch.optim.lr_scheduler.ReduceLROnPlateau", "monitor": "perplexity"},
    )
    tree["data"]["splits"] = {"validation": 16}
    run = train(tree)
    curve = [
        line["metrics"]["perplexity"]
        for line in map(json.loads, (run.path / RECORDS).read_text().splitlines())
        if line.get("split") == "validation" and "metrics" in line
    ]
    assert len(curve) >= 3
    assert run.metrics["validation"]["perplexity"] == pytest.approx(min(curve))


def test_kept_counts_give_the_metric_of_whole_outputs_and_losses_of_batches() -> None:
    whole = train(recipe("masks"), "whole")
    tree = recipe("masks", keep="./code.py:overlap", metrics=["loss", COUNTS])
    tree["evaluate"] = {"batch_size": 6}  # 20 samples: 6, 6, 6, 2
    run = train(tree, "kept")
    assert digest(run) == digest(whole)
    kept, outputs = stored(run), stored(whole)
    assert kept["output"].shape == (20, 2)
    found = outputs["output"].argmax(1)
    assert torch.equal(kept["output"][:, 0], (found & kept["target"]).sum((1, 2)))
    assert run.metrics["test"]["dice"] == whole.metrics["test"]["dice"]
    assert kept["losses"][:, 1].tolist() == [6, 6, 6, 2]
    for number, rows in enumerate(torch.arange(20).split(6)):
        expected = F.cross_entropy(outputs["output"][rows], kept["target"][rows])
        assert kept["losses"][number, 0].item() == pytest.approx(expected.item(), rel=1e-5)
    assert run.metrics["test"]["loss"] == pytest.approx(whole.metrics["test"]["loss"], rel=1e-5)
    assert evaluate_run(pt.load_run(run.path)).metrics["test"] == run.metrics["test"]


PURE = [
    ("drawn", "must be a pure function"),
    ("counted", "must be a pure function"),
    ("in_place", "changes the outputs or the targets in place"),
    ("vector", r"must return one number, got \[6, 7\]"),
    ("words", "must return one number, got str"),
    ("broken", "fails on outputs .*IndexError"),
]


@pytest.mark.parametrize(("name", "told"), PURE)
def test_a_metric_that_is_no_pure_function_is_refused_before_the_training(
    name: str, told: str
) -> None:
    tree = recipe("tokens", metrics=["loss", {"use": f"./code.py:{name}"}])
    with pytest.raises(DataError, match=f"^metrics: {name} {told}"):
        train(tree)
    assert not list(Path("runs").rglob("*.json"))
    problems = [str(problem) for problem in pt.check(tree, device="cpu").problems]
    assert any(f"metrics: {name}" in text or "metrics" in text for text in problems)


def test_keep_must_return_a_row_for_each_sample() -> None:
    with pytest.raises(ModelError, match=r"^keep must return \[16, ...\].*got \[1, 2, 8, 8\]"):
        train(recipe("masks", keep="./code.py:too_few", metrics=["loss"]))


def test_keep_is_refused_beside_a_loss_that_is_a_sum_over_samples() -> None:
    tree = recipe("masks", keep="./code.py:overlap", metrics=["loss", COUNTS])
    tree["loss"] = {"use": "torch.nn.CrossEntropyLoss", "reduction": "sum"}
    with pytest.raises(ModelError, match=r"^keep: .*evaluate\.batch_size.*reduction: mean"):
        train(tree)


def test_float64_inputs_reach_the_model_as_float32_and_targets_stay() -> None:
    linear = {"use": "torch.nn.Linear", "in_features": 3, "out_features": 1}
    run = train(recipe("doubles", model=linear, loss="torch.nn.MSELoss"))
    assert stored(run)["target"].dtype == torch.float64
    assert stored(run)["output"].dtype == torch.float32
    assert len(run.predict(np.zeros((2, 3)))) == 2


def test_a_verification_with_an_objective_kept_counts_and_own_metrics_passes_its_audit() -> None:
    tree = recipe(
        "masks",
        keep="./code.py:overlap",
        metrics=["loss", COUNTS],
        objective={"use": "papertrial.objectives.Mixup", "alpha": 0.2},
        epochs=2,
        claims=[
            {
                "metric": "dice",
                "split": "test",
                "value": "95 %",
                "tolerance": "50 points",
                "kind": "expected",
            },
        ],
        verify={"max_seeds": 5},
    )
    done = pt.verify(pt.load_recipe(tree), runs=Path("runs"), workers=1, device="cpu")
    made = pt.audit(done.path, seed=0)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    path = next(done.path.rglob(f"{PREDICTIONS}/test.safetensors"))
    edited = safetensors.torch.load_file(path)
    edited["losses"][0, 0] += 1
    safetensors.torch.save_file(edited, path)
    assert not pt.audit(done.path, retrain=False, seed=0).ok
