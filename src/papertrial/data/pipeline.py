"""Preparation of samples: learnt on the training part, applied a batch at a time on the device."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.column import Column, Kind, chunks
from papertrial.data.streams import derive, generator, generators_kept, seed_all
from papertrial.errors import DataError, PapertrialError

State = dict[str, Any]


class PerSample:
    """A callable on one image [C, H, W], such as a torchvision v2 transform, run on each sample.

    Slower than a whole-batch transform: torchvision draws once per call and from the global
    generator, so each sample is run by itself with that generator at the sample's own seed.
    """

    kind = "image"

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self.transform = transform

    @property
    def name(self) -> str:
        """The transform's name, for messages."""
        return str(getattr(self.transform, "__name__", type(self.transform).__name__))

    def run(self, x: Tensor, seeds: Sequence[int]) -> Tensor:
        """Return the transformed samples [B, ...], sample i under seeds[i].

        Raises:
            DataError: the transform fails, or does not give tensors of one size.
        """
        done: list[Tensor] = []
        with generators_kept(x.device):
            for sample, seed in zip(x.unbind(0), seeds, strict=True):
                seed_all(x.device, seed)
                done.append(self._one(sample))
        shapes = {tuple(sample.shape) for sample in done}
        if len(shapes) > 1:
            raise DataError(
                f"{self.name} must return images of one size, got {sorted(shapes)[:3]}; "
                "add a resize"
            )
        return torch.stack(done) if done else x

    def _one(self, sample: Tensor) -> Tensor:
        with _named(self.name, sample):
            result: object = self.transform(sample)
        if not isinstance(result, Tensor):
            raise DataError(f"{self.name} must return a tensor, got {type(result).__name__}")
        return result


@contextlib.contextmanager
def _named(name: str, given: Tensor | Column) -> Iterator[None]:
    """Tell of a transform's failure by its name and what it was given."""
    try:
        yield
    except PapertrialError:
        raise
    except Exception as error:
        raise DataError(f"{name} fails on {list(given.shape)} {given.dtype}: {error}") from error


def _is_whole_batch(transform: Any) -> bool:
    # torchvision's transforms are modules, whose `apply` is something else.
    return hasattr(transform, "apply") and not isinstance(transform, nn.Module)


class Pipeline:
    """From stored samples to what a model takes: augment (training only), to float, transform.

    Args:
        kind: "image" (uint8 becomes a float in [0, 1]), "table" (numbers become float32) or "text"
            (tokens become int64).
        transforms: objects with `apply(x, state)` and `fit(batches) -> state` where they learn, or
            callables on one image; in order, for every split.
        augmentations: objects with `draws`, `draw(u, size)` and `apply(x, params)`, or callables on
            one image; in order, for training batches alone, before everything else.
    """

    def __init__(
        self, kind: Kind, transforms: Sequence[Any] = (), augmentations: Sequence[Any] = ()
    ) -> None:
        self.kind = kind
        self.transforms: list[Any] = [t if _is_whole_batch(t) else PerSample(t) for t in transforms]
        self.augmentations = [a if hasattr(a, "draw") else PerSample(a) for a in augmentations]
        if kind != "image" and augmentations:
            raise DataError(f"data.augment is for images; the data are {kind}s")
        for transform in self.transforms:
            if hasattr(transform, "draw") and not hasattr(transform, "fit"):
                name = type(transform).__name__
                raise DataError(f"data.transform: {name} is random; it belongs into data.augment")
            if getattr(transform, "kind", kind) != kind:
                name = getattr(transform, "name", type(transform).__name__)
                rule = f"data.transform: {name} is for {transform.kind}s"
                raise DataError(f"{rule}; the data are {kind}s")
        self.draws = sum(getattr(a, "draws", 0) for a in self.augmentations)

    def fit(self, column: Column) -> State:
        """Learn on the training samples all that `apply` needs; the result is plain JSON."""
        states: list[State] = []
        for transform in self.transforms:
            learns = hasattr(transform, "fit")
            with _named(type(transform).__name__, column):
                states.append(transform.fit(self._seen(column, states)) if learns else {})
        try:  # a run keeps them as JSON, found out now rather than after the training
            states = json.loads(json.dumps(states, allow_nan=False))
        except (TypeError, ValueError) as error:
            rule = (
                "data.transform: what fit() returns must be finite numbers, text, lists and dicts"
            )
            raise DataError(f"{rule}: {error}") from error
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
            yield self._transform(self._to_input(chunk), states)

    def on(self, device: torch.device, state: State) -> State:
        """Return the state with the numbers of transforms that have `on` as tensors on the device.

        Their `apply` takes either; so placed, nothing is copied to the device with every batch.
        """
        pairs = zip(self.transforms, state["transforms"], strict=True)
        placed = [t.on(device, own) if hasattr(t, "on") else own for t, own in pairs]
        return {**state, "transforms": placed}

    def apply(self, x: Tensor, state: State) -> Tensor:
        """Turn stored samples [B, ...] into the model's input, in memory of its own.

        Images and tables become float32, tokens [B, T] int64.
        """
        x = self._to_input(x)
        return self._transform(x, state["transforms"]) if self.transforms else x

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
        used, dtype = 0, x.dtype
        for index, augmentation in enumerate(self.augmentations):
            if isinstance(augmentation, PerSample):
                seeds = [derive(seed, "augment", epoch, index, row) for row in rows.tolist()]
                x = augmentation.run(x, seeds)
            else:
                u = uniforms[:, used : used + augmentation.draws]
                used += augmentation.draws
                with _named(type(augmentation).__name__, x):
                    x = augmentation.apply(x, augmentation.draw(u, (x.shape[2], x.shape[3])))
            if x.dtype != dtype:
                raise DataError(
                    f"data.augment.{index}: images must stay {dtype}, as they are stored, got "
                    f"{x.dtype}; what makes floats of them belongs into data.transform"
                )
        return x

    def _to_input(self, x: Tensor) -> Tensor:
        if self.kind == "image" and x.dtype == torch.uint8:
            return x.float().div_(255)
        if self.kind == "text":
            return x.long()
        return x.to(torch.float32, copy=True)

    def _transform(self, x: Tensor, states: Sequence[State]) -> Tensor:
        for transform, state in zip(self.transforms, states, strict=False):
            if isinstance(transform, PerSample):
                x = transform.run(x, [derive(0, "transform")] * len(x))  # the same for every sample
            else:
                with _named(type(transform).__name__, x):
                    x = transform.apply(x, state)
        return x
