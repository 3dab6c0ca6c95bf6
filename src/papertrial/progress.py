"""What a slow preparation tells as it goes: yielded outward, to be shown or left."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """How far a preparation is: "decoding photos", 1200 of 60000 "images"."""

    what: str
    done: int
    total: int | None  # None where it is not known
    unit: str


Steps = Generator[Step, None, T]


def finish(steps: Generator[Any, None, T]) -> T:
    """Run a generator to its end, leaving what it yields; return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
