"""A run evaluated again: the very numbers, what has changed, and other sets of the same task."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from PIL import Image
from sklearn.metrics import accuracy_score, mean_squared_error

import papertrial as pt
from papertrial.errors import DataError, RunError
from papertrial.runs.evaluate import evaluate_run

CLASSES = ("dark", "light", "middle")


def shades(folder: Path, seed: int, count: int = 12, classes: tuple[str, ...] = CLASSES) -> None:
    """Write grey images whose class is how bright they are."""
    draws = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        middle = {"dark": 40, "middle": 120, "light": 200}.get(name, 80)
        for number in range(count):
            pixels = np.clip(draws.normal(middle, 30, (4, 4)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def recipe(**data: Any) -> Any:
    inputs = data.pop("inputs", 16)
    layers: list[Any] = [{"use": "torch.nn.Flatten"}] if inputs == 16 else []
    layers.append({"use": "torch.nn.Linear", "in_features": inputs, "out_features": 3})
    return {
        "name": "shades",
        "task": "image-classification",
        "data": {"batch_size": 8, **data},
        "model": {"use": "torch.nn.Sequential", "args": layers},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.5},
        "epochs": 20,
    }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    shades(folder / "set" / "train", 0)
    shades(folder / "set" / "test", 1)
    shades(folder / "other", 2)
    return folder


@pytest.fixture(scope="module")
def run(own: Path) -> pt.Run:
    made = recipe(source="image-folder", path=str(own / "set"), splits={"validation": 0.25})
    return pt.train(pt.load_recipe(made), runs=own / "runs", data=own / "sets")


def again(run: pt.Run, data: Path | str | None, own: Path) -> pt.Evaluation:
    return evaluate_run(pt.load_run(run.path), data, data_folder=own / "sets")


def test_its_own_data_give_the_very_metrics(run: pt.Run, own: Path) -> None:
    result = again(run, None, own)
    assert result.metrics == run.metrics
    assert set(result.metrics) == {"train", "validation", "test"}
    assert result.notes == ()
    assert result.data == "image-folder"
    assert run.metrics["test"]["accuracy"] > 0.6


def test_a_drawn_part_of_a_shipped_recipe_is_the_same_again(tmp_path: Path) -> None:
    changes = ["epochs=2", "data.splits.validation=0.1", "data.limit=300", "metrics=[f1]"]
    recipe = pt.load_recipe("digits-mlp", [*changes, "report=best-on-validation"])
    run = pt.train(recipe, runs=tmp_path)
    result = evaluate_run(pt.load_run(run.path))
    assert result.metrics == run.metrics
    assert set(result.metrics["test"]) == {"f1", "accuracy"}  # what chose the epoch stands there


def test_data_that_have_changed_get_a_note(run: pt.Run, own: Path, tmp_path: Path) -> None:
    before = (own / "set/test/dark/0.png").read_bytes()
    try:
        Image.new("L", (4, 4), 255).save(own / "set/test/dark/0.png")
        result = again(run, None, own)
    finally:
        (own / "set/test/dark/0.png").write_bytes(before)
    (note,) = result.notes
    assert note.startswith("test: its content has changed")
    assert result.metrics["train"] == run.metrics["train"]
    assert again(run, None, own).notes == ()


def test_a_split_that_is_gone_gets_a_note(run: pt.Run, own: Path, tmp_path: Path) -> None:
    shutil.move(own / "set/test", tmp_path / "test")
    try:
        result = again(run, None, own)
    finally:
        shutil.move(tmp_path / "test", own / "set/test")
    (note,) = result.notes
    assert note.startswith("test: ")
    assert "no such split" in note
    assert set(result.metrics) == {"train", "validation"}


def test_another_folder_of_the_same_classes(run: pt.Run, own: Path) -> None:
    result = again(run, own / "other", own)
    files = [own / "other" / name / f"{i}.png" for name in CLASSES for i in range(12)]
    truth = [name for name in CLASSES for _ in range(12)]
    answers = [answer.prediction for answer in run.predict(files)]
    assert list(result.metrics) == ["data"]
    assert result.metrics["data"]["accuracy"] == accuracy_score(truth, answers)
    assert result.notes == ("images are converted to (1, 4, 4), [C, H, W]",)


def test_another_folder_with_parts_keeps_their_names(run: pt.Run, own: Path) -> None:
    result = again(run, own / "set", own)
    assert set(result.metrics) == {"train", "test"}
    assert result.metrics["test"] == run.metrics["test"]


def test_some_of_the_classes_are_numbered_as_in_the_run(
    run: pt.Run, own: Path, tmp_path: Path
) -> None:
    shades(tmp_path / "two", 3, classes=("light", "middle"))
    result = again(run, tmp_path / "two", own)
    files = [tmp_path / "two" / n / f"{i}.png" for n in ("light", "middle") for i in range(12)]
    truth = ["light"] * 12 + ["middle"] * 12
    answers = [answer.prediction for answer in run.predict(files)]
    assert result.metrics["data"]["accuracy"] == accuracy_score(truth, answers) > 0.5


PYTHON = """
import numpy as np

DRAWS = np.random.default_rng(0)


def shaded():
    middles = np.array([120, 40, 200])  # classes in an order that no folder has
    y = np.arange(60) % 3
    x = np.clip(DRAWS.normal(middles[y][:, None, None], 30, (60, 4, 4)), 0, 255).astype(np.uint8)
    return {"train": (x, y), "classes": ["middle", "dark", "light"]}
"""


def test_an_image_folder_with_its_classes_in_another_order(own: Path, tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(PYTHON)
    made = recipe(source=f"{tmp_path}/data.py:shaded")
    run = pt.train(pt.load_recipe(made), runs=tmp_path / "runs")
    result = again(run, own / "other", own)
    files = [own / "other" / name / f"{i}.png" for name in CLASSES for i in range(12)]
    truth = [name for name in CLASSES for _ in range(12)]
    answers = [answer.prediction for answer in run.predict(files)]
    assert result.metrics["data"]["accuracy"] == accuracy_score(truth, answers) > 0.6


def test_images_of_another_size_and_mode_are_brought_to_the_models(
    run: pt.Run, own: Path, tmp_path: Path
) -> None:
    for name in CLASSES:
        (tmp_path / "big" / name).mkdir(parents=True)
        for file in (own / "other" / name).iterdir():
            image = Image.open(file).convert("RGB").resize((8, 8), Image.Resampling.NEAREST)
            image.save(tmp_path / "big" / name / file.name)
    accuracy = again(run, tmp_path / "big", own).metrics["data"]["accuracy"]
    assert accuracy > 0.6


def test_a_class_that_the_run_does_not_know_is_refused(
    run: pt.Run, own: Path, tmp_path: Path
) -> None:
    shades(tmp_path / "strange", 4, classes=("dark", "dusky", "light"))
    with pytest.raises(DataError, match="classes that the run does not know: dusky; the run has"):
        again(run, tmp_path / "strange", own)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("nowhere", "there is no set and no file or folder 'nowhere'"),
        ("fashion-mnits", 'did you mean "fashion-mnist"?'),
        ("x" * 300, "there is no set and no file or folder"),
        ("diabetes", "the run takes images, but diabetes has tables"),
        ("digits", "digits has classes that the run does not know"),
    ],
)
def test_what_is_no_set_for_the_run_is_refused(
    data: str, message: str, run: pt.Run, own: Path
) -> None:
    with pytest.raises(DataError) as error:
        again(run, data, own)
    assert message in str(error.value)


def test_samples_of_another_shape_are_refused(tmp_path: Path) -> None:
    source = PYTHON.replace("(60, 4, 4)", "(60, 5, 5)").replace(
        '["middle", "dark", "light"]', "list('0123456789')"
    )
    (tmp_path / "data.py").write_text(source)
    made = recipe(source=f"{tmp_path}/data.py:shaded")
    made["model"]["args"][1] |= {"in_features": 25, "out_features": 10}
    run = pt.train(pt.load_recipe(made, ["epochs=1"]), runs=tmp_path / "runs")
    with pytest.raises(DataError, match=r"takes samples \[1, 5, 5\], digits has \[1, 8, 8\]"):
        evaluate_run(run, "digits")


def table(path: Path, cities: list[str], seed: int) -> None:
    draws = np.random.default_rng(seed)
    worth = {"Oslo": 3.0, "Paris": -1.0, "Bern": 0.5}
    lines = ["size,city,price"]
    for size in draws.normal(size=40):
        city = cities[int(draws.integers(len(cities)))]
        lines.append(f"{size:.6f},{city},{2 * size + worth[city]:.6f}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    folder = tmp_path_factory.mktemp("priced")
    table(folder / "train.csv", ["Oslo", "Paris", "Bern"], 0)
    made = recipe(
        source="table", path=str(folder / "train.csv"), inputs=4, splits={"test": 10},
        table={"target": "price", "categorical": ["city"]},
    )  # fmt: skip
    made |= {"task": "regression", "loss": "torch.nn.MSELoss"}
    made["model"]["args"][0]["out_features"] = 1
    return pt.train(pt.load_recipe(made, ["optimizer.lr=0.1"]), runs=folder / "runs")


def test_another_table_is_read_by_the_columns_and_categories_of_the_run(
    priced: pt.Run, tmp_path: Path
) -> None:
    assert evaluate_run(priced).metrics == priced.metrics
    table(tmp_path / "new.csv", ["Paris", "Oslo"], 5)  # another order, and one city less
    result = evaluate_run(priced, tmp_path / "new.csv")
    lines = (tmp_path / "new.csv").read_text().splitlines()[1:]
    truth = [float(line.split(",")[2]) for line in lines]
    answers = [float(answer.prediction) for answer in priced.predict(tmp_path / "new.csv")]
    mse = result.metrics["data"]["mse"]
    assert mse == pytest.approx(mean_squared_error(truth, answers), rel=1e-5)
    assert mse < 0.05


def test_a_table_that_has_lost_a_category_is_still_read_as_the_run_read_it(
    priced: pt.Run,
) -> None:
    path = Path(str(priced.recipe.data.path))
    before = path.read_text()
    try:
        path.write_text(before.replace("Bern", "Oslo"))
        result = evaluate_run(priced)
    finally:
        path.write_text(before)
    assert any(note.startswith("train: its content has changed") for note in result.notes)
    assert result.metrics["train"]["mse"] > priced.metrics["train"]["mse"]


def test_a_table_with_an_unknown_category_is_refused(priced: pt.Run, tmp_path: Path) -> None:
    text = "size,city,price\n1.0,Rome,2.0\n2.0,Oslo,7.0\n"
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DataError, match="Rome"):
        evaluate_run(priced, tmp_path / "new.csv")


def test_a_run_of_a_named_table_cannot_read_another_table(tmp_path: Path) -> None:
    run = pt.train(pt.load_recipe("diabetes-linear", ["epochs=1"]), runs=tmp_path)
    assert evaluate_run(run).metrics == run.metrics
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="trained on diabetes, and its recipe names no columns"):
        evaluate_run(run, tmp_path / "rows.csv")


def test_texts_are_read_by_the_vocabulary_of_the_run(tmp_path: Path) -> None:
    for part, extra in (("train", ""), ("test", " unheard")):
        for name, word in (("bad", "awful"), ("good", "lovely")):
            folder = tmp_path / "films" / part / name
            folder.mkdir(parents=True)
            for number in range(6):
                text = f"a {word} film number {number}{extra}"
                (folder / f"{number}.txt").write_text(text)
    made = recipe(source="text-folder", path=str(tmp_path / "films"), inputs=0)
    made |= {"task": "text-classification", "loss": "torch.nn.BCEWithLogitsLoss"}
    made["model"] = {"use": "papertrial.models.BagOfWords", "num_embeddings": 14}
    run = pt.train(pt.load_recipe(made), runs=tmp_path / "runs")
    assert evaluate_run(run).metrics == run.metrics
    result = evaluate_run(run, tmp_path / "films" / "test")
    assert result.metrics == {"data": run.metrics["test"]}
    assert run.metrics["test"]["accuracy"] == 1
    stored = safetensors.torch.load_file(run.path / "predictions" / "test.safetensors")
    assert stored["output"].shape == (12, 1)


def test_a_set_of_other_columns_or_without_classes_is_refused(
    run: pt.Run, own: Path, tmp_path: Path
) -> None:
    bmi = pt.train(pt.load_recipe("diabetes-bmi", ["epochs=2"]), runs=tmp_path)
    rows = ["a,y", *(f"{i},{i * 2}" for i in range(20))]
    (tmp_path / "own.csv").write_text("\n".join(rows) + "\n")
    table = {"source": "table", "path": str(tmp_path / "own.csv"), "table": {"target": "y"}}
    one = {**recipe(**table, inputs=1), "task": "regression", "loss": "torch.nn.MSELoss"}
    one["model"] = {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1}
    one["optimizer"] = {"use": "torch.optim.Adam"}
    linear = pt.train(pt.load_recipe({**one, "epochs": 1}), runs=tmp_path)
    with pytest.raises(DataError, match="the run takes the columns a; diabetes has age, sex"):
        evaluate_run(linear, "diabetes")
    assert "say nothing" not in str(evaluate_run(bmi).notes)
    with pytest.raises(DataError, match="the run takes images, but diabetes has tables"):
        evaluate_run(run, "diabetes")


def test_another_set_with_the_training_samples_gets_a_note(run: pt.Run, own: Path) -> None:
    notes = again(run, own / "set", own).notes
    assert run.recipe.data.splits.validation == 0.25  # a part of train was held out
    assert notes[0].startswith(
        "27 of 36 samples of train are among the 27 that the run was trained"
    )
    assert "(train/dark/0.png = train/dark/0.png, " in notes[0]
    assert notes[1:] == ("images are converted to (1, 4, 4), [C, H, W]",)
    whole = pt.train(
        pt.load_recipe(recipe(source="image-folder", path=str(own / "set"))),
        runs=own / "runs",
        data=own / "sets",
    )
    note = again(whole, own / "set", own).notes[0]
    assert note.startswith("train has the samples that the run was trained on")


def test_an_evaluation_carries_how_its_run_chose(run: pt.Run, own: Path) -> None:
    report = again(run, None, own).report
    assert report is not None
    assert report.rule == "last"
    assert again(run, own / "other", own).report is None


def test_a_run_of_an_earlier_version_is_to_be_trained_again(run: pt.Run, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(run.path, old)
    (old / "metrics.json").write_text('{"metrics": {}}')
    with pytest.raises(RunError, match=r"metrics\.json .* no format version"):
        pt.load_run(old)
