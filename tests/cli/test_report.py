"""`papertrial report`: a run's report in its folder, a verification's rendered once more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import papertrial as pt
from papertrial.report.run_report import run_report
from papertrial.store.verification_records import VerificationState

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    few = ["epochs=1", "metrics=[loss, accuracy]", "claims=[]"]
    return pt.train(pt.load_recipe("digits-mlp", few), runs=tmp_path_factory.mktemp("runs"))


def test_a_report_is_written_into_the_run(invoke: Invoke, run: pt.Run) -> None:
    done = invoke("report", run.path)
    assert done.exit_code == 0, done.stderr
    headline, path = done.stdout.splitlines()
    accuracy = f"{run.metrics['test']['accuracy']:.6g}"
    assert headline.startswith(f"digits-mlp, one run (seed 0): test accuracy {accuracy}. ")
    assert path == f"report: {run.path / 'report.html'}"
    assert accuracy in (run.path / "report.html").read_text()
    assert (run.path / "report.md").read_text().startswith(f"# {headline}")
    result = json.loads(invoke("report", run.path, "--json").stdout)
    assert result == {
        "run": str(run.path), "report": str(run.path / "report.html"), "headline": headline,
        "warnings": [],
    }  # fmt: skip
    kept = json.loads((run.path / "report.json").read_text())
    assert (kept["kind"], kept["headline"]) == ("run", headline)


def test_a_verification_is_rendered_from_what_it_kept(
    invoke: Invoke, run: pt.Run, tmp_path: Path
) -> None:
    (tmp_path / "preregistration.json").write_text("{}")
    done = invoke("report", tmp_path)
    assert done.exit_code == 2
    assert "is not finished (its state is 'not started')" in done.stderr
    assert "the same `papertrial verify` command" in done.stderr
    kept = run_report(run).model_copy(update={"headline": "It held.", "warnings": ("look twice",)})
    (tmp_path / "report.json").write_text(kept.to_json())
    done = invoke("report", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == ["It held.", f"report: {tmp_path / 'report.html'}"]
    assert "warning: look twice" in done.stderr
    assert "It held." in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"kind": "verification"}',
        '{"format": 1, "kind": "run", "recipe": "r", "curves": [{}]}',
        '{"format": 1000000, "kind": "run"}',
    ],
)
def test_a_damaged_or_newer_report_is_2(invoke: Invoke, tmp_path: Path, text: str) -> None:
    (tmp_path / "preregistration.json").write_text("{}")
    (tmp_path / "report.json").write_text(text)
    done = invoke("report", tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert str(tmp_path / "report.json") in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_an_unfinished_verification_names_its_state(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "preregistration.json").write_text("{}")
    state = VerificationState(
        state="interrupted", recipe="r", started="2026-01-01T00:00:00+00:00",
        preregistration="ab" * 32, commands=(), workers=1, pid=1, host="h",
    )  # fmt: skip
    (tmp_path / "verification.json").write_text(state.to_json())
    done = invoke("report", tmp_path)
    assert done.exit_code == 2
    assert "its state is 'interrupted'" in done.stderr
    (tmp_path / "verification.json").write_text("{}")
    done = invoke("report", tmp_path)
    assert done.exit_code == 2
    assert str(tmp_path / "verification.json") in done.stderr


def test_what_has_no_report_is_2(invoke: Invoke, run: pt.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "hurt")
    (tmp_path / "hurt" / "predictions" / "test.safetensors").unlink()
    (tmp_path / "hurt" / "report.html").unlink(missing_ok=True)
    for path, message in (
        (tmp_path, "is not a run folder"),
        (tmp_path / "nowhere", "there is no run folder"),
        (tmp_path / ("a" * 5000), "there is no run folder"),
        (tmp_path / "hurt", "has no readable predictions/test.safetensors"),
    ):
        done = invoke("report", path)
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr
        assert not (tmp_path / "hurt" / "report.html").exists()
