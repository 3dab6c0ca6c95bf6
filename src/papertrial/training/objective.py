"""Compute the loss of a batch and its gradients, in one part or in several."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from papertrial.data.batches import Batch
from papertrial.errors import ModelError
from papertrial.evaluate.precision import autocast
from papertrial.tasks.loss_requirements import Loss, Reduction
from papertrial.tasks.task import Task

_CPU = torch.device("cpu")


class BatchResult(NamedTuple):
    """The loss of a batch (a scalar without a graph), its outputs [B, ...] and its targets."""

    loss: Tensor
    output: Tensor
    target: Tensor


class Objective:
    """The loss of a model on a batch, and its gradients.

    Args:
        model: called as model(x) with x [B, ...].
        loss: called as loss(output, target).
        task: converts targets to the dtype and shape that the loss takes.
        precision: "fp32", or "bf16" for autocast in the forward pass.
        accumulate: number of parts in which a batch is computed, one after the other. The sum of
            their gradients is that of the whole batch if the loss is a mean or a sum over samples.
            Batch normalisation and class weights see each part on its own.
        reduction: "sum" if the loss is a sum over samples.
        device: the device of the batches.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        task: Task,
        *,
        precision: str = "fp32",
        accumulate: int = 1,
        reduction: Reduction = "mean",
        device: torch.device = _CPU,
    ) -> None:
        self.model = model
        self.loss = loss
        self.task = task
        self.precision = precision
        self.accumulate = accumulate
        self._context = autocast(device, precision)
        self._is_mean = reduction == "mean"

    def backward(self, batch: Batch) -> BatchResult:
        """Add the gradients of a batch to those of the parameters.

        Raises:
            ModelError: the model or the loss fails on the batch, or memory runs out.
        """
        try:
            if self.accumulate == 1:
                return self._part(batch, 1.0)
            parts = zip(batch.x.chunk(self.accumulate), batch.y.chunk(self.accumulate), strict=True)
            results = [
                self._part(Batch(x, y), len(y) / len(batch.y) if self._is_mean else 1.0)
                for x, y in parts
            ]
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"out of memory on a batch of {len(batch.y)}; lower data.batch_size, or set "
                f"accumulate to compute each batch in parts: {error}"
            ) from error
        except Exception as error:
            raise ModelError(
                f"the model or the loss fails on a batch {list(batch.x.shape)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return BatchResult(
            torch.stack([r.loss for r in results]).sum(),
            torch.cat([r.output.detach() for r in results]),
            torch.cat([r.target for r in results]),
        )

    def _part(self, batch: Batch, share: float) -> BatchResult:
        """Run forward and backward on a part, whose loss counts by its share of the batch."""
        with self._context:
            output = self.model(batch.x)
            target = self.task.target(batch.y, output)
            loss = self.loss(output, target)
        loss = loss if share == 1.0 else loss * share
        torch.autograd.backward(loss)
        return BatchResult(loss.detach(), output, target)
