"""The shipped recipes of texts, series and graphs, smoke-trained on small files of their formats.

Their sets are downloaded, and do not come with papertrial.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest
import yaml

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.checks.check_recipe import check
from papertrial.errors import DataError
from papertrial.recipe.load import shipped_recipes
from papertrial.runs.evaluate import evaluate_run

SMALL = {
    "shakespeare-char": [
        "data.window.length=16", "model.length=16", "model.layers=1", "model.heads=2",
        "model.width=16", "data.batch_size=4", "evaluate.every=2", "steps=3",
    ],
    "sentiment-cnn": [
        "data.text.vocabulary=50", "model.num_embeddings=52", "model.embedding_dim=8",
        "model.maps=4", "data.splits.folds=2", "epochs=2",
    ],
    "etth1-dlinear": [
        "data.window.length=24", "data.window.horizon=6", "model.length=24", "model.horizon=6",
        "data.limit=100", "epochs=3",
    ],
    "cora-gcn": ["model.in_features=20", "epochs=3"],
}  # fmt: skip
SOURCES = {
    "shakespeare-char": "tiny-shakespeare", "sentiment-cnn": "rt-polarity",
    "etth1-dlinear": "etth1", "cora-gcn": "cora",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(
    small_set: Callable[[str, Path, pytest.MonkeyPatch], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """A data folder with all of the small sets."""
    made = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        for source in SOURCES.values():
            small_set(source, made, patch)
        patch.setenv("PAPERTRIAL_DATA", str(made))
        yield made


def _weights(run: pt.Run) -> bytes:
    return b"".join((one.path / "model.safetensors").read_bytes() for one in run.models)


@pytest.mark.parametrize("name", SMALL)
def test_each_trains_twice_to_the_same_weights(name: str, folder: Path, tmp_path: Path) -> None:
    recipe = pt.load_recipe(name, SMALL[name])
    first, second = (pt.train(recipe, runs=tmp_path / one, threads=1) for one in "ab")
    assert _weights(first) == _weights(second)
    other = pt.train(pt.load_recipe(name, [*SMALL[name], "seed=1"]), runs=tmp_path, threads=1)
    assert _weights(other) != _weights(first)
    for claim in first.summary.claims:
        assert claim.ours is not None
        assert math.isfinite(claim.ours)
        assert (claim.not_judged or "").startswith("the setting differs: ")


def test_a_large_training_part_is_neither_evaluated_nor_stored(
    folder: Path, tmp_path: Path
) -> None:
    run = pt.train(
        pt.load_recipe("shakespeare-char", SMALL["shakespeare-char"]), runs=tmp_path, threads=1
    )
    assert set(run.metrics) == {"validation"}
    assert [path.stem for path in (run.path / "predictions").iterdir()] == ["validation"]
    assert evaluate_run(run).metrics == run.metrics
    scores = run.metrics["validation"]
    # All windows have the same length, so the mean over samples is the mean over characters.
    assert scores["perplexity"] == pytest.approx(math.exp(scores["loss"]), rel=1e-5)
    with pytest.raises(DataError, match=r"evaluate\.train: false leaves no part"):
        pt.train(
            pt.load_recipe(
                {
                    "name": "nothing",
                    "task": "prediction",
                    "data": {"source": "digits", "batch_size": 64, "target": "inputs"},
                    "model": {"use": "torch.nn.Conv2d", "args": [1, 1, 1]},
                    "loss": "torch.nn.MSELoss",
                    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
                    "epochs": 1,
                    "evaluate": {"train": False},
                }
            ),
            runs=tmp_path,
        )


@pytest.mark.parametrize("name", SMALL)
def test_check_finds_no_error(name: str, folder: Path) -> None:
    found = check(name, SMALL[name], device="cpu")
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    if name == "cora-gcn":
        assert [one.parameters for one in found.facts.groups or ()] == [7 * 16, 20 * 16]


def test_a_verification_of_a_language_model_is_audited(
    folder: Path, tmp_path: Path, verify_here: Callable[[Path, Path], Path]
) -> None:
    text = shipped_recipes()["shakespeare-char"]
    tree = yaml.safe_load(text.replace("1e-", "1.0e-"))  # PyYAML takes 1e-3 for text
    tree["claims"] = [{"metric": "loss", "split": "validation", "value": 10, "kind": "at-most"}]
    tree["verify"] = {"max_seeds": 5}
    for change in SMALL["shakespeare-char"]:
        where, _, value = change.partition("=")
        *sections, key = where.split(".")
        reduce(dict.__getitem__, sections, tree)[key] = int(value)
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(tree))
    folder = verify_here(path, tmp_path / "runs")
    made = audit(folder, seed=0, retrain=False)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    assert "predictions" in {finding.check for finding in made.findings}


def test_a_plane_through_three_features_is_scikit_learns(tmp_path: Path) -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    recipe = pt.load_recipe("breast-cancer-plane", ["seed=5"])
    run = pt.train(recipe, runs=tmp_path, threads=1)
    bunch = load_breast_cancer()
    names = list(bunch.feature_names)
    chosen = [names.index(one) for one in ("worst area", "worst smoothness", "mean texture")]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e6))
    folds = KFold(10, shuffle=True, random_state=5)
    expected = cross_val_score(model, bunch.data[:, chosen], bunch.target, cv=folds).mean()
    assert run.metrics["test"]["accuracy"] == pytest.approx(expected, abs=1e-9)
    (claim,) = run.summary.claims
    assert claim.not_judged is None
    assert abs(expected - 0.975) < 0.01
