"""Samples for a model of tensors: files of three formats, and what does not fit its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from papertrial.data.column import column_of
from papertrial.data.tensors.form import TensorForm, forms_of, in_words
from papertrial.data.tensors.predict_inputs import as_samples, other_sizes, read_tensors
from papertrial.errors import PredictionInputError
from papertrial.evaluate.inputs import TensorInputs

ONE = {"": TensorForm(shape=(2, 3), dtype="float32")}
TWO = {
    "ids": TensorForm(shape=(4,), dtype="int64"),
    "scale": TensorForm(shape=(), dtype="float32"),
}
X = np.arange(12, dtype=np.float64).reshape(2, 2, 3)
NAMED = {"ids": np.arange(8).reshape(2, 4), "scale": np.array([0.5, 2.0])}


def test_forms_of_columns_and_their_words() -> None:
    assert forms_of(column_of(torch.zeros(5, 2, 3))) == ONE
    named = column_of({"ids": torch.zeros(5, 4, dtype=torch.int64), "scale": torch.zeros(5)})
    assert forms_of(named) == TWO
    assert in_words(ONE) == "[2, 3] float32"
    assert in_words(TWO) == "ids [4] int64, scale [] float32"
    with pytest.raises(ValueError, match="float33"):
        TensorForm(shape=(1,), dtype="float33")


def test_files_of_the_three_formats_give_the_same_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    assert np.array_equal(read_tensors(tmp_path / "x.npy"), X)
    np.savez(tmp_path / "x.npz", **NAMED)
    safetensors.numpy.save_file(NAMED, tmp_path / "x.safetensors")
    samples = [as_samples(read_tensors(tmp_path / f"x.{e}"), TWO) for e in ("npz", "safetensors")]
    for read in (*samples, as_samples(NAMED, TWO)):
        assert list(read) == ["ids", "scale"]
        assert torch.equal(read["ids"], torch.arange(8).reshape(2, 4))
        assert torch.equal(read["scale"], torch.tensor([0.5, 2.0]))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.npy", b"", "cannot be read"),
        ("x.npz", b"PK not a zip", "cannot be read"),
        ("x.safetensors", b"12345678{}", "cannot be read"),
        ("x.csv", b"1,2", r"reads \.npy, \.npz, \.safetensors"),
        ("x.npy", None, "No such file"),
        ("x.safetensors", None, "No such file"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    name: str, content: bytes | None, told: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PredictionInputError, match=f"{name}.*{told}"):
        read_tensors(tmp_path / name)


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PredictionInputError, match=r"x\.npy cannot be read"):
        read_tensors(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("given", "forms", "told"),
    [
        (X[0], ONE, r"\[N, 2, 3\], got \[2, 3\]"),
        (np.float64(1), ONE, r"\[N, 2, 3\], got \[\]"),
        (X[..., None], ONE, r"got \[2, 2, 3, 1\]"),
        (X[:, :0], ONE, r"got \[2, 0, 3\]"),
        (NAMED, ONE, "one tensor, got ids, scale"),
        ("word", ONE, "must be numbers"),
        (X, TWO, "ids, scale, got ndarray"),
        ({"ids": NAMED["ids"]}, TWO, "ids, scale, got ids"),
        ({**NAMED, "more": X}, TWO, "got ids, scale, more"),
        ({**NAMED, "ids": NAMED["ids"] / 2}, TWO, "ids must be int64, got float64"),
        ({**NAMED, "ids": NAMED["ids"][:, 0]}, TWO, r"ids must be \[N, 4\], got \[2\]"),
        ({**NAMED, "scale": np.ones(3)}, TWO, "'ids': 2, 'scale': 3"),
    ],
)
def test_samples_of_another_form_are_refused(given: Any, forms: Any, told: str) -> None:
    with pytest.raises(PredictionInputError, match=told):
        as_samples(given, forms)


def test_other_sizes_than_in_training_are_named() -> None:
    assert other_sizes(as_samples(X, ONE), ONE) == ""
    assert other_sizes(as_samples(X[:, :1], ONE), ONE) == "[1, 3], in training [2, 3]"
    short = as_samples({**NAMED, "ids": NAMED["ids"][:, :2]}, TWO)
    assert other_sizes(short, TWO) == "ids [2], in training [4]"
    (read,) = TensorInputs(TWO).read(short, batch_size=1)
    assert list(read.notes) == ["ids [2], in training [4]"] * 2


def test_samples_are_named_by_file_and_row(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    inputs = TensorInputs(ONE)
    (read,) = inputs.read([str(tmp_path / "x.npy")], batch_size=1)
    assert list(read.names) == [f"{tmp_path}/x.npy:0", f"{tmp_path}/x.npy:1"]
    (read,) = inputs.read(X, batch_size=1)
    assert list(read.names) == ["0", "1"]
    assert torch.equal(read.column.take(slice(0, 2)), torch.from_numpy(X).float())
    assert inputs.zeros(3).shape == (3, 2, 3)
    assert {k: tuple(v.shape) for k, v in TensorInputs(TWO).zeros(3).items()} == {
        "ids": (3, 4),
        "scale": (3,),
    }


def test_values_that_are_not_finite_are_refused() -> None:
    spoilt = X.copy()
    spoilt[1, 0, 0] = np.nan
    with pytest.raises(PredictionInputError, match="finite"):
        as_samples(spoilt, ONE)
