"""Metrics and raw outputs of a model on the splits of a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from papertrial.data.column import Dataset, SampleColumn
from papertrial.data.streams import derive
from papertrial.evaluate.metric_function import MetricFunction
from papertrial.evaluate.metrics import check_finite, compute
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.tasks.loss_requirements import Loss
from papertrial.tasks.task import Task
from papertrial.vocabulary import Metrics


class Scored(NamedTuple):
    """The metrics of a split, and the raw outputs [N, ...] that they were computed from."""

    metrics: Metrics
    output: Tensor


def stream_of(seed: int, split: str) -> int:
    """Return the stream that every evaluation of a split draws its random numbers from."""
    return derive(seed, "evaluate", split)


class Evaluator:
    """Evaluates a model, with the weights that it has at the time, on the splits of a set.

    An evaluation is a function of the model's weights, the data, the seed, the name of the split
    and the batch size. A model or a loss that draws random numbers draws the same ones each time,
    whatever the step and whatever was evaluated before, and does not change the draws of the
    training.

    Args:
        prepared: the model, and how samples are prepared for it.
        dataset: the set with the splits.
        task: what the outputs mean.
        metrics: the names of the metrics.
        loss: called as loss(output, target) on a whole split.
        own: those of the metrics that are functions of the user's, by name.
    """

    def __init__(
        self,
        prepared: PreparedModel,
        dataset: Dataset,
        *,
        task: Task,
        metrics: Sequence[str],
        loss: Loss,
        own: Mapping[str, MetricFunction] | None = None,
    ) -> None:
        self.prepared = prepared
        self.dataset = dataset
        self.task = task
        self.metrics = tuple(metrics)
        self.loss = loss
        self.own = dict(own or {})

    def evaluate(self, split: str, step: int) -> Scored:
        """Return the metrics of a split after `step` optimizer steps.

        Raises:
            DivergedError: outputs or metrics are not finite numbers.
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
            self.prepared.device,
            stream=stream_of(self.prepared.seed, split),
            own=self.own,
        )
        check_finite(metrics, output, split, step)
        return Scored(metrics, output)

    def outputs(self, column: SampleColumn, split: str) -> Tensor:
        """Return the raw outputs [N, ...] for samples, drawing from the stream of `split`.

        Raises:
            ModelError: the model fails.
        """
        return self.prepared.forward(column, stream=stream_of(self.prepared.seed, split))
