"""Seeds in parallel: one live bar a worker on a terminal, plain lines elsewhere."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn
from rich.table import Column

from papertrial.claims.events import (
    Looked,
    Registered,
    SeedEnded,
    SeedProgress,
    SeedRetried,
    SeedStarted,
)
from papertrial.numbers import number

Telling = Registered | SeedStarted | SeedProgress | SeedEnded | SeedRetried | Looked
_PLAIN_EVERY = 10.0  # seconds between two plain lines of one worker


@dataclass
class _Bar:
    """What a worker is doing."""

    task: Task
    name: str  # "seed 3", "seed 3, versus 1"
    began: float  # when this part of the seed's work did
    told: float  # when a plain line was last printed of it
    total: int | None = None
    started_at: int = 0  # steps done when the work began, as far as was told


class SeedReporter:
    """Shows what a verification tells, always on standard error.

    What stays is printed: the rule, every seed that has ended, every look at the claims. On a
    terminal bars below it have what each worker does.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            # What is left of the line is the text's, and a long one is cut: a bar has one line.
            TextColumn(
                "{task.fields[text]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            expand=True,
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._bars: dict[int, _Bar] = {}  # by worker

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

    def show(self, message: Telling) -> None:
        """Tell of one thing."""
        match message:
            case Registered():
                for line in message.lines:
                    self._say(line)
                self._say(f"registered in {message.path}, SHA-256 {message.sha256}")
            case SeedStarted():
                self._start(message)
            case SeedProgress():
                self._progress(message)
            case SeedEnded():
                self._end(message)
            case SeedRetried():
                self._say(f"seed {message.seed} starts again: {message.why}")
            case Looked():
                for line in message.lines:
                    self._say(f"after {message.n} of at most {message.of} seeds: {line}")

    def _start(self, message: SeedStarted) -> None:
        name = f"seed {message.seed}" + (f", {message.part}" if message.part else "")
        now = time.perf_counter()
        old = self._bars.get(message.worker)
        task = old.task if old is not None else self._new_task()
        task.total = None  # which `reset` and `update` would leave as it was
        self._live.reset(task.id, description=name, visible=True, text="")
        self._bars[message.worker] = _Bar(task, name, now, now)
        if not self._console.is_terminal:
            self._say(f"{name} started")

    def _new_task(self) -> Task:
        new = self._live.add_task("", total=None, text="")
        return next(task for task in self._live.tasks if task.id == new)

    def _progress(self, message: SeedProgress) -> None:
        bar, now = self._bars[message.worker], time.perf_counter()
        if message.total != bar.total:  # other work: what came before says nothing of its pace
            bar.total, bar.began, bar.started_at = message.total, now, message.done
        text = message.text
        done, total = message.done - bar.started_at, message.total
        if total is not None and done > 0 and message.done < total:
            left = (now - bar.began) / done * (total - message.done)
            text = f"{_clock(left)} left  {text}".rstrip()  # before what may be cut
        bar.task.total = total
        self._live.update(bar.task.id, completed=message.done, text=text)
        if not self._console.is_terminal and now - bar.told >= _PLAIN_EVERY:
            bar.told = now
            of = f"{message.done:,}" + (f"/{total:,}" if total is not None else "")
            self._say(f"{bar.name}  {of}  {text}".rstrip())

    def _end(self, message: SeedEnded) -> None:
        if message.worker in self._bars:
            self._live.update(self._bars[message.worker].task.id, visible=False)
        took = _clock(message.seconds) if message.seconds >= 60 else f"{message.seconds:.1f} s"
        if message.state == "finished":
            scores = ", ".join(f"{name} {number(score)}" for name, score in message.scores.items())
            self._say(f"seed {message.seed}: {scores} ({took})")
        else:
            error = f": {message.error}" if message.error else ""
            self._say(f"seed {message.seed} {message.state} after {took}{error}")

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
