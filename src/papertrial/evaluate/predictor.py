"""Answers for new inputs from a trained model: image files, arrays, rows of a table, texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from papertrial.data.pipeline import Pipeline, State
from papertrial.data.streams import derive
from papertrial.evaluate.inputs import Inputs
from papertrial.evaluate.predict import forward
from papertrial.tasks.task import Task


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
    """A model with the preparation and the meaning it was trained with.

    The same inputs get the same answers each time. Where the model draws random numbers in
    evaluation, they come from the stream "predict" of `seed`, and an answer depends on the place of
    its input among those given.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        task: Task,
        inputs: Inputs,
        pipeline: Pipeline,
        state: State,
        device: torch.device,
        precision: str = "fp32",
        batch_size: int = 1000,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.task = task
        self.inputs = inputs
        self.pipeline = pipeline
        self.state = state
        self.device = device
        self.precision = precision
        self.batch_size = batch_size
        self.seed = seed

    def predict(self, inputs: Any) -> list[Answer]:
        """Return an answer for each input.

        Args:
            inputs: one of these, or for the first three a sequence of them:
                a path of an image, of a folder of images, or (for a table) of a CSV file;
                a PIL image;
                a text, or the path of a text file or of a folder of them;
                an array or tensor, uint8 [N, C, H, W] (grey also [N, H, W]) or numbers [N, F].

        Raises:
            PredictionInputError: an input that cannot be read as what the model takes.
        """
        answers: list[Answer] = []
        given = self.inputs.read(inputs, self.batch_size)
        for number, (column, names, notes) in enumerate(given):
            output = forward(
                self.model,
                column,
                pipeline=self.pipeline,
                state=self.state,
                device=self.device,
                precision=self.precision,
                batch_size=self.batch_size,
                stream=derive(self.seed, "predict", number),
            )
            decoded = self.task.decode(output)
            answers += [
                Answer(name, answer.prediction, answer.probabilities, note)
                for name, answer, note in zip(names, decoded, notes, strict=True)
            ]
        return answers
