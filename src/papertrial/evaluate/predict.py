"""Raw outputs of a model for stored samples, a batch at a time."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn

from papertrial.data.column import Column, chunks
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.diagnose.lent_model import buffers_kept, modes_kept
from papertrial.errors import ModelError, PapertrialError


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context that a forward pass runs in: bf16 autocast, or nothing for fp32."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def forward(
    model: nn.Module,
    column: Column,
    *,
    pipeline: Pipeline,
    state: State,
    device: torch.device,
    precision: str = "fp32",
    batch_size: int = 1000,
    stream: int = 0,
) -> Tensor:
    """Return the outputs for every sample, float32 [N, ...] in CPU memory.

    The result is a function of the arguments alone. What the model or the pipeline draws in batch
    i, from the generators of torch, numpy or Python, comes from the stream (i,) of `stream`. The
    model runs in evaluation mode; its modes, buffers and all generators are restored afterwards.

    Raises:
        ModelError: the model fails on a batch.
    """
    outputs, state = [], pipeline.on(device, state)
    # Samples of like length together: little is padded, and the largest batch comes first.
    lengths = column.lengths
    order = None if lengths is None else lengths.argsort(descending=True, stable=True)
    samples = column if order is None else column.rows(order.cpu())
    try:
        with (
            generators_kept(device),
            modes_kept(model),
            buffers_kept(model),
            torch.no_grad(),
            autocast(device, precision),
        ):
            model.eval()
            for number, chunk in enumerate(chunks(samples, batch_size)):
                seed_all(device, derive(stream, number))
                x = pipeline.apply(chunk.to(device), state)
                outputs.append(model(x).float())
    except PapertrialError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ModelError(f"the model failed in evaluation mode: {said}") from error
    output = torch.cat(outputs).to("cpu")
    return output if order is None else output[order.cpu().argsort()]
