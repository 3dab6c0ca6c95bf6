"""A worker's own side: what runs in its process, and the messages that it sends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import closing
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path

from papertrial.errors import PapertrialError

NAME = "papertrial worker"
UNGUARDED = 86  # the exit code of a worker that found its script without a main guard
READY, TOLD, DONE, FAILED = "ready", "told", "done", "failed"  # the kinds of messages


def require_main_guard() -> None:
    """End this process if it is a worker still importing a script without a main guard.

    Whoever uses workers and does something first (writes a folder, prints) asks this before: the
    script runs again in every worker. The parent then tells the user what to do.
    """
    process = multiprocessing.current_process()
    # The mark by which multiprocessing itself refuses to start a process from there.
    if process.name.startswith(NAME) and getattr(process, "_inheriting", False):
        raise SystemExit(UNGUARDED)


def serve(given: bytes, connection: Connection, folder: Path, log: Path | None) -> None:
    """Do one task after another, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(folder)  # multiprocessing goes to where the parent was when it began
    if log is not None:
        _write_to(log)

    def tell(message: bytes) -> None:
        try:
            connection.send_bytes(message)
        except OSError:
            os._exit(1)  # the parent is gone: nobody wants the rest

    tell(pickle.dumps((READY,)))
    while True:
        try:
            task = connection.recv_bytes()
        except (EOFError, OSError):
            return
        tell(_do(given, task, tell))


def _do(given: bytes, task: bytes, tell: Callable[[bytes], None]) -> bytes:
    """Do a task; return the message of its end."""
    try:
        # Read here, not when the process starts: a module that cannot be imported is the task's
        # failure, with its own message.
        job, argument = pickle.loads(given)
        with closing(job(pickle.loads(task), argument)) as steps:
            while True:
                try:
                    value = next(steps)
                except StopIteration as end:
                    return pickle.dumps((DONE, end.value))
                tell(pickle.dumps((TOLD, value)))
    except Exception as error:
        ours = isinstance(error, PapertrialError)
        message = str(error) if ours else f"{type(error).__name__}: {error}"
        try:
            pickled = pickle.dumps(error)
        except Exception:  # it holds what cannot be pickled: an open file, a lock
            pickled = b""
        trace = "".join(traceback.format_exception(error))
        return pickle.dumps((FAILED, pickled, ours, message, trace))


def _end_with_parent() -> None:
    """End this process when the parent has, in the middle of whatever it computes."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _write_to(log: Path) -> None:
    """Append all output to a file, also that of libraries and of this process's children."""
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(line_buffering=True)


def received_error(pickled: bytes, ours: bool, message: str, trace: str) -> BaseException:
    """Return a worker's exception, or the nearest thing where it cannot be had itself."""
    try:
        error: BaseException = pickle.loads(pickled)
        assert isinstance(error, BaseException)
    except Exception:  # an exception may ask for anything when it is made
        error = PapertrialError(message) if ours else RuntimeError(message)
    error.add_note(f"In the worker process:\n{trace}")
    return error
