"""Why a program failed, in words."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from papertrial.numbers import number
from papertrial.programs.program_run import Failure
from papertrial.programs.supervised import ProgramEnd, last_lines

_SHOWN = 5  # lines of output in a message
_SEARCHED = 50
_OUT_OF_MEMORY = re.compile(
    r"out of memory|MemoryError|bad_alloc|cannot allocate memory|can't allocate memory"
    r"|RESOURCE_EXHAUSTED|CUBLAS_STATUS_ALLOC_FAILED|Java heap space",
    re.IGNORECASE,
)


def failure_of(
    end: ProgramEnd, timeout: float | None, stdout: Path, stderr: Path
) -> tuple[Failure, str] | None:
    """Return why a program failed, and the reason in words; None if it ended with exit code 0."""
    match end.reason:
        case "timeout":
            reason = f"the program did not end within its timeout of {duration(timeout or 0)}"
            return "timeout", reason
        case "not-started":
            return "start", f"the program cannot be started: {end.problem}"
        case "lost":
            return "signal", "the process that supervises the program was killed: out of memory?"
        case "stopped":
            return "signal", "the process that supervises the program was told to stop"
    return _failure_by_itself(end, stdout, stderr)


def with_last_lines(reason: str, stdout: Path, stderr: Path) -> str:
    """Return a reason with the last lines of a program's standard error or, if empty, output."""
    for path, what in ((stderr, "standard error"), (stdout, "standard output")):
        if lines := last_lines(path, _SHOWN):
            return "\n".join([reason, f"last lines of its {what}:", *(f"  {x}" for x in lines)])
    return f"{reason}\nit printed nothing"


def signal_name(signum: int) -> str:
    """Return a signal as "9 (SIGKILL)"."""
    try:
        return f"{signum} ({signal.Signals(signum).name})"
    except ValueError:
        return str(signum)


def duration(seconds: float) -> str:
    """Return a duration as "90 s", "12 min" or "2 h"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def _failure_by_itself(end: ProgramEnd, stdout: Path, stderr: Path) -> tuple[Failure, str] | None:
    """Return why a program failed that was not ended by papertrial."""
    lines = [*last_lines(stdout, _SEARCHED), *last_lines(stderr, _SEARCHED)]
    no_memory = any(_OUT_OF_MEMORY.search(line) for line in lines)
    if end.signal is not None:
        guess = ": out of memory?" if end.signal == signal.SIGKILL or no_memory else ""
        kind: Failure = "memory" if no_memory else "signal"
        return kind, f"the program was killed by signal {signal_name(end.signal)}{guess}"
    if end.exit_code:
        if no_memory:
            return "memory", f"the program ran out of memory, with exit code {end.exit_code}"
        return "exit-code", f"the program ended with exit code {end.exit_code}{_meaning(end)}"
    return None


def _meaning(end: ProgramEnd) -> str:
    """Return what a shell means by an exit code."""
    code = end.exit_code or 0
    if code == 126:
        return " (a shell: the command is not executable)"
    if code == 127:
        return " (a shell: command not found)"
    return f" (a shell: killed by signal {signal_name(code - 128)})" if 128 < code < 160 else ""
