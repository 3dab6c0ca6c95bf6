"""Preprocessing of samples: fitted on the training part, applied to batches on the device."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic_core
import torch
from pydantic import JsonValue, field_validator
from torch import Tensor, nn

from papertrial.data.column import SampleColumn, chunks
from papertrial.data.kind import Kind
from papertrial.data.nested import mapped
from papertrial.data.streams import derive, generator, generators_kept, seed_all
from papertrial.errors import DataError, PapertrialError
from papertrial.record import Part


class PipelineState(Part):
    """A fitted pipeline, as a run stores it.

    `transforms` has what each transform's `fit` returned, {} for one without `fit`. `shape` and
    `dtype` are those of a stored sample.
    """

    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    transforms: tuple[JsonValue, ...]

    @field_validator("dtype")
    @classmethod
    def _check_dtype(cls, name: str) -> str:
        if not isinstance(getattr(torch, name, None), torch.dtype):
            raise ValueError(f"torch has no dtype {name!r}")
        return name

    @field_validator("transforms")
    @classmethod
    def _check_finite(cls, states: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
        json.dumps(states, allow_nan=False)  # pydantic reads NaN in JSON of any form
        return states

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of a stored sample."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype


@dataclass(frozen=True)
class PlacedState:
    """The states of a pipeline's transforms on a device, in order."""

    transforms: tuple[object, ...]


class PerSample:
    """Apply a callable on one image [C, H, W], such as a torchvision v2 transform, to each sample.

    This is slower than a whole-batch transform. torchvision draws once per call, from the global
    generator, so each sample needs a call of its own, with the generator seeded for that sample.
    """

    kind = "image"

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self.transform = transform

    @property
    def name(self) -> str:
        """The transform's name, for messages."""
        return str(getattr(self.transform, "__name__", type(self.transform).__name__))

    def run(self, x: Tensor, seeds: Sequence[int]) -> Tensor:
        """Return the transformed samples [B, ...], sample i with seeds[i].

        Raises:
            DataError: the transform fails, or does not return tensors of the same size.
        """
        done: list[Tensor] = []
        with generators_kept(x.device):
            for sample, seed in zip(x.unbind(0), seeds, strict=True):
                seed_all(x.device, seed)
                done.append(self._transformed(sample))
        shapes = {tuple(sample.shape) for sample in done}
        if len(shapes) > 1:
            raise DataError(
                f"{self.name} must return images of the same size, got {sorted(shapes)[:3]}; "
                "add a resize transform"
            )
        return torch.stack(done) if done else x

    def _transformed(self, sample: Tensor) -> Tensor:
        with _naming_failures(self.name, sample):
            result: object = self.transform(sample)
        if not isinstance(result, Tensor):
            raise DataError(f"{self.name} must return a tensor, got {type(result).__name__}")
        return result


@contextlib.contextmanager
def _naming_failures(name: str, given: Tensor | SampleColumn) -> Iterator[None]:
    """Turn an error in a pipeline into a DataError with the transform and what it was given."""
    try:
        yield
    except PapertrialError:
        raise
    except Exception as error:
        raise DataError(f"{name} fails on {list(given.shape)} {given.dtype}: {error}") from error


def _plain(x: Tensor) -> Tensor:
    """Return a copy of a tensor with the dtype that models take: float32, int64 or bool."""
    if x.dtype == torch.bool or x.is_complex():
        return x.clone()
    return x.to(torch.float32 if x.is_floating_point() else torch.int64, copy=True)


def _is_whole_batch(transform: Any) -> bool:
    # torchvision's transforms are modules, whose `apply` is something else.
    return hasattr(transform, "apply") and not isinstance(transform, nn.Module)


class Pipeline:
    """Turn stored samples into the input of a model: augment, convert to floats, transform.

    Args:
        kind: "image" (uint8 becomes float32 in [0, 1]), "table" (numbers become float32), "text"
            (tokens become int64) or "tensor" (real numbers become float32, whole ones int64).
        transforms: objects with `apply(x, state)`, and `fit(batches) -> state` if they are fitted;
            or callables on one image. They are applied in order, to every split.
        augmentations: objects with `draws`, `draw(u, size)` and `apply(x, params)`; or callables on
            one image. They are applied in order, before everything else, to training batches only.

    Raises:
        DataError: a transform or augmentation does not fit the kind of samples.
    """

    def __init__(
        self, kind: Kind, transforms: Sequence[Any] = (), augmentations: Sequence[Any] = ()
    ) -> None:
        self.kind = kind
        self.transforms: list[Any] = [t if _is_whole_batch(t) else PerSample(t) for t in transforms]
        self.augmentations = [a if hasattr(a, "draw") else PerSample(a) for a in augmentations]
        if kind != "image" and augmentations:
            raise DataError(f"data.augment is for images, but the data are {kind}s; remove it")
        for transform in self.transforms:
            if hasattr(transform, "draw") and not hasattr(transform, "fit"):
                name = type(transform).__name__
                raise DataError(f"data.transform: {name} is random; move it to data.augment")
            if kind == "tensor" and isinstance(transform, PerSample):
                rule = f"data.transform: {transform.name} is for images, but the data are tensors"
                raise DataError(f"{rule}; give an object with apply(x, state), or remove it")
            if getattr(transform, "kind", kind) != kind:
                name = getattr(transform, "name", type(transform).__name__)
                rule = f"data.transform: {name} is for {transform.kind}s"
                raise DataError(f"{rule}, but the data are {kind}s; remove it")
        self.draws = sum(getattr(a, "draws", 0) for a in self.augmentations)

    def fit(self, column: SampleColumn) -> PipelineState:
        """Fit all transforms on the training samples; return the state for `apply`.

        Raises:
            DataError: a transform fails, or its state is not JSON.
        """
        states: list[JsonValue] = []
        for transform in self.transforms:
            learns = hasattr(transform, "fit")
            with _naming_failures(type(transform).__name__, column):
                states.append(transform.fit(self._seen(column, states)) if learns else {})
        try:  # a run stores them as JSON; fail now, not after the training
            states = json.loads(json.dumps(states, allow_nan=False))
            # What is nested too deeply, or is not Unicode, could be written and not read again.
            inside = json.dumps([[[[states]]]], ensure_ascii=False).encode()
            pydantic_core.from_json(inside)
            return PipelineState(
                kind=self.kind,
                shape=tuple(column.shape),
                dtype=str(column.dtype).removeprefix("torch."),
                transforms=tuple(states),
            )
        except (TypeError, ValueError, RecursionError) as error:
            rule = (
                "data.transform: what fit() returns must be finite numbers, text, lists and dicts"
            )
            raise DataError(f"{rule}: {error}") from error

    def _seen(self, column: SampleColumn, states: Sequence[object]) -> Iterator[Any]:
        """Yield the training samples as the next transform gets them."""
        for chunk in chunks(column):
            yield self._transform(self._to_input(chunk), states)

    def on(self, device: torch.device, state: PipelineState) -> PlacedState:
        """Return the state on the device, for transforms that have a method `on`.

        Their `apply` takes both forms, but with this one no batch needs a copy to the device.

        Raises:
            DataError: the state is not that of these transforms.
        """
        if len(state.transforms) != len(self.transforms):
            raise DataError(
                f"data.transform has {len(self.transforms)} transforms, but the stored state has "
                f"{len(state.transforms)}; train again"
            )
        placed = (
            self._placed(device, *pair)
            for pair in zip(self.transforms, state.transforms, strict=True)
        )
        return PlacedState(tuple(placed))

    @staticmethod
    def _placed(device: torch.device, transform: Any, state: JsonValue) -> object:
        if not hasattr(transform, "on"):
            return state
        try:
            return transform.on(device, state)
        except PapertrialError:
            raise
        except Exception as error:
            name = type(transform).__name__
            raise DataError(
                f"{name}.on() fails on its state ({type(error).__name__}: {error}); correct it, or "
                "train again if its code has changed"
            ) from error

    def apply(self, x: Any, state: PipelineState | PlacedState) -> Any:
        """Return the model's input for stored samples [B, ...], as a copy.

        Images, tables and other real numbers become float32; tokens [B, T] and other whole numbers
        become int64.
        """
        x = self._to_input(x)
        return self._transform(x, state.transforms) if self.transforms else x

    def uniforms(self, count: int, seed: int, epoch: int) -> Tensor:
        """Return the draws of an epoch [count, draws], a row for each sample."""
        return torch.rand(count, self.draws, generator=generator(seed, "augment", epoch))

    def augment(self, x: Tensor, uniforms: Tensor, rows: Tensor, seed: int, epoch: int) -> Tensor:
        """Return randomly changed training samples.

        Args:
            x: the samples as stored, [B, C, H, W].
            uniforms: the rows of `uniforms()` for these samples, [B, draws], on the device of x.
            rows: the rows of the samples in their split, [B], which seed per-sample transforms.
            seed: the seed of the recipe.
            epoch: the epoch, from 0.

        Raises:
            DataError: an augmentation fails, or changes the dtype.
        """
        used, dtype = 0, x.dtype
        for index, augmentation in enumerate(self.augmentations):
            if isinstance(augmentation, PerSample):
                seeds = [derive(seed, "augment", epoch, index, row) for row in rows.tolist()]
                x = augmentation.run(x, seeds)
            else:
                u = uniforms[:, used : used + augmentation.draws]
                used += augmentation.draws
                with _naming_failures(type(augmentation).__name__, x):
                    x = augmentation.apply(x, augmentation.draw(u, (x.shape[2], x.shape[3])))
            if x.dtype != dtype:
                raise DataError(
                    f"data.augment.{index}: images must stay {dtype}, as they are stored, got "
                    f"{x.dtype}; move what converts them to floats to data.transform"
                )
        return x

    def _to_input(self, x: Any) -> Any:
        if self.kind == "tensor":
            return mapped(_plain, x)
        if self.kind == "image" and x.dtype == torch.uint8:
            return x.float().div_(255)
        if self.kind == "text":
            return x.long()
        return x.to(torch.float32, copy=True)

    def _transform(self, x: Any, states: Sequence[object]) -> Any:
        for transform, state in zip(self.transforms, states, strict=False):
            if isinstance(transform, PerSample):
                x = transform.run(x, [derive(0, "transform")] * len(x))  # the same for every sample
            else:
                with _naming_failures(type(transform).__name__, x):
                    x = transform.apply(x, state)
        return x
