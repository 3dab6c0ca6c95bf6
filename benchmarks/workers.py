"""Compare 8 seeds of fashion-mnist-quickstart in 2 workers with the same seeds in sequence.

    python benchmarks/workers.py --pairs 3

One side is what `papertrial verify --workers 2` does with 8 seeds of 1 thread each, from the start
of its workers to the end of the last seed. The other side trains the same seeds with `pt.train` in
one process with 2 threads. Each side runs in its own process; only the second side's time excludes
the import of torch. The pairs alternate, and the median of their ratios must be at most 0.72.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import papertrial as pt

TARGET = 0.72
RECIPE = "fashion-mnist-quickstart"
# A claim that cannot be decided, so that all seeds are trained.
OPEN = 'claims=[{"metric": "accuracy", "value": 0.647, "tolerance": 1e-5, "kind": "single-run"}]'


def parallel(seeds: int, workers: int, folder: Path) -> float:
    """Return the seconds that workers take for some seeds, including their start."""
    from papertrial.claims.events import Registered, SeedEnded  # noqa: PLC0415
    from papertrial.verification.verify import verifying  # noqa: PLC0415

    recipe = pt.load_recipe(RECIPE, [OPEN, f"verify.max_seeds={seeds}"])
    start = end = time.perf_counter()
    ended = 0
    for told in verifying(recipe, runs=folder, device="cpu", workers=workers, threads=1):
        if isinstance(told, Registered):
            start = time.perf_counter()
        elif isinstance(told, SeedEnded):
            ended, end = ended + 1, time.perf_counter()
    if ended != seeds:
        sys.exit(f"{ended} of {seeds} seeds were trained: the claim was decided")
    return end - start


def serial(seeds: int, threads: int, folder: Path) -> float:
    """Return the seconds that the same seeds take in sequence in this process."""
    pt.load_run  # noqa: B018  (imports torch)
    start = time.perf_counter()
    for seed in range(seeds):
        recipe = pt.load_recipe(RECIPE, [f"seed={seed}"])
        pt.train(recipe, runs=folder, device="cpu", threads=threads)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print a table, and exit with 1 if the target is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--seeds", type=int, default=8)
    options.add_argument("--side", choices=("parallel", "serial"))
    given = options.parse_args()
    if given.side:
        with tempfile.TemporaryDirectory() as folder:
            measure = parallel if given.side == "parallel" else serial
            print(json.dumps(measure(given.seeds, 2, Path(folder))))
        return
    ratios = []
    for pair in range(given.pairs):
        order = ("parallel", "serial") if pair % 2 == 0 else ("serial", "parallel")
        seconds = {side: _run(side, given.seeds) for side in order}
        ratios.append(seconds["parallel"] / seconds["serial"])
        print(
            f"pair {pair + 1}: 2 workers {seconds['parallel']:.1f} s, in sequence "
            f"{seconds['serial']:.1f} s, ratio {ratios[-1]:.3f}",
            flush=True,
        )
    median = statistics.median(ratios)
    print(f"median of {len(ratios)} ratios: {median:.3f}, target at most {TARGET}")
    sys.exit(median > TARGET)


def _run(side: str, seeds: int) -> float:
    """Measure one side in its own process; return its seconds."""
    command = [sys.executable, __file__, "--side", side, "--seeds", str(seeds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
