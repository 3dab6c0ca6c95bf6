"""`verify` on trial, in short: false verdicts are rare, whatever the number of workers.

`benchmarks/verify_on_trial.py` is the long form, with 2,000 trials of each scenario. Each trial
here runs with 1 and with 4 workers, and ends the whole where their outcomes or rulings differ.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from papertrial.claims.run_trial import Ended
from papertrial.claims.seed_outcome import SeedOutcome

PATH = Path(__file__).parents[2] / "benchmarks" / "verify_on_trial.py"


@pytest.fixture(scope="module")
def trial() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_on_trial", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def named(trial: ModuleType, name: str) -> Any:
    return next(scenario for scenario in trial.SCENARIOS if scenario.name == name)


@pytest.mark.parametrize(
    ("name", "trials"),
    [
        ("the claim is exactly right", 60),
        ("upper edge of the band", 60),
        ("at-least, at its edge", 60),
        ("a single run of the same process", 40),
        ("mean of 3 runs, at the band's edge", 40),
        ("best of 5, lower edge", 3),
        ("exactly right, 5 % of the seeds fail", 60),
    ],
)
def test_false_verdicts_are_rare(trial: ModuleType, name: str, trials: int) -> None:
    scenario = named(trial, name)
    found, seeds = trial.count(scenario, trials)
    assert found.total() == trials
    assert 5 <= seeds <= 15
    for verdict in scenario.false:
        assert found[verdict] / trials <= trial.most(trials), found


def test_true_verdicts_are_not(trial: ModuleType) -> None:
    found, seeds = trial.count(named(trial, "the claim is exactly right"), 40)
    assert found["REPRODUCED"] >= 36  # 97 % within 15 seeds where the tolerance is 1.5 SD
    assert 7 < seeds < 10
    far = trial.Scenario("far off", trial.about(5.0), ("REPRODUCED",))
    found, seeds = trial.count(far, 20)
    assert found["NOT REPRODUCED"] == 20
    assert seeds < 7


def test_the_bound_is_5_percent_and_three_standard_errors(trial: ModuleType) -> None:
    assert trial.most(2000) == pytest.approx(0.0646, abs=1e-4)
    assert {s.name for s in trial.SCENARIOS if s.shown} == {
        "edge, on a lattice of SD/2",
        "edge, on a lattice of SD",
        "edge, 5 % of the seeds fail",
        "exactly right, 5 % of the seeds fail",
    }


def test_the_claim_that_is_tried_has_been_registered(trial: ModuleType) -> None:
    claim = named(trial, "best of 5, exactly right").claim(np.random.default_rng(0))
    rule = trial.registered_rule(claim)
    assert (rule.alpha, rule.first_look, len(rule.seeds)) == (0.05, 5, 15)
    assert rule.claims[0].best_of == 5
    assert rule.claims[0].value == pytest.approx(0.7 + 0.01 * 1.16296, abs=1e-6)


def test_workers_that_decide_otherwise_are_told(
    trial: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Leaking(trial.FakePool):  # type: ignore[name-defined, misc]
        """A score that depends on how many seeds are trained at once."""

        def wait(self) -> Any:
            told = super().wait()
            if not isinstance(told, Ended) or told.outcome.state != "finished":
                return told
            score = told.outcome.scores[0][0] + 1e-12 * self._workers
            return Ended(
                SeedOutcome(told.outcome.seed, "finished", ((score,),), told.outcome.weights)
            )

    scenario = named(trial, "the claim is exactly right")
    rule = trial.registered_rule(scenario.claim(np.random.default_rng(0)))
    monkeypatch.setattr(trial, "FakePool", Leaking)
    with pytest.raises(SystemExit, match=r"trial 0: .*number of workers"):
        trial.verdicts(scenario, 0, rule)
