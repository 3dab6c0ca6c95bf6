"""Run one program, and end it with everything that it started: a stand-alone script.

It imports nothing but the standard library, so that it starts in 30 ms, and it has a process of its
own, so that the program ends also if the worker that wants its scores is killed. The worker starts
it in a new session and writes a request, one line of JSON, to its standard input, which it leaves
open. When that closes, the worker is gone. The answer is one line of JSON on standard output.

On Linux it is a "child subreaper": a process that leaves the program's session and loses its parent
becomes a child of this one. All processes of the program also carry a token in their environment.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

if sys.platform != "win32":  # where papertrial can be imported, but cannot run programs
    import resource

TOKEN = "PAPERTRIAL_RUN"  # the environment variable that marks the processes of a run
_SET_CHILD_SUBREAPER = 36  # of prctl(2)
_SETTLE = 0.5  # seconds in which helpers of a program that has ended may end by themselves
_GIVE_UP = 30.0  # seconds after which a process that SIGKILL does not end is left alone
_SHOWN = 200  # characters of a command
_NOT_STARTED: dict[str, Any] = {
    "reason": "not-started", "exit_code": None, "signal": None, "seconds": 0.0, "cpu_seconds": 0.0,
    "peak_memory": 0, "leftovers": [], "needed_sigkill": False,
}  # fmt: skip
_LINUX = sys.platform.startswith("linux")
_POLL = 0.02 if _LINUX else 0.2  # seconds; ps takes longer than a look into /proc


def end_marked(token: str, grace: float = 5.0) -> tuple[str, ...]:
    """End the processes that carry a token, as an earlier crash may have left them.

    Args:
        token: the value of PAPERTRIAL_RUN in their environment.
        grace: seconds between SIGTERM and SIGKILL.

    Returns:
        Their commands.
    """
    first = _marked(token)
    commands = tuple(_command(pid) for pid in sorted(first))
    _signal(first, signal.SIGTERM)
    started = time.monotonic()
    while (pids := _marked(token)) and (waited := time.monotonic() - started) < grace + _GIVE_UP:
        if waited > grace:
            _signal(pids, signal.SIGKILL)
        time.sleep(_POLL)
    return commands


class Supervisor:
    """Runs a program and ends its processes.

    Args:
        token: the mark of its processes.
        grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(self, token: str, grace: float) -> None:
        self._token = token
        self._grace = grace
        self._program = 0  # its process id
        self._status: int | None = None  # as wait(2) gives it; None while the program runs
        self._stopped = False  # by a signal to this process
        self._needed_sigkill = False
        self._wakeup_read, self._wakeup_write = os.pipe()

    def run(
        self, command: list[str], folder: str, stdout: str, stderr: str, timeout: float | None
    ) -> dict[str, Any]:
        """Run a program to its end, and return what the worker is told."""
        self._catch_signals()
        started = time.monotonic()
        try:
            self._start(command, folder, stdout, stderr)
        except OSError as error:
            return {**_NOT_STARTED, "problem": f"{error.strerror}: {error.filename}"}
        until = None if timeout is None else started + timeout
        reason = self._wait(until)
        seconds = time.monotonic() - started
        leftovers = self._end_all(settle=_SETTLE if reason == "ended" else 0.0)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        return {
            "reason": reason,
            "exit_code": code if code is not None and code >= 0 else None,
            "signal": -code if code is not None and code < 0 else None,
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_memory": usage.ru_maxrss * (1024 if _LINUX else 1),
            "leftovers": leftovers if reason == "ended" else [],
            "needed_sigkill": self._needed_sigkill,
        }

    def _catch_signals(self) -> None:
        # A worker ignores Ctrl-C, and may have blocked it while it started this process.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.set_blocking(self._wakeup_read, False)
        os.set_blocking(self._wakeup_write, False)
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        if _LINUX:
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopped = True

    def _start(self, command: list[str], folder: str, stdout: str, stderr: str) -> None:
        with Path(stdout).open("wb") as out, Path(stderr).open("wb") as err:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._program = process.pid
        process.returncode = 0  # this class waits for it, with all other children

    def _wait(self, until: float | None) -> str:
        """Wait until the program must not go on, and return why."""
        lifeline = sys.stdin.fileno()
        while True:
            self._reap()
            if self._status is not None:
                return "ended"
            if self._stopped:
                return "stopped"
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return "timeout"
            readable, _, _ = select.select([lifeline, self._wakeup_read], [], [], left)
            if self._wakeup_read in readable:
                os.read(self._wakeup_read, 4096)
            if lifeline in readable and not os.read(lifeline, 4096):
                return "stopped"

    def _reap(self) -> None:
        """Wait for the children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._program:
                self._status = status

    def _end_all(self, settle: float) -> list[str]:
        """End all processes of the program, and return the commands of those that were left."""
        started = time.monotonic()
        while (pids := self._left()) and time.monotonic() - started < settle:
            time.sleep(_POLL)
        commands = [_command(pid) for pid in sorted(pids)]
        asked: set[int] = set()
        started = time.monotonic()
        while pids := self._left():
            waited = time.monotonic() - started
            if waited > self._grace + _GIVE_UP:
                break
            if waited > self._grace:
                self._needed_sigkill = True
                _signal(pids, signal.SIGKILL)
            else:
                _signal(pids - asked, signal.SIGTERM)
                _signal(pids - asked, signal.SIGCONT)  # a stopped process does not see SIGTERM
                asked |= pids
            time.sleep(_POLL)
        return commands

    def _left(self) -> set[int]:
        """Return the processes of the program that run."""
        self._reap()
        program = set() if self._status is not None else {self._program}
        if _LINUX:
            return program | _descendants() | _marked(self._token)
        in_group = {pid for pid, group in _ps("-o", "pid=,pgid=") if int(group) == self._program}
        return program | in_group | _descendants() | _marked(self._token)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):  # it has ended; another user's
            os.kill(pid, number)


def _descendants() -> set[int]:
    """Return the processes below this one that have not ended."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    todo = [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found.update(below)
        todo.extend(below)
    return found


def _parents() -> dict[int, int]:
    """Return the parent of each process that has not ended."""
    if not _LINUX:
        return {pid: int(rest) for pid, rest in _ps("-o", "pid=,ppid=")}
    parents = {}
    for pid in _pids():
        try:
            # "12 (name) S 1 ...": the name may have spaces and parentheses.
            state, parent = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in (b"Z", b"X"):
            parents[pid] = int(parent)
    return parents


def _marked(token: str) -> set[int]:
    """Return the processes with a token in their environment, apart from this one."""
    mark = f"{TOKEN}={token}"
    if not _LINUX:
        return {
            pid for pid, rest in _ps("-E", "-ww", "-o", "pid=,command=") if mark in rest.split()
        }
    found = set()
    for pid in _pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # it has ended, or is another user's
            continue
        if mark.encode() in environment.split(b"\0"):  # that of a process that has ended is empty
            found.add(pid)
    return found - {os.getpid()}


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _command(pid: int) -> str:
    if not _LINUX:
        return next(
            (rest[:_SHOWN] for each, rest in _ps("-o", "pid=,command=") if each == pid), "?"
        )
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return b" ".join(words).decode(errors="replace").strip()[:_SHOWN] or "?"


def _ps(*words: str) -> list[tuple[int, str]]:
    """Return the process ids, and the rest of their rows, of all processes but this one and ps."""
    process = subprocess.Popen(["ps", "-A", *words], stdout=subprocess.PIPE)
    rows = process.communicate()[0].decode(errors="replace").splitlines()
    pairs = [(int(first), rest) for first, _, rest in (row.strip().partition(" ") for row in rows)]
    return [pair for pair in pairs if pair[0] not in (process.pid, os.getpid())]


def main() -> None:
    """Read a request, run the program, and write what happened."""
    request = json.loads(sys.stdin.buffer.readline())
    supervisor = Supervisor(request.pop("token"), request.pop("grace"))
    answer = supervisor.run(**request)
    try:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the worker is gone
        os._exit(1)


if __name__ == "__main__":
    main()
