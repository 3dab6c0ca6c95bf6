"""A program that prints 2 GB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# A process of its own, whose peak memory is that of the run alone.
RUN = r"""
import resource, sys
from pathlib import Path
from papertrial.progress import finish
from papertrial.programs.code_files import file_hashes
from papertrial.programs.run_program import run_program
from papertrial.programs.spec import PatternScore, ProgramSpec, Which

folder = Path(sys.argv[1])
scores = {"accuracy": PatternScore("test acc: ([0-9.]+)", unit="percent", which=Which("last"))}
spec = ProgramSpec(("{python}", "train.py"), scores, {}, {})
values = {"seed": "1", "python": sys.executable}
run = finish(run_program(spec, values, home=folder / "home", source=folder / "source",
                         hashes=file_hashes(folder / "source"), token=sys.argv[2]))
if sys.platform == "darwin":
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
else:  # there ru_maxrss also counts the process of the tests, from before this program began
    status = dict(row.split(":", 1) for row in Path("/proc/self/status").read_text().splitlines())
    peak = 1024 * int(status["VmHWM"].split()[0])
score, size = run.scores["accuracy"], (folder / "home/stdout.txt").stat().st_size
print(score.value, score.points, score.place.line, peak, size)
"""

PROGRAM = r"""
import sys
block = "".join(f"step {i} of this program, with a loss of {i}.5\n" for i in range(20_000))
for i in range(2 * 2**30 // len(block) + 1):
    sys.stdout.write(block)
    if i % 10 == 0: print(f"test acc: 93.{i % 7} %")
"""


def test_two_gigabytes_of_output_take_little_memory(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(PROGRAM)
    command = [sys.executable, "-c", RUN, str(tmp_path), f"test-{os.getpid()}-{tmp_path.name}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        (tmp_path / "home" / "stdout.txt").unlink(missing_ok=True)  # pytest keeps its folders
    assert done.returncode == 0, done.stderr
    value, points, line, peak, size = done.stdout.split()
    blocks = range(0, 2 * 2**30 // len("".join(_block())) + 1, 10)
    assert (float(value), int(points)) == (float(f"0.93{blocks[-1] % 7}"), len(blocks))
    assert int(line) == 20_000 * (blocks[-1] + 1) + len(blocks)
    assert int(size) > 2 * 2**30
    assert int(peak) < 300 * 2**20


def _block() -> list[str]:
    return [f"step {i} of this program, with a loss of {i}.5\n" for i in range(20_000)]
