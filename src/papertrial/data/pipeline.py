"""Preprocessing of samples: fitted on the training part, applied to batches on the device."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydantic_core
import torch
from pydantic import JsonValue, field_validator
from torch import Tensor, nn

from papertrial.data.column import SampleColumn, chunks
from papertrial.data.kind import Kind
from papertrial.data.nested import first_of, mapped
from papertrial.data.per_sample import PerSample, Samples, naming_failures, of_one_size
from papertrial.data.streams import derive, generator
from papertrial.errors import DataError, PapertrialError
from papertrial.record import Part

Only = Literal["training", "evaluation"]


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


def _plain(x: Tensor) -> Tensor:
    """Return a copy of a tensor with the dtype that models take: float32, int64 or bool."""
    if x.dtype == torch.bool or x.is_complex():
        return x.clone()
    return x.to(torch.float32 if x.is_floating_point() else torch.int64, copy=True)


def _wants_epoch(augmentation: Any) -> bool:
    """Return whether the `draw` of an augmentation asks for the epoch."""
    draw = getattr(augmentation, "draw", None)
    return draw is not None and "epoch" in inspect.signature(draw).parameters


def _is_whole_batch(transform: Any) -> bool:
    # torchvision's transforms are modules, whose `apply` is something else.
    return hasattr(transform, "apply") and not isinstance(transform, nn.Module)


class Pipeline:
    """Turn stored samples into the input of a model: augment, convert to floats, transform.

    Args:
        kind: "image" (uint8 becomes float32 in [0, 1]), "table" (numbers become float32), "text"
            (tokens become int64) or "tensor" (real numbers become float32, whole ones int64).
        transforms: objects with `apply(x, state)`, and `fit(batches) -> state` if they are fitted;
            or callables on one image or tensor. They are applied in order, to every split.
        augmentations: objects with `draws`, `draw(u, size)` and `apply(x, params)` for images; or
            callables on one image or tensor. They are applied in order, before everything else, to
            training batches only.
            One whose `draw` has a parameter `epoch` is told the epoch. The last `constant_draws`
            columns of u, if it has this attribute, are the same for a sample in every epoch.
        only: for each transform whether it is "training" or "evaluation" that uses it; None for
            both. If omitted, all are for both.

    Raises:
        DataError: a transform or augmentation does not fit the kind of samples.
    """

    def __init__(
        self,
        kind: Kind,
        transforms: Sequence[Any] = (),
        augmentations: Sequence[Any] = (),
        only: Sequence[Only | None] | None = None,
    ) -> None:
        self.kind = kind
        self.transforms: list[Any] = [t if _is_whole_batch(t) else PerSample(t) for t in transforms]
        self.augmentations = [a if hasattr(a, "draw") else PerSample(a) for a in augmentations]
        self.only = list(only or [None] * len(transforms))
        assert len(self.only) == len(self.transforms), "one entry for each transform"
        if kind not in ("image", "tensor") and augmentations:
            rule = "data.augment is for images and tensors"
            raise DataError(f"{rule}, but the data are {kind}s; remove it")
        for index, augmentation in enumerate(self.augmentations):
            if kind == "tensor" and not isinstance(augmentation, PerSample):
                name = type(augmentation).__name__
                rule = f"data.augment.{index}: {name} is for images, but the data are tensors"
                raise DataError(f"{rule}; name a function of one sample, or remove it")
        for transform in self.transforms:
            if hasattr(transform, "draw") and not hasattr(transform, "fit"):
                name = type(transform).__name__
                raise DataError(f"data.transform: {name} is random; move it to data.augment")
            takes = getattr(transform, "kind", kind)
            if takes != kind and not (isinstance(transform, PerSample) and kind == "tensor"):
                name = getattr(transform, "name", type(transform).__name__)
                rule = f"data.transform: {name} is for {takes}s"
                raise DataError(f"{rule}, but the data are {kind}s; remove it")
        self.draws = sum(getattr(a, "draws", 0) for a in self.augmentations)
        drawing = enumerate(self.augmentations)
        self._told_the_epoch = {i for i, augmentation in drawing if _wants_epoch(augmentation)}
        self.constant_draws = sum(getattr(a, "constant_draws", 0) for a in self.augmentations)

    @property
    def evaluates_otherwise(self) -> bool:
        """Whether samples are transformed otherwise in an evaluation than in training."""
        return any(only is not None for only in self.only)

    def fit(self, column: SampleColumn) -> PipelineState:
        """Fit all transforms on the training samples; return the state for `apply`.

        Raises:
            DataError: a transform fails, or its state is not JSON.
        """
        states: list[JsonValue] = []
        for transform, only in zip(self.transforms, self.only, strict=True):
            learns, view = hasattr(transform, "fit"), only or "evaluation"
            with naming_failures(type(transform).__name__, column):
                seen = self._seen(column, states, view, transform)
                states.append(transform.fit(seen) if learns else {})
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

    def _seen(
        self, column: SampleColumn, states: Sequence[object], view: Only, transform: Any
    ) -> Iterator[Any]:
        """Yield the training samples as a transform gets them, after those with known states."""
        for chunk in chunks(column):
            x = self._transformed(self._to_input(chunk), states, view)
            yield x if _takes_all_sizes(transform) else of_one_size(x, type(transform).__name__)

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
        """Return the model's input for stored samples [B, ...] in an evaluation, as a copy.

        Images, tables and other real numbers become float32; tokens [B, T] and other whole numbers
        become int64.
        """
        x = self._to_input(x)
        return of_one_size(self._transformed(x, state.transforms, "evaluation"))

    def apply_in_training(
        self,
        x: Any,
        state: PipelineState | PlacedState,
        places: Tensor | slice,
        seed: int,
        epoch: int,
    ) -> Any:
        """Return the model's input for augmented samples of a training batch, as a copy.

        Per-sample transforms that are only for training may be random; they draw from the stream
        ("transform", epoch) at the places [B] of the samples.
        """

        def seeds(index: int) -> list[int]:
            at = range(places.start, places.stop) if isinstance(places, slice) else places.tolist()
            return [derive(seed, "transform", epoch, index, place) for place in at]

        x = self._to_input(x)
        return of_one_size(self._transformed(x, state.transforms, "training", seeds))

    def uniforms(self, count: int, seed: int, epoch: int) -> Tensor:
        """Return the draws of an epoch [count, draws], a row for each sample."""
        return torch.rand(count, self.draws, generator=generator(seed, "augment", epoch))

    def constants(self, count: int, seed: int) -> Tensor:
        """Return the draws that are the same in each epoch, [count, constant_draws]."""
        return torch.rand(count, self.constant_draws, generator=generator(seed, "augment", "all"))

    def augment(
        self,
        x: Samples,
        uniforms: Tensor,
        places: Tensor,
        seed: int,
        epoch: int,
        constants: Tensor | None = None,
    ) -> Samples:
        """Return randomly changed training samples.

        Args:
            x: the samples as stored, images [B, C, H, W] or tensors [B, ...]; or B images [C, H, W]
                of different sizes.
            uniforms: the rows of `uniforms()` for these samples, [B, draws], on the device of x.
            places: numbers of the samples in the epoch, [B], which seed per-sample transforms.
            seed: the seed of the recipe.
            epoch: the epoch, from 0.
            constants: the rows of `constants()` for these samples, [B, constant_draws], on the
                device of x; None if no augmentation has constant draws.

        Raises:
            DataError: an augmentation fails, or changes the dtype.
        """
        used, kept, dtype = 0, 0, first_of(x).dtype
        for index, augmentation in enumerate(self.augmentations):
            if isinstance(augmentation, PerSample):
                seeds = [derive(seed, "augment", epoch, index, at) for at in places.tolist()]
                x = augmentation.run(x, seeds)
            else:
                u = uniforms[:, used : used + augmentation.draws]
                used += augmentation.draws
                if more := getattr(augmentation, "constant_draws", 0):
                    assert constants is not None, "an augmentation has constant draws"
                    u = torch.cat([u, constants[:, kept : kept + more]], 1)
                    kept += more
                whole = of_one_size(x, type(augmentation).__name__)
                with naming_failures(type(augmentation).__name__, x):
                    told = {"epoch": epoch} if index in self._told_the_epoch else {}
                    params = augmentation.draw(u, (whole.shape[2], whole.shape[3]), **told)
                    x = augmentation.apply(whole, params)
            if first_of(x).dtype != dtype:
                raise DataError(
                    f"data.augment.{index}: {self.kind}s must stay {dtype}, as they are stored, "
                    f"got {first_of(x).dtype}; move what converts them to data.transform"
                )
        return x

    def _to_input(self, x: Any) -> Any:
        if self.kind == "tensor":
            return mapped(_plain, x)
        if self.kind == "image" and first_of(x).dtype == torch.uint8:
            return mapped(lambda one: one.float().div_(255), x)
        if self.kind == "text":
            return mapped(Tensor.long, x)
        return x.to(torch.float32, copy=True)

    def _transformed(
        self,
        x: Any,
        states: Sequence[object],
        view: Only,
        seeds: Callable[[int], list[int]] | None = None,
    ) -> Any:
        """Apply the transforms of training or evaluation whose states are known.

        `seeds` gives those of the per-sample transform with an index that is only for training.
        """
        used = zip(self.transforms, self.only, states, strict=False)
        for index, (transform, only, state) in enumerate(used):
            if only not in (None, view):
                continue
            if isinstance(transform, PerSample):
                same = [derive(0, "transform")] * len(x)  # the same for every sample
                x = transform.run(x, seeds(index) if only == "training" and seeds else same)
            else:
                if not _takes_all_sizes(transform):
                    x = of_one_size(x, type(transform).__name__)
                with naming_failures(type(transform).__name__, x):
                    x = transform.apply(x, state)
        return x


def _takes_all_sizes(transform: Any) -> bool:
    return getattr(transform, "takes_all_sizes", False) is True
