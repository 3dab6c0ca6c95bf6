"""Metrics and raw outputs of a model on the splits of a set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from papertrial.data.column import Column, Dataset
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.streams import derive
from papertrial.evaluate.metrics import Value, check_finite, compute
from papertrial.evaluate.predict import forward
from papertrial.tasks.task import Task


class Scored(NamedTuple):
    """A split's metrics, and the raw outputs [N, ...] that they were computed from."""

    metrics: dict[str, Value]
    output: Tensor


def stream_of(seed: int, split: str) -> int:
    """Return the stream that an evaluation of a split draws from, whenever it takes place."""
    return derive(seed, "evaluate", split)


class Evaluator:
    """Evaluates a model, as it stands when asked, on the splits of a set.

    An evaluation is a function of the model's weights, the data, the seed, the split's name and the
    batch size. A model or a loss that draws random numbers draws the same ones each time, whatever
    step it is evaluated at and whatever was evaluated before, and takes none from the training.

    Args:
        model: called on what the pipeline makes of samples.
        dataset: has the splits.
        task: what the outputs mean.
        metrics: names of what is computed.
        loss: called as loss(output, target) on a whole split.
        pipeline: how samples are prepared, with the `state` that its fit returned.
        device: of the model.
        precision: "fp32" or "bf16".
        batch_size: samples a forward pass.
        seed: the recipe's, which the draws of an evaluation are derived from.
    """

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        *,
        task: Task,
        metrics: Sequence[str],
        loss: Any,
        pipeline: Pipeline,
        state: State,
        device: torch.device,
        precision: str = "fp32",
        batch_size: int = 1000,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.dataset = dataset
        self.task = task
        self.metrics = tuple(metrics)
        self.loss = loss
        self.pipeline = pipeline
        self.state = state
        self.device = device
        self.precision = precision
        self.batch_size = batch_size
        self.seed = seed

    def evaluate(self, split: str, step: int) -> Scored:
        """Return the metrics of a split after `step` optimizer steps.

        Raises:
            DivergedError: outputs or metrics are no finite numbers.
            ModelError: the model fails.
        """
        rows = self.dataset.splits[split]
        output = self.outputs(rows.x, split)
        metrics = compute(
            self.metrics,
            self.task,
            output,
            rows.y,
            self.loss,
            self.device,
            stream=stream_of(self.seed, split),
        )
        check_finite(metrics, output, split, step)
        return Scored(metrics, output)

    def outputs(self, column: Column, split: str) -> Tensor:
        """Return the raw outputs [N, ...] for samples, drawing from the stream of `split`.

        Raises:
            ModelError: the model fails.
        """
        return forward(
            self.model,
            column,
            pipeline=self.pipeline,
            state=self.state,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
            stream=stream_of(self.seed, split),
        )
