"""Locks between processes that share a data folder."""

from __future__ import annotations

from filelock import FileLock, Timeout

from papertrial.progress import Step, Steps


def wait_for(lock: FileLock, what: str) -> Steps[bool]:
    """Wait for the lock of a data folder, yielding a step for each second; then acquire it.

    Args:
        lock: the lock.
        what: what its holder does, for the steps: "fetching mnist".

    Returns:
        Whether another process held the lock.
    """
    waited = 0
    while True:
        try:
            lock.acquire(timeout=min(waited, 1))
        except Timeout:
            yield Step(f"waiting: another process is {what}", waited, None, "seconds")
            waited += 1
        else:
            return waited > 0
