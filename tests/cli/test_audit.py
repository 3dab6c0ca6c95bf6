"""`papertrial audit`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Invoke = Callable[..., Result]


def test_a_verification_that_agrees(invoke: Invoke, verified: Path) -> None:
    done = invoke("audit", verified, "--seed", "2")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok      registration: SHA-256 ")
    assert lines[-3:-1] == [
        "ok      predictions: the weights of seed 2 give the stored outputs on the data, bit for "
        "bit",
        "ok      retraining: seed 2 trained again: same weights, bit for bit; same predictions, "
        "scores",
    ]
    assert lines[-1] == f"everything agrees: {verified}"
    assert "training seed 2 again" in done.stderr


def test_no_seed_is_trained_where_none_is_to_be(invoke: Invoke, verified: Path) -> None:
    done = invoke("audit", verified, "--no-retrain", "--json")
    assert done.exit_code == 0
    kept = json.loads(done.stdout)
    assert list(kept) == ["verification", "ok", "seed", "findings"]
    assert (kept["verification"], kept["ok"]) == (str(verified), True)
    assert kept["seed"] in range(5)
    assert list(kept["findings"][0]) == ["check", "ok", "message", "warning"]
    assert "retraining" not in {finding["check"] for finding in kept["findings"]}
    assert "ok      verdicts: " in done.stderr


def test_a_difference_is_exit_code_1(invoke: Invoke, verified: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(verified, tmp_path / verified.name)
    text = (folder / "recipe.yaml").read_text()
    (folder / "recipe.yaml").write_text(text.replace("tolerance: 500", "tolerance: 900", 1))
    done = invoke("audit", folder, "--no-retrain")
    assert done.exit_code == 1
    told = [line for line in done.stdout.splitlines() if line.startswith("differs ")]
    assert told[-1].startswith("differs recipe: claims.0.")
    assert done.stdout.splitlines()[-1] == f"{len(told)} differences: {folder}"
    as_json = invoke("audit", folder, "--no-retrain", "--json")
    assert as_json.exit_code == 1
    assert not json.loads(as_json.stdout)["ok"]


def test_what_cannot_be_audited_is_exit_code_2(
    invoke: Invoke, verified: Path, tmp_path: Path
) -> None:
    absent = invoke("audit", tmp_path / "nothing")
    assert absent.exit_code == 2
    assert "is not the folder of a verification" in absent.stderr
    seed = invoke("audit", verified, "--seed", "99")
    assert (seed.exit_code, seed.stdout) == (2, "")
    assert seed.stderr == (
        "error: seed 99 is not in this verification; those that ended: 0, 1, 2, 3, 4\n"
    )
