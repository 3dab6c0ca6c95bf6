"""Whether a process has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Tell whether a process ends within 5 seconds."""
    return _gone


def _gone(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists():
            try:
                if ") Z" in Path(f"/proc/{pid}/stat").read_text():
                    return True
            except OSError:
                return True
        time.sleep(0.02)
    return False
