"""Training batches: each a pure function of the data and (seed, epoch, step)."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from papertrial.data.column import DenseColumn, Split
from papertrial.data.pipeline import Pipeline, State
from papertrial.data.streams import generator
from papertrial.data.texts.buckets import bucketed_order


class Batch(NamedTuple):
    """Model input x [B, ...] and targets y [B] or [B, T], both on the device."""

    x: Tensor
    y: Tensor


class Batches:
    """The batches of a split, in any order that they are asked for.

    Args:
        split: what to learn from.
        batch_size: samples a batch; the last batch of an epoch may be smaller.
        shuffle: a new order each epoch, from the stream ("shuffle", epoch).
        pipeline: how samples are changed and prepared; its draws come from ("augment", epoch).
        state: what `pipeline.fit` returned.
        device: where the batches are made.
        bucket: for samples of different lengths: batches of like length, sorted within pools of
            so many batches; None for batches as they fall.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        shuffle: bool,
        pipeline: Pipeline,
        state: State,
        device: torch.device,
        bucket: int | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.pipeline = pipeline
        self.state = pipeline.on(device, state)
        self.device = device
        self.bucket = bucket
        self.steps = math.ceil(len(split) / batch_size)
        self._targets = DenseColumn(split.y)
        self._moves = device.type != "cpu"
        # One epoch's order and draws are remembered: they are the same for each of its steps.
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)
        self._uniforms = functools.lru_cache(maxsize=1)(self._draw_uniforms)

    def rows(
        self, seed: int, epoch: int, step: int, rank: int = 0, world: int = 1
    ) -> slice | Tensor:
        """Return which rows of the split make the batch; a slice where they are not shuffled.

        Args:
            seed: the recipe's.
            epoch: from 0.
            step: within the epoch, from 0 to `steps` - 1.
            rank: which of `world` nearly equal parts of the batch.
            world: number of parts.
        """
        start = step * self.batch_size
        count = min(self.batch_size, len(self.split) - start)
        first, last = start + count * rank // world, start + count * (rank + 1) // world
        return self._order(seed, epoch)[first:last] if self.shuffle else slice(first, last)

    def batch(self, seed: int, epoch: int, step: int, rank: int = 0, world: int = 1) -> Batch:
        """Return the batch, or one rank's part of it, ready for the model."""
        rows = self.rows(seed, epoch, step, rank, world)
        x = self.split.x.take(rows, copy=bool(self.pipeline.augmentations))
        y = self._targets.take(rows)
        if self._moves:
            # Not without blocking on MPS, which reads the source after it may be freed.
            x = x.to(self.device, non_blocking=self.device.type == "cuda")
            y = y.to(self.device, non_blocking=self.device.type == "cuda")
        if self.pipeline.augmentations:
            x = self._augment(x, rows, seed, epoch)
        return Batch(self.pipeline.apply(x, self.state), y)

    def samples(self, first: int, stop: int) -> int:
        """Return how many samples the steps from `first` up to `stop` of an epoch take."""
        return min(stop * self.batch_size, len(self.split)) - first * self.batch_size

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
        return order.to(self.split.y.device)

    def _draw_uniforms(self, seed: int, epoch: int) -> Tensor:
        return self.pipeline.uniforms(len(self.split), seed, epoch).to(self.device)
