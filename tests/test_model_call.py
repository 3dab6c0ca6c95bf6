"""How a model is called, and which tensor of what it returns is its output."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.errors import ModelError
from papertrial.model_call import call_model, main_output, output_of

FIRST, SECOND = torch.zeros(2, 3), torch.ones(2, 4)
Pair = namedtuple("Pair", ["logits", "auxiliary"])


class Returned(OrderedDict[str, Any]):
    """As a ModelOutput of transformers: a mapping, whose values are its items."""


@pytest.mark.parametrize(
    "returned",
    [
        FIRST,
        (FIRST, SECOND),
        [FIRST, SECOND],
        (FIRST, None),
        ((FIRST, SECOND), SECOND),
        (FIRST, (SECOND, SECOND)),
        {"out": FIRST, "aux": SECOND},
        {"out": (FIRST, SECOND)},
        Returned(logits=FIRST, hidden_states=(SECOND, SECOND)),
        Pair(FIRST, SECOND),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_first_tensor_is_the_output(returned: Any) -> None:
    assert main_output(returned) is FIRST


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (None, "NoneType"),
        (1.0, "float"),
        ((), "tuple"),
        ({}, "dict"),
        ((None, FIRST), "tuple whose first item is NoneType"),
        ({"loss": 0.5, "logits": FIRST}, "dict whose first item is float"),
        ("text", "str"),
    ],
)
def test_anything_else_is_refused(returned: Any, got: str) -> None:
    with pytest.raises(ModelError, match=f"got {got};"):
        main_output(returned)


class Sum(nn.Module):
    def forward(self, a: Tensor, b: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return a + (1 if b is None else b), a


def test_complex_outputs_are_refused() -> None:
    with pytest.raises(
        ModelError, match=r"real numbers, got \[2, 3\] of complex64; .*view_as_real"
    ):
        main_output((FIRST.to(torch.complex64), SECOND))


def test_named_tensors_are_passed_by_name() -> None:
    named = {"b": torch.full((2,), 5.0), "a": torch.zeros(2)}
    assert torch.equal(output_of(Sum(), named), torch.full((2,), 5.0))
    assert torch.equal(output_of(Sum(), torch.zeros(2)), torch.ones(2))
    assert isinstance(call_model(Sum(), named), tuple)
