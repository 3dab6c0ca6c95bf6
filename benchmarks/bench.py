"""Compare the speed and memory of papertrial on fashion-mnist-quickstart with plain loops.

    make bench
    python benchmarks/bench.py --pairs 7 --baselines ../shared/reference/baselines.py

The two sides alternate, so other work on the machine affects both. Only the training is compared,
without the first epoch of each process, by the median of the ratios of consecutive runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from papertrial.data.files.data_folder import data_folder

RECIPE = "fashion-mnist-quickstart"
SAMPLES = 60_000
SET_MB = 70_000 * 28 * 28 / 2**20  # Fashion-MNIST as uint8
MEMORY = """
import resource, sys
import torch, torchvision, torchmetrics
unit = 1024 if sys.platform != "darwin" else 1
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
import papertrial as pt
pt.train(pt.load_recipe("fashion-mnist-quickstart", ["epochs=2"]), runs=sys.argv[1])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(before / 2**20, after / 2**20)
"""


def main() -> None:
    """Measure, print a table, and exit with 1 if a target is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument(
        "--epochs", type=int, default=4, help="per process; the first one is not used"
    )
    options.add_argument("--baselines", type=Path, default=Path("../shared/reference/baselines.py"))
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [*speed(given, Path(folder)), *start_up(Path(folder)), memory(Path(folder))]
    print(f"\n{'what':52}{'measured':>12}{'target':>12}")
    for what, measured, target, sign in rows:
        good = measured >= target if sign == ">=" else measured <= target
        print(f"{what:52}{measured:12.3f}{sign:>4}{target:8.2f}  {'' if good else 'MISSED'}")
    sys.exit(any((m < t) if s == ">=" else (m > t) for _, m, t, s in rows))


def speed(given: argparse.Namespace, folder: Path) -> list[tuple[str, float, float, str]]:
    """Compare the time of an epoch with that of the tutorial's loop and of the bare loop."""
    if not given.baselines.is_file():
        sys.exit(
            f"the file of plain loops {given.baselines} does not exist; name it with --baselines"
        )
    rows = []
    for kind, target, sign in (("tutorial", 2.2, ">="), ("bare", 1.05, "<=")):
        pairs = alternate(
            partial(papertrial, given.epochs, folder), partial(baseline, given, kind), given.pairs
        )
        for number, (ours, theirs) in enumerate(pairs, 1):
            print(f"pair {number}: {kind} {theirs:.3f} s, papertrial {ours:.3f} s an epoch")
        ratios = [theirs / ours if kind == "tutorial" else ours / theirs for ours, theirs in pairs]
        us, them = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{kind}: {SAMPLES / them:,.0f} samples/s; papertrial: {SAMPLES / us:,.0f} samples/s")
        name = "samples/s over the tutorial's loop" if sign == ">=" else "time over the bare loop"
        rows.append(
            (f"{name} (median of {given.pairs} pairs)", statistics.median(ratios), target, sign)
        )
    return rows


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], pairs: int
) -> list[tuple[float, float]]:
    """Return pairs (ours, theirs); every second pair measures theirs first."""
    found = []
    for pair in range(pairs):
        if pair % 2:
            other = theirs()
            found.append((ours(), other))
        else:
            found.append((ours(), theirs()))
    return found


def baseline(given: argparse.Namespace, kind: str) -> float:
    """Return the median time of an epoch of a baseline loop, in seconds."""
    command = [sys.executable, str(given.baselines), kind, str(given.epochs)]
    environment = {**os.environ, "PAPERTRIAL_DATA": str(data_folder())}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return statistics.median(map(float, done.stdout.split()))


def papertrial(epochs: int, folder: Path) -> float:
    """Return the median time of an epoch of papertrial after the first one, in seconds."""
    words = ["train", RECIPE, f"epochs={epochs}", "--runs", str(folder), "--json"]
    return statistics.median(json.loads(run(*words).splitlines()[-1])["epoch_seconds"][1:])


def run(*words: str) -> str:
    """Run the papertrial command of this Python environment; return its standard output.

    Raises:
        SystemExit: the command failed, with its own message.
    """
    command = [str(Path(sys.executable).with_name("papertrial")), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def start_up(folder: Path) -> list[tuple[str, float, float, str]]:
    """Return the median time of seven runs of each command, from start to exit."""
    rows = []
    for words, target in (
        (["--help"], 0.35),
        (["list"], 0.35),
        (["train", "digits-mlp", "--runs", str(folder)], 10.0),
    ):
        seconds = []
        for _ in range(7):
            start = time.perf_counter()
            run(*words)
            seconds.append(time.perf_counter() - start)
        name = " ".join(words[:2])
        rows.append((f"papertrial {name}, s", statistics.median(seconds), target, "<="))
    return rows


def memory(folder: Path) -> tuple[str, float, float, str]:
    """Measure peak memory in excess of the peak after the imports, in the same process."""
    command = [sys.executable, "-c", MEMORY, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    print(f"peak memory: {before:.0f} MB after the imports, {after:.0f} MB after training")
    return ("peak memory above the imports, MB", after - before, 2 * SET_MB + 150, "<=")


if __name__ == "__main__":
    main()
