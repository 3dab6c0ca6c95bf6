"""Training batches: each a pure function of the data and (seed, epoch, step)."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from papertrial.data.column import Split, column_of
from papertrial.data.nested import first_of, mapped
from papertrial.data.per_sample import Samples
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.samplers import EpochSampler
from papertrial.data.streams import generator
from papertrial.data.texts.buckets import bucketed_order
from papertrial.errors import DataError


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
        drop_last: leave out the last batch of an epoch if it is smaller.
        sampler: draws the samples of each epoch; None to take each sample once. With it, samples
            that are drawn several times are augmented differently each time.
        bucket: for samples of different lengths, the number of batches in a pool that is sorted by
            length, so that batches have samples of similar length; None for no sorting.

    Attributes:
        count: samples in an epoch.
        steps: batches in an epoch.

    Raises:
        DataError: there is no whole batch, and `drop_last` leaves out smaller ones.
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
        drop_last: bool = False,
        sampler: EpochSampler | None = None,
        bucket: int | None = None,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.shuffle = shuffle or sampler is not None
        self.pipeline = pipeline
        self.state = state
        self._placed = pipeline.on(device, state)
        self.device = device
        self.bucket = bucket
        self.sampler = sampler
        count = len(split) if sampler is None else sampler.count
        self.count = count // batch_size * batch_size if drop_last else count
        if not self.count:
            raise DataError(
                f"data.drop_last: an epoch has {count:,} samples, fewer than data.batch_size: "
                f"{batch_size:,}, so no batch is left; lower data.batch_size"
            )
        self.steps = math.ceil(self.count / batch_size)
        self._targets = column_of(split.y)
        self._moves = device.type != "cpu"
        # The order and the draws of an epoch are cached, because all its steps need them.
        self._order = functools.lru_cache(maxsize=1)(self._draw_order)
        self._uniforms = functools.lru_cache(maxsize=1)(self._draw_uniforms)
        self._constants = functools.lru_cache(maxsize=1)(self._draw_constants)

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
        places = self._places(step, rank, world)
        return self._order(seed, epoch)[places] if self.shuffle else places

    def _places(self, step: int, rank: int, world: int) -> slice:
        """Return the places in the order of an epoch that a batch, or a part of it, has."""
        start, count = step * self.batch_size, self.size(step)
        return slice(start + count * rank // world, start + count * (rank + 1) // world)

    def size(self, step: int) -> int:
        """Return how many samples the batch of a step has."""
        return min(self.batch_size, self.count - step * self.batch_size)

    def batch(self, seed: int, epoch: int, step: int, rank: int = 0, world: int = 1) -> Batch:
        """Return the batch, or the part of one rank, ready for the model."""
        rows = self.rows(seed, epoch, step, rank, world)
        # A row that a sampler draws several times needs several draws.
        at = rows if self.sampler is None else self._places(step, rank, world)
        x = self.split.x.take(rows, copy=bool(self.pipeline.augmentations))
        y = self._targets.take(rows)
        if self._moves:
            x, y = mapped(self._moved, x), mapped(self._moved, y)
        if self.pipeline.augmentations:
            x = self._augment(x, rows, at, seed, epoch)
        return Batch(self.pipeline.apply_in_training(x, self._placed, at, seed, epoch), y)

    def samples(self, first: int, stop: int) -> int:
        """Return how many samples the steps from `first` up to, not including, `stop` have."""
        return min(stop * self.batch_size, self.count) - first * self.batch_size

    def _moved(self, values: Tensor) -> Tensor:
        # Blocking on MPS, which may read the source after it is freed.
        return values.to(self.device, non_blocking=self.device.type == "cuda")

    def _augment(
        self, x: Samples, rows: slice | Tensor, at: slice | Tensor, seed: int, epoch: int
    ) -> Samples:
        places = torch.arange(at.start, at.stop) if isinstance(at, slice) else at
        uniforms = self._uniforms(seed, epoch)[places.to(self.device)]
        constants = None
        if self.pipeline.constant_draws:
            same = rows if isinstance(rows, slice) else rows.to(self.device)
            constants = self._constants(seed)[same]
        return self.pipeline.augment(x, uniforms, places, seed, epoch, constants)

    def _draw_order(self, seed: int, epoch: int) -> Tensor:
        draws = generator(seed, "shuffle", epoch)
        lengths = self.split.x.lengths
        if self.sampler is not None:
            order = self.sampler.order(seed, epoch)
        elif self.bucket is None or lengths is None:
            order = torch.randperm(len(self.split), generator=draws)
        else:
            order = bucketed_order(lengths.cpu(), self.batch_size, self.bucket, draws)
        return order.to(first_of(self.split.y).device)

    def _draw_uniforms(self, seed: int, epoch: int) -> Tensor:
        count = max(len(self.split), self.count)  # a sampler may draw more than all samples
        return self.pipeline.uniforms(count, seed, epoch).to(self.device)

    def _draw_constants(self, seed: int) -> Tensor:
        return self.pipeline.constants(len(self.split), seed).to(self.device)
