"""Compare the outputs of two runs of a model, up to rounding."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

_ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 0.02, torch.bfloat16: 0.1}


def rounding_tolerance(outputs: Tensor) -> float:
    """Return how far two outputs may differ by rounding, as a share of the largest value.

    It depends on the dtype of the outputs.
    """
    return _ROUNDING.get(outputs.dtype, 0.0)


def largest_difference(one: Tensor, other: Any) -> float:
    """Return the largest absolute difference of two outputs; infinity if they do not compare."""
    if not isinstance(other, Tensor) or one.shape != other.shape:
        return math.inf
    return float((one.double() - other.double()).abs().amax()) if one.numel() else 0.0
