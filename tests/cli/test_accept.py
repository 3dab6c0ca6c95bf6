"""`papertrial accept`: exit codes, output and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
ROWS = (0.900, 0.904, 0.898, 0.902, 0.896, 0.903, 0.899, 0.901, 0.905, 0.897)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, gain, odd in (("base", 0, 0), ("good", 0.03, 2), ("bad", -0.03, 2), ("null", 0, 9)):
        lines = [f"{i},{x + gain + odd * (-1) ** i / 2000}" for i, x in enumerate(ROWS)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["seed,bleu", *lines]))
    return tmp_path


def ask(invoke: Invoke, folder: Path, name: str, *more: str) -> Result:
    words = ["accept", "--ledger", "l.jsonl", "--baseline", "base.csv", "--candidate"]
    return invoke(
        *words, f"{name}.csv", "--metric", "bleu", "--higher-is-better", *more, cwd=folder
    )


@pytest.mark.parametrize(
    ("name", "code", "decision"),
    [("good", 0, "ACCEPTED"), ("bad", 1, "REJECTED"), ("null", 3, "UNDECIDED")],
)
def test_the_exit_code_is_the_decision(
    invoke: Invoke, folder: Path, name: str, code: int, decision: str
) -> None:
    done = ask(invoke, folder, name)
    assert done.exit_code == code, done.stderr
    assert done.stdout.startswith(f"{decision}: ")
    assert "l.jsonl, idea 1" in done.stdout
    again = ask(invoke, folder, name, "--json")
    assert again.exit_code == code
    told = json.loads(again.stdout)
    assert (told["decision"], told["new"]) == (decision, False)
    assert "decided before" in again.stderr


def test_the_ledger_is_shown(invoke: Invoke, folder: Path) -> None:
    for name in ("good", "null"):
        ask(invoke, folder, name)
    done = invoke("accept", "--ledger", "l.jsonl", "--show", "--json", cwd=folder)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["decision"] for one in told["decisions"]] == ["ACCEPTED", "UNDECIDED"]
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert lines[-1] == f"head: {told['head']}"
    wrong = invoke("accept", "--ledger", "l.jsonl", "--show", "--head", "0" * 64, cwd=folder)
    assert wrong.exit_code == 2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--baseline", "base.csv"], "--candidate is missing"),
        (["--candidate", "base.csv"], "--baseline is missing"),
        (["--baseline", "base.csv", "--candidate", "good.csv", "--head", "0"], "--head"),
        (["--show"], "there is no ledger"),
    ],
)
def test_incomplete_input_is_one_message(
    invoke: Invoke, folder: Path, words: list[str], named: str
) -> None:
    done = invoke("accept", "--ledger", "new.jsonl", *words, cwd=folder)
    assert done.exit_code == 2
    assert named in done.stderr
    assert not (folder / "new.jsonl").exists()
