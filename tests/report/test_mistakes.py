"""The worst mistakes, checked with the stored predictions and the data themselves."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits

import papertrial as pt
from papertrial.report.mistakes import mistakes
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.report.run_results import read_predictions

Answers = Callable[[pt.Run], tuple[np.ndarray, np.ndarray]]


def test_mistakes_are_the_most_confident_with_their_very_images(
    seeds: list[pt.Run], parts: RunParts, answers: Answers
) -> None:
    truth, answer = answers(seeds[0])
    output = read_predictions(seeds[0], "test").output.double().softmax(1).amax(1).numpy()
    wrong = np.flatnonzero(truth != answer)
    worst = sorted(wrong, key=lambda row: -output[row])[:12]
    assert [one.row for one in parts.mistakes] == worst
    images = load_digits().images
    for one in parts.mistakes:
        row = one.row
        assert (one.seed, one.split, one.id) == (3, "test", f"row {898 + row}")
        assert (one.truth, one.predicted) == (str(truth[row]), str(answer[row]))
        assert one.confidence == pytest.approx(output[row])
        assert one.image is not None
        kind, _, data = one.image.partition(",")
        assert kind == "data:image/png;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert (picture.mode, picture.size) == ("L", (8, 8))
        np.testing.assert_array_equal(
            np.asarray(picture), np.rint(images[898 + row] * (255 / 16)).astype(np.uint8)
        )
    assert parts.warnings == ()


def test_regression_has_residuals_and_no_classes(folder: Path) -> None:
    regression = pt.train(pt.load_recipe("diabetes-linear", ["epochs=3"]), runs=folder)
    found = parts_of_runs([regression])
    assert (found.confusion, found.per_class) == (None, ())
    kept = read_predictions(regression, "test")
    residual = (kept.output.flatten() - kept.target).abs()
    worst = found.mistakes[0]
    row = int(residual.argmax())
    assert worst.row == row
    assert worst.truth == pytest.approx(float(kept.target[row]))
    assert worst.predicted == pytest.approx(float(kept.output.flatten()[row]))
    assert (worst.confidence, worst.image, len(found.mistakes)) == (None, None, 12)
    patient = load_diabetes(scaled=False).data[kept.ids[row]]
    lines = (worst.text or "").splitlines()
    assert lines[0] == f"age: {patient[0]:g}"
    assert f"bmi: {patient[2]:g}" in lines


def image_recipe(path: Path) -> dict[str, Any]:
    return {
        "name": "shades",
        "task": "image-classification",
        "data": {"source": "image-folder", "path": str(path), "batch_size": 8},
        "model": {"use": "torch.nn.Sequential", "args": [
            {"use": "torch.nn.Flatten"},
            {"use": "torch.nn.Linear", "in_features": 12, "out_features": 2}]},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
        "epochs": 1,
    }  # fmt: skip


def test_images_of_the_user_are_named_and_may_be_gone(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for number in range(6):
                noise = draws.integers(0, 256, (2, 2, 3), dtype=np.uint8)
                Image.fromarray(noise).save(tmp_path / "set" / part / name / f"{number}.png")
    recipe = pt.load_recipe(image_recipe(tmp_path / "set"))
    run = pt.train(recipe, runs=tmp_path / "runs", data=tmp_path / "data")
    found = mistakes(run, data=tmp_path / "data")
    assert found.warnings == ()
    assert found.mistakes
    for one in found.mistakes:
        assert one.image is not None
        picture = Image.open(io.BytesIO(base64.b64decode(one.image.partition(",")[2])))
        original = next((tmp_path / "set" / "test").rglob("/".join(Path(one.id).parts[-2:])))
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(Image.open(original)))

    (tmp_path / "set" / "test" / "a" / "0.png").unlink()
    changed = mistakes(run, data=tmp_path / "data")
    assert "the test part of" in changed.warnings[0]
    assert "is not what the run had" in changed.warnings[0]
    (tmp_path / "set").rename(tmp_path / "elsewhere")
    gone = mistakes(run, data=tmp_path / "data")
    assert "does not exist" in gone.warnings[0]
    for unseen in (changed, gone):
        assert [one.image for one in unseen.mistakes] == [None] * len(found.mistakes)
        assert [one.row for one in unseen.mistakes] == [one.row for one in found.mistakes]


def test_a_set_that_is_not_here_is_not_fetched(seeds: list[pt.Run], tmp_path: Path) -> None:
    own = seeds[0].recipe
    data = own.data.model_copy(update={"source": "mnist"})
    moved = dataclasses.replace(seeds[0], recipe=own.model_copy(update={"data": data}))
    found = mistakes(moved, data=tmp_path)
    (warning,) = found.warnings
    assert "mnist is not in the data folder" in warning
    assert "papertrial data fetch mnist" in warning
    assert found.mistakes[0].image is None
    assert list(tmp_path.iterdir()) == []


def test_texts_are_cut_and_categories_are_named(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text(
        "text,label\n" + "".join(f"{'word ' * 300}{n},{'ab'[n % 2]}\n" for n in range(16))
    )
    (tmp_path / "rows.csv").write_text(
        "city,size,label\n" + "".join(
            f"{('Oslo', 'Rome')[n % 2]},{n},{'ab'[n // 3 % 2]}\n" for n in range(16))
    )  # fmt: skip
    common = {"loss": "torch.nn.CrossEntropyLoss", "optimizer": "torch.optim.Adam", "epochs": 1}
    drawn = {"batch_size": 4, "splits": {"test": 8, "draw": "last"}}
    texts = pt.load_recipe({
        **common, "name": "texts", "task": "text-classification",
        "data": {"source": "text-table", "path": str(tmp_path / "texts.csv"), **drawn,
                 "table": {"text": "text", "target": "label"}},
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 11, "out_features": 2},
    })  # fmt: skip
    rows = pt.load_recipe({
        **common, "name": "rows", "task": "table-classification",
        "data": {"source": "table", "path": str(tmp_path / "rows.csv"), **drawn,
                 "table": {"target": "label", "categorical": ["city"]}},
        "model": {"use": "torch.nn.Linear", "in_features": 3, "out_features": 2},
    })  # fmt: skip
    found = mistakes(pt.train(texts, runs=tmp_path / "runs"))
    assert found.warnings == ()
    assert found.mistakes
    assert all(one.text == f"{'word ' * 119}word…" for one in found.mistakes)
    found = mistakes(pt.train(rows, runs=tmp_path / "runs"), most=2)
    assert found.warnings == ()
    for one in found.mistakes:
        number = 8 + one.row
        assert one.text == f"city: {('Oslo', 'Rome')[number % 2]}\nsize: {number}"
    assert len(found.mistakes) <= 2
