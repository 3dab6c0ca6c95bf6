"""Metrics and raw outputs of a model on the splits of a set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from papertrial.data.column import Dataset, SampleColumn
from papertrial.data.pipeline import Pipeline, State
from papertrial.evaluate.metrics import Value, check_finite, compute
from papertrial.evaluate.predict import forward
from papertrial.tasks.task import Task


class Scored(NamedTuple):
    """A split's metrics, and the raw outputs [N, ...] that they were computed from."""

    metrics: dict[str, Value]
    output: Tensor


class Evaluator:
    """Evaluates a model, as it stands when asked, on the splits of a set.

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

    def evaluate(self, split: str, step: int) -> Scored:
        """Return the metrics of a split after `step` optimizer steps.

        Raises:
            DivergedError: outputs or metrics are no finite numbers.
            ModelError: the model fails.
        """
        rows = self.dataset.splits[split]
        output = self.outputs(rows.x)
        metrics = compute(self.metrics, self.task, output, rows.y, self.loss, self.device)
        check_finite(metrics, output, split, step)
        return Scored(metrics, output)

    def outputs(self, column: SampleColumn) -> Tensor:
        """Return the raw outputs [N, ...] for samples; ModelError where the model fails."""
        return forward(
            self.model,
            column,
            pipeline=self.pipeline,
            state=self.state,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch_size,
        )
