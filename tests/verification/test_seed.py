"""One seed of a verification: its runs, the scores that claims are about, what it refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.errors import ClaimError, DivergedError, RunError
from papertrial.recipe.portable import portable
from papertrial.store.run_folder import CODE
from papertrial.verification.registration import Fixed, Wanted
from papertrial.verification.seed import claimed_scores, train_seed
from papertrial.verification.seed_task import SeedPosition, SeedTask, TrainingPlace

DATA = """
import numpy as np


def numbers():
    x = np.linspace(-1, 1, 40)[:, None]
    y = 3 * x[:, 0] + 1
    return {"train": (x[::2], y[::2]), "test": (x[1::2], y[1::2])}


def without_test():
    return {"train": numbers()["train"]}
"""
TREE: dict[str, Any] = {
    "name": "line",
    "task": "regression",
    "data": {"source": "data.py:numbers", "batch_size": 5, "shuffle": True},
    "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {
        "use": "torch.optim.SGD",
        "lr": 1.05,
    },  # near where it diverges: it goes to and fro
    "epochs": 6,
    "evaluate": {"test": "every-epoch"},
    "metrics": ["loss", "mae", "r2"],
}
HERE = TrainingPlace("cpu", 1, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a verification of TREE, with two other sides of differences."""
    (tmp_path / "data.py").write_text(DATA)
    home = tmp_path / "verification"
    write(home, TREE, tmp_path)
    write(home / "versus/0", {**TREE, "epochs": 1}, tmp_path)
    write(home / "versus/1", {**TREE, "name": "other", "metrics": ["loss"]}, tmp_path)
    return home


def write(home: Path, tree: dict[str, Any], beside: Path) -> None:
    source = str(beside / tree["data"]["source"])
    made = portable(pt.load_recipe({**tree, "data": {**tree["data"], "source": source}}), CODE)
    for name, content in made.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    (home / "recipe.yaml").write_text(made.text)


def task_of(folder: Path, seed: int, wanted: tuple[Wanted, ...], arms: int) -> SeedTask:
    """A task by what lies in the folder now."""
    homes = [folder, *(folder / "versus" / str(arm) for arm in range(arms))]
    fixed = tuple(Fixed.of(pt.load_recipe(home / "recipe.yaml")) for home in homes)
    return SeedTask(folder, seed, wanted, fixed)


def done(task: SeedTask) -> tuple[dict[str, Any], list[SeedPosition]]:
    events, told = train_seed(task, HERE), []
    while True:
        try:
            told.append(next(events))
        except StopIteration as end:
            return end.value, told


def curve(run: Path, metric: str) -> list[float]:
    records = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [r["metrics"][metric] for r in records if r.get("split") == "test"]


def test_a_seed_is_trained_and_scored(folder: Path) -> None:
    result, told = done(task_of(folder, 7, (Wanted("mae", "test"), Wanted("r2", "train")), 0))
    run = pt.load_run(folder / "seeds/s7")
    assert run.recipe.seed == 7
    assert result.runs == ("seeds/s7",)
    assert result.scores == ((run.metrics["test"]["mae"],), (run.metrics["train"]["r2"],))
    weights = (run.path / "model.safetensors").read_bytes()
    assert result.weights == hashlib.sha256(weights).hexdigest()
    assert result.seconds > 0
    steps = [at for at in told if at.text.startswith("loss")]
    assert {(at.part, at.total) for at in steps} == {("", 24)}
    assert [at.done for at in steps] == sorted({at.done for at in steps})
    # Another seed has other weights, the same one has the same.
    other, _ = done(task_of(folder, 8, (Wanted("mae", "test"),), 0))
    assert other.weights != result.weights
    same, _ = done(task_of(folder, 7, (Wanted("mae", "test"),), 0))
    assert same.runs == ("seeds/s7-2",)
    assert (same.weights, same.scores) == (result.weights, result.scores[:1])


def test_the_other_sides_are_trained_with_the_same_seed(folder: Path) -> None:
    wanted = (Wanted("mae", "test", arm=0), Wanted("loss", "test", arm=1), Wanted("r2", "test"))
    result, told = done(task_of(folder, 3, wanted, 2))
    assert result.runs == ("seeds/s3", "seeds/s3-versus1", "seeds/s3-versus2")
    ours, short, other = (pt.load_run(folder / run) for run in result.runs)
    assert [run.recipe.seed for run in (ours, short, other)] == [3, 3, 3]
    assert (short.recipe.epochs, other.recipe.name) == (1, "other")
    test = [run.metrics["test"] for run in (ours, short, other)]
    assert result.scores == (
        (test[0]["mae"], test[1]["mae"]),
        (test[0]["loss"], test[2]["loss"]),
        (test[0]["r2"],),
    )
    weights = b"".join(
        (run.path / "model.safetensors").read_bytes() for run in (ours, short, other)
    )
    assert result.weights == hashlib.sha256(weights).hexdigest()
    assert list(dict.fromkeys(at.part for at in told)) == ["", "versus 1", "versus 2"]


def test_the_best_epoch_is_the_highest_score_or_the_lowest_loss(folder: Path) -> None:
    names = ("loss", "mae", "r2")
    wanted = tuple(Wanted(name, "test", best_epoch=True) for name in names)
    result, _ = done(task_of(folder, 0, wanted, 0))
    curves = {name: curve(folder / "seeds/s0", name) for name in names}
    assert {len(values) for values in curves.values()} == {6}
    best = [min(curves["loss"]), min(curves["mae"]), max(curves["r2"])]
    assert result.scores == tuple((value,) for value in best)
    run = pt.load_run(folder / "seeds/s0")
    assert best[0] < run.metrics["test"]["loss"]  # or the two could not be told apart


def test_what_a_run_does_not_have_is_refused(folder: Path) -> None:
    with pytest.raises(ClaimError, match="no validation split to compute mae on; the data"):
        done(task_of(folder, 0, (Wanted("mae", "validation"),), 0))
    assert not (folder / "seeds/s0/model.safetensors").exists()  # told before it is trained
    done(task_of(folder, 1, (), 0))
    run = pt.load_run(folder / "seeds/s1")
    with pytest.raises(ClaimError, match=r"line has no mse on test; it has .*test: loss, mae, r2"):
        claimed_scores(run, Wanted("mse", "test"))


def test_the_other_side_needs_no_splits_of_claims_that_are_not_on_it(folder: Path) -> None:
    alone = {**TREE, "data": {**TREE["data"], "source": "data.py:without_test"}, "evaluate": {}}
    write(folder / "versus/0", alone, folder.parent)
    wanted = (Wanted("mae", "train", arm=0), Wanted("mae", "test"))
    result, _ = done(task_of(folder, 0, wanted, 1))
    assert [len(scores) for scores in result.scores] == [2, 1]
    with pytest.raises(ClaimError, match="there is no test split to compute mae on"):
        done(task_of(folder, 1, (Wanted("mae", "test", arm=0),), 1))


def test_a_seed_that_diverges_is_no_score(folder: Path) -> None:
    done(task_of(folder, 0, (), 0))
    run = pt.load_run(folder / "seeds/s0")
    metrics = {"test": {"r2": None, "mae": float("nan")}}
    summary = run.summary.model_copy(update={"metrics": metrics})
    for metric, why in (("mae", "is not a finite number"), ("r2", "is undefined: .* two samples")):
        with pytest.raises(DivergedError, match=f"test {metric} {why}"):
            claimed_scores(pt.Run(run.path, run.recipe, summary), Wanted(metric, "test"))
    write(folder, {**TREE, "optimizer": {"use": "torch.optim.SGD", "lr": 1e30}}, folder.parent)
    with pytest.raises(DivergedError):
        done(task_of(folder, 1, (Wanted("mae", "test"),), 0))


@pytest.mark.parametrize("home", [".", "versus/0"])
def test_an_edited_copy_on_either_side_is_not_trained(folder: Path, home: str) -> None:
    task = task_of(folder, 0, (Wanted("mae", "test", arm=0),), 1)
    copy = folder / home / "code" / "data.py"
    copy.write_text(copy.read_text() + "# changed\n")
    with pytest.raises(RunError, match=r"not the recipe that was registered: .*code/data\.py has"):
        done(task)
    assert len(list(folder.glob("seeds/*"))) == (home != ".")
