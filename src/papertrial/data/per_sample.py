"""Callables on one image, such as torchvision's transforms, applied to each sample of a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from papertrial.data.column import SampleColumn
from papertrial.data.streams import generators_kept, seed_all
from papertrial.errors import DataError, PapertrialError


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
        with naming_failures(self.name, sample):
            result: object = self.transform(sample)
        if not isinstance(result, Tensor):
            raise DataError(f"{self.name} must return a tensor, got {type(result).__name__}")
        return result


@contextlib.contextmanager
def naming_failures(name: str, given: Tensor | SampleColumn) -> Iterator[None]:
    """Turn an error in a pipeline into a DataError with the transform and what it was given."""
    try:
        yield
    except PapertrialError:
        raise
    except Exception as error:
        raise DataError(f"{name} fails on {list(given.shape)} {given.dtype}: {error}") from error
