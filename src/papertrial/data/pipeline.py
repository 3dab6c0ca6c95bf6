"""Preparation of samples: learnt on the training part, applied a batch at a time on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from papertrial.data.column import Column, Kind, chunks
from papertrial.data.streams import derive, generator
from papertrial.errors import DataError

State = dict[str, Any]


class PerSample:
    """A callable on one image [C, H, W], such as a torchvision v2 transform, run on each sample.

    Slower than a whole-batch transform: torchvision draws once per call and from the global
    generator, so each sample is run by itself with that generator at the sample's own seed.
    """

    kind = "image"

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self.transform = transform

    def run(self, x: Tensor, seeds: Sequence[int]) -> Tensor:
        """Return the transformed samples [B, ...], sample i under seeds[i]."""
        done = []
        with torch.random.fork_rng(devices=[]):
            for sample, seed in zip(x.unbind(0), seeds, strict=True):
                torch.default_generator.manual_seed(seed)
                done.append(self.transform(sample))
        name = type(self.transform).__name__
        if not all(isinstance(sample, Tensor) for sample in done):
            raise DataError(f"{name} must return a tensor, got {type(done[0]).__name__}")
        shapes = {tuple(sample.shape) for sample in done}
        if len(shapes) > 1:
            raise DataError(
                f"{name} must return images of one size, got {sorted(shapes)[:3]}; add a resize"
            )
        return torch.stack(done)


class Pipeline:
    """From stored samples to what a model takes: augment (training only), to float, transform.

    Args:
        kind: "image" (uint8 becomes a float in [0, 1]) or "table" (numbers become float32).
        transforms: objects with `fit(batches) -> state` and `apply(x, state)`, or callables on one
            image; in order, for every split.
        augmentations: objects with `draws`, `draw(u, size)` and `apply(x, params)`, or callables on
            one image; in order, for training batches alone, before everything else.
    """

    def __init__(
        self, kind: Kind, transforms: Sequence[Any] = (), augmentations: Sequence[Any] = ()
    ) -> None:
        self.kind = kind
        self.transforms = [t if hasattr(t, "apply") else PerSample(t) for t in transforms]
        self.augmentations = [a if hasattr(a, "draw") else PerSample(a) for a in augmentations]
        if kind != "image" and augmentations:
            raise DataError(f"data.augment is for images; the data are a {kind}")
        for transform in self.transforms:
            if getattr(transform, "kind", kind) != kind:
                name = type(getattr(transform, "transform", transform)).__name__
                raise DataError(f"data.transform: {name} is for {transform.kind}s, not a {kind}")
        self.draws = sum(getattr(a, "draws", 0) for a in self.augmentations)

    def fit(self, column: Column) -> State:
        """Learn on the training samples all that `apply` needs; the result is plain JSON."""
        states: list[State] = []
        for transform in self.transforms:
            fit = getattr(transform, "fit", None)
            states.append(fit(self._seen(column, states)) if fit else {})
        state: State = {
            "kind": self.kind,
            "shape": list(column.shape),
            "dtype": str(column.dtype).removeprefix("torch."),
            "transforms": states,
        }
        if self.kind == "image":
            state["pixel_range"] = [0, 255]
        return state

    def _seen(self, column: Column, states: list[State]) -> Iterator[Tensor]:
        """The training samples as the next transform will see them."""
        for chunk in chunks(column):
            yield self._transform(self._to_float(chunk), states)

    def on(self, device: torch.device, state: State) -> State:
        """Return the state with its lists of numbers as tensors on the device.

        `apply` takes either; so placed, it copies nothing to the device with every batch.
        """
        placed = [
            {
                key: torch.tensor(value, device=device) if isinstance(value, list) else value
                for key, value in transform.items()
            }
            for transform in state["transforms"]
        ]
        return {**state, "transforms": placed}

    def apply(self, x: Tensor, state: State) -> Tensor:
        """Turn stored samples [B, ...] into the model's input, float32 in memory of its own."""
        return self._transform(self._to_float(x), state["transforms"])

    def uniforms(self, count: int, seed: int, epoch: int) -> Tensor:
        """Return the epoch's draws [count, draws], a row a sample, whatever the batches are."""
        return torch.rand(count, self.draws, generator=generator(seed, "augment", epoch))

    def augment(self, x: Tensor, uniforms: Tensor, rows: Tensor, seed: int, epoch: int) -> Tensor:
        """Change stored training samples at random.

        Args:
            x: [B, C, H, W], as stored.
            uniforms: [B, draws], the rows of `uniforms()` for these samples, on x's device.
            rows: [B], the samples' places in their split, which seed the per-sample transforms.
            seed: the recipe's.
            epoch: from 0.
        """
        used = 0
        for index, augmentation in enumerate(self.augmentations):
            if isinstance(augmentation, PerSample):
                seeds = [derive(seed, "augment", epoch, index, row) for row in rows.tolist()]
                x = augmentation.run(x, seeds)
                continue
            u = uniforms[:, used : used + augmentation.draws]
            used += augmentation.draws
            x = augmentation.apply(x, augmentation.draw(u, (x.shape[2], x.shape[3])))
        return x

    def _to_float(self, x: Tensor) -> Tensor:
        if x.dtype == torch.uint8:
            return x.float().div_(255)
        return x.to(torch.float32, copy=True)

    def _transform(self, x: Tensor, states: Sequence[State]) -> Tensor:
        for transform, state in zip(self.transforms, states, strict=False):
            if isinstance(transform, PerSample):
                x = transform.run(x, [derive(0, "transform", i) for i in range(len(x))])
            else:
                x = transform.apply(x, state)
        return x
