"""Progress events: in order through nested generators; return values kept; generators closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator

import pytest

from papertrial.errors import DataError
from papertrial.progress import Returning, Step, finish


def decoding(count: int) -> Generator[Step, None, str]:
    for done in range(count):
        yield Step("decoding", done, count, "images")
    return f"{count} images"


def joined() -> Generator[Step, None, list[str]]:
    return [(yield from decoding(2)), (yield from decoding(1))]


class Recorded:
    """A generator that records how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    def run(self) -> Generator[int, None, str]:
        try:
            yield 1
            yield 2
        except BaseException as error:
            self.ended = type(error).__name__
            raise
        self.ended = "returned"
        return "result"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_finish_returns_what_the_generator_returns(count: int) -> None:
    assert finish(decoding(count)) == f"{count} images"


def test_finish_runs_the_rest_of_a_generator_that_has_started() -> None:
    steps = decoding(3)
    next(steps)
    assert finish(steps) == "3 images"


def test_steps_come_in_order_through_nested_generators() -> None:
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


def test_returning_yields_all_and_keeps_the_value() -> None:
    work = Recorded()
    with Returning(work.run()) as steps:
        assert list(steps) == [1, 2]
    assert (steps.value, work.ended) == ("result", "returned")


def test_returning_keeps_none_too() -> None:
    def nothing() -> Generator[int, None, None]:
        yield 1

    with Returning(nothing()) as steps:
        assert list(steps) == [1]
    assert steps.value is None


def test_there_is_no_value_before_the_end() -> None:
    with Returning(Recorded().run()) as steps:
        for _ in steps:
            with pytest.raises(AssertionError, match="has not ended"):
                steps.value  # noqa: B018


@pytest.mark.parametrize("error", [KeyboardInterrupt, KeyError])
def test_an_exception_in_the_loop_closes_the_generator(error: type[BaseException]) -> None:
    work = Recorded()
    generator = work.run()  # a reference that outlives the loop

    def loop() -> None:
        with Returning(generator) as steps:
            for _ in steps:
                raise error

    with pytest.raises(error):
        loop()
    assert work.ended == "GeneratorExit"


def test_leaving_the_loop_closes_the_generator() -> None:
    work = Recorded()
    generator = work.run()
    with Returning(generator) as steps:
        for _ in steps:
            break
    assert work.ended == "GeneratorExit"


def test_an_exception_in_the_generator_passes_through_the_loop() -> None:
    def fails() -> Generator[int, None, None]:
        yield 1
        raise KeyboardInterrupt

    seen = []
    with pytest.raises(KeyboardInterrupt), Returning(fails()) as steps:
        seen.extend(steps)
    assert seen == [1]


def test_closing_an_outer_generator_closes_the_one_it_iterates_over() -> None:
    work = Recorded()

    def outer() -> Generator[int, None, str]:
        with Returning(work.run()) as steps:
            yield from steps
        return steps.value

    generator = outer()
    assert next(generator) == 1
    generator.close()
    assert work.ended == "GeneratorExit"
    assert finish(outer()) == "result"
