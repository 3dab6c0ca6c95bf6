"""`init_from` with a file, and `freeze`: check, training, what a run keeps, audit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import papertrial as pt
from papertrial.errors import ModelError, RecipeError, RunError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import to_tree
from papertrial.store.run_records import Provenance

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.BatchNorm1d(hidden))
        self.fc = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.fc(self.backbone(x).relu())
"""


def recipe(folder: Path, **more: Any) -> pt.Recipe:
    tree = {
        "name": "fine-tuned",
        "task": "image-classification",
        "data": {"source": "digits", "splits": {"test": 0.5}, "batch_size": 128},
        "model": {"use": f"{folder}/net.py:Net"},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
        "claims": [{"metric": "accuracy", "kind": "at-least", "value": 0.01}],
        **more,
    }
    loaded = pt.load_recipe(tree)
    assert isinstance(loaded, pt.Recipe)
    return loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network, and the weights of a larger task in a checkpoint."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "net.py").write_text(NET)
    torch.manual_seed(3)
    body = {"1.weight": torch.randn(16, 64) / 8, "1.bias": torch.randn(16),
            "2.weight": torch.ones(16), "2.bias": torch.zeros(16),
            "2.running_mean": torch.full((16,), 0.5), "2.running_var": torch.full((16,), 2.0),
            "2.num_batches_tracked": torch.tensor(7)}  # fmt: skip
    state = {f"module.backbone.{name}": t for name, t in body.items()}
    state |= {"module.fc.weight": torch.randn(100, 16), "module.fc.bias": torch.zeros(100)}
    torch.save({"state_dict": state, "epoch": 9}, folder / "r18.pth")
    return folder


def checked(recipe: pt.Recipe) -> Any:
    return pt.check(to_tree(recipe))


START: dict[str, Any] = {"weights": "", "skip": ["fc.*"]}


def started(folder: Path, **more: Any) -> pt.Recipe:
    start = START | {"weights": str(folder / "r18.pth")}
    return recipe(folder, init_from=start, freeze="backbone.*", **more)


@pytest.fixture(scope="module")
def run(folder: Path) -> pt.Run:
    return pt.train(started(folder), runs=folder / "runs")


def test_the_body_is_loaded_and_frozen_and_the_head_is_trained(run: pt.Run, folder: Path) -> None:
    kept = load_file(run.path / "model.safetensors")
    given = torch.load(folder / "r18.pth")["state_dict"]
    same = {n for n in kept if torch.equal(kept[n], given.get(f"module.{n}", torch.ones(0)))}
    assert same == {f"backbone.{n}" for n in ("1.weight", "1.bias", "2.weight", "2.bias")}
    again = pt.train(started(folder), runs=folder / "runs")
    assert (again.path / "model.safetensors").read_bytes() == (
        run.path / "model.safetensors"
    ).read_bytes()


def test_frozen_batch_norm_may_keep_its_statistics(folder: Path) -> None:
    start = START | {"weights": str(folder / "r18.pth")}
    freeze = {"match": ["backbone.*"], "batch_norm": "fixed"}
    fixed = pt.train(recipe(folder, init_from=start, freeze=freeze), runs=folder / "runs")
    kept = load_file(fixed.path / "model.safetensors")
    assert kept["backbone.2.running_mean"].tolist() == [0.5] * 16
    assert kept["backbone.2.num_batches_tracked"] == 7


def test_a_frozen_head_that_was_not_loaded_is_warned_about(folder: Path) -> None:
    frozen = started(folder).model_copy(update={"freeze": None})
    trees = [{**to_tree(frozen), "freeze": match} for match in (["fc.bias"], ["backbone.*"])]
    (warning,), none = (
        [one for one in pt.check(tree).problems if one.where == "freeze"] for tree in trees
    )
    assert (warning.severity, none) == ("warning", [])
    assert "fc.bias" in warning.message
    alone = {**trees[0], "init_from": None}  # a model may have loaded weights itself
    assert [one for one in pt.check(alone).problems if one.where == "freeze"] == []


def test_the_provenance_says_what_was_loaded(run: pt.Run, folder: Path) -> None:
    kept = Provenance.from_json((run.path / "provenance.json").read_text(), "provenance.json")
    sha256 = hashlib.sha256((folder / "r18.pth").read_bytes()).hexdigest()
    (one,) = kept.initial_weights
    assert (one.key, one.source, one.sha256) == ("init_from", f"{folder}/r18.pth", sha256)
    assert (len(one.loaded), one.skipped) == (7, ("fc.weight", "fc.bias"))
    assert (one.missing, one.unused) == ((), ())
    assert "'state_dict'" in one.notes[0]
    assert "'module.'" in one.notes[1]
    assert kept.init_from is not None
    assert kept.init_from.weights_sha256 == sha256
    assert kept.frozen is not None
    assert kept.frozen.startswith("1,072 of 1,242 parameters are frozen")
    (copy,) = (d for d in kept.dependencies if d.kind == "weights")
    assert (copy.sha256, copy.copied) == (sha256, True)
    assert "r18.pth" not in " ".join(kept.not_covered)


def test_the_start_and_the_report_say_it(folder: Path, tmp_path: Path) -> None:
    from papertrial.runs.train import training
    from papertrial.training.events import Started

    events = training(started(folder), runs=tmp_path)
    notes = next(event.notes for event in events if isinstance(event, Started))
    events.close()
    assert "init_from: loaded 7 of 9 tensors" in notes
    assert any("are frozen" in note for note in notes)


def test_check_lists_it_and_knows_that_the_seed_moves_only_the_head(folder: Path) -> None:
    found = checked(started(folder))
    assert found.ok, found.problems
    (one,) = found.facts.weights
    assert len(one.loaded) == 7
    assert found.facts.frozen is not None
    assert found.facts.frozen.tensors == 4
    assert found.to_json()["facts"]["frozen"]["parameters"] == 1072  # type: ignore[index]
    assert found.facts.streams is not None
    assert found.facts.streams.init
    assert found.facts.cost is not None
    assert found.facts.cost.trainable_parameters == 170


def test_what_a_file_lacks_is_a_warning_of_check(folder: Path, tmp_path: Path) -> None:
    state = torch.load(folder / "r18.pth")["state_dict"]
    body = {n.removeprefix("module."): t for n, t in state.items() if ".fc." not in n}
    torch.save(body | {"old.scale": torch.ones(1)}, tmp_path / "body.pt")
    found = checked(recipe(folder, init_from=str(tmp_path / "body.pt")))
    warnings = [p.message for p in found.problems if p.where == "init_from"]
    assert [("fc.weight" in w, "old.scale" in w) for w in warnings] == [
        (True, False),
        (False, True),
    ]


def test_the_content_counts_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "moved.pth").write_bytes((folder / "r18.pth").read_bytes())
    first = training_hash(started(folder))
    moved = START | {"weights": str(tmp_path / "moved.pth")}
    assert training_hash(recipe(folder, init_from=moved, freeze="backbone.*")) == first
    assert training_hash(recipe(folder, init_from=moved)) != first
    other = moved | {"skip": ["fc.*", "backbone.2.*"]}
    assert training_hash(recipe(folder, init_from=other, freeze="backbone.*")) != first
    torch.save(torch.load(folder / "r18.pth") | {"epoch": 8}, tmp_path / "moved.pth")
    assert training_hash(recipe(folder, init_from=moved, freeze="backbone.*")) != first


def test_a_run_may_be_started_from_in_part(run: pt.Run, folder: Path, tmp_path: Path) -> None:
    start = {"weights": str(run.path), "skip": ["fc.*"]}
    further = pt.train(recipe(folder, init_from=start, freeze=["backbone.1.*"]), runs=tmp_path)
    kept = json.loads((further.path / "provenance.json").read_text())
    assert kept["initial_weights"][0]["skipped"] == ["fc.weight", "fc.bias"]
    assert {d["kind"] for d in kept["dependencies"]} == {"code", "run"}
    kinds = load_file(run.path / "model.safetensors"), load_file(further.path / "model.safetensors")
    assert torch.equal(kinds[0]["backbone.1.weight"], kinds[1]["backbone.1.weight"])


def test_an_audit_passes_when_the_file_is_gone(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "body.pth"
    path.write_bytes((folder / "r18.pth").read_bytes())
    start = START | {"weights": str(path)}
    asked = recipe(folder, init_from=start, freeze="backbone.*", verify={"seeds": [0, 1, 2, 3, 4]})
    result = pt.verify(asked, runs=tmp_path / "runs", workers=1)
    path.unlink()
    found = pt.audit(result.path, seed=1)  # trains the seed again, from the copy
    assert found.differences == ()
    assert any("again" in one.message for one in found.findings)


def test_predict_does_not_need_a_file_that_was_too_large_to_copy(
    folder: Path, tmp_path: Path
) -> None:
    path, state = tmp_path / "big.pth", torch.load(folder / "r18.pth")["state_dict"]
    torch.save(state | {"pad": torch.zeros(3_000_000)}, path)
    start = {"weights": str(path), "skip": ["pad", "*fc.*"], "rename": {"module.": ""}}
    made = pt.train(recipe(folder, init_from=start), runs=tmp_path / "runs")
    path.unlink()
    run = pt.load_run(made.path)
    assert len(run.predict(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))) == 2
    assert run.recipe.start is not None
    assert run.recipe.start.weights == str(path)
    with pytest.raises(RunError, match=r"init_from: there is no file .*big\.pth"):
        pt.train(run.recipe, runs=tmp_path / "runs")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"skip": []}, ModelError, r"init_from: .*fc.weight \[100, 16\] instead of \[10, 16\]"),
        ({"skip": ["fc.*", "head.*"]}, ModelError, "init_from.skip: 'head"),
        ({"rename": {"encoder.": ""}}, ModelError, "init_from.rename: "),
        ({"weights": "gone.pth"}, RunError, "init_from: there is no file .*gone.pth"),
        ({"weights": "net.py"}, ModelError, "init_from: .*net.py is not a file of weights"),
        ({"weights": "nowhere"}, RunError, "there is no run folder"),
    ],
)
def test_what_cannot_be_started_from(
    change: dict[str, Any], error: type[Exception], message: str, folder: Path, tmp_path: Path
) -> None:
    start = START | {"weights": "r18.pth"} | change
    start["weights"] = str(folder / start["weights"])
    bad = recipe(folder, init_from=start)
    with pytest.raises(error, match=message):
        pt.train(bad, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
    found = checked(bad)
    assert any(p.where.startswith("init_from") and p.severity == "error" for p in found.problems)


def test_a_name_to_freeze_that_is_not_there_is_an_error_of_check(folder: Path) -> None:
    found = checked(recipe(folder, freeze=["backbon.*"]))
    (problem,) = (p for p in found.problems if p.severity == "error")
    assert problem.where == "freeze"
    assert 'did you mean "backbone.*"' in problem.message


@pytest.mark.parametrize("key", ["weights", "skip.0", "nothing", "rename"])
def test_unknown_keys_and_wrong_values_are_problems(key: str, folder: Path) -> None:
    start = START | {"weights": str(folder / "r18.pth")}
    change = {"weights": 3, "skip.0": 3, "nothing": 1, "rename": ["a"]}[key]
    name = key.partition(".")[0]
    with pytest.raises(RecipeError, match=rf"init_from\.{key}: "):
        recipe(folder, init_from=start | {name: [change] if "." in key else change})
    with pytest.raises(RecipeError, match="freeze"):
        recipe(folder, freeze=[])
