"""Every recipe that comes with papertrial."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score

import papertrial as pt
from papertrial import vocabulary
from papertrial.data.column import Dataset
from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.open_source import SOURCES
from papertrial.evaluate.metrics import FAMILIES
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.load import shipped_recipes
from papertrial.recipe.resolve import resolve
from papertrial.runs.build import build_objective
from papertrial.tasks.make_task import TASKS

FOLDER = Path(pt.__file__).parent / "recipes"
PROGRAMS = ["digits-sklearn", "fashion-mnist-script", "shell-script"]
RECIPES = [
    "cifar10-airbench94", "cifar10-deep-cnn", "cifar10-resnet20", "cifar10-tutorial",
    "diabetes-bmi", "diabetes-linear", "digits-distillation", "digits-mlp", "digits-mlp-as-svc",
    "digits-teacher", "digits-unet", "fashion-mnist-cnn", "fashion-mnist-cnn-small",
    "fashion-mnist-mlp", "fashion-mnist-quickstart", "imdb-bow", "imdb-lstm", "mnist-cnn",
    "vae-mnist",
]  # fmt: skip
# Trained in test_recipes_on_small_sets.py, most of them on small files.
OTHERS = [
    "breast-cancer-plane", "cora-gcn", "etth1-dlinear", "sentiment-cnn", "shakespeare-char",
]  # fmt: skip
# Sets that are not on every machine are replaced by one of the same shapes, large networks and
# batches by small ones.
SMALLER = {
    "cifar10-airbench94": ["data.batch_size=50", "data.limit=1000", "model.widths=[8,8,8]"],
    "mnist-cnn": ["data.source=fashion-mnist"],
    "vae-mnist": ["data.source=fashion-mnist"],
}
WITH_NEW_CONSTRUCTS = ["digits-distillation", "digits-unet", *SMALLER]


def test_the_shipped_recipes_and_programs() -> None:
    assert list(shipped_recipes()) == sorted([*RECIPES, *OTHERS, *PROGRAMS])
    assert sorted(path.name for path in (FOLDER / "programs").iterdir()) == PROGRAMS


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_each_is_valid_and_headed_by_the_command_that_runs_it(name: str) -> None:
    recipe = pt.load_recipe(name)
    lines = shipped_recipes()[name].splitlines()
    assert lines[0] == "# yaml-language-server: $schema=recipe.schema.json"
    command = "verify" if name in PROGRAMS else "train"
    assert lines[1] == f"# papertrial {command} {name}"
    assert recipe.name == name
    assert recipe.paper.url


def test_the_vocabulary_of_recipes_is_what_the_engine_has() -> None:
    assert {*vocabulary.SOURCES, *vocabulary.OWN_DATA} == set(SOURCES)
    assert set(vocabulary.TASKS) == set(TASKS)
    assert set(vocabulary.METRICS) == {name for names in FAMILIES.values() for name in names}
    for task in vocabulary.TASKS:
        assert set(vocabulary.metrics_of(task)) == set(FAMILIES[TASKS[task].family])


def needed(recipe: pt.Recipe, request: pytest.FixtureRequest) -> None:
    """Skip, or fail where CI has it, without the recipe's set."""
    fixtures = {
        "fashion-mnist": "fashion_mnist", "cifar10": "cifar10_folder", "imdb": "imdb_folder",
    }  # fmt: skip
    if recipe.data.source in fixtures:
        request.getfixturevalue(fixtures[recipe.data.source])


@pytest.mark.parametrize("name", RECIPES)
def test_each_trains_on_a_few_batches_of_its_real_set(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    few = ["epochs=null", "steps=3", *SMALLER.get(name, ())]
    if not name.startswith(("diabetes", "digits")):
        few += ["data.limit=200", "data.splits.validation=null", "report=last"]
    recipe = pt.load_recipe(name, few)
    needed(recipe, request)
    run = pt.train(recipe, runs=tmp_path, threads=1)
    assert run.summary.report.step == 3
    classes = run.metrics["test"].get("confusion_matrix")
    if classes is None:
        assert {"mse", "dice", "divergence"} & set(run.metrics["test"])
    else:
        assert len(classes) in (2, 10)
    first = next(json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines())
    assert 0 < first["loss"] < 1e5
    reasons = {claim.not_judged or "" for claim in run.summary.claims}
    assert all(reason.startswith("the setting differs: ") for reason in reasons)
    if name in WITH_NEW_CONSTRUCTS:
        again = pt.train(recipe, runs=tmp_path, threads=1)
        one, other = (each.path / "model.safetensors" for each in (run, again))
        assert one.read_bytes() == other.read_bytes()


def test_what_is_claimed_says_where_it_was_read() -> None:
    for name in shipped_recipes():
        recipe = pt.load_recipe(name)
        assert all(claim.where for claim in recipe.claims)
        warned = ["the validation part chooses the epoch" in one for one in claim_warnings(recipe)]
        assert warned == [True] * (name == "shakespeare-char")  # as its source chose
    tutorial, resnet = (pt.load_recipe(f"cifar10-{n}").claims[0] for n in ("tutorial", "resnet20"))
    assert tutorial.printed_interval == (0.55, 0.56)
    assert (resnet.number, resnet.printed_interval) == (0.9125, (0.91245, 0.91255))
    quickstart = pt.load_recipe("fashion-mnist-quickstart").claims
    assert [claim.number for claim in quickstart] == [0.646, 1.087374, 0.658, 1.061191]
    assert {claim.runs for claim in quickstart} == {1}


@pytest.mark.parametrize("name", ["diabetes-bmi", "diabetes-linear"])
def test_what_is_deterministic_lies_within_its_tolerance(name: str, tmp_path: Path) -> None:
    recipe = pt.load_recipe(name, ["seed=7"])
    run = pt.train(recipe, runs=tmp_path, threads=1)
    ours = [claim.ours for claim in run.summary.claims]
    for claim, score in zip(recipe.claims, ours, strict=True):
        low, high = claim.printed_interval
        assert low - claim.allowed <= score <= high + claim.allowed


def test_the_digits_network_is_what_its_claim_says_and_never_the_support_vector_machine(
    tmp_path: Path,
) -> None:
    (claim,), (bound,) = (pt.load_recipe(f"digits-mlp{n}").claims for n in ("", "-as-svc"))
    assert bound.judged_side == "at-least"
    scores = []
    for seed in range(3):
        run = pt.train(pt.load_recipe("digits-mlp", [f"seed={seed}"]), runs=tmp_path, threads=1)
        scores.append(run.metrics["test"]["accuracy"])
    assert abs(sum(scores) / 3 - claim.number) <= claim.allowed
    assert max(scores) < bound.number - 0.01


@pytest.mark.parametrize("name", ["cifar10-deep-cnn", "imdb-lstm"])
def test_what_was_corrected_or_chosen_is_said(name: str) -> None:
    said = {"cifar10-deep-cnn": "x.view(-1, 128 * 10 * 10)", "imdb-lstm": "truncated to 400 tokens"}
    assert said[name] in (pt.load_recipe(name).paper.notes or "")


def test_the_shipped_teacher_is_better_than_what_its_student_was_claimed_to_reach() -> None:
    teacher = build_objective(pt.load_recipe("digits-distillation")).teacher
    digits = load_digits()
    x = torch.from_numpy(digits.images).float()[:, None] / 16
    with torch.no_grad():
        right = (teacher(x).argmax(1).numpy() == digits.target)[-899:]
    (claim,) = pt.load_recipe("digits-teacher").claims
    assert right.mean() == pytest.approx(0.94105, abs=0.002)
    assert right.mean() > claim.number


def test_scenes_have_three_digits_and_their_masks_are_scored_by_dice() -> None:
    place = f"{FOLDER}/code/digit_scenes.py"
    scenes, counts, dice = (resolve(f"{place}:{name}") for name in ("scenes", "counts", "dice"))
    made, again = scenes(train=20), scenes(train=20)
    assert [[one.shape[0] for one in pair] for pair in made.values()] == [[20, 20], [200, 200]]
    x, y = made["test"]
    assert all(torch.equal(*pair) for pair in zip((x, y), again["test"], strict=True))
    quarters = y.unfold(1, 20, 20).unfold(2, 20, 20).flatten(3).any(3)
    assert quarters.flatten(1).sum(1).unique().tolist() == [3]
    shares = []
    for brightness in range(100, 180, 10):  # what a threshold reaches, as the recipe claims
        found = (x > brightness).long()
        kept = counts(torch.stack([1 - found, found], 1).float(), y)
        assert kept.shape == (200, 2)
        shares.append(dice(kept, y))
        assert shares[-1] == pytest.approx(f1_score(y.flatten(), found.flatten()))
    (claim,) = pt.load_recipe("digits-unet").claims
    assert max(shares) == pytest.approx(claim.number, abs=3e-4)


def test_bmi_comes_to_the_numbers_that_scikit_learn_prints(tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("diabetes-bmi"), runs=tmp_path)
    assert run.metrics["test"]["mse"] == pytest.approx(2548.07, abs=0.05)
    assert run.metrics["test"]["r2"] == pytest.approx(0.47258, abs=1e-4)


def test_diabetes_on_all_rows_is_least_squares(tmp_path: Path) -> None:
    whole = ["data.splits.test=null", "data.batch_size=full"]
    run = pt.train(pt.load_recipe("diabetes-linear", whole), runs=tmp_path)
    assert run.metrics["train"]["r2"] == pytest.approx(0.51775, rel=1e-4)
    assert run.metrics["train"]["mse"] == pytest.approx(2859.696, rel=1e-4)
    assert set(run.metrics) == {"train"}


def test_a_bag_of_words_reaches_088_on_the_real_reviews(imdb_folder: Path, tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("imdb-bow"), runs=tmp_path, data=imdb_folder, threads=1)
    assert run.metrics["test"]["accuracy"] >= 0.88
    answers = run.predict(["A wonderful film, the best of the year.", "Awful, a waste of time."])
    assert [answer.prediction for answer in answers] == ["pos", "neg"]


@pytest.mark.parametrize("seed", [1, 2])  # tests/docs has 0: the command of the README trains it
def test_the_quickstart_reaches_what_the_tutorial_prints(
    seed: int, fashion_mnist: Dataset, tmp_path: Path
) -> None:
    run = pt.train(pt.load_recipe("fashion-mnist-quickstart", [f"seed={seed}"]), runs=tmp_path)
    assert 0.62 <= run.metrics["test"]["accuracy"] <= 0.68
    assert len(run.summary.epoch_seconds) == 5
    assert fashion_mnist.test is not None
    boot = fashion_mnist.test.x.take(torch.tensor([0]))
    (answer,) = pt.load_run(run.path).predict(boot)
    assert answer.prediction in {"Ankle boot", "Sneaker"}


def test_the_plain_script_has_the_claims_and_the_scores_of_the_recipe(
    fashion_mnist: Dataset, tmp_path: Path
) -> None:
    script, recipe = (pt.load_recipe(f"fashion-mnist-{n}") for n in ("script", "quickstart"))
    stated = [
        (claim.metric, claim.number, claim.allowed, claim.printed, claim.where)
        for claim in script.claims
    ]
    assert stated == [
        (claim.metric, claim.number, claim.allowed, claim.printed, claim.where)
        for claim in recipe.claims
    ]
    file = FOLDER / "programs" / "fashion-mnist-script" / "quickstart.py"
    command = [sys.executable, str(file), "--epochs", "1", "--data", str(data_folder())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    accuracy, loss = (
        float(re.search(score.pattern, line)["value"]) for score in script.program.scores.values()
    )
    run = pt.train(
        pt.load_recipe("fashion-mnist-quickstart", ["epochs=1"]), runs=tmp_path, threads=1
    )
    assert accuracy / 100 == pytest.approx(run.metrics["test"]["accuracy"], abs=0.08)
    assert loss == pytest.approx(run.metrics["test"]["loss"], abs=0.03)  # other initial weights
