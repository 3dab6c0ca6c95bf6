"""Run `papertrial` in a session of its own, stop it, and find every process that it left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARK = "PAPERTRIAL_TRIAL"  # set here, so that it is inherited by all that is started
OF_PROGRAM = "PAPERTRIAL_RUN"  # set by papertrial, for the programs that it runs


@dataclass
class Launcher:
    """Starts `papertrial verify` in a folder.

    Attributes:
        folder: where it runs; the verifications are in `runs` below.
        words: the recipe and the options.
        mark: the value of MARK in the environment of all processes.
    """

    folder: Path
    words: Sequence[str]
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self) -> subprocess.Popen[str]:
        """Start the command, with its output in files of the folder."""
        command = [sys.executable, "-m", "papertrial", "verify", *self.words, "--json"]
        with (self.folder / "out.txt").open("w") as out, (self.folder / "err.txt").open("w") as err:
            return subprocess.Popen(
                command,
                stdout=out,
                stderr=err,
                text=True,
                cwd=self.folder,
                start_new_session=True,
                env={**os.environ, MARK: self.mark, "OMP_NUM_THREADS": "1"},
            )

    def verify(self) -> dict[str, Any]:
        """Run the command to its end, and return its answer.

        Raises:
            SystemExit: it did not end with a verdict.
        """
        process = self.start()
        return self.answer(process.wait())

    def answer(self, code: int) -> dict[str, Any]:
        """Return the answer of a command that has ended.

        Raises:
            SystemExit: it did not end with a verdict.
        """
        if code not in (0, 1, 3):
            raise SystemExit(f"exit code {code}: {(self.folder / 'err.txt').read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads((self.folder / "out.txt").read_text().splitlines()[-1])
        return answer

    def stop(self, process: subprocess.Popen[str], number: int, within: float = 30.0) -> float:
        """Stop it as Ctrl-C or as a killed shell does; return the seconds until all had ended.

        SIGINT goes to the whole group, as a terminal sends it; SIGKILL to the first process alone,
        so that nothing but its death tells the others.

        Raises:
            SystemExit: a process survives.
        """
        start = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            send = os.killpg if number == signal.SIGINT else os.kill
            send(process.pid, number)
        process.wait(timeout=within)
        while left := list(processes_with(MARK, self.mark)):
            if time.monotonic() - start > within:
                raise SystemExit(f"after {signal.Signals(number).name}, these survive: {left}")
            time.sleep(0.02)
        return time.monotonic() - start

    @property
    def path(self) -> Path:
        """The folder of its one verification."""
        (path,) = self.folder.glob("runs/*/*-verify")
        return path

    def outcomes(self) -> list[dict[str, Any]]:
        """Return the records of the seeds that have ended."""
        found = [*self.folder.glob("runs/*/*-verify/outcomes.jsonl")]
        lines = found[0].read_text().splitlines() if found else []
        records = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # the last one, as it is written
                records.append(json.loads(line))
        return records

    def scores(self) -> dict[int, Any]:
        """Return the scores by seed, in the order of the seeds."""
        return {one["seed"]: one["scores"] for one in sorted(self.outcomes(), key=_seed)}


def processes_with(variable: str, value: str) -> Iterator[tuple[int, str]]:
    """Yield (process id, command) of each running process with this environment variable."""
    wanted = f"{variable}={value}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (folder / "stat").read_text().rpartition(") ")[2].split()[0]
            if state != "Z" and wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                yield int(folder.name), command.decode(errors="replace").strip()


def is_of_program(pid: int) -> bool:
    """Tell whether a process belongs to a program that papertrial runs."""
    with contextlib.suppress(OSError):
        return f"{OF_PROGRAM}=".encode() in (Path("/proc") / str(pid) / "environ").read_bytes()
    return False


def runs_a_program(mark: str) -> bool:
    """Tell whether a program is running below a command with this mark."""
    return any(is_of_program(pid) for pid, _ in processes_with(MARK, mark))


def _seed(record: dict[str, Any]) -> int:
    return int(record["seed"])
