"""One batch through a model before training, so that a mistake is told by its layer and sizes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from papertrial.diagnose.explain import explain
from papertrial.diagnose.finding import Finding
from papertrial.diagnose.lent_model import buffers_kept, modes_kept
from papertrial.diagnose.trace import run
from papertrial.errors import ModelError


class LayerError(ModelError):
    """Layers that do not fit the input or each other: what is wrong, and what to do."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(f"{message}; {fix}")


def dry_run(model: nn.Module, x: Any) -> Tensor:
    """Return the model's output for one batch [B, ...], and leave the model as it was.

    It runs in evaluation mode, where lazy layers take their sizes, then in training mode, whose
    output is returned; buffers that training mode moves are put back.

    Raises:
        LayerError: layers do not fit the input or each other; the message names the layer, what
            it expects, what it receives and from where.
        ModelError: the output is not a tensor.
    """
    with modes_kept(model), torch.no_grad():
        forward_once(model.eval(), x)
        with buffers_kept(model):
            output = forward_once(model.train(), x)
    if not isinstance(output, Tensor):
        raise ModelError(
            f"the model must return one tensor, got {type(output).__name__}; wrap it in a module "
            "that returns the tensor that the loss is for"
        )
    return output


def forward_once(model: nn.Module, x: Any) -> Any:
    """Return model(x).

    Raises:
        LayerError: it fails. It is then run once more, recorded, to be told why.
    """
    try:
        return model(x)
    except Exception as error:
        trace, again = run(model, x)
        failure = again if isinstance(again, Exception) else error
        raise LayerError(*explain(trace, x, failure)) from error


def as_finding(error: ModelError) -> Finding:
    """Return what a dry run raised as a finding."""
    if isinstance(error, LayerError):
        return Finding("error", "model", error.message, error.fix)
    return Finding("error", "model", str(error), "mend the model's forward()")
