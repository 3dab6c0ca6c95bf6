"""How long a seed takes: as given, or by the earlier runs that are like those of a verification."""

from __future__ import annotations

import math
from pathlib import Path

import joblib
import pytest

from papertrial.cli.seed_time import SeedTime, describe_time, seed_time, time_of_runs
from papertrial.errors import PapertrialError
from papertrial.store.run_seconds import RunSeconds

RUNS = Path("runs")


def test_a_number_of_seeds_takes_its_turns() -> None:
    time = SeedTime(10, 4, "")
    assert [time.of(seeds) for seeds in (1, 4, 5, 8, 9)] == [10, 10, 20, 20, 30]
    assert time.of(None) is None


def test_a_given_time(tmp_path: Path) -> None:
    assert seed_time(["a", "b"], tmp_path, 30, 3) == SeedTime(30, 3, "as given")
    assert seed_time(["a"], tmp_path, 30, None).workers == joblib.cpu_count()
    assert seed_time(["a"], tmp_path / "none", None, None) is None
    for bad in (0, -1, math.inf, math.nan):
        with pytest.raises(PapertrialError, match="--seconds-per-seed must be positive"):
            seed_time(["a"], tmp_path, bad, 1)


def test_the_median_of_earlier_runs() -> None:
    found = [RunSeconds("a", seconds, "cpu", 1) for seconds in (5.0, 100.0, 7.0)]
    time = time_of_runs(["a"], found, RUNS, 2)
    assert time == SeedTime(7.0, 2, "by 3 earlier runs in runs")
    assert time_of_runs(["a"], [], RUNS, 2) is None


def test_both_sides_of_a_difference_are_trained() -> None:
    found = [RunSeconds("a", 5.0, "cpu", 1), RunSeconds("b", 7.0, "cpu", 1)]
    assert time_of_runs(["a", "b"], found, RUNS, 2).seconds == 12
    one = time_of_runs(["a", "new"], found[:1], RUNS, 2)
    assert one.seconds == 10
    assert "not trained yet" in one.source


def test_runs_on_the_newest_kind_of_device_and_with_one_thread_count() -> None:
    gpu = [RunSeconds("a", seconds, f"cuda:{i}", 4) for i, seconds in enumerate((2.0, 3.0))]
    cpu = RunSeconds("a", 90.0, "cpu", 1)
    time = time_of_runs(["a"], [*gpu, cpu], RUNS, None)
    assert (time.seconds, time.workers) == (2.5, 1)
    with_one_thread = [gpu[0], RunSeconds("a", 4.0, "cuda:0", 1), gpu[1]]
    assert time_of_runs(["a"], with_one_thread, RUNS, None).seconds == 4
    time = time_of_runs(["a"], [cpu, *gpu, RunSeconds("a", 80.0, "cpu", 1)], RUNS, None)
    assert (time.seconds, time.workers) == (85, joblib.cpu_count())


def test_where_times_come_from_in_words() -> None:
    told = describe_time(SeedTime(75, 2, "as given"), "mine.yaml", RUNS)
    assert "0:01:15" in told
    assert "2 seeds in parallel" in told
    told = describe_time(None, "mine.yaml", RUNS)
    assert "--seconds-per-seed" in told
    assert "papertrial check mine.yaml" in told
