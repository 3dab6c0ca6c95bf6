"""The kinds of samples that a set may hold."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["image", "table", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
