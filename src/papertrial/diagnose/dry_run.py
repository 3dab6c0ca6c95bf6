"""Run one batch through a model before the training, and explain a failure by layer and shape."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.explain import explain, needs_larger_batch
from papertrial.diagnose.lent_model import buffers_kept, modes_kept
from papertrial.diagnose.trace import run
from papertrial.errors import ModelError
from papertrial.model_call import call_model, main_output


class LayerError(ModelError):
    """Layers that do not fit the input or each other."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(f"{message}; {fix}")


class SmallBatchError(LayerError):
    """Batch norm got one value per channel in training: the batch is too small, not the model."""


def dry_run(model: nn.Module, x: Any) -> Tensor:
    """Return the output of a model for one batch [B, ...], and leave the model as it was.

    The model runs in evaluation mode, in which lazy layers are initialised, and then in training
    mode. The output of the second run is returned; the buffers that it changes are restored.

    Raises:
        LayerError: layers do not fit the input or each other. The message names the layer, what it
            expects, what it receives, and where that comes from.
        SmallBatchError: batch norm needs a larger batch.
        ModelError: the output is not a tensor.
    """
    with modes_kept(model), torch.no_grad():
        _forward_once(model.eval(), x)
        with buffers_kept(model):
            return main_output(_forward_once(model.train(), x))


def _forward_once(model: nn.Module, x: Any) -> Any:
    """Return what the model returns in a dry run, and explain a failure.

    Raises:
        LayerError: the model fails. It is then run again with a trace, to explain why.
    """
    try:
        return call_model(model, x)
    except Exception as error:
        trace, again = run(model, x)
        failure = again if isinstance(again, Exception) else error
        kind = SmallBatchError if needs_larger_batch(trace) else LayerError
        raise kind(*explain(trace, x, failure)) from error


def diagnose_dry_run(error: ModelError) -> Diagnosis:
    """Return the diagnosis for an error that a dry run of a model raised."""
    if isinstance(error, LayerError):
        return Diagnosis("error", "model", error.message, error.fix)
    return Diagnosis("error", "model", str(error), "fix the model's forward()")
