"""Verifications of programs on trial, in short: stops at random moments.

`benchmarks/programs_on_trial.py` is the long form, with 20 stops, a program that prints 2 GB, and a
training that is verified as a recipe and as a program.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
TRAIN = """import random, sys, time
time.sleep(0.4)
print(f"score {random.Random(int(sys.argv[1])).gauss(0, 1)}")
"""
# Undecided to the end, as the true score lies on an edge of the band.
RECIPE = {
    "name": "slow",
    "program": {
        "command": ["{python}", "train.py", "{seed}"],
        "folder": "./program",
        "scores": {"score": {"pattern": r"score (\S+)"}},
    },
    "claims": [{"metric": "score", "value": 1, "tolerance": 1, "kind": "expected"}],
    "verify": {"max_seeds": 6},
}


@pytest.fixture(scope="module")
def stops(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("program_trials.stops")


def test_stops_at_random_moments_change_neither_scores_nor_verdict(
    stops: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "train.py").write_text(TRAIN)
    (tmp_path / "slow.yaml").write_text(json.dumps(RECIPE))
    words = [str(tmp_path / "slow.yaml"), "--device", "cpu", "--workers"]
    four, answer, _ = stops.run_undisturbed(tmp_path / "four", [*words, "4"])
    assert answer["verdict"] == "UNDECIDED"
    assert four.scores() == {
        seed: [[random.Random(seed).gauss(0, 1)]] for seed in range(len(answer["seeds"]))
    }
    (tmp_path / "stopped").mkdir()
    launcher = type(four)(tmp_path / "stopped", [*words, "1"])
    found = stops.stop_and_resume(launcher, 2, longest=0.5)  # a seed takes 0.4 s or more
    assert found.stops == {"SIGINT": 1, "SIGKILL": 1}
    assert found.within_seed >= 1
    assert found.scores == four.scores()
    assert stops.judged(found.answer) == stops.judged(answer)
