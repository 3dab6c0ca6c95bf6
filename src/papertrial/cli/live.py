"""The live display of slow work: bars on a terminal, plain lines elsewhere, on standard error.

An event is shown in two steps: a function describes it as `Row`, `Line` and `Remove`, and `Live`
puts these on the screen. Nothing here knows what the work is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn
from rich.table import Column

from papertrial.cli.size_and_duration import clock, size
from papertrial.progress import Returning, Step, Steps

E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """The current state of one row.

    Attributes:
        label: what the row shows, such as "epoch 3/20", "seed 4" or "decoding photos".
        done: how much is done, in `unit`.
        total: how much there is to do; None if it is not known.
        unit: "steps" or "images", for example; "bytes" are written as kB, MB and GB.
        text: the rest of the line.
        key: which row; a new key adds a row.
        always: print a plain line even if another one was printed just before.
    """

    label: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    text: str = ""
    key: Hashable = None
    always: bool = False


@dataclass(frozen=True)
class Line:
    """A line that stays on the screen; `plain` lines are only for where there are no bars."""

    text: str
    plain: bool = False


@dataclass(frozen=True)
class Remove:
    """Remove a row, if it is there."""

    key: Hashable = None


Shown = Row | Line | Remove


@dataclass
class _Pace:
    """The last state of a row, and what its pace is computed from."""

    row: Row
    printed: float  # when its last plain line was printed
    start: float  # when the work that is now counted began
    start_done: int  # how much of it was already done


class Live:
    """A display of rows; leaving the `with` block stops it.

    Args:
        every: seconds between two plain lines of one row. A row with a new label and no known total
            is printed immediately.
        console: where to show it; None for standard error.
    """

    def __init__(self, every: float = 2.0, console: Console | None = None) -> None:
        self._every = every
        self._console = console or Console(stderr=True)
        self._plain = not self._console.is_interactive
        self._paces: dict[Hashable, _Pace] = {}  # of the rows that are shown
        self._tasks: dict[Hashable, Task] = {}  # kept when a row is removed, with its position
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[count]}", markup=False, table_column=Column(no_wrap=True)),
            # The text gets the rest of the line and is cut there: a row has one line.
            TextColumn(
                "{task.fields[text]}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            expand=True,
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.clear()

    def show(self, shown: Shown) -> None:
        """Show or update a row of the live display, print a line, or remove a row."""
        match shown:
            case Row():
                self._update(shown)
            case Line():
                if self._plain or not shown.plain:
                    self._print(shown.text)
            case Remove():
                self._remove(shown.key)

    def clear(self) -> None:
        """Remove all rows of the live display and leave the screen to others until the next row."""
        for key in list(self._paces):
            self._remove(key)
        if not self._plain:
            self._progress.stop()

    def _update(self, row: Row) -> None:
        now = time.perf_counter()
        pace = self._paces.get(row.key)
        is_new = pace is None or pace.row.label != row.label
        if pace is None:
            pace = self._paces[row.key] = _Pace(row, now, now, row.done)
        elif row.total != pace.row.total or row.done < pace.row.done:
            # This is other work: the work before says nothing about its pace.
            pace.start, pace.start_done = now, row.done
        pace.row = row
        count = _count(row)
        text = "  ".join(filter(None, [_time_left(pace, now), row.text]))  # the text may be cut
        if not self._plain:
            self._draw(row, count, text)
        elif row.always or (is_new and row.total is None) or now - pace.printed >= self._every:
            pace.printed = now
            self._print("  ".join(filter(None, [row.label, count, text])))

    def _draw(self, row: Row, count: str, text: str) -> None:
        task = self._tasks.get(row.key)
        if task is None:
            number = self._progress.add_task(row.label, total=None, count=count, text=text)
            task = next(task for task in self._progress.tasks if task.id == number)
            self._tasks[row.key] = task
        task.total = row.total  # `update` would ignore None
        self._progress.update(
            task.id,
            description=row.label,
            completed=row.done,
            visible=True,
            count=count,
            text=text,
        )
        self._progress.start()  # does nothing if it has started

    def _remove(self, key: Hashable) -> None:
        self._paces.pop(key, None)
        if key in self._tasks:
            self._progress.update(self._tasks[key].id, visible=False)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _count(row: Row) -> str:
    """Return the count in a row of the live display: "12/938 steps", "1.5 MB/30.0 MB", or ""."""
    if row.total is None and row.done == 0:
        return ""
    in_bytes = row.unit == "bytes"
    numbers = [row.done] if row.total is None else [row.done, row.total]
    count = "/".join(size(number) if in_bytes else f"{number:,}" for number in numbers)
    return count if in_bytes else f"{count} {row.unit}".rstrip()


def _time_left(pace: _Pace, now: float) -> str:
    """Return the time left in a row of the live display, "0:01:20 left"; "" if it is unknown."""
    row, done = pace.row, pace.row.done - pace.start_done
    if row.total is None or done <= 0 or row.done >= row.total:
        return ""
    return f"{clock((now - pace.start) / done * (row.total - row.done))} left"


def describe_step(step: Step) -> list[Shown]:
    """Return the row of the live display for a step of slow work, such as a download."""
    return [Row(step.what, step.done, step.total, step.unit)]


def follow(
    events: Generator[E, None, T],
    rows: Callable[[E], Iterable[Shown]],
    *,
    every: float = 2.0,
) -> T:
    """Show the events of slow work in the live display until it ends; return its result.

    Args:
        events: the work; it is closed whatever ends the display, Ctrl-C included.
        rows: describes an event.
        every: seconds between two plain lines of one row.
    """
    with Returning(events) as rest, Live(every) as live:
        for event in rest:
            for shown in rows(event):
                live.show(shown)
    return rest.value


def follow_steps(steps: Steps[T]) -> T:
    """Show the steps of slow work in the live display until it ends; return its result."""
    return follow(steps, describe_step)
