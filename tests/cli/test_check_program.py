"""`papertrial check` of a program as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
RECIPE = """name: shell
program:
  command: [sh, run.sh, "{seed}"]
  folder: .
  parameters: {digit: 1}
  environment: {DIGIT: "{digit}"}
  scores:
    accuracy: {pattern: 'acc: ([0-9.]+)%', unit: percent}
claims:
  - {metric: accuracy, value: "91 %", tolerance: "1 point", kind: expected}
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the recipe of a shell script; the home folder and that of temporary files are new."""
    for name in ("home", "temporary", "shell"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "home")
    (tmp_path / "shell" / "run.sh").write_text('echo "acc: 9$DIGIT.$1%"\n')
    (tmp_path / "shell" / "recipe.yaml").write_text(RECIPE)
    return tmp_path / "shell" / "recipe.yaml"


def test_the_lines(invoke: Invoke, recipe: Path) -> None:
    done = invoke("check", recipe)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"code: {recipe.parent}, 2 files, not in a Git repository"
    assert lines[1].startswith("interpreter: /")
    assert lines[2] == "accuracy: 91.15 %, as 0.9115, from stdout.txt line 1: acc: 91.15%"
    assert lines[3:5] == [
        "seed 15 twice: the same scores: deterministic", "seeds 15, 16: different scores",
    ]  # fmt: skip
    assert lines[5].startswith("one seed: 0.")
    assert lines[6].startswith("estimate: ")
    assert lines[6].endswith("for a verification, 5 to 15 seeds with one worker")
    assert lines[-1] == f"{recipe}: ok; 0 errors, 0 warnings"


def test_json(invoke: Invoke, recipe: Path) -> None:
    done = invoke("check", recipe, "--json", "--quick", "program.parameters.digit=2")
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    program = report["facts"]["program"]
    assert report["ok"] is True
    assert program["scores"]["accuracy"] == {
        "value": 0.9215, "unit": "percent", "file": "stdout.txt", "line": 1,
        "text": "acc: 92.15%", "matches": 1, "which": "only",
    }  # fmt: skip
    assert program["seed"]["deterministic"] is True
    assert program["run"]["quick"] == ["program.parameters.digit=2"]
    assert program["run"]["least_seconds"] is None


def test_an_error_is_2(invoke: Invoke, recipe: Path) -> None:
    done = invoke("check", recipe, "program.parameters.digit=x")
    assert done.exit_code == 2
    assert "error program.scores.accuracy: " in done.stdout
    assert "stdout.txt line 1: acc: 9x.15%" in done.stdout


def test_no_run(invoke: Invoke, recipe: Path) -> None:
    done = invoke("check", recipe, "--no-run")
    assert done.exit_code == 0
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "code", "interpreter", str(recipe),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--time-limit", "soon"], "--time-limit is a positive number of seconds"),
        (["--time-limit", "0"], "--time-limit is a positive number of seconds"),
        (["--quick", "epochs=1"], "--quick changes the runs of a program"),
        (["--device", "tpu"], "a device is auto, cpu"),
    ],
)
def test_bad_options(invoke: Invoke, recipe: Path, words: list[str], message: str) -> None:
    done = invoke("check", recipe, *words)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.parametrize("word", ["--no-run", "--quick=program.timeout=3"])
def test_options_of_programs_are_not_for_models(invoke: Invoke, word: str) -> None:
    done = invoke("check", "digits-mlp", word)
    assert done.exit_code == 2
    assert "digits-mlp trains a model" in done.stderr


def test_an_interrupt_ends_the_program_and_leaves_nothing(recipe: Path, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    (recipe.parent / "run.sh").write_text(f"echo $$ > {mark}; sleep 60\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "papertrial", "check", str(recipe)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_shell_script_is_checked_within_two_seconds_of_processor_time(recipe: Path) -> None:
    code = (
        "import sys, resource\nfrom papertrial.cli.main import make_app\n"
        "make_app()(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_utime)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(recipe)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < 2
