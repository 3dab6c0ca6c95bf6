"""Progress events of slow work, and an iterator that keeps a generator's return value."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Step:
    """How far some work has come, such as "decoding photos": 1200 of 60000 "images"."""

    what: str
    done: int
    total: int | None  # None if it is not known
    unit: str


Steps = Generator[Step, None, T]


class Returning(Generic[Y, T]):
    """Iterate over a generator and keep the value that it returns.

    The `with` block closes the generator, whether the loop ends, is left, or is interrupted::

        with Returning(train(recipe)) as events:
            for event in events:
                print(event)
        run = events.value
    """

    def __init__(self, generator: Generator[Y, None, T]) -> None:
        self._generator = generator
        self._returned: list[T] = []  # empty until the generator has returned

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._generator.close()

    def __iter__(self) -> Iterator[Y]:
        self._returned.append((yield from self._generator))

    @property
    def value(self) -> T:
        """The value that the generator returned; only after it has ended."""
        assert self._returned, "the generator has not ended"
        return self._returned[0]


def finish(steps: Generator[Any, None, T]) -> T:
    """Run a generator to its end, ignore its progress events, and return what it returns."""
    with Returning(steps) as rest:
        for _ in rest:
            pass
    return rest.value
