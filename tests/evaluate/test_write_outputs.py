"""Files of outputs: arrays with the model's numbers, pictures only of images, names by input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from papertrial.errors import PredictionInputError
from papertrial.evaluate.predictor import Answer
from papertrial.evaluate.write_outputs import picture, write_outputs


def _answer(name: str, *shape: int) -> Answer:
    output = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return Answer(name, output.tolist(), {}, output=output)


def test_a_folder_gets_an_array_of_each_output_and_pictures_of_images(tmp_path: Path) -> None:
    names = ["a/photo.png", "b/photo.PNG", "x.npy:3", "4", "two\nlines"]
    answers = [_answer(name, 3, 4, 5) for name in names[:3]]
    answers += [_answer(name, 7) for name in names[3:]]
    written = write_outputs(answers, tmp_path / "new" / "out")
    stems = ["photo", "photo-1", "x-3"]
    arrays = [f"{stem}.{ending}" for stem in stems for ending in ("npy", "png")]
    assert [path.name for path in written] == [*arrays, "4.npy", "4-4.npy"]
    assert all(path.is_file() for path in written)
    output = answers[0].output
    assert output is not None
    assert np.array_equal(np.load(written[0]), output.numpy())
    pixels = np.asarray(Image.open(written[1]))
    assert np.array_equal(pixels, np.rint(output.double().numpy() * 255).transpose(1, 2, 0))


def test_an_array_gets_all_outputs_of_one_shape(tmp_path: Path) -> None:
    answers = [_answer("0", 3), _answer("1", 3)]
    assert write_outputs(answers, tmp_path / "all.npy") == [tmp_path / "all.npy"]
    assert np.load(tmp_path / "all.npy").shape == (2, 3)
    with pytest.raises(PredictionInputError, match=r"got \[3\], \[4\]; name a folder"):
        write_outputs([*answers, _answer("2", 4)], tmp_path / "all.npy")


def test_what_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PredictionInputError, match=r"cannot write .*file"):
        write_outputs([_answer("0", 3)], tmp_path / "file")
    with pytest.raises(PredictionInputError, match=r"task: prediction; .* --json"):
        write_outputs([Answer("0", "cat", {"cat": 1.0})], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_has_values_from_0_to_1_or_bytes() -> None:
    grey = np.array([[0.0, 1.0], [0.5, 1.05]], dtype=np.float32)
    assert picture(grey).tolist() == picture(grey[None]).tolist() == [[0, 255], [128, 255]]  # type: ignore[union-attr]
    whole = np.array([[0.0, 200.0], [7.0, 255.0]])
    assert np.array_equal(picture(whole), whole)  # type: ignore[arg-type]
    for other in (whole + 0.5, whole + 1, grey - 0.5, np.stack([grey] * 2), grey[0], grey[:1]):
        assert picture(other) is None
