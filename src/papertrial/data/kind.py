"""The kinds of samples that a set may hold; "tensor" is one tensor, or several by name."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["image", "table", "text", "tensor"]
# What targets are: class indices, 0 or 1 for each label, numbers, or tensors whose meaning only the
# user knows.
TargetKind = Literal["classes", "labels", "numbers", "tensors"]
KINDS: tuple[Kind, ...] = get_args(Kind)
