"""Answers for new inputs from a trained model: image files, arrays, or the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from papertrial.data.column import DenseColumn
from papertrial.data.image_files import ReadImage, find_images, from_array, from_pil, read_image
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.table import read_rows
from papertrial.errors import PredictionInputError
from papertrial.evaluate.predict import forward
from papertrial.tasks.task import Task

_FILES = (str, Path, Image.Image)


@dataclass(frozen=True)
class Answer:
    """What was given, what is predicted, each class's probability, and how the input was changed.

    For regression `prediction` is a number and `probabilities` is empty.
    """

    input: str
    prediction: str | float
    probabilities: dict[str, float]
    converted: str = ""

    def to_json(self, top: int | None = None) -> dict[str, Any]:
        """Return it as plain values, with the `top` likeliest classes (all for None)."""
        probabilities = dict(list(self.probabilities.items())[:top])
        plain = {
            "input": self.input,
            "prediction": self.prediction,
            "probabilities": probabilities,
        }
        return {**plain, "converted": self.converted} if self.converted else plain


class Predictor:
    """A model with the preparation and the meaning it was trained with."""

    def __init__(
        self,
        model: nn.Module,
        *,
        task: Task,
        pipeline: Pipeline,
        state: State,
        device: torch.device,
        precision: str = "fp32",
        batch_size: int = 1000,
    ) -> None:
        self.model = model
        self.task = task
        self.pipeline = pipeline
        self.state = state
        self.device = device
        self.precision = precision
        self.batch_size = batch_size

    def predict(self, inputs: Any) -> list[Answer]:
        """Return an answer for each input.

        Args:
            inputs: one of these, or for the first two a sequence of them:
                a path of an image, of a folder of images, or (for a table) of a CSV file;
                a PIL image;
                an array or tensor, uint8 [N, C, H, W] (grey also [N, H, W]) or numbers [N, F].

        Raises:
            PredictionInputError: an input that cannot be read as what the model takes.
        """
        items = [inputs] if isinstance(inputs, _FILES) else inputs
        if hasattr(items, "__len__") and len(items) == 0:
            raise PredictionInputError("there is nothing to predict; give at least one input")
        listed = isinstance(items, list | tuple) and any(isinstance(i, _FILES) for i in items)
        if listed and not all(isinstance(item, _FILES) for item in items):
            raise PredictionInputError("give paths and PIL images, or one array; not both")
        if self.pipeline.kind == "table":
            return self._tables(items) if listed else self._numbers(items)
        return self._images(items) if listed else self._pixels(items)

    @property
    def _image_shape(self) -> tuple[int, int, int]:
        channels, height, width = self.state["shape"]
        return channels, height, width

    def _images(self, items: Sequence[Any]) -> list[Answer]:
        named: list[tuple[str, Any]] = []
        for index, item in enumerate(items):
            is_image = isinstance(item, Image.Image)
            found = [item] if is_image else find_images([Path(item)])
            named += [(str(index if is_image else one), one) for one in found]
        answers: list[Answer] = []
        for start in range(0, len(named), self.batch_size):  # no more in memory than a batch
            images = [self._read(*one) for one in named[start : start + self.batch_size]]
            x = torch.stack([image.pixels for image in images])
            answers += self._answers(x, [i.name for i in images], [i.converted for i in images])
        return answers

    def _read(self, name: str, item: Any) -> ReadImage:
        if isinstance(item, Image.Image):
            return from_pil(item, self._image_shape, name)
        return read_image(item, self._image_shape)

    def _pixels(self, values: Any) -> list[Answer]:
        x = from_array(values, self._image_shape)
        return self._answers(x, [str(i) for i in range(len(x))], [""] * len(x))

    def _tables(self, paths: Sequence[Any]) -> list[Answer]:
        answers = []
        for path in paths:
            if isinstance(path, Image.Image):
                raise PredictionInputError("the model takes rows of a table, got an image")
            x, notes = read_rows(Path(path), self.task.state()["features"])
            names = [f"{path}:{row}" for row in range(1, len(x) + 1)]
            answers += self._answers(x, names, ["; ".join(notes)] * len(x))
        return answers

    def _numbers(self, values: Any) -> list[Answer]:
        features = self.task.state()["features"]
        try:
            x = torch.as_tensor(values, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            raise PredictionInputError(f"rows must be numbers: {error}") from error
        if x.ndim != 2 or x.shape[1] != len(features):
            rule = f"rows must be [N, {len(features)}] ({', '.join(features)})"
            raise PredictionInputError(f"{rule}, got {list(x.shape)}")
        if not x.isfinite().all():
            raise PredictionInputError("rows must be finite numbers, as float32 holds them")
        return self._answers(x, [str(i) for i in range(len(x))], [""] * len(x))

    def _answers(self, x: Tensor, names: list[str], notes: list[str]) -> list[Answer]:
        output = forward(
            self.model,
            DenseColumn(x),
            pipeline=self.pipeline,
            state=self.state,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
        )
        return [
            Answer(name, answer.prediction, answer.probabilities, note)
            for name, answer, note in zip(names, self.task.decode(output), notes, strict=True)
        ]
