"""The outputs of two runs are compared up to the rounding of their dtype."""

from __future__ import annotations

import math

import pytest
import torch

from papertrial.checks.compare_outputs import largest_difference, rounding_tolerance


def test_the_largest_difference_ignores_its_sign() -> None:
    one = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert largest_difference(one, torch.tensor([[1.5, 2.0], [3.0, 1.0]])) == 3.0
    assert largest_difference(one, one.clone()) == 0.0
    assert largest_difference(one[:0], one[:0]) == 0.0


@pytest.mark.parametrize("other", [torch.zeros(3), ValueError("the model failed"), None])
def test_outputs_that_cannot_be_compared_are_infinitely_far_apart(other: object) -> None:
    assert largest_difference(torch.zeros(2), other) == math.inf


def test_half_precision_rounds_more() -> None:
    types = (torch.int64, torch.float64, torch.float32, torch.float16, torch.bfloat16)
    tolerances = [rounding_tolerance(torch.zeros(1, dtype=dtype)) for dtype in types]
    assert tolerances == [0.0, 1e-6, 1e-3, 0.02, 0.1]
