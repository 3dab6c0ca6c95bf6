"""Metrics and raw outputs of a model on the splits of a set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from papertrial.data.column import Dataset, Split
from papertrial.data.nested import mapped
from papertrial.data.streams import derive
from papertrial.errors import ModelError
from papertrial.evaluate.metric_function import MetricFunction
from papertrial.evaluate.metrics import check_finite, compute
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.tasks.loss_requirements import Loss
from papertrial.tasks.task import Task
from papertrial.vocabulary import Metrics

Keep = Callable[[Tensor, Any], Tensor]  # from outputs [B, ...] and targets; see Evaluator


class Outputs(NamedTuple):
    """What an evaluation of a split keeps.

    Attributes:
        output: the outputs [N, ...] in the unit of the targets as stored, which for most tasks are
            the raw outputs; or what `keep` made of the raw ones.
        losses: with `keep`, the loss of each batch and its samples, float64 [M, 2]; else None.
    """

    output: Tensor
    losses: Tensor | None = None


class Scored(NamedTuple):
    """The metrics of a split, and the outputs that they were computed from."""

    metrics: Metrics
    outputs: Outputs


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
        keep: called as keep(output, target) on each batch; metrics then get what it returns,
            [B, ...], instead of the outputs. The loss is the mean of those of the batches, weighted
            by their samples.
        train: whether the training part is evaluated.

    Attributes:
        splits: the names of the splits that are evaluated.
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
        keep: Keep | None = None,
        train: bool = True,
    ) -> None:
        self.prepared = prepared
        self.dataset = dataset
        self.task = task
        self.metrics = tuple(metrics)
        self.loss = loss
        self.own = dict(own or {})
        self.keep = keep
        self.splits = tuple(name for name in dataset.splits if train or name != "train")

    def evaluate(self, split: str, step: int) -> Scored:
        """Return the metrics of a split after `step` optimizer steps.

        Raises:
            DivergedError: outputs or metrics are not finite numbers.
            ModelError: the model fails.
        """
        rows = self.dataset.splits[split]
        kept = self.outputs(rows, split)
        metrics = compute(
            self.metrics,
            self.task,
            kept.output,
            rows.y,
            self.loss,
            self.prepared.device,
            stream=stream_of(self.prepared.seed, split),
            own=self.own,
            losses=kept.losses,
        )
        check_finite(metrics, kept.output, split, step)
        return Scored(metrics, kept)

    def outputs(self, rows: Split, split: str) -> Outputs:
        """Return the outputs for samples, drawing from the stream of `split`.

        Raises:
            ModelError: the model fails, or `keep` does.
        """
        stream = stream_of(self.prepared.seed, split)
        if self.keep is None:
            raw = self.prepared.forward(rows.x, stream=stream)
            return Outputs(self.task.in_original_unit(raw))
        keep, losses = self.keep, list[tuple[float, int]]()

        def keep_batch(output: Tensor, at: Tensor) -> Tensor:
            y = mapped(lambda one: one[at.to(one.device)].to(output.device), rows.y)
            target = self.task.target(y, output)
            losses.append((float(self.loss(output, target)), len(output)))
            return kept_of(keep, output, target)

        output = self.prepared.forward(rows.x, stream=stream, keep=keep_batch)
        return Outputs(output, torch.tensor(losses, dtype=torch.float64))


def kept_of(keep: Keep, output: Tensor, target: Any) -> Tensor:
    """Return what `keep` makes of the outputs of a batch, on the CPU.

    Raises:
        ModelError: it fails, or does not return a dense tensor with a row for each sample.
    """
    try:
        kept = keep(output, target)
    except Exception as error:
        raise ModelError(
            f"keep fails on outputs {list(output.shape)}: {type(error).__name__}: {error}"
        ) from error
    if isinstance(kept, Tensor) and kept.layout != torch.strided:
        layout = str(kept.layout).removeprefix("torch.")
        raise ModelError(f"keep must return a dense tensor, got {layout}; add .to_dense()")
    if not isinstance(kept, Tensor) or kept.ndim == 0 or len(kept) != len(output):
        got = list(kept.shape) if isinstance(kept, Tensor) else type(kept).__name__
        raise ModelError(
            f"keep must return [{len(output)}, ...] for {len(output)} samples, got {got}"
        )
    return kept.detach().cpu()
