"""Stop a verification of a program at random moments, and compare it with an undisturbed one."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from program_trials.launched import Launcher, runs_a_program

SIGNALS = (signal.SIGINT, signal.SIGKILL)
# Programs that are hard to end, by what they do; each then sleeps for ten minutes.
STUBBORN = {
    "starts a daemon": """
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(out + "/daemon", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
""",
    "ignores SIGTERM": """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
""",
    "starts a group of its own that ignores SIGTERM": """
import subprocess
subprocess.Popen(["sh", "-c", "trap '' TERM INT; sleep 600; sleep 600"], start_new_session=True)
""",
}
_SLEEPS = """
open(out + "/ready", "w").write("")
print("score 1", flush=True)
time.sleep(600)
"""


@dataclass(frozen=True)
class Stopped:
    """A verification that was stopped and resumed until it had its verdict.

    Attributes:
        answer: what it printed at last.
        scores: by seed.
        stops: how often it was stopped, by signal.
        within_seed: how many of these stops met a running program.
        slowest: most seconds from the signal until the last process had ended.
    """

    answer: dict[str, Any]
    scores: dict[int, Any]
    stops: dict[str, int]
    within_seed: int
    slowest: float


def stop_and_resume(launcher: Launcher, stops: int, longest: float, draws: int = 0) -> Stopped:
    """Verify a program, and stop it at random moments until it was stopped often enough.

    Args:
        launcher: of the command.
        stops: how often.
        longest: seconds. A moment is drawn uniformly between 0 and this: three times of four after
            a program has started, else after the command was started.
        draws: seed of the moments and signals.

    Raises:
        SystemExit: a process survives, a finished seed changes, or the verdict comes too early.
    """
    draw = random.Random(draws)
    counts = {number.name: 0 for number in SIGNALS}
    finished: dict[Path, int] = {}
    records: list[dict[str, Any]] = []
    within, slowest = 0, 0.0
    for stop in range(stops):
        number = SIGNALS[stop % len(SIGNALS)]
        process = launcher.start()
        if draw.random() < 0.75:
            while process.poll() is None and not runs_a_program(launcher.mark):
                time.sleep(0.02)
        time.sleep(draw.uniform(0, longest))
        if (code := process.poll()) is not None:
            launcher.answer(code)
            raise SystemExit(f"the verdict came after {stop} of {stops} stops: use more seeds")
        within += runs_a_program(launcher.mark)
        slowest = max(slowest, launcher.stop(process, number))
        counts[number.name] += 1
        _require_unchanged(finished, records, launcher)
        records = launcher.outcomes()
        finished = {
            file: file.stat().st_mtime_ns
            for record in records
            for file in (launcher.path / record["runs"][0]).glob("*.*")
        }
    answer = launcher.verify()
    _require_unchanged(finished, records, launcher)
    return Stopped(answer, launcher.scores(), counts, within, slowest)


def end_stubborn(folder: Path, what: str, number: signal.Signals) -> float:
    """Stop a verification of a program that is hard to end; return the seconds that it took.

    Raises:
        SystemExit: a process survives.
    """
    code = f"import sys, time\nout = sys.argv[2]\n{STUBBORN[what]}{_SLEEPS}"
    (folder / "program").mkdir(parents=True)
    (folder / "program" / "train.py").write_text(code)
    recipe = {
        "name": "stubborn",
        "program": {
            "command": ["{python}", "train.py", "{seed}", "{out}"],
            "folder": "./program",
            "scores": {"score": {"pattern": "score ([0-9.]+)"}},
        },
        "claims": [{"metric": "score", "value": 1, "tolerance": 0.1, "kind": "expected"}],
    }
    (folder / "stubborn.yaml").write_text(json.dumps(recipe))
    launcher = Launcher(folder, ["stubborn.yaml", "--workers", "2", "--device", "cpu"])
    process = launcher.start()
    until = time.monotonic() + 120
    while len([*folder.glob("runs/*/*-verify/seeds/*/out/ready")]) < 2:
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"no program started: {(folder / 'err.txt').read_text()}")
        time.sleep(0.02)
    return launcher.stop(process, number)


def run_undisturbed(folder: Path, words: Sequence[str]) -> tuple[Launcher, dict[str, Any], float]:
    """Verify to the end without a stop; return the launcher, the answer and the seconds."""
    folder.mkdir(parents=True)
    launcher = Launcher(folder, words)
    start = time.monotonic()
    answer = launcher.verify()
    return launcher, answer, time.monotonic() - start


def judged(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what must not depend on stops, workers or folders."""
    return {key: answer[key] for key in ("verdict", "seeds", "claims", "headline")}


def _require_unchanged(
    finished: dict[Path, int], records: list[dict[str, Any]], launcher: Launcher
) -> None:
    """Check that no finished seed was run again.

    Raises:
        SystemExit: a file or a record of it changed.
    """
    changed = [
        file
        for file, when in finished.items()
        if not file.exists() or file.stat().st_mtime_ns != when
    ]
    if changed or launcher.outcomes()[: len(records)] != records:
        raise SystemExit(f"a finished seed was run again: {changed or records}")
    seeds = [record["seed"] for record in launcher.outcomes()]
    if len(set(seeds)) != len(seeds):
        raise SystemExit(f"seeds have two results: {seeds}")
