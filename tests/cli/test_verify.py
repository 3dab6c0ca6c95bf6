"""`papertrial verify` with its worker processes: exit codes, output, Ctrl-C, seeds that die."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

import papertrial as pt
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification import run_seeds as run_seeds_module

Invoke = Callable[..., Result]
ANSWER = {
    "recipe", "verdict", "report", "verification", "preregistration", "seeds", "claims", "headline",
    "deviations",
    "warnings",
}  # fmt: skip
CLAIM = {
    "metric", "split", "kind", "value", "tolerance", "n", "mean", "sd", "low", "high",
    "holds_within", "verdict", "why",
}  # fmt: skip
DIGITS = """
name: digits
task: image-classification
data: {source: digits, splits: {test: 0.5}, batch_size: 64}
model: {use: papertrial.models.MLP, in_features: 64, hidden: [16], out_features: 10}
loss: torch.nn.CrossEntropyLoss
optimizer: {use: torch.optim.Adam, lr: 0.01}
epochs: 20
metrics: [loss, accuracy]
claims:
"""
HOLDS = "  - {kind: expected, metric: accuracy, value: 0.88, tolerance: 0.11}\n"
# What is trained here has its own data: each worker process is then ready a second earlier.
PLANE = """
name: plane
task: regression
data: {source: "./plane.py:plane", batch_size: 4, shuffle: true}
model: MODEL
loss: torch.nn.MSELoss
optimizer: {use: torch.optim.SGD, lr: 0.04}
epochs: EPOCHS
metrics: [loss, mae]
claims:
"""
LINEAR = "{use: torch.nn.Linear, in_features: 3, out_features: 1}"
SOURCE = """
import numpy as np


def plane():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(60, 3))
    y = x @ np.array([1.0, -2.0, 3.0]) + draws.normal(size=60)
    return {"train": (x[:40], y[:40]), "test": (x[40:], y[40:])}
"""
CLOSE = "  - {kind: expected, metric: mae, value: 0.9, tolerance: 0.2}\n"
COUNTED = "  - {metric: parameters, value: 4, kind: exact}\n"


def plane(folder: Path, claims: str, model: str = LINEAR, epochs: int = 5) -> None:
    """Write plane.yaml and its data."""
    (folder / "plane.py").write_text(SOURCE)
    text = PLANE.replace("MODEL", model).replace("EPOCHS", str(epochs))
    (folder / "plane.yaml").write_text(text + claims)


def remaining(group: int, within: float = 5.0) -> list[str]:
    """The commands of a process group that are still running after a while."""
    until, found = time.monotonic() + within, [""]
    while found and time.monotonic() < until:
        time.sleep(0.02)
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):  # none where the system has no /proc
            with contextlib.suppress(OSError):
                state, _, of = stat.read_text().rpartition(") ")[2].split()[:3]
                if int(of) == group and state != "Z":
                    found.append((stat.parent / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A verification in a process group that got Ctrl-C as soon as a seed had ended."""
    folder = tmp_path_factory.mktemp("stopped")
    plane(folder, CLOSE + COUNTED, epochs=100)
    command = [sys.executable, "-W", "error", "-m", "papertrial", "verify", "plane.yaml"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--workers", "2", "--json"],
        stdout=pipe, stderr=pipe, text=True, cwd=folder, start_new_session=True,
    ) as process:  # fmt: skip
        until = time.monotonic() + 120
        ended = "runs/plane/*/outcomes.jsonl"
        while not any(path.stat().st_size for path in folder.glob(ended)):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        left = remaining(process.pid)
    (path,) = folder.glob("runs/plane/*-verify")
    times = {file: file.stat().st_mtime_ns for file in path.glob("seeds/*/*")}
    text = (path / "outcomes.jsonl").read_text()
    return SimpleNamespace(
        folder=folder, path=path, code=process.returncode, out=out, err=err, left=left,
        state=json.loads((path / "verification.json").read_text()), times=times,
        outcomes=[json.loads(line) for line in text.splitlines()],
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(stopped: SimpleNamespace, invoke: Invoke) -> Result:
    """The same command again, with one worker."""
    return invoke("verify", "plane.yaml", "--workers", 1, "--json", cwd=stopped.folder)


def test_ctrl_c_stops_all_and_keeps_what_is_finished(stopped: SimpleNamespace) -> None:
    assert (stopped.code, stopped.out) == (130, "")
    *_, advice, last = stopped.err.splitlines()
    assert last == "interrupted"
    path = stopped.path.relative_to(stopped.folder)
    seeds = len(stopped.outcomes)
    assert advice.startswith(f"{seeds} seed")
    assert f"saved in {path}; to resume, run the same command" in advice
    assert "Traceback" not in stopped.err
    assert stopped.state["state"] == "interrupted"
    assert stopped.outcomes[0]["state"] == "finished"
    assert stopped.left == []


def test_the_rule_is_shown_before_the_first_seed(stopped: SimpleNamespace) -> None:
    written = (stopped.path / "preregistration.json").read_bytes()
    sha256 = hashlib.sha256(written).hexdigest()
    before, found, after = stopped.err.partition(f"SHA-256 {sha256}\n")
    assert found
    assert "claim 1: test mae 0.9" in before
    assert "seed 0  started" not in before
    assert "seed 0  started" in after
    first = min(file.stat().st_mtime_ns for file in stopped.path.glob("seeds/*/provenance.json"))
    assert (stopped.path / "preregistration.json").stat().st_mtime_ns < first


def test_the_same_command_goes_on(stopped: SimpleNamespace, done: Result) -> None:
    assert done.exit_code == 0, done.stderr
    text = (stopped.path / "outcomes.jsonl").read_text()
    records = [json.loads(line) for line in text.splitlines()]
    assert records[: len(stopped.outcomes)] == stopped.outcomes
    assert len({record["seed"] for record in records}) == len(records)  # none a second time
    finished = {stopped.path / record["runs"][0] for record in stopped.outcomes}
    kept = {file: when for file, when in stopped.times.items() if file.parent in finished}
    assert kept
    assert {file: file.stat().st_mtime_ns for file in kept} == kept


def test_json_is_the_last_line_and_the_only_one_on_standard_output(
    stopped: SimpleNamespace, done: Result
) -> None:
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert set(answer) == ANSWER
    assert (answer["recipe"], answer["verdict"]) == ("plane", "REPRODUCED")
    assert all(set(claim) >= CLAIM for claim in answer["claims"])
    error, parameters = answer["claims"]
    assert (error["kind"], error["n"]) == ("expected", len(answer["seeds"]))
    assert 0.7 <= error["low"] < error["mean"] < error["high"] <= 1.1
    assert (parameters["kind"], parameters["mean"], parameters["n"]) == ("exact", 4, 0)
    assert parameters["split"] is None
    assert stopped.folder / answer["verification"] == stopped.path
    written = (stopped.path / "preregistration.json").read_bytes()
    assert answer["preregistration"] == hashlib.sha256(written).hexdigest()
    assert stopped.folder / answer["report"] == stopped.path / "report.html"
    for name in ("report.html", "report.md", "report.json"):
        assert "REPRODUCED" in (stopped.path / name).read_text()
    kept = json.loads((stopped.path / "report.json").read_text())["preregistration"]
    assert kept["sha256"] == answer["preregistration"]
    assert {"format": 3, **kept["registered"]} == json.loads(written)


def test_processes_and_stops_change_neither_scores_nor_verdicts(
    stopped: SimpleNamespace, done: Result, tmp_path: Path
) -> None:
    kept = [json.loads(line) for line in (stopped.path / "outcomes.jsonl").read_text().splitlines()]
    for record in sorted(kept, key=lambda record: record["seed"])[:2]:  # of a worker each
        recipe = pt.load_recipe(stopped.folder / "plane.yaml", [f"seed={record['seed']}"])
        run = pt.train(recipe, runs=tmp_path, threads=1)
        assert record["scores"] == [[run.metrics["test"]["mae"]]]
        weights = (run.path / "model.safetensors").read_bytes()
        assert record["weights"] == hashlib.sha256(weights).hexdigest()


def test_what_is_finished_is_told_again_without_training(
    stopped: SimpleNamespace, done: Result, invoke: Invoke, no_workers: None
) -> None:
    again = invoke("verify", "plane.yaml", "--json", cwd=stopped.folder)
    assert (again.exit_code, again.stdout) == (0, done.stdout)
    plain = invoke("verify", "plane.yaml", cwd=stopped.folder)
    assert plain.exit_code == 0
    lines = plain.stdout.splitlines()
    assert lines[0].startswith("REPRODUCED: all 2 claims of plane")
    assert lines[1].startswith("  test mae 0.9 (expected): REPRODUCED; after 5 seeds")
    assert lines[2].startswith("    0 of 5 seeds collapsed")
    assert lines[3].startswith("  parameters 4: REPRODUCED; ")
    assert lines[5] == f"report: {stopped.path.relative_to(stopped.folder)}/report.html"
    kept = stopped.path / "report.json"
    moved = kept.rename(stopped.path / "moved.json")
    without = invoke("verify", "plane.yaml", "--json", cwd=stopped.folder)
    moved.rename(kept)
    assert without.exit_code == 0
    assert json.loads(without.stdout) == {**json.loads(done.stdout), "warnings": []}


@pytest.fixture
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: Any, **more: Any) -> None:
        raise AssertionError("worker processes are started")

    monkeypatch.setattr(run_seeds_module, "Workers", none)


NET = """
import os
import signal
from pathlib import Path

import torch

from papertrial.data.streams import derive

SEEDS = {derive(seed, "init"): seed for seed in range(9)}
ONCE = Path("once")


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.seed = SEEDS.get(torch.initial_seed())
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, x):
        if self.seed == 2 and not ONCE.exists():
            ONCE.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.seed == 6 and self.training:
            os._exit(9)
        output = self.layer(x)
        return output * float("nan") if self.seed == 1 and self.training else output
"""


def test_seeds_that_diverge_or_die_leave_the_others_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    rule = "verify: {max_seeds: 7, max_diverged: 0.4}\n"
    plane(tmp_path, CLOSE.replace("0.9", "1.07").replace("0.2", "0.003") + rule, '"./net.py:Net"')
    done = invoke("verify", "plane.yaml", "--workers", 1, cwd=tmp_path)
    assert done.exit_code == 3, done.stderr
    (path,) = tmp_path.glob("runs/plane/*-verify")
    records = list(map(json.loads, (path / "outcomes.jsonl").read_text().splitlines()))
    assert [(record["seed"], record["state"], record["attempts"]) for record in records] == [
        (0, "finished", 1),
        (1, "diverged", 1),
        (2, "finished", 2),
        (3, "finished", 1),
        (4, "finished", 1),
        (5, "finished", 1),
        (6, "crashed", 2),
    ]
    assert records[6]["error"] == "ended with exit code 9"
    assert all(record["seconds"] > 0 for record in records)
    assert "seed 2 starts again: killed by signal 9 (SIGKILL): out of memory?" in done.stderr
    assert "seed 6 crashed" in done.stderr
    assert done.stdout.startswith("UNDECIDED: 5 seeds of plane neither confirm nor refute")
    report = json.loads((path / "report.json").read_text())
    assert (report["diverged"]["count"], report["diverged"]["of"]) == (2, 7)
    assert report["diverged"]["held"] is True
    assert [seed["state"] for seed in report["seeds"]] == [record["state"] for record in records]


@pytest.mark.usefixtures("no_workers")
def test_counts_alone_are_decided_without_training(invoke: Invoke, tmp_path: Path) -> None:
    plane(tmp_path, COUNTED)
    right = invoke("verify", "plane.yaml", "--json", cwd=tmp_path)
    assert (right.exit_code, json.loads(right.stdout)["seeds"]) == (0, [])
    assert not list(tmp_path.glob("runs/plane/*/seeds"))
    again = invoke("verify", "plane.yaml", "--again", "--json", cwd=tmp_path)
    answers = [json.loads(each.stdout) for each in (right, again)]
    assert answers[0]["verification"] != answers[1]["verification"]
    first, second = (
        VerificationFolder(tmp_path / one["verification"]).registered for one in answers
    )
    assert (first.terms, first.data) == (second.terms, ())
    assert first.registered < second.registered
    report = json.loads((tmp_path / answers[1]["verification"] / "report.json").read_text())
    assert [one["this"] for one in report["attempts"]] == [False, True]
    samples = "  - {metric: samples, split: test, value: 20, kind: exact}\n"
    plane(tmp_path, COUNTED.replace("4", "5") + samples)
    wrong = invoke("verify", "plane.yaml", "--json", cwd=tmp_path)
    assert wrong.exit_code == 1
    claims = json.loads(wrong.stdout)["claims"]
    assert [claim["verdict"] for claim in claims] == ["NOT REPRODUCED", "REPRODUCED"]
    assert [claim["mean"] for claim in claims] == [4, 20]


def one(text: str) -> str:
    return f"{DIGITS}  - {{{text}}}\n"


@pytest.mark.usefixtures("no_workers")
@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        (
            one("kind: expected, metric: f1, value: 0.8, tolerance: 0.1"),
            [],
            "the recipe does not compute f1; it computes loss, accuracy; add",
        ),
        (
            one("kind: expected, metric: auroc, value: 0.8, tolerance: 0.1").replace(
                "[loss, accuracy]", "[]"
            ),
            [],
            "does not compute auroc; it computes loss, accuracy, precision, recall, f1; add it to",
        ),
        (
            one("kind: expected, metric: accuracy, split: validation, value: 0.8, tolerance: 0.1"),
            [],
            "digits has no validation part; set data.splits.validation",
        ),
        (one("metric: accuracy, value: 0.8"), [], "claims.0.tolerance: is missing"),
        (
            one("kind: expected, metric: accuracy, value: 0.8, tolerance: -0.1"),
            [],
            "claims.0.tolerance: must be 0 or more",
        ),
        (
            one("kind: expected, metric: accuracy, value: 55, tolerance: 0.1"),
            [],
            'claims.0.value: 55 is more than 1: accuracy is a fraction; write 0.55 or "55 %"',
        ),
        (
            one("kind: expected, metric: accuracy, value: 0.55, tolerance: 3"),
            [],
            "claims.0.tolerance: 3 is too large for accuracy",
        ),
        (DIGITS + HOLDS, ["--max-seeds", "4"], "verify.max_seeds"),
        (DIGITS + HOLDS, ["--seeds", "1,1,2,3,4"], "a list of at least 2 different whole numbers"),
        (DIGITS + HOLDS, ["--seeds", "1,2,3"], "verify.seeds: must be at least 5"),
        (DIGITS + HOLDS, ["--seeds", "1,2,x,4,5"], "a list of at least 2 different whole numbers"),
        (DIGITS + HOLDS, ["--alpha", "0.7"], "verify.alpha"),
        (DIGITS + HOLDS, ["--statistic", "mode"], "verify.statistic"),
        (DIGITS + HOLDS, ["--horizon", "soon"], "verify.horizon"),
        (DIGITS + HOLDS, ["--workers", "0"], "Invalid value for '--workers'"),
        (DIGITS + HOLDS, ["--threads", "0"], "Invalid value for '--threads'"),
        (DIGITS + HOLDS, ["--device", "tpu"], "error: a device is auto, cpu, mps, cuda or cuda:N"),
        (
            DIGITS + HOLDS,
            ["epochs=1"],
            "not judged: the setting differs: epochs=1",
        ),
        (DIGITS + HOLDS, ["metrics=[loss]"], "there is nothing to verify; its "),
        (DIGITS.replace("claims:", ""), [], "nothing to verify; it has no claims; add `claims:`"),
        (
            one(
                "metric: accuracy, value: 0.1, kind: difference, side: at-least, "
                "versus: {set: {model.hidden: [16]}}"
            ),
            [],
            "versus is the recipe itself",
        ),
        (
            DIGITS + HOLDS,
            ["--runs", "digits.yaml"],
            "cannot write digits.yaml/digits: Not a directory",
        ),
    ],
)
def test_bad_input_is_told_before_anything_is_kept(
    invoke: Invoke, tmp_path: Path, text: str, words: list[str], told: str
) -> None:
    (tmp_path / "digits.yaml").write_text(text)
    done = invoke("verify", "digits.yaml", *words, cwd=tmp_path)
    said = " ".join(done.stderr.replace("\u2502", " ").split())
    assert told in said
    assert (done.exit_code, done.stdout) == (2, "")
    assert not list(tmp_path.glob("runs/*/*"))


def test_a_recipe_that_is_not_there(invoke: Invoke, tmp_path: Path) -> None:
    for name in ("fashion-mnist-quikstart", "absent.yaml"):
        done = invoke("verify", name, cwd=tmp_path)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ")
        assert name in done.stderr


def test_what_a_report_warns_of_is_shown(tmp_path: Path, invoke: Invoke) -> None:
    recipe = {
        "name": "same",
        "program": {
            "command": ["sh", "-c", "echo acc 0.9 # {seed}"],
            "folder": ".",
            "scores": {"accuracy": {"pattern": "acc (.+)"}},
        },
        "claims": [{"metric": "accuracy", "value": 0.8, "kind": "at-least"}],
    }
    (tmp_path / "same.yaml").write_text(json.dumps(recipe))
    done = invoke("verify", "same.yaml", "--runs", "../runs", cwd=tmp_path)
    assert "REPRODUCED" in done.stdout
    assert "warning: all 5 seeds gave exactly the same scores" in done.stderr
    again = invoke("verify", "same.yaml", "--runs", "../runs", cwd=tmp_path)
    assert "warning: all 5 seeds gave exactly the same scores" in again.stderr
