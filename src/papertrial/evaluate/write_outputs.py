"""Files of the outputs of `task: prediction`: arrays, and pictures of those that are images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from papertrial.errors import PredictionInputError
from papertrial.evaluate.predictor import Answer

_CHANNELS = (1, 3)
_OVERSHOOT = 0.1  # of 0 to 1, which a network that restores images has at edges; it is clipped


def write_outputs(answers: Sequence[Answer], path: Path, classes: Sequence[str] = ()) -> list[Path]:
    """Write the outputs of a model, and return the files.

    A path that ends in .npy gets one array of all outputs [N, ...]. Any other path is a folder, to
    which each output [...] is written as NAME.npy, and as NAME.png if it is an image. Existing
    files are replaced.

    Args:
        answers: what a run predicted.
        path: the file or folder.
        classes: the names of the classes, if predictions are classes of positions; a picture of
            positions [H, W] then has the index of each class.

    Raises:
        PredictionInputError: the task has no outputs to write, they have several shapes and the
            path is a file, or the path cannot be written.
    """
    outputs = [answer.output for answer in answers if answer.output is not None]
    if len(outputs) < len(answers):
        raise PredictionInputError(
            "--output writes the tensors of task: prediction; of this run's task, --output "
            "FILE.csv writes the predictions, and --json prints them"
        )
    try:
        if path.suffix == ".npy":
            return [_write_all([one.numpy() for one in outputs], path)]
        path.mkdir(parents=True, exist_ok=True)
        names, written = _file_names([answer.input for answer in answers]), list[Path]()
        for name, answer, output in zip(names, answers, outputs, strict=True):
            np.save(path / f"{name}.npy", output.numpy())
            written.append(path / f"{name}.npy")
            indices = _indices(answer.prediction, classes) if classes else None
            pixels = picture(output.numpy()) if indices is None else indices
            if pixels is not None:
                Image.fromarray(pixels).save(path / f"{name}.png")
                written.append(path / f"{name}.png")
    except OSError as error:
        raise PredictionInputError(f"cannot write {path}: {error.strerror or error}") from error
    return written


def picture(values: np.ndarray) -> np.ndarray | None:
    """Return the bytes [H, W] or [H, W, 3] of an image; None for what is not an image.

    An image is [H, W], [1, H, W] or [3, H, W], with values from 0 to 1, or bytes: whole numbers
    from 0 to 255. Values that are at most 0.1 below 0 or above 1 are clipped.
    """
    if values.ndim == 2:
        values = values[None]
    if values.ndim != 3 or values.shape[0] not in _CHANNELS or min(values.shape[1:]) < 2:
        return None
    low, high = values.min(), values.max()
    if low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT:
        pixels = np.rint(values.astype(np.float64).clip(0, 1) * 255)
    elif low >= 0 and high <= 255 and np.array_equal(values, np.rint(values)):
        pixels = values
    else:
        return None
    moved = np.moveaxis(pixels.astype(np.uint8), 0, -1)
    return np.ascontiguousarray(moved[..., 0] if moved.shape[-1] == 1 else moved)


def _indices(prediction: object, classes: Sequence[str]) -> np.ndarray | None:
    """Return the indices of the classes of positions [H, W] as bytes; None for other positions."""
    named = np.asarray(prediction, dtype=object)
    if named.ndim != 2 or len(classes) > 256:
        return None
    number = {name: index for index, name in enumerate(classes)}
    return np.array([[number[name] for name in row] for row in named], dtype=np.uint8)


def _write_all(outputs: Sequence[np.ndarray], path: Path) -> Path:
    shapes = list(dict.fromkeys(one.shape for one in outputs))
    if len(shapes) > 1:
        some = ", ".join(str(list(shape)) for shape in shapes[:3])
        raise PredictionInputError(
            f"--output {path}: one array needs outputs of one shape, got {some}; name a folder"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack(outputs))
    return path


def _file_names(inputs: Sequence[str]) -> Iterator[str]:
    """Yield a file name for each input: the stem of its file, and its row if the file has many."""
    taken = set[str]()
    for number, given in enumerate(inputs):
        file, _, row = given.rpartition(":")
        name = f"{Path(file).stem}-{row}" if file and row.isdigit() else Path(given).stem
        if len(name) > 200 or not name.strip(".") or "\n" in name:  # an input can be a text
            name = str(number)
        unique = name
        while unique.lower() in taken:
            unique = f"{name}-{number}" if unique == name else f"{unique}-{number}"
        taken.add(unique.lower())
        yield unique
