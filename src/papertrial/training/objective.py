"""Compute the loss of a batch and its gradients, in one part or in several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from papertrial.data.batches import Batch
from papertrial.data.nested import in_parts, row_count, shapes_of
from papertrial.errors import ModelError, PapertrialError
from papertrial.evaluate.precision import autocast
from papertrial.model_call import call_model, main_output
from papertrial.tasks.loss_requirements import Loss, Reduction
from papertrial.tasks.task import Task
from papertrial.training.scaling import LossScaling

_CPU = torch.device("cpu")

# Returns the loss of a batch and the model's output from (model, x, y, loss). It may call the
# model several times, change the batch, and use more than output and target. `loss(output, y)`
# takes what the model returned and targets as stored.
ObjectiveFunction = Callable[[nn.Module, Any, Any, Loss], tuple[Tensor, Any]]


class BatchResult(NamedTuple):
    """The loss of a batch (a scalar without a graph), its outputs [B, ...], and its targets.

    The targets are as stored. `output` is what the objective returned as the model's output.
    """

    loss: Tensor
    output: Tensor
    y: Any


def supervised(model: nn.Module, x: Any, y: Any, loss: Loss) -> tuple[Tensor, Any]:
    """Return the loss of the model's output and the targets: the objective of most trainings."""
    output = call_model(model, x)
    return loss(output, y), output


def module_of(function: ObjectiveFunction) -> nn.Module | None:
    """Return the objective if it is a module, whose state belongs to the training."""
    return function if isinstance(function, nn.Module) else None


def modules_in(function: ObjectiveFunction) -> dict[str, nn.Module]:
    """Return the modules that an objective uses, by name: itself, attributes, arguments."""
    if isinstance(function, nn.Module):
        return {"": function}
    inside = {**getattr(function, "keywords", {}), **getattr(function, "__dict__", {})}
    return {name: one for name, one in inside.items() if isinstance(one, nn.Module)}


class Objective:
    """The loss of a model on a batch, and its gradients.

    Args:
        model: called as model(x) with x [B, ...].
        loss: called as loss(output, target).
        task: converts targets to the dtype and shape that the loss takes.
        function: computes the loss and the output of a batch; by default the loss of the model's
            output.
        precision: "fp32", or "bf16" or "fp16" for autocast in the forward pass.
        accumulate: number of parts in which a batch is computed, one after the other. The sum of
            their gradients is that of the whole batch if the loss is a mean or a sum over samples.
            Batch normalisation sees each part on its own.
        reduction: "sum" if the loss is a sum over samples.
        device: the device of the batches.
        scaling: scales the loss before its gradients are computed, for fp16.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        task: Task,
        *,
        function: ObjectiveFunction = supervised,
        precision: str = "fp32",
        accumulate: int = 1,
        reduction: Reduction = "mean",
        device: torch.device = _CPU,
        scaling: LossScaling | None = None,
    ) -> None:
        self.model = model
        self.loss = loss
        self.task = task
        self.function = function
        self.precision = precision
        self.accumulate = accumulate
        self.reduction = reduction
        self.scaling = scaling
        self.context = autocast(device, precision)

    def backward(self, batch: Batch) -> BatchResult:
        """Add the gradients of a batch to those of the parameters.

        Raises:
            ModelError: the model, the loss or the objective fails on the batch, or memory runs out.
        """
        try:
            if self.accumulate == 1:
                return self._part(batch, 1.0)
            x, y = in_parts(batch.x, self.accumulate), in_parts(batch.y, self.accumulate)
            rows = row_count(batch.y)
            is_mean = self.reduction == "mean"
            results = [
                self._part(Batch(*part), row_count(part[1]) / rows if is_mean else 1.0)
                for part in zip(x, y, strict=True)
            ]
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"out of memory on a batch of {row_count(batch.y)}; lower data.batch_size, or set "
                f"accumulate to compute each batch in parts: {error}"
            ) from error
        except PapertrialError:
            raise
        except Exception as error:
            raise ModelError(
                f"{self._who} fails on a batch {shapes_of(batch.x)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return BatchResult(
            torch.stack([r.loss for r in results]).sum(),
            torch.cat([r.output.detach() for r in results]),
            batch.y,
        )

    def compute(self, x: Any, y: Any) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, a scalar with a graph, and the output [B, ...]."""
        with self.context:
            loss, output = self.function(self.model, x, y, self.task_loss)
            return loss, main_output(output)

    def task_loss(self, output: Any, y: Any) -> Tensor:
        """Return the loss of what the model returned and targets as stored."""
        main = main_output(output)
        return self.loss(main, self.task.target(y, main))

    @property
    def _who(self) -> str:
        return "the model or the loss" if self.function is supervised else "the objective"

    def _part(self, batch: Batch, share: float) -> BatchResult:
        """Run forward and backward on a part, whose loss counts by its share of the batch."""
        loss, output = self.compute(batch.x, batch.y)
        loss = loss if share == 1.0 else loss * share
        torch.autograd.backward(loss if self.scaling is None else self.scaling.scale(loss))
        return BatchResult(loss.detach(), output, batch.y)
