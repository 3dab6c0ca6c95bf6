"""`papertrial train --resume`, after a signal as a user or a cluster sends it."""

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
WORDS = ["train", "digits-mlp", "epochs=20000", "--threads", "1"]


def _stopped(folder: Path, number: int) -> tuple[int, str, Path]:
    """Start a training, send it a signal when it has recorded a step; return its end and folder."""
    command = [sys.executable, "-m", "papertrial", *WORDS, "--runs", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        end = time.monotonic() + 120
        while not list(folder.glob("*/*/metrics.jsonl")):
            assert time.monotonic() < end
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(number)
        said = process.stderr.read().decode()
    (run,) = folder.glob("digits-mlp/*")
    return process.returncode, said, run


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM that a process can catch")
def test_sigterm_stores_the_state_and_says_how_to_continue(tmp_path: Path, invoke: Invoke) -> None:
    ended, said, run = _stopped(tmp_path, signal.SIGTERM)
    assert ended == 128 + signal.SIGTERM
    assert f"papertrial train --resume {run}" in said.splitlines()
    assert json.loads((run / "provenance.json").read_text())["state"] == "interrupted"
    marks = [json.loads(path.read_text()) for path in run.glob("checkpoints/*.json")]
    newest = max(mark["step"] for mark in marks)
    listed = invoke("runs", "--runs", tmp_path, "--json")
    assert json.loads(listed.stdout)[0]["state"] == "interrupted"
    refused = invoke("train", "digits-mlp", "--resume", run)
    assert refused.exit_code == 2
    absent = invoke("train", "--resume", "20200101T000000Z-0-s0", "--runs", tmp_path)
    assert absent.exit_code == 2
    recipe = run / "recipe.yaml"  # a shorter training would be another one: it is refused
    recipe.write_text(recipe.read_text().replace("epochs: 20000", "epochs: 1"))
    assert invoke("train", "--resume", "latest", "--runs", tmp_path).exit_code == 2
    assert newest > 0
