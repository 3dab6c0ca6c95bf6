"""Whitening, Muon beside SGD and test-time augmentation in trainings, a verification, an audit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import papertrial as pt
from papertrial.recipe.yaml_text import dump
from papertrial.runs.evaluate import evaluate_run

CODE = """
import torch

def images():
    y = torch.arange(60) % 2
    x = torch.randint(0, 120, (60, 3, 32, 32)) + 100 * y[:, None, None, None]
    x = x.to(torch.uint8).numpy()
    return {"train": (x[:40], y[:40].numpy()), "test": (x[40:], y[40:].numpy())}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped recipe with a small network, on small data of its own."""
    folder = tmp_path_factory.mktemp("airbench")
    (folder / "data.py").write_text(CODE)
    tree = pt.load_recipe("cifar10-airbench94").model_dump(mode="json", exclude_none=True)
    tree["name"] = "airbench-small"
    tree["data"] |= {"source": "./data.py:images", "batch_size": 20}
    tree["model"] |= {"out_features": 2, "widths": [4, 4, 4]}
    tree["claims"] = [{"metric": "accuracy", "value": 0.1, "kind": "at-least"}]
    tree["verify"] = {"max_seeds": 2, "sd": {"value": 0.5, "is": "bound"}}
    tree["epochs"] = 3
    tree.pop("deviations")
    (folder / "small.yaml").write_text(dump(tree))
    return folder / "small.yaml"


def test_filters_are_those_of_the_first_batch_and_stay(recipe: Path, tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe(recipe), runs=tmp_path, threads=1)
    again = pt.train(pt.load_recipe(recipe), runs=tmp_path, threads=1)
    short = pt.train(pt.load_recipe(recipe, ["epochs=1"]), runs=tmp_path, threads=1)
    other = pt.train(pt.load_recipe(recipe, ["seed=1"]), runs=tmp_path, threads=1)
    files = [one.path / "model.safetensors" for one in (run, again, short, other)]
    assert files[0].read_bytes() == files[1].read_bytes()
    weights = [load_file(file) for file in files]
    filters = [one["whiten.weight"] for one in weights]
    assert torch.equal(filters[0], filters[2])  # trained for longer
    assert not torch.equal(filters[0], filters[3])  # another first batch
    for name, after in weights[0].items():
        if name.endswith("weight") and after.ndim == 4 and name != "whiten.weight":
            root = len(after) ** 0.5  # the norm before a step, which adds 0.24 of about UV'
            assert after.norm().item() == pytest.approx(root, rel=0.24 * 1.3)
            assert not torch.equal(after, weights[2][name])
    image = torch.full((1, 3, 32, 32), 200, dtype=torch.uint8)
    (answer,) = pt.load_run(run.path).predict(image)
    assert len(answer.probabilities) == 2
    assert evaluate_run(pt.load_run(run.path)).metrics["test"] == run.metrics["test"]


def test_a_verification_of_it_passes_its_audit(
    recipe: Path, tmp_path: Path, verify_here: Callable[[Path, Path], Path]
) -> None:
    made = pt.audit(verify_here(recipe, tmp_path), seed=1)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    assert made.ok
