"""Distillation: a model learns from the outputs of a trained one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.model_call import call_model, main_output


class Distillation(nn.Module):
    """Learn from the labels and from the softened probabilities of a frozen teacher.

    The loss is (1 - weight) loss(output, y) + weight T^2 KL(p_T || q_T), where p_T and q_T are the
    softmax of the logits of teacher and model, divided by the temperature T.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015),
    arXiv:1503.02531, section 2; weight and T^2 as in the common implementations.

    Args:
        teacher: a trained model that returns logits [B, K]. It is frozen, and stays in evaluation
            mode.
        temperature: T > 0.
        weight: of the teacher's part, in [0, 1].

    Raises:
        ValueError: temperature or weight is out of range.
    """

    per_sample = True  # the loss is a mean over samples that do not depend on each other

    def __init__(self, teacher: nn.Module, temperature: float = 4.0, weight: float = 0.9) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature > 0 must hold, got {temperature}")
        if not 0 <= weight <= 1:
            raise ValueError(f"0 <= weight <= 1 must hold, got {weight}")
        self.teacher = teacher.eval().requires_grad_(False)
        self.temperature = temperature
        self.weight = weight

    def forward(
        self, model: nn.Module, x: Any, y: Any, loss: Callable[[Any, Any], Tensor]
    ) -> tuple[Tensor, Any]:
        """Return the loss of a batch, and what the model returned."""
        returned = call_model(model, x)
        output = main_output(returned)
        with torch.no_grad():
            known = main_output(call_model(self.teacher.eval(), x))
        if known.shape != output.shape:
            raise ValueError(
                f"the teacher must return logits {list(output.shape)} like the model, got "
                f"{list(known.shape)}"
            )
        if output.ndim < 2 or output.shape[1] < 2:
            raise ValueError(
                "distillation needs logits [B, K] of at least 2 classes, because the softmax of "
                f"one is always 1, got {list(output.shape)}"
            )
        soft = F.kl_div(
            F.log_softmax(output / self.temperature, 1),
            F.log_softmax(known / self.temperature, 1),
            reduction="batchmean",
            log_target=True,
        )
        total = (1 - self.weight) * loss(returned, y) + self.weight * self.temperature**2 * soft
        return total, returned
