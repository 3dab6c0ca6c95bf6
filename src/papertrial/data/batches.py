"""Training batches: each a pure function of the data and (seed, epoch, step)."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from papertrial.data.column import Split, column_of
from papertrial.data.nested import first_of, mapped
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.streams import generator
from papertrial.data.texts.buckets import bucketed_order


class Batch(NamedTuple):
    """A batch on the device: the model's input x [B, ...] and targets y [B, ...].

    Each is a tensor, or several tensors by name.
    """

    x: Any
    y: Any


class Batches:
    """The batches of a split, which may be requested in any order.

    Args:
        split: the samples.
        batch_size: samples in a batch; the last batch of an epoch may be smaller.
        shuffle: whether each epoch has a new order, from the stream ("shuffle", epoch).
        pipeline: augments and transforms samples; its draws come from ("augment", epoch).
        state: what `pipeline.fit` returned.
        device: the device of the batches.
        bucket: for samples of different lengths, the number of batches in a pool that is sorted by
            length, so that batches have samples of similar length; None for no sorting.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        shuffle: bool,
        pipeline: Pipeline,
        state: PipelineState,
        device: torch.device,
        bucket: int | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.pipeline = pipeline
        self.state = state
        self._placed = pipeline.on(device, state)
        self.device = device
        self.bucket = bucket
        self.steps = math.ceil(len(split) / batch_size)
        self._targets = column_of(split.y)
        self._moves = device.type != "cpu"
        # The order and the draws of an epoch are cached, because all its steps need them.
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)
        self._uniforms = functools.lru_cache(maxsize=1)(self._draw_uniforms)

    def rows(
        self, seed: int, epoch: int, step: int, rank: int = 0, world: int = 1
    ) -> slice | Tensor:
        """Return the rows of the split that are in the batch; a slice if they are not shuffled.

        Args:
            seed: the seed of the recipe.
            epoch: the epoch, from 0.
            step: the step within the epoch, from 0 to `steps` - 1.
            rank: which of `world` nearly equal parts of the batch.
            world: the number of parts.
        """
        start = step * self.batch_size
        count = min(self.batch_size, len(self.split) - start)
        first, last = start + count * rank // world, start + count * (rank + 1) // world
        return self._order(seed, epoch)[first:last] if self.shuffle else slice(first, last)

    def batch(self, seed: int, epoch: int, step: int, rank: int = 0, world: int = 1) -> Batch:
        """Return the batch, or the part of one rank, ready for the model."""
        rows = self.rows(seed, epoch, step, rank, world)
        x = self.split.x.take(rows, copy=bool(self.pipeline.augmentations))
        y = self._targets.take(rows)
        if self._moves:
            x, y = mapped(self._moved, x), mapped(self._moved, y)
        if self.pipeline.augmentations:
            x = self._augment(x, rows, seed, epoch)
        return Batch(self.pipeline.apply(x, self._placed), y)

    def samples(self, first: int, stop: int) -> int:
        """Return how many samples the steps from `first` up to, not including, `stop` have."""
        return min(stop * self.batch_size, len(self.split)) - first * self.batch_size

    def _moved(self, values: Tensor) -> Tensor:
        # Blocking on MPS, which may read the source after it is freed.
        return values.to(self.device, non_blocking=self.device.type == "cuda")

    def _augment(self, x: Tensor, rows: slice | Tensor, seed: int, epoch: int) -> Tensor:
        places = torch.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        uniforms = self._uniforms(seed, epoch)[places.to(self.device)]
        return self.pipeline.augment(x, uniforms, places, seed, epoch)

    def _draw_order(self, seed: int, epoch: int) -> Tensor:
        draws = generator(seed, "shuffle", epoch)
        lengths = self.split.x.lengths
        if self.bucket is None or lengths is None:
            order = torch.randperm(len(self.split), generator=draws)
        else:
            order = bucketed_order(lengths.cpu(), self.batch_size, self.bucket, draws)
        return order.to(first_of(self.split.y).device)

    def _draw_uniforms(self, seed: int, epoch: int) -> Tensor:
        return self.pipeline.uniforms(len(self.split), seed, epoch).to(self.device)
