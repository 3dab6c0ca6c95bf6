"""Verifications of programs on trial, in short: stops, processes that survive, equal scores.

`benchmarks/programs_on_trial.py` is the long form, with 20 stops and a program that prints 2 GB.
"""

from __future__ import annotations

import json
import random
import signal
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
    found = stops.stop_and_resume(launcher, 4, longest=0.7)
    assert found.stops == {"SIGINT": 2, "SIGKILL": 2}
    assert found.within_seed >= 1
    assert found.scores == four.scores()
    assert stops.judged(found.answer) == stops.judged(answer)


@pytest.mark.parametrize(
    ("what", "number"),
    [("starts a daemon", signal.SIGKILL), ("ignores SIGTERM", signal.SIGINT)],
)
def test_a_program_that_is_hard_to_end_does_not_survive(
    stops: ModuleType, tmp_path: Path, what: str, number: signal.Signals
) -> None:
    assert stops.end_stubborn(tmp_path / "stubborn", what, number) < 30


def test_a_training_has_the_same_scores_as_a_recipe_and_as_a_program(
    script: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    same = script("program_trials.same_training")
    claims = {"loss": {"value": 1.5, "tolerance": 0.3}}
    known = [
        "verify.sd.value=0.05",
        "verify.sd.is=bound",
        "--max-seeds",
        "2",
    ]  # two seeds are enough
    words = [*known, "--workers", "1", "--threads", "1", "--device", "cpu"]
    ours, program, first, second = same.verify_twice(
        tmp_path, "digits-mlp", ["epochs=3"], claims, words
    )
    assert ours.scores() == program.scores()
    assert len(ours.scores()) == 2
    assert first["verdict"] == "REPRODUCED"
    assert same.verdicts(first) == same.verdicts(second)
