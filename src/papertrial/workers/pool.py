"""A small pool of processes, kept for several tasks; one that dies takes down its task alone.

`concurrent.futures` and joblib do not do here: there a process that is killed (by the system, short
of memory) breaks the whole pool and loses what the others were doing. Here each worker has a pipe
of its own, so that what one leaves half-written harms nobody else.

The processes are spawned, not forked: a fork of a process whose libraries have threads, as torch's
does, may hang. Spawned processes import the script that started them, which must therefore have its
call under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from papertrial.errors import PapertrialError
from papertrial.workers.interrupts import interrupts_blocked, uninterrupted
from papertrial.workers.process import (
    DONE,
    NAME,
    READY,
    TOLD,
    UNGUARDED,
    received_error,
    require_main_guard,
    serve,
)

__all__ = ["Died", "Done", "Event", "Failed", "Job", "Told", "Workers", "require_main_guard"]

Job = Callable[[Any, Any], Generator[Any, None, Any]]

_GRACE = 2.0  # seconds from asking a process to end to killing it
_LOOK = 2.0  # seconds between two looks at workers of whom nothing is heard
_GUARD = "put the call under `if __name__ == '__main__':`"


@dataclass(frozen=True)
class Told:
    """What the job yielded."""

    worker: int
    task: Any
    value: Any


@dataclass(frozen=True)
class Done:
    """What the job returned."""

    worker: int
    task: Any
    result: Any


@dataclass(frozen=True)
class Failed:
    """What the job raised; the worker lives on.

    `error` is the exception itself where it can be sent. Else it is a PapertrialError with the same
    message where it was one of those, and a RuntimeError for all others. Its last note is the
    worker's traceback.
    """

    worker: int
    task: Any
    error: BaseException


@dataclass(frozen=True)
class Died:
    """The worker's process ended in the middle of the task: "killed by signal 9 (SIGKILL): ..."."""

    worker: int
    task: Any
    why: str


Event = Told | Done | Failed | Died


@dataclass(eq=False)
class _Slot:
    """A worker's place: its process is started when a task comes, and again after it died."""

    number: int
    given: bytes  # the job and the worker's argument, pickled
    process: SpawnProcess | None = None
    connection: Connection | None = None
    busy: bool = False
    task: Any = None
    ready: bool = False  # the process has said that it can take tasks

    def leave(self) -> None:
        """Forget the process, which has ended."""
        if self.connection is not None:
            self.connection.close()
        if self.process is not None:
            self.process.close()
        self.process = self.connection = self.task = None
        self.busy = self.ready = False


class Workers:
    """Processes that do one task each at a time; a context manager that stops them all at its end.

    Args:
        job: a generator function that a process can import by its name: job(task, argument). What
            it yields is told, what it returns is the result; all of it must pickle.
        arguments: one worker for each: arguments[i] goes to worker i with every task.
        log: a file to which the workers' standard output and standard error are appended, for a
            display that they would otherwise write into. None: they share this process's own.

    The processes start when they are first needed. They ignore Ctrl-C, which a terminal sends to
    the parent as well: it decides. They end when the parent is gone, whatever ended it.
    """

    def __init__(self, job: Job, arguments: Sequence[Any], log: Path | None = None) -> None:
        require_main_guard()
        self._slots = [
            _Slot(number, pickle.dumps((job, argument)))
            for number, argument in enumerate(arguments)
        ]
        self._log = log
        self._ready: list[_Slot] = []  # those of whom there is something to read
        self._events: deque[Event] = deque()  # read, but not yet returned
        self._any_was_ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def count(self) -> int:
        """How many workers there are."""
        return len(self._slots)

    @property
    def idle(self) -> int:
        """How many of them are free to take a task."""
        return sum(not slot.busy for slot in self._slots)

    def submit(self, task: Any) -> int:
        """Hand a task to a free worker, of which there must be one; return the worker's number."""
        slot = next((slot for slot in self._slots if not slot.busy), None)
        assert slot is not None, "every worker is busy"
        data = pickle.dumps(task)
        with uninterrupted():
            if slot.process is not None and slot.process.exitcode is not None:
                slot.leave()  # it died while it had nothing to do: that is no task's failure
            if slot.process is None:
                self._start(slot)
            assert slot.connection is not None
            slot.busy, slot.task = True, task
            with suppress(OSError):  # it has just died: `wait` tells so
                slot.connection.send_bytes(data)
        return slot.number

    def wait(self) -> Event:
        """Return the next thing told, in the order in which it came; block until there is one.

        Raises:
            PapertrialError: no worker could even start, as the calling script cannot be imported.
        """
        while not self._events:
            slot = self._next_ready()
            with uninterrupted():
                self._read(slot)
        return self._events.popleft()

    def close(self) -> None:
        """Stop all processes, in the middle of what they do, and wait until they have ended."""
        with uninterrupted():
            atexit.unregister(self.close)
            processes = [slot.process for slot in self._slots if slot.process is not None]
            for process in processes:
                process.terminate()
            until = time.monotonic() + _GRACE
            for process in processes:
                process.join(max(0.0, until - time.monotonic()))
                process.kill()  # does nothing to one that has ended
                process.join()
            for slot in self._slots:
                slot.leave()
            self._ready.clear()
            self._events.clear()

    def _start(self, slot: _Slot) -> None:
        # A process of multiprocessing may have children only if it is not a daemon, and images are
        # decoded by children; one that is not a daemon is waited for when Python ends. So it is
        # stopped before that: what was registered last is done first.
        atexit.unregister(self.close)
        atexit.register(self.close)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve,
            args=(slot.given, theirs, Path.cwd(), self._log),
            name=f"{NAME} {slot.number}",
        )
        try:
            with interrupts_blocked():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # the worker's copy is then the only one: the pipe ends with the worker
        slot.process, slot.connection = process, ours

    def _next_ready(self) -> _Slot:
        """Return a worker who has told something or has died; all of them take turns."""
        while not self._ready:
            busy = {slot.connection: slot for slot in self._slots if slot.busy}
            assert busy, "no worker has a task: nothing will be told"
            told = [busy[each] for each in wait_for(list(busy), _LOOK) if each in busy]  # type: ignore[arg-type]
            # The end of a pipe is not seen while a child of the dead worker still holds it open.
            self._ready = told or [slot for slot in busy.values() if _ended(slot)]
        return self._ready.pop()

    def _read(self, slot: _Slot) -> None:
        """Take one message, or the worker's death, into account."""
        message = _message(slot)
        if message is None:
            self._events.append(self._bury(slot))
            return
        kind, *content = pickle.loads(message)
        if kind == READY:
            slot.ready = self._any_was_ready = True
        elif kind == TOLD:
            self._events.append(Told(slot.number, slot.task, content[0]))
        else:
            event = Done(slot.number, slot.task, content[0]) if kind == DONE else None
            self._events.append(event or Failed(slot.number, slot.task, received_error(*content)))
            slot.busy, slot.task = False, None

    def _bury(self, slot: _Slot) -> Died:
        """Reap a dead process.

        Raises:
            PapertrialError: it ended by itself before it could take a task, and so did all others:
                another one would do the same.
        """
        assert slot.process is not None
        slot.process.join(_GRACE)
        if slot.process.exitcode is None:  # only its pipe has ended
            slot.process.kill()
            slot.process.join()
        code = slot.process.exitcode or 0
        died = Died(slot.number, slot.task, why := _why(code))
        hopeless = not (slot.ready or self._any_was_ready) and code >= 0
        slot.leave()
        if hopeless and code == UNGUARDED:
            raise PapertrialError(
                "worker processes import the script that starts them, and this one starts workers "
                f"as soon as it is imported: {_GUARD}"
            )
        if hopeless:
            raise PapertrialError(
                f"a worker process {why} before its first task; what it said is on standard error. "
                "Worker processes import the script that starts them, which must be a file and "
                f"must not fail when it is imported: {_GUARD}"
            )
        return died


def _message(slot: _Slot) -> bytes | None:
    """Return what a worker has sent, of whom something is heard; None for its death."""
    assert slot.connection is not None
    try:
        return slot.connection.recv_bytes() if slot.connection.poll() else None
    except (EOFError, OSError):  # OSError: in the middle of a message
        return None


def _ended(slot: _Slot) -> bool:
    return slot.process is not None and slot.process.exitcode is not None


def _why(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    guess = ": out of memory?" if -code == signal.SIGKILL else ""
    return f"killed by signal {-code}{name}{guess}"
