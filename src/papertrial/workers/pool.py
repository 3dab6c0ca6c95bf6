"""A small pool of processes that run several tasks each; a process that dies loses only its task.

In `concurrent.futures` and joblib, a process that is killed (by the system when it runs out of
memory, for example) breaks the whole pool and loses the work of all others. Here each worker has
its own pipe, so a half-written message harms no other worker.

A fork of this process may hang, because it has threads, as torch does. On Linux the processes are
forked by a server, a process that only imports the module of the job: torch and scipy take 4 s of
CPU time to import, which n workers spend once instead of n times, and they share the memory of what
is imported. Elsewhere they are spawned: frameworks of macOS do not survive a fork. Both import the
script that started them, so that script must have its call under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pickle
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from papertrial.errors import PapertrialError
from papertrial.workers.interrupts import interrupts_blocked, uninterrupted
from papertrial.workers.process import (
    DONE,
    NAME,
    READY,
    UNGUARDED,
    YIELDED,
    received_error,
    require_main_guard,
    serve,
)

__all__ = ["Died", "Done", "Event", "Failed", "Job", "Workers", "Yielded", "require_main_guard"]

Job = Callable[[Any, Any], Generator[Any, None, Any]]

_GRACE = 2.0  # seconds between asking a process to end and killing it
_CHECK_EVERY = 2.0  # seconds between two checks whether silent workers are alive
_GUARD = "put the call under `if __name__ == '__main__':`"


@dataclass(frozen=True)
class Yielded:
    """A value that the job yielded."""

    worker: int
    task: Any
    value: Any


@dataclass(frozen=True)
class Done:
    """The value that the job returned; the worker is free again."""

    worker: int
    task: Any
    result: Any


@dataclass(frozen=True)
class Failed:
    """The exception that the job raised; the worker is free again.

    `error` is the exception itself if it can be pickled. Otherwise it is a substitute with the same
    message: a PapertrialError for a PapertrialError, a RuntimeError for any other. Its last note is
    the worker's traceback.
    """

    worker: int
    task: Any
    error: BaseException


@dataclass(frozen=True)
class Died:
    """The process ended during the task; `why` is "killed by signal 9 (SIGKILL)", for example."""

    worker: int
    task: Any
    why: str


Event = Yielded | Done | Failed | Died


@dataclass(eq=False)
class _Slot:
    """One worker: its process starts with its first task, and again with the next after a death."""

    number: int
    given: bytes  # the job and the worker's argument, pickled
    process: BaseProcess | None = None
    connection: Connection | None = None
    busy: bool = False
    task: Any = None
    ready: bool = False  # the process has reported that it can take tasks

    def clear(self) -> None:
        """Release a process that has ended."""
        if self.connection is not None:
            self.connection.close()
        if self.process is not None:
            self.process.close()
        self.process = self.connection = self.task = None
        self.busy = self.ready = False


class Workers:
    """Worker processes that run one task at a time; leaving the `with` block stops them all.

    A process starts when it is first needed. Workers ignore Ctrl-C, which a terminal sends to the
    parent too: the parent decides. They end when the parent is gone, whatever ended it.

    Args:
        job: a generator function that a process can import by name, called as job(task, argument).
            Tasks, arguments, yielded values and results must be picklable.
        arguments: starts one worker for each; arguments[i] goes to worker i with every task.
        log: a file to which the workers append their standard output and standard error, so that
            they do not write into a live display. None: they write where this process wrote when
            the first worker started.
    """

    def __init__(self, job: Job, arguments: Sequence[Any], log: Path | None = None) -> None:
        require_main_guard()
        self._context = _context(job)
        self._slots = [
            _Slot(number, pickle.dumps((job, argument)))
            for number, argument in enumerate(arguments)
        ]
        self._log = log
        self._ready: list[_Slot] = []  # workers that have something to read
        self._events: deque[Event] = deque()  # events read but not returned yet
        self._any_was_ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def idle(self) -> int:
        """The number of workers that are free to take a task."""
        return sum(not slot.busy for slot in self._slots)

    def submit(self, task: Any) -> int:
        """Give a task to a free worker and return its number; at least one must be free."""
        slot = next((slot for slot in self._slots if not slot.busy), None)
        assert slot is not None, "every worker is busy"
        data = pickle.dumps(task)
        with uninterrupted():
            if slot.process is not None and slot.process.exitcode is not None:
                slot.clear()  # it died while it was idle: no task has failed
            if slot.process is None:
                self._start(slot)
            assert slot.connection is not None
            slot.busy, slot.task = True, task
            with suppress(OSError):  # it has just died: `wait` reports it
                slot.connection.send_bytes(data)
        return slot.number

    def wait(self) -> Event:
        """Block until the next event and return it; events come in the order of their arrival.

        Raises:
            PapertrialError: no worker could start, because the calling script cannot be imported.
        """
        while not self._events:
            slot = self._next_ready()
            with uninterrupted():
                self._read(slot)
        return self._events.popleft()

    def close(self) -> None:
        """Stop all processes, whatever they are doing, and wait until they have ended."""
        with uninterrupted():
            atexit.unregister(self.close)
            processes = [slot.process for slot in self._slots if slot.process is not None]
            for process in processes:
                process.terminate()
            until = time.monotonic() + _GRACE
            for process in processes:
                process.join(max(0.0, until - time.monotonic()))
                process.kill()  # has no effect on a process that has ended
                process.join()
            for slot in self._slots:
                slot.clear()
            self._ready.clear()
            self._events.clear()

    def _start(self, slot: _Slot) -> None:
        # Only a process that is not a daemon may have children, and children decode images. But
        # Python waits for such a process when it exits, so it must be stopped before that. The
        # function that was registered last runs first.
        atexit.unregister(self.close)
        atexit.register(self.close)
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve,
            args=(slot.given, theirs, Path.cwd(), dict(os.environ), self._log),
            name=f"{NAME} {slot.number}",
        )
        try:
            with interrupts_blocked():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # only the worker's copy is left, so the pipe ends with the worker
        slot.process, slot.connection = process, ours

    def _next_ready(self) -> _Slot:
        """Return a worker that has sent a message or has died; all workers take turns."""
        while not self._ready:
            busy = {slot.connection: slot for slot in self._slots if slot.busy}
            assert busy, "no worker has a task, so no event can come"
            sent = wait_for(list(busy), _CHECK_EVERY)  # type: ignore[arg-type]
            self._ready = [busy[each] for each in sent if each in busy]
            # While a child of a dead worker holds the pipe open, the pipe does not end.
            self._ready = self._ready or [slot for slot in busy.values() if _ended(slot)]
        return self._ready.pop()

    def _read(self, slot: _Slot) -> None:
        """Read one message, or the worker's death, and queue the event."""
        message = _message(slot)
        if message is None:
            self._events.append(self._bury(slot))
            return
        kind, *content = pickle.loads(message)
        if kind == READY:
            slot.ready = self._any_was_ready = True
        elif kind == YIELDED:
            self._events.append(Yielded(slot.number, slot.task, content[0]))
        else:
            event = Done(slot.number, slot.task, content[0]) if kind == DONE else None
            self._events.append(event or Failed(slot.number, slot.task, received_error(*content)))
            slot.busy, slot.task = False, None

    def _bury(self, slot: _Slot) -> Died:
        """Wait for a dead process and return the event of its death.

        Raises:
            PapertrialError: it exited before it could take a task, and no other process has become
                ready either: a new one would do the same.
        """
        assert slot.process is not None
        slot.process.join(_GRACE)
        if slot.process.exitcode is None:  # only its pipe has closed
            slot.process.kill()
            slot.process.join()
        code = slot.process.exitcode or 0
        died = Died(slot.number, slot.task, why := _describe_exit(code))
        hopeless = not (slot.ready or self._any_was_ready) and code >= 0
        slot.clear()
        if hopeless and code == UNGUARDED:
            raise PapertrialError(
                "worker processes import the script that starts them, and this script starts "
                f"workers as soon as it is imported: {_GUARD}"
            )
        if hopeless:
            raise PapertrialError(
                f"a worker process {why} before its first task; its error is on standard error. "
                "Worker processes import the script that starts them, which must be a file and "
                f"must not fail when it is imported: {_GUARD}"
            )
        return died


def _context(job: Job) -> ForkServerContext | SpawnContext:
    """Return how worker processes start."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # A job of the script itself has nothing to import: each worker runs the script anyway.
    context.set_forkserver_preload([job.__module__] if job.__module__ != "__main__" else [])
    return context


def _message(slot: _Slot) -> bytes | None:
    """Return the next message of a worker in the pool; None if the worker has died."""
    assert slot.connection is not None
    try:
        return slot.connection.recv_bytes() if slot.connection.poll() else None
    except (EOFError, OSError):  # OSError: it died in the middle of a message
        return None


def _ended(slot: _Slot) -> bool:
    return slot.process is not None and slot.process.exitcode is not None


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:
        name = ""
    guess = ": out of memory?" if -code == signal.SIGKILL else ""
    return f"killed by signal {-code}{name}{guess}"
