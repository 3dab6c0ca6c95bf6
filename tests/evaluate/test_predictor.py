"""Answers for files, folders, arrays and tables, and one message for what cannot be read."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from papertrial.data.column import Dataset, Split
from papertrial.data.images.transforms import Normalize
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources.named_sets import loading
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.transforms import Standardize
from papertrial.data.texts.ragged_column import text_column, texts_of
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.errors import PredictionInputError
from papertrial.evaluate.inputs import ImageInputs, TableInputs, TextInputs
from papertrial.evaluate.predictor import Answer, Predictor
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.models import MLP, BagOfWords
from papertrial.progress import finish
from papertrial.tasks.make_task import make_task

CPU = torch.device("cpu")


def _predictor(dataset: Dataset, pipeline: Pipeline, model: nn.Module) -> Predictor:
    is_image = dataset.kind == "image"
    task = make_task("image-classification" if is_image else "regression", dataset)
    state, shape = pipeline.fit(dataset.train.x), dataset.train.x.shape
    inputs = ImageInputs(shape) if is_image else TableInputs(Layout.numeric(dataset.features))
    return Predictor(PreparedModel(model, pipeline, state, CPU), task=task, inputs=inputs)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return finish(loading("digits", Path()))


@pytest.fixture(scope="module")
def classifier(digits: Dataset) -> Predictor:
    torch.manual_seed(0)
    return _predictor(digits, Pipeline("image", [Normalize()]), MLP(64, [16], 10))


@pytest.fixture(scope="module")
def regressor() -> Predictor:
    torch.manual_seed(0)
    return _predictor(
        finish(loading("diabetes", Path())), Pipeline("table", [Standardize()]), nn.Linear(10, 1)
    )


@pytest.fixture(scope="module")
def pixels(digits: Dataset) -> Tensor:
    return digits.train.x.take(slice(0, 3))


@pytest.fixture
def folder(tmp_path: Path, pixels: Tensor) -> Path:
    for index, image in enumerate(pixels):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{index}.png")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_an_answer_is_the_task_s_reading_of_the_prepared_input(
    classifier: Predictor, pixels: Tensor
) -> None:
    (answer, *_) = classifier.predict(pixels)
    x = classifier.prepared.pipeline.apply(pixels, classifier.prepared.state)
    shares = classifier.prepared.model(x)[0].double().softmax(0)
    assert answer.prediction == str(int(shares.argmax()))
    for name, value in answer.probabilities.items():
        assert value == pytest.approx(shares[int(name)].item(), rel=1e-6)
    values = list(answer.probabilities.values())
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=1e-12)


FORMS: dict[str, Callable[[Tensor, Path], Any]] = {
    "tensor": lambda x, _: x,
    "array": lambda x, _: x.numpy(),
    "grey array without channels": lambda x, _: x[:, 0].numpy(),
    "nested lists of arrays": lambda x, _: np.stack(list(x[:, 0].numpy())),
    "PIL images": lambda x, _: [Image.fromarray(i[0].numpy()) for i in x],
    "tuple of PIL images": lambda x, _: tuple(Image.fromarray(i[0].numpy()) for i in x),
    "folder": lambda _, folder: folder,
    "folder as text": lambda _, folder: str(folder),
    "list of a folder": lambda _, folder: [folder],
    "files": lambda _, folder: sorted(folder.glob("*.png")),
    "file texts": lambda _, folder: [str(p) for p in sorted(folder.glob("*.png"))],
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_images_in_any_form_get_the_same_answers(
    classifier: Predictor, pixels: Tensor, folder: Path, form: str
) -> None:
    answers = classifier.predict(FORMS[form](pixels, folder))
    expected = classifier.predict(pixels)
    assert [a.probabilities for a in answers] == [a.probabilities for a in expected]
    assert [a.converted for a in answers] == ["", "", ""]
    named = form in ("folder", "folder as text", "list of a folder", "files", "file texts")
    assert [a.input for a in answers] == [
        str(folder / f"{i}.png") if named else str(i) for i in range(3)
    ]


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8)])
def test_one_image_may_be_given_alone(
    classifier: Predictor, pixels: Tensor, shape: tuple[int, ...]
) -> None:
    expected = classifier.predict(pixels[:1])
    assert classifier.predict(pixels[0].reshape(shape)) == expected
    assert classifier.predict(Image.fromarray(pixels[0, 0].numpy())) == expected


def test_files_and_images_may_be_mixed(classifier: Predictor, pixels: Tensor, folder: Path) -> None:
    answers = classifier.predict([folder / "1.png", Image.fromarray(pixels[2, 0].numpy())])
    expected = classifier.predict(pixels[1:])
    assert [a.probabilities for a in answers] == [a.probabilities for a in expected]
    assert [a.input for a in answers] == [str(folder / "1.png"), "1"]


def test_a_conversion_is_told(classifier: Predictor, tmp_path: Path) -> None:
    Image.new("RGB", (20, 10), "white").save(tmp_path / "a.png")
    (answer,) = classifier.predict(tmp_path / "a.png")
    assert answer.converted == "from 20x10 RGB to 8x8 grayscale"
    white = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)
    assert answer.probabilities == classifier.predict(white)[0].probabilities


@pytest.mark.parametrize("top", [None, 1, 3])
def test_json_keeps_the_likeliest(top: int | None) -> None:
    answer = Answer("x.png", "b", {"b": 0.5, "a": 0.3, "c": 0.2})
    kept = dict(list({"b": 0.5, "a": 0.3, "c": 0.2}.items())[:top])
    assert answer.to_json(top) == {"input": "x.png", "prediction": "b", "probabilities": kept}
    assert Answer("x", 1.5, {}, "resized").to_json()["converted"] == "resized"


def _truncated(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "cut.png")
    data = (folder / "cut.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    return folder / "cut.png"


def _empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


Refused = dict[str, tuple[Callable[[Path], Any], str]]
NO_IMAGES: Refused = {
    "no input": (lambda f: [], "there is nothing to predict; give at least one input"),
    "no rows": (lambda f: np.zeros((0, 1, 8, 8), np.uint8), "there is nothing to predict"),
    "absent": (lambda f: f / "absent.png", "there is no file or folder"),
    "empty folder": (_empty_folder, "has no image files"),
    "text": (lambda f: f / "notes.txt", "notes.txt is not an image in a known format"),
    "truncated file": (_truncated, "cut.png cannot be read as an image"),
    "truncated image": (
        lambda f: Image.open(io.BytesIO(_truncated(f).read_bytes())),
        "cannot be read as an image",
    ),
    "floats": (lambda f: torch.zeros(2, 1, 8, 8), "images must be bytes (uint8, 0 to 255)"),
    "other size": (
        lambda f: np.zeros((2, 1, 9, 8), np.uint8),
        "images must be [N, 1, 8, 8], got [2, 1, 9, 8]",
    ),
    "other channels": (
        lambda f: np.zeros((2, 3, 8, 8), np.uint8),
        "must be [N, 1, 8, 8], got [2, 3, 8, 8]",
    ),
    "None": (lambda f: None, ""),
    "dict": (lambda f: {"image": f}, ""),
    "generator": (lambda f: f.glob("*.png"), ""),
    "array and path": (lambda f: [np.zeros((8, 8), np.uint8), str(f)], ""),
    "path and number": (lambda f: [str(f / "0.png"), 3], ""),
    "array of text": (lambda f: np.array(["a", "b"]), ""),
}


@pytest.mark.parametrize(("give", "message"), NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_no_image_is_refused(
    classifier: Predictor, folder: Path, give: Callable[[Path], Any], message: str
) -> None:
    with pytest.raises(PredictionInputError) as error:
        classifier.predict(give(folder))
    assert message in str(error.value)


def _rows(dataset: Dataset) -> np.ndarray:
    return dataset.train.x.take(slice(0, 4)).numpy()


def test_rows_in_any_form_get_the_number_of_the_prepared_model(
    regressor: Predictor, tmp_path: Path
) -> None:
    dataset = finish(loading("diabetes", Path()))
    rows = _rows(dataset)
    x = regressor.prepared.pipeline.apply(torch.from_numpy(rows), regressor.prepared.state)
    expected = regressor.prepared.model(x)[:, 0].tolist()
    order = [3, *range(3), *range(4, 10)]
    header = ",".join([*(dataset.features[i] for i in order), "who"])
    lines = [",".join([*(repr(float(row[i])) for i in order), "me"]) for row in rows]
    named, plain = tmp_path / "named.csv", tmp_path / "plain.csv"
    named.write_text("\n".join([header, *lines]) + "\n")
    plain.write_text("\n".join(",".join(map(repr, map(float, row))) for row in rows))
    for given in (rows, torch.from_numpy(rows), rows.tolist(), named, str(plain), [plain]):
        answers = regressor.predict(given)
        assert [a.prediction for a in answers] == pytest.approx(expected, rel=1e-6)
        assert all(a.probabilities == {} for a in answers)
    assert [a.input for a in regressor.predict(named)] == [f"{named}:{i}" for i in range(1, 5)]
    assert [a.input for a in regressor.predict(rows)] == ["0", "1", "2", "3"]
    notes = [a.converted for a in regressor.predict(named)]
    assert notes == ["columns left out: who", "", "", ""]


def _csv(folder: Path, text: str) -> Path:
    (folder / "rows.csv").write_text(text)
    return folder / "rows.csv"


NAMES = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6"


NO_TABLES: Refused = {
    "no input": (lambda f: [], "there is nothing to predict"),
    "no rows": (lambda f: np.zeros((0, 10)), "there is nothing to predict"),
    "absent": (lambda f: f / "absent.csv", "cannot read"),
    "folder": (lambda f: f, "cannot read"),
    "missing columns": (
        lambda f: _csv(f, "age,sex\n1,2\n"),
        "lacks the columns bmi, bp, s1, s2, s3, s4, s5, s6",
    ),
    "text cell": (
        lambda f: _csv(f, f"{NAMES}\n1,2,3,4,5,6,7,8,9,ten\n"),
        "s6 must be a number, got 'ten'",
    ),
    "nan cell": (
        lambda f: _csv(f, f"{NAMES}\n1,2,3,4,5,6,7,8,9,nan\n"),
        "s6 must be a number, got 'nan'",
    ),
    "infinite cell": (
        lambda f: _csv(f, f"{NAMES}\n1,2,3,4,5,6,7,8,9,inf\n"),
        "s6 must be a number, got 'inf'",
    ),
    "header alone": (lambda f: _csv(f, f"{NAMES}\n"), "has a header but no rows"),
    "too few columns": (
        lambda f: _csv(f, "1,2,3\n"),
        "without a header, a row must have the 10 columns age",
    ),
    "narrow rows": (lambda f: np.zeros((2, 9)), "rows must be [N, 10] (age, sex, bmi, bp, s1"),
    "one row alone": (lambda f: [1.0] * 10, "rows must be [N, 10]"),
    "ragged rows": (lambda f: [[1.0, 2.0], [3.0]], "rows must be numbers"),
    "text": (lambda f: [["1"] * 10], "rows must be numbers"),
    "None": (lambda f: None, "rows must be numbers"),
    "image": (lambda f: Image.new("L", (8, 8)), ""),
}


@pytest.mark.parametrize(("give", "message"), NO_TABLES.values(), ids=NO_TABLES)
def test_what_is_no_table_is_refused(
    regressor: Predictor, tmp_path: Path, give: Callable[[Path], Any], message: str
) -> None:
    with pytest.raises(PredictionInputError) as error:
        regressor.predict(give(tmp_path))
    assert message in str(error.value)


@pytest.fixture
def reader() -> Predictor:
    texts = text_column(["a good film", "a bad film", "good good", "bad"])
    split = Split(texts, torch.tensor([1, 0, 1, 0]), np.arange(4))
    dataset = Dataset("films", "text", split, classes=("bad", "good"))
    vocabulary = Vocabulary(["bad", "good", "film", "a"])
    tokens = vocabulary.encode(texts_of(texts))
    pipeline, model = Pipeline("text"), BagOfWords(len(vocabulary))
    with torch.no_grad():
        model.words.weight[2:4] = torch.tensor([[-2.0], [2.0]])
    return Predictor(
        PreparedModel(model, pipeline, pipeline.fit(tokens), CPU),
        task=make_task("text-classification", dataset),
        inputs=TextInputs(vocabulary),
    )


def test_texts_get_the_answer_of_their_words(reader: Predictor, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("Bad, bad!")
    answers = reader.predict(["A GOOD film", "what a bad thing", "neither", str(tmp_path)])
    assert [answer.prediction for answer in answers] == ["good", "bad", "bad", "bad"]
    share = 1 / (1 + np.exp(-2))
    assert answers[0].probabilities == pytest.approx({"good": share, "bad": 1 - share})
    assert answers[2].probabilities == {"bad": 0.5, "good": 0.5}
    assert answers[3].input == str(tmp_path / "one.txt")


def test_a_texts_answer_does_not_depend_on_those_beside_it(reader: Predictor) -> None:
    texts = ["good", "a good film " * 30, "bad", "a bad film"]
    small = replace(reader.prepared, batch_size=2)
    together = Predictor(small, task=reader.task, inputs=reader.inputs).predict(texts)
    assert [answer.prediction for answer in together] == ["good", "good", "bad", "bad"]
    for text, answer in zip(texts, together, strict=True):
        assert reader.predict(text)[0].probabilities == pytest.approx(answer.probabilities)
