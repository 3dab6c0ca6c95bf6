"""Callables on one sample, such as torchvision's transforms, applied to each one of a batch."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from papertrial.data.column import SampleColumn
from papertrial.data.nested import first_of
from papertrial.data.streams import generators_kept, seed_all
from papertrial.errors import DataError, PapertrialError

_ON_TENSORS = (
    "transforms get and return tensors, not images of Pillow: remove conversions such as ToTensor, "
    "or use the transform of torchvision.transforms.v2"
)
Samples = Tensor | list[Tensor]  # a list of images of different sizes


class PerSample:
    """Apply a callable on one image [C, H, W], such as a torchvision v2 transform, to each sample.

    It may also be a callable on one tensor of another shape, such as a waveform.

    This is slower than a whole-batch transform. torchvision draws once per call, from the global
    generator, so each sample needs a call of its own, with the generator seeded for that sample.
    """

    kind = "image"

    def __init__(self, transform: Callable[[Tensor], Tensor]) -> None:
        self.transform = transform

    @property
    def name(self) -> str:
        """The transform's name, for messages."""
        code = self.transform
        code = code.func if isinstance(code, functools.partial) else code
        return str(getattr(code, "__name__", type(code).__name__))

    def run(self, x: Samples | Mapping[str, Tensor], seeds: Sequence[int]) -> Samples:
        """Return the transformed samples [B, ...], sample i with seeds[i].

        Images of different sizes may keep different sizes; they are then a list again.

        Raises:
            DataError: the transform fails, or does not return tensors of the same size; or a sample
                has several tensors.
        """
        if isinstance(x, Mapping):
            names = ", ".join(x)
            rule = f"{self.name} takes samples of one tensor, but these have several: {names}"
            raise DataError(f"{rule}; give an object with apply(x, state), in data.transform")
        done: list[Tensor] = []
        device = first_of(x).device
        with generators_kept(device):
            for sample, seed in zip(x, seeds, strict=True):
                seed_all(device, seed)
                done.append(self._transformed(sample))
        shapes = {tuple(sample.shape) for sample in done}
        if len(shapes) > 1 and isinstance(x, list):
            return done
        if len(shapes) > 1:
            raise DataError(
                f"{self.name} must return tensors of the same size, got {sorted(shapes)[:3]}; "
                "images need a resize transform"
            )
        return torch.stack(done) if done else x

    def _transformed(self, sample: Tensor) -> Tensor:
        with naming_failures(self.name, sample):
            result: object = self.transform(sample)
        if not isinstance(result, Tensor):
            got, module = type(result).__name__, type(result).__module__
            hint = f"; {_ON_TENSORS}" if module.startswith("PIL") else ""
            raise DataError(f"{self.name} must return a tensor, got {got}{hint}")
        return result


def of_one_size(x: Any, name: str = "the model") -> Any:
    """Return a batch for something that takes images of one size: a tensor, or what it is else.

    Raises:
        DataError: the images have different sizes.
    """
    if isinstance(x, list):
        sizes = " and ".join(str([*size]) for size in sorted({i.shape[1:] for i in x})[:2])
        raise DataError(
            f"data.image.size: varying: {name} takes images of one size, but they have several, "
            f"such as {sizes}; crop or resize them before: for training in data.augment, with "
            "torchvision.transforms.v2.RandomResizedCrop, for evaluation in data.transform, with "
            "only: evaluation"
        )
    return x


@contextlib.contextmanager
def naming_failures(name: str, given: Samples | SampleColumn) -> Iterator[None]:
    """Turn an error in a pipeline into a DataError with the transform and what it was given."""
    try:
        yield
    except PapertrialError:
        raise
    except Exception as error:
        one = given[0] if isinstance(given, list) else given
        hint = f"; {_ON_TENSORS}" if re.search(r"\bPIL\b|\bImage\b", str(error)) else ""
        raise DataError(f"{name} fails on {list(one.shape)} {one.dtype}: {error}{hint}") from error
