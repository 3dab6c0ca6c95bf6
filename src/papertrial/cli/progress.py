"""Live progress on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import datetime
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from papertrial.evaluate.metrics import scalars
from papertrial.training.events import Evaluated, Event, Started, Trained

_PLAIN_EVERY = 2.0  # seconds between two plain lines


class Reporter:
    """Shows the events of one training."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._live.add_task("preparing", total=None, text="")
        self._started: Started | None = None
        self._clock = self._told = time.perf_counter()
        self._validation = self._headline = ""

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
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Trained):
            self._step(event)
        else:
            self._evaluated(event)

    def _start(self, event: Started) -> None:
        self._started = event
        self._clock = self._told = time.perf_counter()
        rows = ", ".join(f"{count:,} {name}" for name, count in event.rows.items())
        self._say(
            f"{event.parameters:,} parameters on {event.device}; {rows}; "
            f"{event.epochs:,} epoch{'s'[: event.epochs > 1]}, {event.steps:,} steps; "
            f"run {event.run}"
        )

    def _step(self, event: Trained) -> None:
        assert self._started is not None, "steps come after the start"
        now, at = time.perf_counter(), event.progress
        self._headline = event.headline
        left = (now - self._clock) / at.step * (self._started.steps - at.step)
        epoch = f"epoch {at.epoch}/{self._started.epochs}"
        text = (
            f"loss {at.loss:.4g}  {event.headline} {event.score:.4g}{self._validation}  "
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
        assert self._started is not None, "evaluations come after the start"
        numbers = scalars(event.metrics)
        if event.split == "validation" and self._headline in numbers:
            self._validation = f"  validation {self._headline} {numbers[self._headline]:.4g}"
        if event.step == self._started.steps:
            self._live.update(self._task, description=f"evaluated {event.split}")

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
