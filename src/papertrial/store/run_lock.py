"""The lock of a run folder: one process writes it at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from papertrial.errors import PapertrialError, RunError
from papertrial.store.run_folder import RunFolder

_LOCK = ".lock"


@contextlib.contextmanager
def writing_alone(folder: RunFolder) -> Iterator[None]:
    """Hold the lock of a run folder in the block; the system releases that of a dead process.

    Its file stays if the block raises, so that all who want the lock want the same file. A block
    that ends otherwise has finished the run, and then nobody writes it again.

    Raises:
        RunError: another process writes the run.
    """
    lock = FileLock(folder.path / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(f"the run {folder.path} is being written by {_writer(folder)}") from error
    try:
        yield
        with contextlib.suppress(OSError):  # Windows keeps the file of a lock that is held
            (folder.path / _LOCK).unlink(missing_ok=True)
    finally:
        lock.release()


def _writer(folder: RunFolder) -> str:
    try:
        there = folder.provenance.environment
    except PapertrialError:
        return "another process"
    return f"process {there.pid} on {there.host}; wait for it, or stop it"
