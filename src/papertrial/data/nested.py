"""Samples and targets that are one tensor, or several by name; each has a row for every sample.

Images of different sizes are a list of tensors, one for each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


def mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return the tensor, or the mapping or list of tensors, with each tensor changed."""
    if isinstance(value, list):
        return [change(one) for one in value]
    if isinstance(value, Mapping):
        return {name: change(one) for name, one in value.items()}
    return change(value)


def first_of(value: Any) -> Tensor:
    """Return the tensor, or the first one of a mapping or list."""
    if isinstance(value, list):
        return value[0]  # type: ignore[no-any-return]
    first: Tensor = next(iter(value.values())) if isinstance(value, Mapping) else value
    return first


def row_count(value: Any) -> int:
    """Return the number of rows of a tensor, or of each tensor of a mapping; or of the list."""
    return len(value) if isinstance(value, list) else len(first_of(value))


def row_of(value: Any, row: int) -> Any:
    """Return one row of a tensor, or of each tensor of a mapping."""
    return mapped(lambda one: one[row], value)


def in_parts(value: Any, count: int) -> list[Any]:
    """Cut a tensor, or each tensor of a mapping, along its rows into at most `count` parts."""
    if isinstance(value, Mapping):
        parts = {name: one.chunk(count) for name, one in value.items()}
        names, cut = list(parts), zip(*parts.values(), strict=True)
        return [dict(zip(names, tensors, strict=True)) for tensors in cut]
    return list(value.chunk(count))


def same_tensors(one: Any, other: Any) -> bool:
    """Return whether two values have the same tensors by the same names, wherever they are."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(same_tensors(one[k], other[k]) for k in one)
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return False
    return torch.equal(one.cpu(), other.cpu())


def shapes_of(value: Any) -> str:
    """Return the shape of a tensor, or those of a mapping by name, for messages."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {list(one.shape)}" for name, one in value.items())
    return str(list(value.shape))
