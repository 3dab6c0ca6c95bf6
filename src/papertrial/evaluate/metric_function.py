"""Metrics that are functions or torchmetrics classes of the user's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from papertrial.data.nested import mapped
from papertrial.data.streams import drawing_from
from papertrial.errors import DataError, PapertrialError

_CPU = torch.device("cpu")
_ROUNDING = 1e-4  # of a mean in float32 or float16 that is 1


@dataclass(frozen=True)
class MetricFunction:
    """A metric of outputs and targets, computed on the CPU.

    Attributes:
        name: its name in results.
        compute: called as compute(output, target) with all outputs [N, ...] and targets of a
            split; returns one number.
        is_fraction: whether its values are at most 1, which is checked.
    """

    name: str
    compute: Callable[[Tensor, Any], object]
    is_fraction: bool = False

    def __call__(self, output: Tensor, target: Any) -> float | None:
        """Return the metric; None if it is undefined, which is NaN.

        Raises:
            DataError: it fails, or returns something other than one number, or more than 1 as a
                fraction.
        """
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torchmetrics, about classes that are absent
                value: Any = self.compute(output, target)
        except PapertrialError:
            raise
        except Exception as error:
            raise DataError(
                f"metrics: {self.name} fails on outputs {list(output.shape)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        try:
            is_one = not isinstance(value, Tensor) or value.numel() == 1
            number = float(value) if is_one and not isinstance(value, str) else None
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None:
            got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise DataError(f"metrics: {self.name} must return one number, got {got}")
        if self.is_fraction and number > 1 + _ROUNDING:
            raise DataError(
                f"metrics: {self.name} has unit: fraction, so it must be at most 1, got "
                f"{number:.6g}; divide it by 100 if it is in percent, or remove unit"
            )
        return None if math.isnan(number) else number


def metric_function(name: str, built: Any, *, is_fraction: bool = False) -> MetricFunction:
    """Return the metric of what a recipe's slot gives: a function, or a metric of torchmetrics.

    `is_fraction` says that its values are at most 1.

    Raises:
        DataError: it cannot be called.
    """
    if all(callable(getattr(built, method, None)) for method in ("update", "compute", "reset")):

        def compute(output: Tensor, target: Any) -> object:
            built.reset()
            built.update(output, target)
            try:
                return built.compute()
            finally:
                built.reset()

        return MetricFunction(name, compute, is_fraction)
    if not callable(built):
        raise DataError(f"metrics: {name} must be called as metric(output, target), got {built!r}")
    return MetricFunction(name, built, is_fraction)


def check_pure(metric: MetricFunction, output: Tensor, target: Any) -> None:
    """Check on a few outputs that a metric is a pure function of outputs and targets.

    It is computed twice with other random numbers, and must give the same value and leave its
    arguments as they were.

    Raises:
        DataError: it does not.
    """
    values = []
    for stream in (0, 1):
        given = output.detach().clone(), mapped(torch.clone, target)
        with drawing_from(_CPU, stream):
            values.append(metric(*given))
        if not (_same(given[0], output) and _same(given[1], target)):
            raise DataError(
                f"metrics: {metric.name} changes the outputs or the targets in place; copy them "
                "first"
            )
    if values[0] != values[1]:
        raise DataError(
            f"metrics: {metric.name} must be a pure function of outputs and targets, but gives "
            f"{values[0]} the first time and {values[1]} the second time for the same ones"
        )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_same(one[name], other[name]) for name in one)
    return torch.equal(torch.nan_to_num(one), torch.nan_to_num(other.detach()))
