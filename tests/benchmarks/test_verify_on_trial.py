"""`verify` on trial, in short: false verdicts are rare, whatever the number of workers.

`benchmarks/verify_on_trial.py` is the long form, with 2,000 trials of each scenario. The first
trials look after each seed with 1 and with 4 workers, and fail if their outcomes or rulings differ.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from papertrial.claims.run_trial import Ended
from papertrial.claims.seed_outcome import SeedOutcome


@pytest.fixture(scope="module")
def trial(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("verify_on_trial")


@pytest.fixture(scope="module")
def about(script: Callable[[str], ModuleType]) -> Callable[..., Any]:
    of: Callable[..., Any] = script("on_trial.scenarios").about
    return of


def named(trial: ModuleType, name: str) -> Any:
    return next(scenario for scenario in trial.SCENARIOS if scenario.name == name)


def test_scenarios_draw_what_their_claims_need(trial: ModuleType) -> None:
    for kind in ("expected", "at-least", "mean", "best-of", "difference"):
        scenario = next(one for one in trial.SCENARIOS if one.claims[0]["kind"] == kind)
        rule = scenario.registered_rule()
        assert {claim.kind for claim in rule.claims} == {kind}
        drawn = scenario.scores(np.random.default_rng(0))
        assert [len(row) for row in drawn] == [one.scores_per_seed for one in rule.claims]
    names = [scenario.name for scenario in trial.SCENARIOS]
    assert len(set(names)) == len(names)  # a name is the seed of its random numbers


@pytest.mark.parametrize(
    ("name", "trials"),
    [
        ("the claim is exactly right", 300),
        ("upper edge of the band", 300),
        ("at-least, at its edge", 300),
        ("one run, mean with n unknown, tolerance .5 SD", 200),
        ("paper SD 3 times ours, mean of 3, tolerance .01 SD", 200),
        ("difference, edge, SD ratio 3, correlation -0.9, fixed", 200),
        ("5 claims at their edges, correlation 0", 10),
        ("best of 3, identical process, tolerance .25 SD", 3),
        ("edge, 5 % of the seeds fail", 300),
    ],
)
def test_false_verdicts_are_rare(trial: ModuleType, name: str, trials: int) -> None:
    found = trial.count(named(trial, name), trials, looks=3)
    assert found.trials == trials
    assert 5 <= found.seeds <= 15
    assert found.held, found.verdicts


def test_true_verdicts_are_not(trial: ModuleType, about: Callable[..., Any]) -> None:
    right = named(trial, "the claim is exactly right")
    found = trial.count(right, 40, looks=5)
    assert found.verdicts["REPRODUCED"] >= 36  # 98.7 % within 15 seeds if the tolerance is 1.5 SD
    assert 7 < found.seeds < 10
    far = replace(right, name="far off", claims=about(5.0), false=("REPRODUCED",))
    found = trial.count(far, 20, looks=5)
    assert found.verdicts["NOT REPRODUCED"] == 20
    assert found.seeds < 7


def test_a_number_of_few_runs_taken_as_exact_is_falsely_refuted(
    trial: ModuleType, about: Callable[..., Any]
) -> None:
    noisy = named(trial, "one run, mean with n unknown, tolerance .5 SD")
    found = trial.count(replace(noisy, claims=about(0, 0.5)), 100, looks=0)
    assert not found.held  # 25 %
    assert found.cells[-1] == "EXCEEDED"


def test_the_bound_is_5_percent_and_three_standard_errors(trial: ModuleType) -> None:
    assert trial.most(2000) == pytest.approx(0.0646, abs=1e-4)
    assert [s.name for s in trial.SCENARIOS if s.shown] == ["edge, 5 % of the seeds fail"]
    scenario = named(trial, "upper edge of the band")
    for false, held in ((129, True), (130, False)):
        assert trial.Found(scenario, 2000, Counter(REPRODUCED=false), 15.0).held is held


def test_the_claim_that_is_tried_has_been_registered(trial: ModuleType) -> None:
    scenario = named(trial, "best of 3, identical process, tolerance .25 SD")
    rule = scenario.registered_rule()
    assert (rule.alpha, rule.first_look, len(rule.seeds)) == (0.05, 5, 15)
    assert rule.claims[0].best_of == 3
    values = [scenario.rule_of_trial(rule, i).claims[0].value for i in range(500)]
    assert np.mean(values) == pytest.approx(0.7 + 0.01 * 0.846, abs=0.002)


def test_it_writes_the_rows_and_exits_with_1_if_a_bound_is_exceeded(
    trial: ModuleType, about: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = named(trial, "the claim is exactly right")
    wrong = replace(right, name="wrong", false=("REPRODUCED",))
    words = ["--trials", "20", "--looks", "2", "--json", str(tmp_path / "rows.json")]
    words += ["--markdown", str(tmp_path / "page.md")]
    for scenarios, code in (((right,), 0), ((right, wrong), 1)):
        monkeypatch.setattr(trial, "SCENARIOS", scenarios)
        assert trial.main(words) == code
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["scenario"], row["held"]) for row in rows] == [
        (right.name, True),
        ("wrong", False),
    ]
    assert "| wrong |" in (tmp_path / "page.md").read_text()


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
    rule = scenario.registered_rule()
    monkeypatch.setattr(trial, "FakePool", Leaking)
    with pytest.raises(SystemExit, match=r"trial 0: .*number of workers"):
        trial.verdicts(scenario, 0, rule, looks=True)
