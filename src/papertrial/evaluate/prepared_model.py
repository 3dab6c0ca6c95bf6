"""A model with everything needed to run it forward on stored samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.column import SampleColumn, chunks
from papertrial.data.nested import mapped
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.diagnose.lent_model import buffers_kept, modes_kept
from papertrial.errors import ModelError, PapertrialError
from papertrial.evaluate.precision import autocast
from papertrial.evaluate.views import Views
from papertrial.model_call import output_of

KeepBatch = Callable[[Tensor, Tensor], Tensor]  # from outputs [B, ...] and rows [B]


@dataclass(frozen=True)
class PreparedModel:
    """A model, and how samples are prepared for it.

    Args:
        model: called on what the pipeline returns for samples.
        pipeline: how samples are prepared.
        state: what `pipeline.fit` returned.
        device: the device of the model.
        precision: "fp32", "bf16" or "fp16".
        batch_size: samples in a forward pass.
        seed: the seed of the recipe, from which the streams of random numbers are derived.
        views: the views of each sample whose outputs are averaged; None for the sample alone.
    """

    model: nn.Module
    pipeline: Pipeline
    state: PipelineState
    device: torch.device
    precision: str = "fp32"
    batch_size: int = 1000
    seed: int = 0
    views: Views | None = None

    def forward(
        self, column: SampleColumn, *, stream: int, keep: KeepBatch | None = None
    ) -> Tensor:
        """Return the outputs for every sample, float32 [N, ...] in CPU memory.

        With `keep`, only what it returns for the outputs [B, ...] of each batch and the rows of
        their samples is kept, [N, ...], so that all outputs need not fit into memory.

        The result depends only on the weights, the samples and `stream`. What the model or the
        pipeline draws in batch i, from the generators of torch, numpy or Python, comes from the
        stream (i,) of `stream`. The model runs in evaluation mode; its modes, buffers and all
        generators are restored afterwards.

        Raises:
            ModelError: the model fails on a batch.
        """
        device, outputs = self.device, list[Tensor]()
        state = self.pipeline.on(device, self.state)
        # In descending order of length: batches need little padding, and the largest comes first.
        lengths = column.lengths
        order = None if lengths is None else lengths.argsort(descending=True, stable=True)
        samples = column if order is None else column.rows(order.cpu())
        try:
            with (
                generators_kept(device),
                modes_kept(self.model),
                buffers_kept(self.model),
                torch.no_grad(),
                autocast(device, self.precision),
            ):
                self.model.eval()
                for number, chunk in enumerate(chunks(samples, self.batch_size)):
                    seed_all(device, derive(stream, number))
                    x = self.pipeline.apply(mapped(lambda one: one.to(device), chunk), state)
                    output = self._output(x)
                    if keep is not None:
                        start = number * self.batch_size
                        rows = torch.arange(start, start + len(output))
                        output = keep(output, rows if order is None else order.cpu()[rows])
                    outputs.append(output)
        except PapertrialError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ModelError(f"the model failed in evaluation mode: {reason}") from error
        output = torch.cat(outputs).to("cpu")
        return output if order is None else output[order.cpu().argsort()]

    def _output(self, x: Any) -> Tensor:
        def forward(view: Any) -> Tensor:
            return output_of(self.model, view).float()

        return forward(x) if self.views is None else self.views.outputs(forward, x)
