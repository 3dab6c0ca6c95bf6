"""`papertrial evaluate` and what `train` and `predict` print of the newer kinds of runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import papertrial as pt

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    """A run on texts of one's own."""
    folder = tmp_path_factory.mktemp("films")
    for part in ("train", "test"):
        for name, word in (("bad", "awful"), ("good", "lovely")):
            (folder / "set" / part / name).mkdir(parents=True)
            for number in range(6):
                path = folder / "set" / part / name / f"{number}.txt"
                path.write_text(f"a {word} film number {number}")
    recipe = {
        "name": "films",
        "task": "text-classification",
        "data": {"source": "text-folder", "path": str(folder / "set"), "batch_size": 4,
                 "text": {"max_length": 4}},
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 13},
        "loss": "torch.nn.BCEWithLogitsLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.1},
        "epochs": 5,
        "metrics": ["loss", "accuracy", "confusion_matrix"],
    }  # fmt: skip
    return pt.train(pt.load_recipe(recipe), runs=folder / "runs")


def test_a_run_is_evaluated_again(invoke: Invoke, run: pt.Run) -> None:
    done = invoke("evaluate", run.path)
    assert done.exit_code == 0, done.stderr
    assert "accuracy" in done.stdout
    assert "with --json: confusion_matrix" in done.stdout
    assert "warning" not in done.stderr


def test_json_has_the_very_metrics(invoke: Invoke, run: pt.Run) -> None:
    done = invoke("evaluate", run.path, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert list(told) == ["run", "data", "metrics", "report", "notes"]
    assert told["report"] == run.summary.report.to_plain()
    assert told["metrics"] == run.metrics
    assert (told["data"], told["notes"]) == ("text-folder", [])


def test_another_set_and_changed_data(invoke: Invoke, run: pt.Run) -> None:
    folder = Path(str(run.recipe.data.path))
    done = invoke("evaluate", run.path, "--data", folder / "test", "--json")
    assert json.loads(done.stdout)["metrics"] == {"data": run.metrics["test"]}
    file = folder / "test/good/0.txt"
    before = file.read_text()
    try:
        file.write_text("an awful film")
        done = invoke("evaluate", run.path)
    finally:
        file.write_text(before)
    assert done.exit_code == 0
    assert "note: test: its content has changed" in done.stderr


def test_what_cannot_be_evaluated_is_2(invoke: Invoke, run: pt.Run, tmp_path: Path) -> None:
    for words, message in (
        ([tmp_path], "is not a run folder"),
        ([run.path, "--data", "nowhere"], "there is no set and no file or folder 'nowhere'"),
        ([run.path, "--device", "cuda:99"], "this machine has no device"),
    ):
        done = invoke("evaluate", *words)
        assert done.exit_code == 2
        assert message in done.stderr
        assert done.stdout == ""


def test_texts_are_predicted_as_they_are_typed(
    invoke: Invoke, run: pt.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.txt").write_text("a lovely film")
    done = invoke("predict", run.path, "awful // truly, a film", "./lovely", "one.txt", "--json")
    assert done.exit_code == 0, done.stderr
    first, second, third = json.loads(done.stdout)
    assert (first["input"], first["prediction"]) == ("awful // truly, a film", "bad")
    assert first["converted"] == "the first 4 of 6 words"
    assert (second["input"], second["prediction"]) == ("./lovely", "good")
    assert (third["input"], third["prediction"]) == ("one.txt", "good")


MARKS = "[/i] a [red]lovely[/red] :film_frames: film"  # which rich would read as its own


def test_marks_in_what_is_given_are_shown_as_they_are(invoke: Invoke, run: pt.Run) -> None:
    done = invoke("predict", run.path, MARKS)
    assert done.exit_code == 0, done.stderr
    shown = "".join(line.split("\u2502")[1].strip(" ") + " " for line in done.stdout.splitlines()
                    if line.startswith("\u2502"))  # fmt: skip
    assert shown.split() == MARKS.split()


def test_marks_in_the_names_of_classes_are_shown_as_they_are(
    invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "data.py").write_text(
        "TRAIN = ['good film', 'bad film'] * 8, ['[/a]', ':smile:'] * 8\n\n\n"
        "def films():\n    return {'train': TRAIN}\n"
    )
    (tmp_path / "own.yaml").write_text(
        "name: own\ntask: text-classification\nmetrics: [accuracy, confusion_matrix]\n"
        "data: {source: './data.py:films', batch_size: 8}\n"
        "model: {use: papertrial.models.BagOfWords, num_embeddings: 5}\n"
        "loss: torch.nn.BCEWithLogitsLoss\noptimizer: torch.optim.Adam\nepochs: 1\n"
    )
    for words in (["train", tmp_path / "own.yaml", "--runs", tmp_path / "runs"],
                  ["check", tmp_path / "own.yaml"]):  # fmt: skip
        done = invoke(*words)
        assert done.exit_code == 0, done.stdout + done.stderr
        assert words[0] == "check" or "[/a]" in done.stdout


def test_an_empty_text_is_2(invoke: Invoke, run: pt.Run, tmp_path: Path) -> None:
    done = invoke("predict", run.path, "")
    assert done.exit_code == 2
    assert "'' has no words" in done.stderr


CHOSEN = ["epochs=2", "evaluate.test=every-epoch", "report=best-on-test"]


def test_train_says_that_a_choice_by_the_test_split_is_optimistic(
    invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke("train", "digits-mlp", *CHOSEN, "--runs", tmp_path)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("OPTIMISTIC: "))
    assert lines[at - 1] == "reported: epoch 2 of 2, the best on test by accuracy"
    assert "the epoch was chosen by the test split" in lines[at]
    assert "at the last epoch: loss " in lines[at]
    assert lines[-1].startswith("run: ")


def test_train_says_it_beside_json_on_standard_error(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("train", "digits-mlp", *CHOSEN, "--runs", tmp_path, "--json")
    (line,) = done.stdout.splitlines()
    report = json.loads(line)["report"]
    assert (report["rule"], report["optimistic"]) == ("best-on-test", True)
    assert report["test_evaluations"] == 1
    assert "OPTIMISTIC: " in done.stderr


def test_train_says_that_the_test_split_was_looked_at(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("train", "digits-mlp", *CHOSEN[:2], "epochs=3", "--runs", tmp_path)
    assert "the test split was evaluated 2 times before the end, but chose nothing" in done.stdout
    plain = invoke("train", "digits-mlp", "epochs=1", "--runs", tmp_path)
    assert "the test split" not in plain.stdout + plain.stderr


def test_a_training_that_cannot_start_leaves_no_run(invoke: Invoke, tmp_path: Path) -> None:
    late = ["data.splits.validation=0.1", "evaluate.every=9", "epochs=2"]
    done = invoke("train", "digits-mlp", *late, "early_stopping={}", "--runs", tmp_path)
    assert done.exit_code == 2
    assert "evaluate.every: the first evaluation comes after" in done.stderr
    assert list(tmp_path.iterdir()) == []
