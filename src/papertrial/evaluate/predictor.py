"""Predictions of a trained model for new inputs: images, arrays, rows of a table, texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from papertrial.data.column import SampleColumn
from papertrial.data.streams import derive
from papertrial.errors import PapertrialError, PredictionInputError
from papertrial.evaluate.inputs import Inputs
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.evaluate.training_statistics import TrainingStatistics
from papertrial.tasks.task import Task


@dataclass(frozen=True)
class Answer:
    """The prediction for one input.

    `input` names the input, `probabilities` has each class, the most likely one first, and
    `converted` says how the input was changed, "" if it was not. `hint` says how it differs
    from all that the model was trained on, "" if it does not. `prediction` is a class, or a list
    of labels. For regression it is a number, or several by the names of their targets, and for
    `task: prediction` numbers or names of classes in nested lists; `probabilities` is then empty,
    and `output` is what the model returned for the input, [...], which is None for other tasks.
    """

    input: str
    prediction: str | float | list[Any] | dict[str, float]
    probabilities: dict[str, float]
    converted: str = ""
    output: Tensor | None = field(default=None, compare=False, repr=False)
    hint: str = ""

    def to_json(
        self, top: int | None = None
    ) -> dict[str, str | float | list[Any] | dict[str, float]]:
        """Return JSON values, with the `top` most likely classes; None for all."""
        plain: dict[str, Any] = {
            "input": self.input,
            "prediction": self.prediction,
            "probabilities": dict(list(self.probabilities.items())[:top]),
        }
        said = {"converted": self.converted, "hint": self.hint}
        return plain | {key: text for key, text in said.items() if text}


class Predictor:
    """A model with the preparation and the task that it was trained with.

    The same inputs get the same answers each time. If the model draws random numbers in evaluation
    mode, they come from the stream "predict" of the seed, and an answer depends on the position of
    its input among the inputs.

    Args:
        prepared: the model, and how samples are prepared for it.
        task: what the outputs mean.
        inputs: how inputs are read.
        seen: what the training samples looked like; None if it is unknown.
    """

    def __init__(
        self,
        prepared: PreparedModel,
        *,
        task: Task,
        inputs: Inputs,
        seen: TrainingStatistics | None = None,
    ) -> None:
        self.prepared = prepared
        self.task = task
        self.inputs = inputs
        self.seen = seen

    def predict(self, inputs: object) -> list[Answer]:
        """Return an answer for each input.

        Args:
            inputs: one of these, or for the first three a sequence of them:
                a path of an image, of a folder of images, or (for a table) of a CSV file;
                a PIL image;
                a text, or the path of a text file or of a folder of them;
                an array or tensor, uint8 [N, C, H, W] (grey also [N, H, W]) or numbers [N, F];
                for a model of tensors, an array [N, ...], several by name, or a .npy or .npz file.

        Raises:
            PredictionInputError: an input cannot be read as what the model takes, or the model
                does not take tensors of its sizes.
        """
        answers: list[Answer] = []
        given = self.inputs.read(inputs, self.prepared.batch_size)
        for number, (column, names, notes, sizes) in enumerate(given):
            if not len(column):
                raise PredictionInputError("there is nothing to predict; give at least one input")
            stream = derive(self.prepared.seed, "predict", number)
            decoded = self.task.decode(self._outputs(column, names[0], notes[0], stream))
            hints = self.seen.hints(column, sizes) if self.seen else [""] * len(names)
            answers += [
                Answer(name, answer.prediction, answer.probabilities, note, answer.output, hint)
                for name, answer, note, hint in zip(names, decoded, notes, hints, strict=True)
            ]
        return answers

    def _outputs(self, column: SampleColumn, name: str, note: str, stream: int) -> Tensor:
        """Return the outputs for samples, of which one is named and noted for messages."""
        sizes = f" (it has {note})" if note and self.inputs.kind == "tensor" else ""
        try:
            output = self.prepared.forward(column, stream=stream)
        except PapertrialError as error:
            if not sizes:
                raise
            rule = f"{name}: the model does not take this input{sizes}"
            raise PredictionInputError(f"{rule}: {error}") from error
        if len(output) != len(column):
            raise PredictionInputError(
                f"{name}: the model returned {len(output)} outputs for {len(column)} inputs{sizes}"
            )
        return output
