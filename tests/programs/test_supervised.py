"""The supervisor on its own: what ends a program, and what it reports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from papertrial.programs.supervise import TOKEN, end_marked
from papertrial.programs.supervised import ProgramEnd, last_line, last_lines, supervised
from papertrial.progress import Returning, finish


@pytest.fixture
def token(tmp_path: Path) -> Iterator[str]:
    token = f"test-{os.getpid()}-{tmp_path.name}"
    yield token
    assert end_marked(token) == ()


def start(folder: Path, token: str, code: str, **rest: Any) -> Any:
    given = {"timeout": None, "grace": 0.3, "environment": os.environ, **rest}
    return supervised(
        (sys.executable, "-S", "-c", code), folder=folder, stdout=folder / "stdout.txt",
        stderr=folder / "stderr.txt", token=token, **given,
    )  # fmt: skip


def run(folder: Path, token: str, code: str, **rest: Any) -> ProgramEnd:
    end: ProgramEnd = finish(start(folder, token, code, **rest))
    return end


def supervisor_of(token: str) -> int:
    """The process id of the supervisor: of the marked process whose parent is not marked."""
    pids = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{TOKEN}={token}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                pids[int(folder.name)] = int((folder / "stat").read_text().split()[3])
        except OSError:
            continue
    (found,) = (pid for pid, parent in pids.items() if parent not in pids)
    return found


def test_what_is_reported(tmp_path: Path, token: str) -> None:
    end = run(
        tmp_path, token,
        "x = bytearray(50 * 2**20)\n"
        "import time\nuntil = time.process_time() + .3\nwhile time.process_time() < until: pass\n"
        "raise SystemExit(7)",
    )  # fmt: skip
    assert (end.reason, end.exit_code, end.signal, end.leftovers) == ("ended", 7, None, [])
    assert 50 * 2**20 < end.peak_memory < 150 * 2**20
    assert 0.3 <= end.cpu_seconds < 2
    assert 0.3 <= end.seconds < 20


def test_output_goes_to_files_and_standard_input_is_empty(tmp_path: Path, token: str) -> None:
    run(tmp_path, token, "import sys\nprint(repr(sys.stdin.read()))\nprint('e', file=sys.stderr)")
    assert (tmp_path / "stdout.txt").read_text() == "''\n"
    assert (tmp_path / "stderr.txt").read_text() == "e\n"


def test_the_program_has_a_session_of_its_own_and_default_signals(
    tmp_path: Path, token: str
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a worker
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        run(
            tmp_path, token,
            "import os, signal\n"
            "print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT) is not None,\n"
            "      signal.getsignal(signal.SIGINT) != signal.SIG_IGN,\n"
            "      signal.pthread_sigmask(signal.SIG_BLOCK, ()))",
        )  # fmt: skip
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "stdout.txt").read_text() == "True True True set()\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_ends_the_program(
    tmp_path: Path, token: str, number: signal.Signals
) -> None:
    with Returning(start(tmp_path, token, "import time\ntime.sleep(60)")) as events:
        for _ in events:
            os.kill(supervisor_of(token), number)
    assert (events.value.reason, events.value.signal) == ("stopped", signal.SIGTERM)


def test_many_children_that_ignore_sigterm_end(tmp_path: Path, token: str) -> None:
    code = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(5):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n        os.fork()\n        time.sleep(60)\n"
    )
    end = run(tmp_path, token, code)
    assert (end.exit_code, end.needed_sigkill) == (0, True)
    assert len(end.leftovers) == 10


def test_a_helper_that_ends_by_itself_is_not_a_leftover(tmp_path: Path, token: str) -> None:
    end = run(tmp_path, token, "import os, time\nif os.fork() == 0: time.sleep(.1)")
    assert end.leftovers == []


def test_a_stopped_program_ends_at_its_timeout(tmp_path: Path, token: str) -> None:
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
    end = run(tmp_path, token, code, timeout=0.3, grace=5.0)
    assert (end.reason, end.needed_sigkill) == ("timeout", False)
    assert end.seconds < 3


def test_what_an_earlier_crash_left_behind_is_ended(tmp_path: Path) -> None:
    token = f"test-{os.getpid()}-{tmp_path.name}"
    command = ["sleep", "62"]
    with (
        subprocess.Popen(command, env={TOKEN: token}) as left,
        subprocess.Popen(command, env={TOKEN: f"{token}-other"}) as other,
    ):
        # Popen returns when the child has executed the command.
        assert end_marked(token) == ("sleep 62",)
        assert left.wait(5) == -signal.SIGTERM
        assert other.poll() is None
        other.kill()


def test_a_supervisor_starts_fast(tmp_path: Path, token: str) -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        run(tmp_path, token, "pass")
        times.append(time.perf_counter() - started)
    assert min(times) < 1  # 0.08 s on an idle core


def test_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("\x1b[31mred\x1b[0m\n\n10%\r20%\r\n  " + "x" * 999 + "\n \n")
    assert last_lines(path, 3) == ["10%", "20%", "x" * 200]
    assert last_lines(tmp_path / "missing", 3) == []
    other = tmp_path / "err"
    other.write_text("later\n")
    os.utime(path, (1, 1))
    assert last_line(path, other) == "later"
