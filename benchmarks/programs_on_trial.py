"""Test `papertrial verify` on programs: stops at random moments, equal scores, memory.

    python benchmarks/programs_on_trial.py

- The shipped scikit-learn program is verified to the end with 1 and with 4 workers, and with 2
  workers that are stopped at random moments, by Ctrl-C and by SIGKILL in turn. Verdict and scores
  must be the same, no finished seed may run again, and no process may survive a stop.
- Programs that start a daemon or ignore SIGTERM are stopped by both signals.
- A training is verified as a recipe, and as a program whose command is `papertrial train`. The
  scores must be the same, bit for bit, and so must the verdict.
- A program prints 2 GB. No process of papertrial may need 300 MB more than importing torch.

It needs Linux, whose /proc lists the processes, and Fashion-MNIST in the data folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from program_trials.memory import peak_while_printing
from program_trials.same_training import verdicts, verify_twice
from program_trials.stops import (
    SIGNALS,
    STUBBORN,
    end_stubborn,
    judged,
    run_undisturbed,
    stop_and_resume,
)

MOST_MB = 300  # beyond what importing torch takes
FORMS = ("stops", "stubborn", "training", "memory")
Row = tuple[str, str, bool]  # what, what was found, whether it is as it must be
# Undecided for long enough to be stopped often: the tolerance is less than an SD of the scores.
SCRIPT = ["digits-sklearn", "claims.0.tolerance=0.004", "--device", "cpu"]


def stops(folder: Path, count: int, seeds: int) -> Iterator[Row]:
    """Yield rows on the scikit-learn program, with and without stops."""
    words = [*SCRIPT, "--max-seeds", str(seeds)]
    one, answer, seconds = run_undisturbed(folder / "one", [*words, "--workers", "1"])
    yield "1 worker", f"{answer['verdict']} on {len(answer['seeds'])} seeds, {seconds:.0f} s", True
    four, other, seconds = run_undisturbed(folder / "four", [*words, "--workers", "4"])
    same = judged(other) == judged(answer)
    same &= {s: four.scores()[s] for s in answer["seeds"]} == one.scores()
    yield "4 workers: verdict, claims and scores are the same", f"{seconds:.0f} s", same
    (folder / "stopped").mkdir()
    launcher = type(one)(folder / "stopped", [*words, "--workers", "2"])
    found = stop_and_resume(launcher, count, fmean(seed["seconds"] for seed in one.outcomes()))
    same = judged(found.answer) == judged(answer)
    same &= {s: found.scores[s] for s in answer["seeds"]} == one.scores()
    how = ", ".join(f"{n} by {name}" for name, n in found.stops.items())
    yield (
        f"stopped {count} times: verdict, claims and scores are the same",
        f"{how}; {found.within_seed} met a running program",
        same and found.within_seed >= count // 3,
    )
    yield "no process survives a stop", f"all had ended after {found.slowest:.1f} s", True


def stubborn(folder: Path) -> Iterator[Row]:
    """Yield rows on programs that are hard to end."""
    for what in STUBBORN:
        for number in SIGNALS:
            seconds = end_stubborn(folder / f"{what} {number.name}", what, number)
            yield f"a program {what}: {number.name}", f"all had ended after {seconds:.1f} s", True


def training(folder: Path, shipped: str, overrides: Sequence[str], seeds: int) -> Iterator[Row]:
    """Yield a row on a training as a recipe and as a program."""
    claims = {
        "accuracy": {"value": 0.5, "tolerance": 0.2, "samples": 10_000},
        "loss": {"value": 2.15, "tolerance": 0.2},
    }
    words = ["--seeds", ",".join(map(str, range(seeds))), "--workers", "1", "--threads", "1"]
    ours, program, first, second = verify_twice(
        folder, shipped, overrides, claims, [*words, "--device", "cpu"]
    )
    scores, others = ours.scores(), program.scores()
    same = scores == others and verdicts(first) == verdicts(second)
    found = f"{first['verdict']} and {second['verdict']}, {len(scores)} and {len(others)} seeds"
    yield f"{shipped} {' '.join(overrides)}: scores are the same, bit for bit", found, same


def memory(folder: Path, size: int) -> Iterator[Row]:
    """Yield a row on a program that prints a lot."""
    peak, torch, kept, seconds = peak_while_printing(folder, size)
    found = f"{peak:.0f} MB; torch {torch:.0f} MB; {kept / 1e9:.2f} GB kept; {seconds:.0f} s"
    good = peak - torch < MOST_MB and kept > 0.99 * size
    yield "memory of the largest process while a program prints", found, good


def main(words: Sequence[str] | None = None) -> int:
    """Print a table; return 1 if something is not as it must be, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--max-seeds", type=int, default=24)
    parser.add_argument("--bytes", type=float, default=2e9, help="that a program prints")
    parser.add_argument("--only", choices=FORMS, action="append", help="repeat for several")
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    given = parser.parse_args(words)
    rows = list[Row]()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        forms = {
            "stops": lambda: stops(folder / "stops", given.stops, given.max_seeds),
            "stubborn": lambda: stubborn(folder / "stubborn"),
            "training": lambda: training(
                folder / "training", "fashion-mnist-quickstart", ["epochs=1"], 5
            ),
            "memory": lambda: memory(folder / "memory", int(given.bytes)),
        }
        for name in given.only or FORMS:
            for row in forms[name]():
                rows.append(row)
                print(f"{row[0]:75} {row[1]}{'' if row[2] else '  WRONG'}", flush=True)
    if given.json:
        kept = [{"what": what, "found": found, "good": good} for what, found, good in rows]
        given.json.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return int(not all(good for _, _, good in rows))


if __name__ == "__main__":
    sys.exit(main())
