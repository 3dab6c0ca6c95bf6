"""`papertrial register`: what it prints and writes, and that `verify` and `audit` use it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from papertrial.recipe.draw_seeds import draw_seeds

Invoke = Callable[..., Result]
RECIPE = "diabetes-linear"
ANSWER = {
    "recipe", "verification", "preregistration", "registered", "new", "commit", "digest",
}  # fmt: skip


def answer(done: Result) -> dict[str, str]:
    assert done.exit_code == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_it_prints_the_rule_the_folder_and_the_hash(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("register", RECIPE, "--max-seeds", "6", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    (folder,) = (tmp_path / "runs" / RECIPE).glob("*-verify")
    sha = hashlib.sha256((folder / "preregistration.json").read_bytes()).hexdigest()
    assert lines[0].startswith("claim 1: ")
    assert lines[-2].endswith(f" in {folder.relative_to(tmp_path)}")
    assert lines[-1] == f"SHA-256 of preregistration.json: {sha}"
    assert not (folder / "seeds").exists()


def test_json_then_verify_then_audit(invoke: Invoke, tmp_path: Path) -> None:
    options = (RECIPE, "--seeds-from", "a public text", "--max-seeds", "5", "--alpha", "0.04")
    first = answer(invoke("register", *options, "--ots", "--json", cwd=tmp_path))
    assert set(first) == ANSWER
    assert (first["recipe"], first["new"], first["commit"]) == (RECIPE, True, None)
    again = answer(invoke("register", *options, "--json", cwd=tmp_path))
    assert again == {**first, "new": False}
    kept = json.loads((tmp_path / first["verification"] / "preregistration.json").read_text())
    assert kept["seeds"] == list(draw_seeds("a public text", 5))
    assert (kept["seeds_from"], kept["alpha"]) == ("a public text", 0.04)
    verified = json.loads(
        invoke("verify", *options, "--workers", "1", "--json", cwd=tmp_path).stdout
    )
    assert verified["verification"] == first["verification"]
    assert verified["preregistration"] == first["preregistration"]
    audited = invoke("audit", first["verification"], "--no-retrain", cwd=tmp_path)
    assert audited.exit_code == 0, audited.stdout
    assert "ok      order: registered at " in audited.stdout
    assert "all are drawn from the registered text 'a public text'" in audited.stdout
    assert invoke("register", *options, cwd=tmp_path).exit_code == 2  # it has started


def test_the_commit_is_printed(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for words in ("init", "config user.name A", "config user.email a@example.org"):
        subprocess.run(
            ["git", "-C", str(tmp_path), *words.split()], capture_output=True, check=True
        )
    done = invoke("register", RECIPE, "--git", cwd=tmp_path)
    head = subprocess.run(
        ["git", "-C", str(tmp_path), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"git commit: {head.stdout.strip()}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seeds-from", "x"], "--seeds-from needs --max-seeds"),
        (["--seeds-from", "x", "--seeds", "1,2,3,4,5"], "--seeds and --seeds-from exclude"),
        (["--seeds-from", "x", "--max-seeds", "4"], "verify.seeds.count"),
        (["--seeds-from", " x", "--max-seeds", "5"], "verify.seeds.from"),
        (["--seeds", "1,2,3,3,4"], "2 different whole numbers"),
        (["verify.seeds.from=x"], "verify.seeds.count: is missing"),
        (["--max-seeds", "6", "verify.seeds={from: x, count: 7}"], "verify.max_seeds: must be"),
        (["--threads", "0"], "Invalid value for '--threads'"),
        (["--device", "tpu"], "a device is auto, cpu, mps, cuda or cuda:N"),
        (["claims=[]"], "nothing to verify"),
    ],
)
def test_bad_input_leaves_nothing(
    invoke: Invoke, tmp_path: Path, words: list[str], told: str
) -> None:
    done = invoke("register", RECIPE, *words, cwd=tmp_path)
    assert done.exit_code == 2, done.stdout
    assert told in " ".join(done.stderr.replace("\u2502", " ").split())
    assert not list(tmp_path.glob("runs/*/*"))


def test_without_a_repository(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = invoke("register", RECIPE, "--git", cwd=tmp_path)
    assert done.exit_code == 2
    assert "is not in a git repository" in done.stderr
    assert not list(tmp_path.glob("runs/*/*"))
