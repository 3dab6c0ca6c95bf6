"""Steps of a slow preparation: yielded outward in order, or left by `finish`."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator

import pytest

from papertrial.errors import DataError
from papertrial.progress import Step, finish


def decoding(count: int) -> Generator[Step, None, str]:
    for done in range(count):
        yield Step("decoding", done, count, "images")
    return f"{count} images"


def joined() -> Generator[Step, None, list[str]]:
    return [(yield from decoding(2)), (yield from decoding(1))]


@pytest.mark.parametrize("count", [0, 1, 5])
def test_finish_runs_to_the_end_and_gives_what_is_returned(count: int) -> None:
    assert finish(decoding(count)) == f"{count} images"


def test_finish_of_a_generator_that_has_begun_runs_the_rest() -> None:
    steps = decoding(3)
    next(steps)
    assert finish(steps) == "3 images"


def test_steps_come_in_order_through_those_who_wait_for_others() -> None:
    assert [step.done for step in joined()] == [0, 1, 0]
    assert finish(joined()) == ["2 images", "1 images"]


def test_finish_lets_errors_pass() -> None:
    def fails() -> Generator[Step, None, None]:
        yield Step("reading", 0, None, "rows")
        raise DataError("row 3 is ragged")

    with pytest.raises(DataError, match="row 3 is ragged"):
        finish(fails())


def test_a_step_is_plain_and_frozen() -> None:
    step = Step("reading", 3, None, "rows")
    assert dataclasses.astuple(step) == ("reading", 3, None, "rows")
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.done = 4  # type: ignore[misc]
