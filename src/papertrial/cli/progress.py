"""Live progress on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import datetime
import time
from collections.abc import Generator
from contextlib import closing
from types import TracebackType
from typing import Any, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from papertrial.evaluate.metrics import scalars
from papertrial.progress import Step
from papertrial.training.events import Evaluated, Event, Started, Trained

T = TypeVar("T")
_PLAIN_EVERY = 2.0  # seconds between two plain lines


class Reporter:
    """Shows the events of one training."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._live.add_task("preparing", total=None, text="")
        self._started: Started | None = None
        self._clock = self._told = time.perf_counter()
        self._shown: dict[str, str] = {}  # the last evaluation of each split
        self._headline = self._preparing = ""

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Tell of one event."""
        if isinstance(event, Step):
            self._prepare(event)
        elif isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Trained):
            self._step(event)
        else:
            self._evaluated(event)

    def _prepare(self, event: Step) -> None:
        self._live.update(
            self._task,
            description=event.what,
            total=event.total,
            completed=event.done,
            text=event.unit if event.total else "",
        )
        now = time.perf_counter()
        new = event.what != self._preparing and event.total is None
        if not self._console.is_terminal and (new or now - self._told >= _PLAIN_EVERY):
            self._told = now
            of = f" of {event.total:,}" if event.total else ""
            self._say(event.what + (f": {event.done:,}{of} {event.unit}" if event.done else ""))
        self._preparing = event.what

    def _start(self, event: Started) -> None:
        self._started = event
        self._clock = self._told = time.perf_counter()
        rows = ", ".join(f"{count:,} {name}" for name, count in event.rows.items())
        self._say(
            f"{event.parameters:,} parameters on {event.device}; {rows}; "
            f"{event.epochs:,} epoch{'s'[: event.epochs > 1]}, {event.steps:,} steps; "
            f"run {event.run}"
        )
        for note in event.notes:
            self._say(note)

    def _step(self, event: Trained) -> None:
        assert self._started is not None, "steps come after the start"
        now, at = time.perf_counter(), event.progress
        self._headline = event.headline
        left = (now - self._clock) / at.step * (self._started.steps - at.step)
        epoch = f"epoch {at.epoch}/{self._started.epochs}"
        evaluated = "".join(self._shown.values())
        text = (
            f"loss {at.loss:.4g}  batch {event.headline} {event.score:.4g}{evaluated}  "
            f"{at.samples_per_second:,.0f} samples/s  {_clock(left)} left"
        )
        self._live.update(
            self._task,
            description=epoch,
            total=self._started.steps,
            completed=at.step,
            text=text,
        )
        due = now - self._told >= _PLAIN_EVERY or at.step == self._started.steps
        if not self._console.is_terminal and due:
            self._told = now
            self._say(f"{epoch}  step {at.step}/{self._started.steps}  {text}")

    def _evaluated(self, event: Evaluated) -> None:
        numbers = scalars(event.metrics)
        if event.split != "train" and self._headline in numbers:
            text = f"  {event.split} {self._headline} {numbers[self._headline]:.4g}"
            self._shown[event.split] = text
            wanted = event.split == "test" or not self._console.is_terminal
            if not event.final and wanted:  # a test curve was asked for: it stays on the screen
                self._say(f"step {event.step}{text}")
        if event.final:
            self._live.update(self._task, description=f"evaluated {event.split}")

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))


def following(steps: Generator[Any, None, T]) -> T:
    """Run a generator to its end, showing what it yields; return what it returns."""
    with closing(steps), Reporter() as reporter:
        while True:
            try:
                reporter.show(next(steps))
            except StopIteration as end:
                result: T = end.value
                return result
