"""A run with folds: a model for each, their means, and the predictions of all rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score

import papertrial as pt
from papertrial.errors import DataError, RunError
from papertrial.progress import finish
from papertrial.recipe.schema import Recipe
from papertrial.report.render.markdown import render_markdown
from papertrial.report.run_report import run_report
from papertrial.runs.fold_results import mean_metrics
from papertrial.runs.load_data import load_split_data
from papertrial.runs.train import training
from papertrial.training.events import Started

# Least squares, which have one solution: the weights of a fold do not depend on its seed.
LINEAR: dict[str, Any] = {
    "name": "diabetes-cv",
    "task": "regression",
    "data": {"source": "diabetes", "splits": {"folds": 4, "seed": 3}, "batch_size": "full"},
    "model": {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.LBFGS", "line_search_fn": "strong_wolfe", "max_iter": 100},
    "epochs": 3,
    "metrics": ["mse", "r2"],
    "claims": [
        {"metric": "r2", "value": 0.48, "tolerance": 0.02, "kind": "expected", "folds": 4},
        {"metric": "parameters", "value": 11, "kind": "exact"},
    ],
}  # fmt: skip


def loaded(tree: dict[str, Any], *overrides: str) -> Recipe:
    recipe = pt.load_recipe(tree, list(overrides))
    assert isinstance(recipe, Recipe)
    return recipe


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    return pt.train(loaded(LINEAR), runs=tmp_path_factory.mktemp("runs"))


def test_scores_are_the_mean_of_the_folds_as_scikit_learn_computes_them(run: pt.Run) -> None:
    x, y = load_diabetes(return_X_y=True)
    folds = KFold(4, shuffle=True, random_state=3)
    expected = cross_val_score(LinearRegression(), x, y, cv=folds)
    ours = [one.metrics["test"]["r2"] for one in run.summary.folds]
    assert ours == pytest.approx(expected.tolist(), abs=1e-3)
    assert run.metrics["test"]["r2"] == pytest.approx(float(np.mean(ours)), abs=1e-12)
    assert run.metrics["train"]["mse"] == pytest.approx(
        np.mean([run.fold(k).metrics["train"]["mse"] for k in range(4)])
    )
    kept = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    assert kept["ids"].tolist() == list(range(442))
    assert torch.equal(kept["target"].flatten(), torch.tensor(y, dtype=torch.float32))
    answers = cross_val_predict(LinearRegression(), x, y, cv=folds)
    assert kept["output"].flatten().numpy() == pytest.approx(answers, abs=1.0)


def test_a_run_has_a_folder_for_each_fold_and_says_what_made_it(run: pt.Run) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        "recipe.yaml", "provenance.json", "metrics.json", "predictions",
        "fold-0", "fold-1", "fold-2", "fold-3",
    }  # fmt: skip
    kept = json.loads((run.path / "provenance.json").read_text())
    assert kept["state"] == "finished"
    assert kept["data"]["all"]["rows"] == 442
    assert kept["data"]["test"] == {"rows": 442, "fingerprint": ""}
    assert [one.rows for one in run.summary.folds] == [
        {"train": 331, "test": 111}, {"train": 331, "test": 111},
        {"train": 332, "test": 110}, {"train": 332, "test": 110},
    ]  # fmt: skip
    assert [claim.ours for claim in run.summary.claims] == [run.metrics["test"]["r2"], 11]


def test_a_fold_is_a_run_that_can_be_trained_alone(run: pt.Run, tmp_path: Path) -> None:
    fold = run.fold(2)
    alone = pt.train(pt.load_recipe(fold.path / "recipe.yaml"), runs=tmp_path)
    assert (alone.path / "model.safetensors").read_bytes() == (
        fold.path / "model.safetensors"
    ).read_bytes()
    assert alone.summary.folds == ()
    x, _ = load_diabetes(return_X_y=True)
    assert len(fold.predict(np.asarray(x[:3], dtype=np.float32))) == 3


def test_a_run_with_folds_has_no_model_of_its_own(run: pt.Run) -> None:
    with pytest.raises(RunError, match=r"a model for each of 4 folds.*fold-0"):
        run.predict([[0.0] * 10])
    start = loaded(LINEAR, "data.splits.folds=null", "data.splits.test=0.2", "claims=[]",
                   f"init_from={run.path}")  # fmt: skip
    with pytest.raises(RunError, match=r"no readable preprocess.json.*folder of a fold.*fold-0"):
        pt.train(start, runs=run.path)
    with pytest.raises(RunError, match="no fold 4: its folds are 0 to 3"):
        run.fold(4)
    with pytest.raises(RunError, match="it has no folds"):
        run.fold(0).fold(0)


def test_the_report_has_the_scores_of_the_folds(run: pt.Run) -> None:
    report = run_report(run)
    assert [row.rows for row in report.folds] == [111, 111, 110, 110]
    assert report.metrics["test"]["r2"].value == run.metrics["test"]["r2"]
    text = render_markdown(report)
    assert "## Folds" in text
    assert "| SD |" in text
    assert len(report.mistakes) == 12
    assert report.warnings == ()


def test_two_trainings_give_the_same_bytes_and_folds_begin_with_other_weights(
    tmp_path: Path,
) -> None:
    tree = {**LINEAR, "optimizer": {"use": "torch.optim.SGD", "lr": 0.0}, "epochs": 1}
    one, two = (pt.train(loaded(tree), runs=tmp_path / name) for name in "ab")
    weights = []
    for k in range(4):
        first, second = (made.fold(k).path / "model.safetensors" for made in (one, two))
        assert first.read_bytes() == second.read_bytes()
        weights.append(first.read_bytes())
    assert len(set(weights)) == 4
    assert one.metrics == two.metrics


def test_what_is_learned_on_the_training_part_is_learned_for_each_fold(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,y\n" + "".join(f"{row},{row}\n" for row in range(8)))
    tree = {
        **LINEAR,
        "data": {
            "source": "table", "path": str(table), "table": {"target": "y"}, "batch_size": "full",
            "splits": {"folds": 2, "draw": "in-order"},
            "transform": ["papertrial.transforms.Standardize"],
        },
        "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1},
        "claims": [],
    }  # fmt: skip
    run = pt.train(loaded(tree), runs=tmp_path)
    means = [
        json.loads((run.fold(k).path / "preprocess.json").read_text())["pipeline"]["transforms"]
        for k in (0, 1)
    ]
    assert "5.5" in json.dumps(means[0])  # rows 4 to 7
    assert "1.5" in json.dumps(means[1])


def test_events_say_which_fold_is_trained(tmp_path: Path) -> None:
    splits = {"folds": 2, "repeats": 2}
    tree = {**LINEAR, "epochs": 1, "claims": [], "data": {**LINEAR["data"], "splits": splits}}
    started = [
        event for event in training(loaded(tree), runs=tmp_path) if isinstance(event, Started)
    ]
    assert [(event.fold, event.folds) for event in started] == [(k, 4) for k in range(4)]
    run = pt.load_run(started[0].run.parent)
    assert [(one.repeat, one.fold) for one in run.summary.folds] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    kept = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    assert kept["ids"].tolist() == [*range(442), *range(442)]


def test_code_that_changes_between_two_folds_is_an_error(tmp_path: Path) -> None:
    code = "def scaled(output, target):\n    return {factor} * (output - target).square().mean()\n"
    (tmp_path / "loss.py").write_text(code.format(factor=1))
    small = {"use": "torch.optim.SGD", "lr": 0.1}
    loss = f"{tmp_path / 'loss.py'}:scaled"
    recipe = loaded({**LINEAR, "loss": loss, "optimizer": small, "epochs": 1, "claims": []})
    events = training(recipe, folder=tmp_path / "run", device="cpu")
    assert next(event.fold for event in events if isinstance(event, Started)) == 0
    (tmp_path / "loss.py").write_text(code.format(factor=2))
    with pytest.raises(RunError, match=r"loss\.py.* since the run began"):
        list(events)
    assert not (tmp_path / "run" / "fold-1").exists()


def test_a_failing_fold_is_recorded(tmp_path: Path) -> None:
    tree = {**LINEAR, "optimizer": {"use": "torch.optim.SGD", "lr": 1e30}}
    with pytest.raises(pt.PapertrialError):
        pt.train(loaded(tree), runs=tmp_path)
    (path,) = (tmp_path / "diabetes-cv").iterdir()
    assert json.loads((path / "provenance.json").read_text())["state"] == "failed"
    with pytest.raises(RunError, match="did not finish"):
        pt.load_run(path)


def write_visits(path: Path) -> None:
    rows = [f"{patient},{visit},{'yn'[patient % 2]}" for patient in range(10) for visit in range(4)]
    path.write_text("patient,visit,sick\n" + "\n".join(rows) + "\n")


def visits(path: Path, group: str = "patient") -> dict[str, Any]:
    return {
        **LINEAR,
        "task": "table-classification",
        "data": {
            "source": "table", "path": str(path), "table": {"target": "sick"}, "batch_size": 8,
            "splits": {"folds": 5, "group": group},
        },
        "model": {"use": "torch.nn.LazyLinear", "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "metrics": ["accuracy", "f1", "recall_per_class", "confusion_matrix"],
        "epochs": 1,
        "claims": [],
    }  # fmt: skip


def test_no_patient_is_in_two_parts_and_the_column_is_not_a_feature(tmp_path: Path) -> None:
    write_visits(tmp_path / "visits.csv")
    run = pt.train(loaded(visits(tmp_path / "visits.csv")), runs=tmp_path)
    seen = []
    for k in range(5):
        kept = {
            split: safetensors.torch.load_file(
                run.fold(k).path / "predictions" / f"{split}.safetensors"
            )["ids"].numpy()
            // 4
            for split in ("train", "test")
        }
        assert not set(kept["train"]) & set(kept["test"])
        seen += [*set(kept["test"])]
        weights = safetensors.torch.load_file(run.fold(k).path / "model.safetensors")
        assert weights["weight"].shape == (2, 1)
    assert sorted(seen) == list(range(10))
    matrix = np.array(run.metrics["test"]["confusion_matrix"])
    assert matrix.sum() == 40
    assert matrix.sum(1).tolist() == [20, 20]
    recalls = [run.fold(k).metrics["test"]["recall_per_class"] for k in range(5)]
    assert run.metrics["test"]["recall_per_class"] == {
        name: pytest.approx(np.mean([one[name] for one in recalls]))  # type: ignore[index, call-overload]
        for name in ("n", "y")
    }


def test_a_group_column_that_is_not_there_or_has_gaps_is_refused(tmp_path: Path) -> None:
    write_visits(tmp_path / "visits.csv")
    with pytest.raises(DataError, match=r"data.splits.group: .* no column 'pateint'.*patient"):
        pt.train(loaded(visits(tmp_path / "visits.csv", "pateint")), runs=tmp_path)
    text = (tmp_path / "visits.csv").read_text().replace("9,3,n", ",3,n")
    (tmp_path / "gaps.csv").write_text(text)
    with pytest.raises(DataError, match=r"patient is missing in 1 of 40 \(line 41\)"):
        pt.train(loaded(visits(tmp_path / "gaps.csv")), runs=tmp_path)


def function(tmp_path: Path, *, groups: str) -> dict[str, Any]:
    code = tmp_path / "own.py"
    code.write_text(
        "import numpy as np\n\n\ndef load():\n"
        "    x = np.arange(24, dtype=np.float32)[:, None]\n"
        "    rows = {'train': (x, x[:, 0])}\n"
        f"    return rows | {groups}\n"
    )
    return {
        **LINEAR,
        "data": {
            "source": f"{code}:load", "batch_size": 8,
            "splits": {"test": 0.25, "group": "groups"},
        },
        "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1},
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.0},
        "epochs": 1,
        "claims": [],
    }  # fmt: skip


@pytest.mark.parametrize("groups", ["np.arange(24) // 3", "[f'g{i // 3}' for i in range(24)]"])
def test_groups_of_a_function(groups: str, tmp_path: Path) -> None:
    run = pt.train(loaded(function(tmp_path, groups=f"{{'groups': {groups}}}")), runs=tmp_path)
    kept = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")["ids"]
    counts = torch.bincount(kept // 3, minlength=8)
    assert sorted(counts.tolist()) == [0] * 6 + [3] * 2


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("{}", r"load returns no \"groups\""),
        ("{'groups': [1, 2]}", r"each of the 24 training samples, got \[2\]"),
        ("{'groups': np.zeros(24)}", r"whole number or a name"),
    ],
)
def test_groups_that_a_function_does_not_give_are_refused(
    groups: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        pt.train(loaded(function(tmp_path, groups=groups)), runs=tmp_path)


def test_groups_of_files_by_a_pattern(tmp_path: Path) -> None:
    for person in range(6):
        for text in range(2):
            place = tmp_path / "texts" / "ab"[person % 2] / f"p{person}-{text}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"word{person} and {text}")
    tree = {
        **visits(tmp_path / "texts", r"p(\d+)-"),
        "task": "text-classification",
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 50},
        "loss": "torch.nn.BCEWithLogitsLoss",
        "metrics": ["accuracy"],
    }
    tree["data"] = {
        "source": "text-folder", "path": str(tmp_path / "texts"), "batch_size": 4,
        "text": {"vocabulary": 48}, "splits": {"folds": 3, "group": r"p(\d+)-", "stratify": True},
    }  # fmt: skip
    run = pt.train(loaded(tree), runs=tmp_path)
    words = [(run.fold(k).path / "preprocess.json").read_text() for k in range(3)]
    assert ["word0" in one for one in words].count(False) == 1  # each fold has its own vocabulary
    tree["data"]["splits"]["group"] = "q"
    with pytest.raises(DataError, match="'q' does not match"):
        pt.train(loaded(tree), runs=tmp_path)


def test_a_fold_that_lacks_a_class_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,sick,p\n" + "".join(f"{i},{'y' if i < 3 else 'n'},{i}\n" for i in range(9)))
    tree = visits(path, "p")
    tree["data"]["splits"] = {"folds": 3, "draw": "in-order"}
    with pytest.raises(DataError, match=r"fold 0: .*has the class 'y'"):
        pt.train(loaded(tree), runs=tmp_path)
    assert list(tmp_path.glob("diabetes-cv/*")) == []


def test_splits_that_follow_the_seed_are_drawn_again(tmp_path: Path) -> None:
    splits = {"test": 0.25, "seed": "each"}
    tree = {**LINEAR, "epochs": 1, "claims": [], "data": {**LINEAR["data"], "splits": splits}}
    runs = [pt.train(loaded(tree, f"seed={seed}"), runs=tmp_path) for seed in (0, 1)]
    kept = [json.loads((run.path / "provenance.json").read_text()) for run in runs]
    assert kept[0]["data"]["test"] != kept[1]["data"]["test"]
    assert kept[0]["drawn_from"] == kept[1]["drawn_from"]
    whole = finish(load_split_data(loaded(tree), tmp_path))
    assert kept[0]["drawn_from"] == {name: one.to_plain() for name, one in whole.items()}
    fixed = loaded(tree, "seed=1", "data.splits.seed=1")
    again = pt.train(fixed, runs=tmp_path)
    ids = [
        safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")["ids"].tolist()
        for run in (runs[1], again)
    ]
    assert ids[0] == ids[1]


def test_means_over_folds_of_every_type_of_metric() -> None:
    folds: list[Any] = [
        {"test": {"a": 0.5, "b": None, "c": {"x": 1.0, "y": 0.0}, "m": [[1, 2], [3, 4]]}},
        {"test": {"a": 1.0, "b": 2.0, "c": {"x": 0.5, "y": 1.0}, "m": [[0, 1], [0, 1]]}},
    ]
    assert mean_metrics(folds) == {
        "test": {"a": 0.75, "b": None, "c": {"x": 0.75, "y": 0.5}, "m": [[1, 3], [3, 5]]}
    }


def test_the_data_are_loaded_once_for_all_folds_which_know_the_files_that_were_read(
    tmp_path: Path,
) -> None:
    tree = function(tmp_path, groups="{}")
    rows = tmp_path / "rows.npy"
    np.save(rows, np.random.default_rng(0).normal(size=(24, 1)).astype(np.float32))
    (tmp_path / "own.py").write_text(
        "from pathlib import Path\n\nimport numpy as np\n\n\ndef load():\n"
        f"    with Path({str(tmp_path / 'calls')!r}).open('a') as calls:\n"
        "        calls.write('.')\n"
        f"    x = np.load({str(rows)!r})\n"
        "    return {'train': (x, x[:, 0])}\n"
    )
    tree["data"]["splits"] = {"folds": 3}
    tree["optimizer"]["lr"] = 0.1
    run = pt.train(loaded(tree), runs=tmp_path / "runs")
    assert (tmp_path / "calls").read_text() == "."
    for place in (run.path, run.fold(1).path):
        assert "rows.npy" in (place / "provenance.json").read_text()
    alone = pt.train(loaded(tree | {"data": tree["data"] | {"splits": {"folds": 3, "fold": 1}},
                                    "seed": run.fold(1).recipe.seed}), runs=tmp_path)  # fmt: skip
    weights = [(one.path / "model.safetensors").read_bytes() for one in (alone, run.fold(1))]
    assert weights[0] == weights[1]
