"""Measure the memory of `papertrial verify` while a program prints a lot."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

from program_trials.launched import MARK, Launcher, is_of_program, processes_with

_PEAK = """
import resource, torch
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_PRINTS = """
import sys
seed, size = int(sys.argv[1]), int(sys.argv[2])
line = "step 1: loss 0.123456789, and more text to fill a line of the length that is usual\\n"
block = line * (2**20 // len(line))
for _ in range(size // len(block) if seed == 0 else 1):
    sys.stdout.write(block)
print(f"score {seed / 1000}")
"""


def peak_while_printing(folder: Path, size: int) -> tuple[float, float, float, float]:
    """Verify a program whose first seed prints `size` bytes.

    Returns:
        The largest memory of one of papertrial's processes, the memory that importing torch takes
        (both in MB), the bytes that are kept of the output, and the seconds.
    """
    (folder / "program").mkdir(parents=True)
    (folder / "program" / "train.py").write_text(_PRINTS)
    recipe = {
        "name": "prints",
        "program": {
            "command": ["{python}", "train.py", "{seed}", str(size)],
            "folder": "./program",
            "scores": {"score": {"pattern": "score ([0-9.]+)"}},
        },
        "claims": [{"metric": "score", "value": 0.002, "tolerance": 0.01, "kind": "expected"}],
    }
    (folder / "prints.yaml").write_text(json.dumps(recipe))
    launcher = Launcher(folder, ["prints.yaml", "--workers", "1", "--device", "cpu"])
    start = time.monotonic()
    process, largest = launcher.start(), 0
    while process.poll() is None:
        for pid, _ in processes_with(MARK, launcher.mark):
            with contextlib.suppress(OSError):
                if not is_of_program(pid):
                    largest = max(largest, _peak_of(Path(f"/proc/{pid}/status")))
        time.sleep(0.1)
    launcher.answer(process.returncode)
    seconds = time.monotonic() - start
    kept = sum(file.stat().st_size for file in launcher.path.glob("seeds/s0/stdout.txt"))
    done = subprocess.run(
        [sys.executable, "-c", _PEAK], check=True, capture_output=True, text=True
    ).stdout
    return largest / 1024, int(done) / 1024, kept, seconds


def _peak_of(status: Path) -> int:
    """Return the peak memory of a process in KiB."""
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines.get("VmHWM", "0 kB").split()[0])
