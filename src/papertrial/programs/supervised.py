"""Start a program under supervision, follow it, and learn how it ended."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from papertrial.errors import PapertrialError
from papertrial.programs import supervise
from papertrial.programs.text_lines import ESCAPES

GRACE = 5.0  # seconds that processes have to end after SIGTERM
_INTERVAL = 0.25  # seconds between two progress events
_PATIENCE = 10.0  # seconds in which the supervisor must have ended all processes with SIGKILL
_TAIL = 4096  # bytes
_SHOWN = 200  # characters of a line


@dataclass(frozen=True)
class ProgramProgress:
    """What a program has done so far: seconds of wall-clock time, and its last line of output."""

    seconds: float
    last_line: str


@dataclass(frozen=True)
class ProgramEnd:
    """How a program ended, as the supervisor reports it.

    Attributes:
        reason: "stopped" means that the supervisor was told to end it, "lost" that the supervisor
            was killed.
        exit_code: None if a signal ended it.
        signal: its number; None if the program ended by itself.
        cpu_seconds: of all its processes.
        peak_memory: bytes of the largest of its processes.
        leftovers: commands of processes that it left behind.
        needed_sigkill: whether a process did not end on SIGTERM.
        problem: why it was not started.
    """

    reason: Literal["ended", "timeout", "stopped", "not-started", "lost"]
    exit_code: int | None
    signal: int | None
    seconds: float
    cpu_seconds: float
    peak_memory: int
    leftovers: list[str]
    needed_sigkill: bool
    problem: str = ""


def require_posix() -> None:
    """Check that programs can be supervised on this machine.

    Raises:
        PapertrialError: it runs Windows.
    """
    if os.name != "posix":
        raise PapertrialError(
            "programs run on Linux and macOS only: on Windows, use the Windows Subsystem for Linux"
        )


def supervised(
    command: tuple[str, ...],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path,
    timeout: float | None,
    token: str,
    grace: float = GRACE,
) -> Generator[ProgramProgress, None, ProgramEnd]:
    """Run a program to its end, and yield its progress at most four times a second.

    All its processes have ended when the generator has ended, also if it is closed. If this process
    is killed, they end within seconds.

    Args:
        command: the words of the command.
        folder: the working directory.
        environment: all its variables; the mark of its processes is added.
        stdout: a file to write its standard output to.
        stderr: a file to write its standard error to.
        timeout: seconds.
        token: the mark of its processes, unique.
        grace: seconds between SIGTERM and SIGKILL.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(supervise.__file__).resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**environment, supervise.TOKEN: token},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    request = {
        "command": command, "folder": str(folder), "stdout": str(stdout), "stderr": str(stderr),
        "timeout": timeout, "token": token, "grace": grace,
    }  # fmt: skip
    started = time.monotonic()
    answer = b""
    try:
        with suppress(BrokenPipeError):  # it was killed, as its empty answer says
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        answered = select.poll()  # select() is limited to file descriptors below 1024
        answered.register(process.stdout, select.POLLIN | select.POLLHUP)
        while not answered.poll(1000 * _INTERVAL):
            yield ProgramProgress(time.monotonic() - started, last_line(stdout, stderr))
        answer = process.stdout.read()
    finally:
        _end(process, grace, token, answered=bool(answer))
    if not answer:
        seconds = time.monotonic() - started
        return ProgramEnd("lost", None, None, seconds, 0.0, 0, [], needed_sigkill=False)
    return ProgramEnd(**json.loads(answer))


def last_line(*files: Path) -> str:
    """Return the last line that is not blank of the file that was written to last."""
    with suppress(OSError):
        written = [path for path in files if path.stat().st_size]
        for path in sorted(written, key=lambda each: each.stat().st_mtime_ns, reverse=True):
            if lines := last_lines(path, 1):
                return lines[-1]
    return ""


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a file that are not blank, each cut to 200 characters."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = (ESCAPES.sub("", line).strip() for line in re.split(r"[\r\n]", text))
    return [line[:_SHOWN] for line in lines if line][-count:]


def _end(process: subprocess.Popen[bytes], grace: float, token: str, *, answered: bool) -> None:
    """Close the lifeline, and wait until the supervisor has ended all processes."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(grace + _PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    if not answered:  # what a supervisor that was killed may have left
        supervise.end_marked(token, grace)
