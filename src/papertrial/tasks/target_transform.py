"""Transforms of the targets of a regression, fitted on its training part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.errors import DataError
from papertrial.numbers import number
from papertrial.record import Part
from papertrial.vocabulary import TargetTransformName


class _Transform(Part, ABC):
    """A fitted transform of T targets. Both directions compute in float64 where the device can."""

    domain: ClassVar[str] = ""  # the targets that it takes, for messages; "" for all

    @classmethod
    @abstractmethod
    def fit(cls, y: Tensor) -> Self:
        """Return the transform that is fitted on the training targets y [n, T], float64."""

    @abstractmethod
    def apply(self, y: Tensor) -> Tensor:
        """Return targets [B] or [B, T] in the unit that the loss sees."""

    @abstractmethod
    def invert(self, z: Tensor) -> Tensor:
        """Return outputs [B] or [B, T] in the original unit."""

    @abstractmethod
    def words(self, column: int, name: str) -> str:
        """Return the formula for a target, such as "(price - 2) / 3"."""

    def takes(self, y: Tensor) -> Tensor:
        """Return which targets have a transformed value, bool in the shape of y."""
        return torch.ones_like(y, dtype=torch.bool)


class _Affine(_Transform):
    """(y - shift) / scale for each target."""

    shift: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def _of(cls, shift: Tensor, scale: Tensor) -> Self:
        """Return the transform; a constant target is only shifted."""
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        return cls(shift=tuple(shift.tolist()), scale=tuple(scale.tolist()))

    def apply(self, y: Tensor) -> Tensor:
        """Return (y - shift) / scale."""
        y = _exact(y)
        return (y - _like(self.shift, y)) / _like(self.scale, y)

    def invert(self, z: Tensor) -> Tensor:
        """Return z * scale + shift."""
        z = _exact(z)
        return z * _like(self.scale, z) + _like(self.shift, z)

    def words(self, column: int, name: str) -> str:
        """Return the formula with its numbers."""
        shift, scale = self.shift[column], self.scale[column]
        sign = "-" if shift >= 0 else "+"
        return f"({name} {sign} {number(abs(shift))}) / {number(scale)}"


class StandardizedTargets(_Affine):
    """(y - mean) / SD, with the population SD, as in scikit-learn's StandardScaler."""

    kind: Literal["standardize"] = "standardize"

    @classmethod
    def fit(cls, y: Tensor) -> Self:
        """Fit mean and SD of each target."""
        return cls._of(y.mean(0), y.std(0, correction=0))


class MinMaxTargets(_Affine):
    """(y - least) / (largest - least): the training targets go from 0 to 1."""

    kind: Literal["minmax"] = "minmax"

    @classmethod
    def fit(cls, y: Tensor) -> Self:
        """Fit the least and the largest value of each target."""
        return cls._of(y.amin(0), y.amax(0) - y.amin(0))


class LogTargets(_Transform):
    """The natural logarithm of positive targets."""

    kind: Literal["log"] = "log"
    domain = "targets above 0"

    @classmethod
    def fit(cls, y: Tensor) -> Self:
        """Return the transform; nothing is fitted."""
        return cls()

    def apply(self, y: Tensor) -> Tensor:
        """Return log(y)."""
        return _exact(y).log()

    def invert(self, z: Tensor) -> Tensor:
        """Return exp(z)."""
        return _exact(z).exp()

    def words(self, column: int, name: str) -> str:
        """Return the formula."""
        return f"log({name})"

    def takes(self, y: Tensor) -> Tensor:
        """Return which targets are positive."""
        return y > 0


class Log1pTargets(_Transform):
    """log(1 + y) of targets above -1, such as counts."""

    kind: Literal["log1p"] = "log1p"
    domain = "targets above -1"

    @classmethod
    def fit(cls, y: Tensor) -> Self:
        """Return the transform; nothing is fitted."""
        return cls()

    def apply(self, y: Tensor) -> Tensor:
        """Return log(1 + y)."""
        return _exact(y).log1p()

    def invert(self, z: Tensor) -> Tensor:
        """Return exp(z) - 1."""
        return _exact(z).expm1()

    def words(self, column: int, name: str) -> str:
        """Return the formula."""
        return f"log(1 + {name})"

    def takes(self, y: Tensor) -> Tensor:
        """Return which targets are above -1."""
        return y > -1


TargetTransform = Annotated[
    StandardizedTargets | MinMaxTargets | LogTargets | Log1pTargets, Field(discriminator="kind")
]
TARGET_TRANSFORMS: Mapping[TargetTransformName, Callable[[Tensor], TargetTransform]] = {
    "standardize": StandardizedTargets.fit,
    "minmax": MinMaxTargets.fit,
    "log": LogTargets.fit,
    "log1p": Log1pTargets.fit,
}


def fit_targets(name: TargetTransformName, dataset: Dataset) -> TargetTransform:
    """Return the transform `name`, fitted on the training targets of a set.

    Raises:
        DataError: a target of any part has no transformed value.
    """
    y = dataset.train.y
    transform = TARGET_TRANSFORMS[name](y.double().reshape(len(y), -1))
    check_targets(transform, dataset)
    return transform


def check_targets(transform: TargetTransform, dataset: Dataset) -> None:
    """Check that every target of a set has a transformed value.

    Raises:
        DataError: one has none; the message names the part, the sample and the target.
    """
    names = dataset.targets or (dataset.target,)
    for part, split in dataset.splits.items():
        y = split.y.reshape(len(split), -1)
        wrong = (~transform.takes(y)).nonzero()
        if len(wrong):
            row, column = wrong[0].tolist()
            name = names[column] if column < len(names) else dataset.target
            raise DataError(
                f"data.target_transform: {transform.kind} takes {transform.domain}, but "
                f"{len(wrong)} of {y.numel():,} in {part} are not: {name} is {y[row, column]:g} in "
                f"{split.name(row)}; use standardize, or leave such rows out"
            )


def _exact(values: Tensor) -> Tensor:
    """Return values as float64, which MPS does not have."""
    return values if values.device.type == "mps" else values.double()


def _like(values: tuple[float, ...], x: Tensor) -> Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device)
