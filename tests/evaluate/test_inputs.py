"""How inputs are read, kept with a run, and made again from what was kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.data.tables.layout import Feature, Layout
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tensors.form import TensorForm
from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.errors import PredictionInputError
from papertrial.evaluate.inputs import (
    ImageInputs,
    Inputs,
    ReadInputs,
    TableInputs,
    TensorInputs,
    TextInputs,
    inputs_from,
)

WORDS = Vocabulary(["film", "good", "a"])
KINDS: dict[str, Inputs] = {
    "image": ImageInputs([1, 4, 6]),
    "table": TableInputs(
        Layout((Feature("size"), Feature("city", ("Bern", "Oslo"))), fills_missing=True),
        TableFormat(delimiter=";"),
    ),
    "text": TextInputs(Vocabulary(["film", "good"], lower=False, max_length=3)),
    "tensor": TensorInputs({"": TensorForm(shape=(2, 3), dtype="float32")}),
    "named tensors": TensorInputs(
        {
            "ids": TensorForm(shape=(4,), dtype="int64"),
            "scale": TensorForm(shape=(), dtype="float64"),
        }
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_restored_from_their_state_as_json(kind: str) -> None:
    state = KINDS[kind].state()
    again = inputs_from(type(state).model_validate_json(state.model_dump_json()))
    assert type(again) is type(KINDS[kind])
    assert again.state() == state
    assert again.kind == state.kind == kind.removeprefix("named ").rstrip("s")


def read(inputs: Inputs, given: Any, batch_size: int = 10) -> list[ReadInputs]:
    return list(inputs.read(given, batch_size))


def test_images_come_so_many_at_a_time(tmp_path: Path) -> None:
    for number in range(5):
        Image.new("L", (6, 4), number).save(tmp_path / f"{number}.png")
    found = read(KINDS["image"], tmp_path, 2)
    assert [len(given.column) for given in found] == [2, 2, 1]
    shades = [given.column.take(slice(0, 2))[:, 0, 0, 0].tolist() for given in found]
    assert shades == [[0, 1], [2, 3], [4]]


def test_images_from_files_of_arrays_beside_image_files(tmp_path: Path) -> None:
    pixels = np.arange(3 * 24, dtype=np.uint8).reshape(3, 4, 6)
    files = {name: tmp_path / name for name in ("a.npy", "b.png", "c.npz", "two.npz", "d.npy")}
    np.save(files["a.npy"], pixels)
    Image.new("L", (6, 4), 7).save(files["b.png"])
    np.savez(files["c.npz"], images=pixels[:, None])
    found = read(KINDS["image"], [files["a.npy"], str(files["b.png"]), files["c.npz"]], 2)
    names = [name for one in found for name in one.names]
    at = [f"{files['a.npy']}:{i}" for i in range(3)]
    assert names == [*at, str(files["b.png"]), *(f"{files['c.npz']}:{i}" for i in range(3))]
    values = torch.cat([one.column.take(slice(None)) for one in found])
    expected = torch.from_numpy(pixels)[:, None]
    assert torch.equal(values[:3], expected)
    assert torch.equal(values[4:], expected)
    np.savez(files["two.npz"], x=pixels, y=pixels)
    np.save(files["d.npy"], pixels / 255)
    for name, told in (("two.npz", "one array of images, got 2"), ("d.npy", "must be bytes")):
        with pytest.raises(PredictionInputError, match=f"{re.escape(name)}.*{told}"):
            read(KINDS["image"], files[name])


def test_a_bad_image_is_told_when_its_batch_is_read(tmp_path: Path) -> None:
    Image.new("L", (6, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    batches = KINDS["image"].read(tmp_path, 1)
    assert next(batches).names == [str(tmp_path / "a.png")]
    with pytest.raises(PredictionInputError, match=r"b\.png is not an image"):
        next(batches)


def test_a_table_is_read_by_its_layout_and_delimiter(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("city;who;size\nOslo;me;1.5\n;you;\n")
    (given,) = read(KINDS["table"], tmp_path / "rows.csv")
    x = given.column.take(slice(0, 2))
    assert torch.equal(x[0], torch.tensor([1.5, 0, 1]))
    assert x[1].isnan().tolist() == [True, False, False]
    assert given.names == [f"{tmp_path}/rows.csv:1", f"{tmp_path}/rows.csv:2"]
    assert given.notes[1] == ""  # what is said of the file is said once
    assert given.notes[0].split("; ") == [
        "columns left out: who",
        "missing size filled as in training: line 3",
        "missing city encoded as no category: line 3",
    ]


def test_missing_numbers_are_taken_where_they_are_filled_alone() -> None:
    (given,) = read(KINDS["table"], [[float("nan"), 0, 1]])
    assert given.column.take(slice(0, 1)).isnan().tolist() == [[True, False, False]]
    with pytest.raises(PredictionInputError, match="rows must be finite numbers"):
        read(TableInputs(Layout.numeric(["a"])), [[float("nan")]])
    for value in (float("inf"), 1e39):
        with pytest.raises(PredictionInputError, match="rows must be finite numbers"):
            read(KINDS["table"], [[value, 0, 1]])


def tokens(given: ReadInputs) -> list[list[int]]:
    column = given.column
    assert isinstance(column, RaggedColumn)
    return [column.sample(row).tolist() for row in range(len(column))]


def test_texts_and_files_may_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("good unheard")
    (given,) = read(TextInputs(WORDS), ["A film", tmp_path / "one.txt", str(tmp_path)])
    assert tokens(given) == [[4, 2], [3, 1], [3, 1]]
    assert given.names == ["A film", str(tmp_path / "one.txt"), str(tmp_path / "one.txt")]
    assert given.notes == ["", "", ""]


def test_one_text_may_be_given_alone() -> None:
    (given,) = read(TextInputs(WORDS), "good film")
    assert tokens(given) == [[3, 2]]


def test_what_is_cut_off_a_text_is_told() -> None:
    short = Vocabulary(["film", "good", "a"], max_length=2)
    (given,) = read(TextInputs(short), ["a good film, a film", "a film"])
    assert tokens(given) == [[4, 3], [4, 2]]
    assert given.notes == ["the first 2 of 6 words", ""]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "there is nothing to predict; give at least one input"),
        ((), "there is nothing to predict"),
        ("", "'' has no words"),
        ("  \n", "'' has no words"),
        (["a film", "<br />"], "'<br />' has no words"),
        (3, "texts must be strings, got int"),
        (None, "texts must be strings, got NoneType"),
        (["a film", 3], "texts must be strings or paths"),
        ([3.5], "texts must be strings, got list"),
        (np.array(["a film"]), "texts must be strings, got ndarray"),
        ("gone.txt", "there is no file or folder gone.txt"),
    ],
)
def test_what_is_no_text_is_refused(given: Any, message: str) -> None:
    with pytest.raises(PredictionInputError) as error:
        read(TextInputs(WORDS), given)
    assert str(error.value).startswith(message)
