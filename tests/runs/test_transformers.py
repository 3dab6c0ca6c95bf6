"""Transformers from the recipe to verdicts that an audit confirms."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

import papertrial as pt
from papertrial.errors import DataError, InvalidRecipeError, RecipeError
from papertrial.hub import HubError
from papertrial.recipe.digest import training_hash
from papertrial.store.run_folder import RunFolder

RECIPE = """
name: reviews
task: text-classification
data:
  source: text-table
  path: reviews.csv
  table: {text: text, target: label}
  text: {tokenizer: ./bert, max_length: 12, bucket: 2}
  splits: {test: 20, seed: 1}
  batch_size: 10
model: {use: papertrial.models.transformer, source: ./bert}
loss: torch.nn.CrossEntropyLoss
optimizer: {use: torch.optim.AdamW, lr: 0.02}
scheduler:
  use: transformers.get_linear_schedule_with_warmup
  num_warmup_steps: 4
  num_training_steps: 16
  interval: step
epochs: 4
claims: [{metric: accuracy, split: test, value: 0.9, tolerance: 0.3, kind: expected}]
verify: {max_seeds: 5}
"""


def write(folder: Path, bert: Path, **changes: object) -> Path:
    """Write a recipe, its table and the folder of its model; return the path of the recipe."""
    shutil.copytree(bert, folder / "bert")
    draw = random.Random(0)
    words = (["bad", "dull", "film", "plot"], ["good", "wonderful", "film", "acting"])
    with (folder / "reviews.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for i in range(60):
            some = [draw.choice(words[i % 2]) for _ in range(draw.randint(3, 14))]
            rows.writerow([" ".join([words[i % 2][0], *some]), ("neg", "pos")[i % 2]])
    place = folder / "recipe.yaml"
    place.write_text(RECIPE)
    return place


@pytest.fixture(scope="module")
def place(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("reviews"), tiny_bert)


@pytest.fixture(scope="module")
def run(place: Path) -> pt.Run:
    return pt.train(pt.load_recipe(place), runs=place.parent / "runs")


def test_a_run_learns_and_repeats(run: pt.Run, place: Path) -> None:
    assert run.metrics["test"]["accuracy"] > 0.8  # type: ignore[operator]
    again = pt.train(pt.load_recipe(place), runs=place.parent / "runs")
    weights = [(one.path / "model.safetensors").read_bytes() for one in (run, again)]
    assert weights[0] == weights[1]
    provenance = RunFolder(run.path).provenance
    assert {one.kind for one in provenance.dependencies} == {"folder", "tokenizer"}
    assert all(one.copied and one.hashed for one in provenance.dependencies)
    assert provenance.not_covered == ()
    assert "transformers" in provenance.packages
    (loaded,) = provenance.initial_weights
    assert loaded.key == "model.source"
    assert loaded.missing == ("classifier.bias", "classifier.weight")
    assert any("classifier.bias" in line for line in loaded.lines)


def test_predictions_are_those_of_transformers(
    run: pt.Run, tiny_bert: Path, tmp_path: Path
) -> None:
    import safetensors.torch
    import transformers

    texts = ["A wonderful good film", "bad bad plot, and dull acting"]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tiny_bert)
    model.load_state_dict(safetensors.torch.load_file(run.path / "model.safetensors"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_bert)
    x = tokenizer(texts, padding=True, truncation=True, max_length=12, return_tensors="pt")
    with torch.no_grad():
        wanted = model.eval()(**x).logits.softmax(1)
    alone = tmp_path / "alone"  # with nothing but the run
    shutil.copytree(run.path, alone)
    shutil.rmtree(alone / "code")
    answers = pt.load_run(alone).predict(texts)
    got = torch.tensor([[one.probabilities[name] for name in ("neg", "pos")] for one in answers])
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)
    (note,) = (one.converted for one in pt.load_run(alone).predict("good " * 20))
    assert note == "cut from 22 to 12 tokens"


def test_the_hash_depends_on_content_alone(place: Path, tmp_path: Path) -> None:
    digest = training_hash(pt.load_recipe(place))
    shutil.copytree(place.parent / "bert", tmp_path / "copy")
    moved = {"data.text.tokenizer": str(tmp_path / "copy"), "model.source": str(tmp_path / "copy")}
    overrides = [f"{key}={value}" for key, value in moved.items()]
    assert training_hash(pt.load_recipe(place, overrides)) == digest
    file = tmp_path / "copy" / "tokenizer.json"
    file.write_text(file.read_text() + "\n")
    assert training_hash(pt.load_recipe(place, overrides)) != digest


def test_large_weights_are_not_needed_after_the_run(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(place.parent, tmp_path / "r", ignore=shutil.ignore_patterns("runs"))
    (tmp_path / "r" / "bert" / "padding.bin").write_bytes(bytes(11 * 2**20))
    recipe = pt.load_recipe(tmp_path / "r" / "recipe.yaml", ["epochs=1", "scheduler=null"])
    run = pt.train(recipe, runs=tmp_path / "runs")
    kept = {one.name: one.copied for one in RunFolder(run.path).provenance.dependencies}
    assert kept == {"model.source": False, "code/tokenizer": True}
    shutil.rmtree(tmp_path / "r")
    assert pt.load_run(run.path).predict("good film")[0].prediction in ("neg", "pos")
    with pytest.raises(RecipeError, match="bert"):
        pt.train(pt.load_recipe(run.path / "recipe.yaml"), runs=tmp_path / "runs")


def test_a_network_in_the_cache_of_the_hub(
    place: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    commit = "0123456789" * 4
    name = f"hf:owner/tiny@{commit}"
    changes = [f"model.source={name}", f"data.text.tokenizer={name}", "epochs=1", "scheduler=null"]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match=f"hf download owner/tiny --revision {commit}"):
        pt.train(pt.load_recipe(place, changes), runs=tmp_path / "runs")
    shutil.copytree(tiny_bert, tmp_path / "cache" / "models--owner--tiny" / "snapshots" / commit)
    run = pt.train(pt.load_recipe(place, changes), runs=tmp_path / "runs")
    (traced,) = RunFolder(run.path).provenance.dependencies
    assert (traced.kind, traced.name, traced.hashed) == ("hub", name, False)
    shutil.rmtree(tmp_path / "cache")
    assert pt.load_run(run.path).predict("good film")[0].prediction in ("neg", "pos")


def test_a_saved_set_of_images_is_trained_on_and_evaluated(tmp_path: Path) -> None:
    import datasets as hf
    import numpy as np

    draw = np.random.default_rng(0)
    label = [i % 2 for i in range(40)]
    pixels = [(draw.integers(0, 100, (4, 4)) + 150 * one).astype(np.uint8) for one in label]
    kinds = {"image": hf.Image(), "label": hf.ClassLabel(names=["dark", "light"])}
    rows = {"image": [Image.fromarray(one) for one in pixels], "label": label}
    hf.disable_progress_bars()
    whole = hf.Dataset.from_dict(rows, features=hf.Features(kinds))
    parts = {"train": whole.select(range(30)), "test": whole.select(range(30, 40))}
    hf.DatasetDict(parts).save_to_disk(tmp_path / "set")
    hf.enable_progress_bars()
    recipe = pt.load_recipe(
        {
            "name": "light", "task": "image-classification",
            "data": {
                "source": "dataset-folder", "path": str(tmp_path / "set"), "batch_size": 10,
                "table": {"image": "image", "target": "label"}, "image": {"mode": "L"},
            },
            "model": {
                "use": "papertrial.models.MLP", "in_features": 16, "hidden": [], "out_features": 2
            },
            "loss": "torch.nn.CrossEntropyLoss",
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.5},
            "epochs": 20,
        }
    )  # fmt: skip
    run = pt.train(recipe, runs=tmp_path)
    assert run.metrics["test"]["accuracy"] == 1.0
    assert pt.evaluate_run(run).metrics == run.metrics
    assert pt.evaluate_run(run, tmp_path / "set").metrics == run.metrics
    assert run.summary.classes == ("dark", "light")


def test_a_fresh_network_has_as_many_outputs_as_classes(place: Path) -> None:
    fresh = (
        "model.config={model_type: distilbert, vocab_size: 60, dim: 8, n_layers: 1, n_heads: 2, "
        "hidden_dim: 8, max_position_embeddings: 16}"
    )
    result = pt.check(place, [fresh, "model.source=null", "epochs=1", "scheduler=null"])
    assert not [one for one in result.problems if one.severity == "error"]
    assert result.facts.cost is not None
    result = pt.check(place, [fresh.replace("60", "50"), "model.source=null"])
    assert any("50" in one.message for one in result.problems if one.severity == "error")


def test_a_verification_is_confirmed(place: Path, tmp_path: Path) -> None:
    recipe = pt.load_recipe(place)
    done = pt.verify(recipe, runs=tmp_path / "runs", workers=1, threads=1)
    assert done.verdict == "REPRODUCED"
    findings = pt.audit(done.path).findings
    assert [str(finding) for finding in findings if not finding.ok] == []


@pytest.mark.parametrize(
    ("override", "where"),
    [
        ("data.text.lower=false", "data.text.lower"),
        ("data.text.vocabulary=99", "data.text.vocabulary"),
        ("data.text.tokenizer=hf:bert@main", "data.text.tokenizer"),
        ("data.source=hf:reviews", "data.source"),
        ("model.sourc=./bert", "model.sourc"),
        ("data.parts={train: a}", "data.parts"),
        ("data.table.image=picture", "data.table.image"),
    ],
)
def test_recipes_that_are_not_valid(place: Path, override: str, where: str) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        pt.load_recipe(place, [override])
    assert where in {one.where for one in caught.value.problems}


def test_a_start_run_must_have_the_same_tokenizer(run: pt.Run, place: Path) -> None:
    start = f"init_from={run.path}"
    go = pt.train(
        pt.load_recipe(place, [start, "epochs=1", "scheduler=null"]), runs=run.path.parent
    )
    assert go.metrics["test"]["accuracy"] > 0.8  # type: ignore[operator]
    with pytest.raises(DataError, match="another tokenizer"):
        pt.train(pt.load_recipe(place, [start, "data.text.max_length=9"]), runs=run.path.parent)
