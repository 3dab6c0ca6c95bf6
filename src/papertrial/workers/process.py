"""The code that runs in a worker process, and the messages that it sends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.progress import Returning

NAME = "papertrial worker"
UNGUARDED = 86  # exit code of a worker whose script has no main guard
READY, YIELDED, DONE, FAILED = "ready", "yielded", "done", "failed"  # kinds of messages


def require_main_guard() -> None:
    """Exit if this worker process is still importing a script that has no main guard.

    Such a script runs again in every worker. Call this before any side effect (a folder written, a
    line printed) that precedes the use of workers. The parent then tells the user what to do.
    """
    process = multiprocessing.current_process()
    # multiprocessing itself refuses to start a process while this attribute is set.
    if process.name.startswith(NAME) and getattr(process, "_inheriting", False):
        os._exit(UNGUARDED)  # the process that forks workers does not report a SystemExit


def serve(
    given: bytes,
    connection: Connection,
    folder: Path,
    environment: dict[str, str],
    log: Path | None,
) -> None:
    """Run one task after another in a worker process, until the parent is gone.

    Args:
        given: the job and the worker's argument, pickled.
        connection: tasks come in here, messages go out.
        folder: the working directory.
        environment: all variables; those of the process that forks workers may be older.
        log: a file for standard output and standard error; None leaves both as they are.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)  # multiprocessing changes to the folder in which the parent started
    if log is not None:
        _write_to(log)

    def send(message: bytes) -> None:
        try:
            connection.send_bytes(message)
        except OSError:
            os._exit(1)  # the parent is gone: nobody reads the rest

    send(pickle.dumps((READY,)))
    while True:
        try:
            task = connection.recv_bytes()
        except (EOFError, OSError):
            return
        send(_run_task(given, task, send))


def _run_task(given: bytes, task: bytes, send: Callable[[bytes], None]) -> bytes:
    """Run a task in a worker process, send what it yields, and return the message that ends it."""
    try:
        # Unpickled here, not when the process starts, so that a module that cannot be imported
        # fails the task, with the module's own message.
        job, argument = pickle.loads(given)
        with Returning(job(pickle.loads(task), argument)) as values:
            for value in values:
                send(pickle.dumps((YIELDED, value)))
        return pickle.dumps((DONE, values.value))
    except Exception as error:
        ours = isinstance(error, PapertrialError)
        message = str(error) if ours else f"{type(error).__name__}: {error}"
        try:
            pickled = pickle.dumps(error)
        except Exception:  # it holds something that cannot be pickled: an open file, a lock
            pickled = b""
        trace = "".join(traceback.format_exception(error))
        return pickle.dumps((FAILED, pickled, ours, message, trace))


def _end_with_parent() -> None:
    """End this worker process as soon as the parent has ended, whatever it is computing."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _write_to(log: Path) -> None:
    """Append all output of a worker process to a file, including that of C libraries."""
    with log.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(line_buffering=True)


def received_error(pickled: bytes, ours: bool, message: str, trace: str) -> BaseException:
    """Return the exception that a worker process sent, or a substitute if it does not unpickle."""
    try:
        error: BaseException = pickle.loads(pickled)
        assert isinstance(error, BaseException)
    except Exception:  # its constructor may need other arguments
        error = PapertrialError(message) if ours else RuntimeError(message)
    error.add_note(f"In the worker process:\n{trace}")
    return error
