"""Signals that ask a training to stop: it finishes its step and stores its state first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from papertrial.training.checkpoint_times import CheckpointTimes

# A terminal's Ctrl-C, a cluster's preemption, a closed terminal; Windows lacks the last one.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
                 if hasattr(signal, name))  # fmt: skip
_DEFAULT = (signal.SIG_DFL, signal.default_int_handler)


class StopRequest:
    """The signal that asked a training to stop; None so far."""

    signal: int | None = None


@contextlib.contextmanager
def stop_requests(times: CheckpointTimes) -> Iterator[StopRequest]:
    """Turn the first signal of the block into a request to store the state and to stop.

    A second SIGINT interrupts at once. A signal that has a handler already, or that is ignored, as
    SIGINT is in a worker, keeps it. Python runs handlers only in the main thread.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if times.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        request.signal, times.asked = request.signal or number, True

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number, handler in before.items() if handler in _DEFAULT]
    for number in ours:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        for number in ours:
            signal.signal(number, before[number])
