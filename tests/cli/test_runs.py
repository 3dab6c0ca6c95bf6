"""`papertrial runs`: the list, its filters, and `runs show`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import papertrial as pt
from papertrial.record import Record
from papertrial.store.run_records import Environment, Provenance
from papertrial.store.verification_records import ClaimLine, SeedRecord, VerificationState

Invoke = Callable[..., Result]


def provenance(**changes: Any) -> Provenance:
    there = Environment(
        device="cpu", device_name=None, cpu_capability=None, threads=1, versions={}, platform="",
        machine="", host="", pid=1, cpus=1, command="", folder="", git=None,
    )  # fmt: skip
    values = {
        "recipe": "digits-mlp", "seed": 1, "recipe_hash": "ab", "training_hash": "cd", "data": {},
        "environment": there, "started": "2020-01-01T00:00:00+00:00", "state": "failed",
    }  # fmt: skip
    return Provenance.model_validate({**values, **changes})


def state(**changes: Any) -> VerificationState:
    values = {
        "state": "finished", "recipe": "digits-mlp", "started": "2021-01-01T00:00:00+00:00",
        "preregistration": "ab", "commands": ("papertrial verify",), "workers": 1, "pid": 1,
        "host": "",
    }  # fmt: skip
    return VerificationState.model_validate({**values, **changes})


def judged(**changes: Any) -> ClaimLine:
    values = {
        "metric": "accuracy", "split": "test", "kind": "mean", "value": 0.95, "tolerance": 0.01,
        "n": 5, "mean": 0.8725, "sd": None, "low": None, "high": None, "holds_within": None,
        "verdict": "NOT REPRODUCED", "why": "ours are lower", "verdict_median": None,
        "decided_at": None,
    }  # fmt: skip
    return ClaimLine.model_validate({**values, **changes})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run of digits and of diabetes, a failed one, a damaged one, a verification."""
    folder = tmp_path_factory.mktemp("kept") / "runs"
    claims = [{"metric": "accuracy", "value": 0.5, "tolerance": 0.1, "kind": "expected"}]
    from papertrial.recipe.load import to_tree

    few = ["epochs=1", "seed=3", "metrics=[loss, accuracy, f1]", "claims=[]"]
    digits = to_tree(pt.load_recipe("digits-mlp", few))
    pt.train(pt.load_recipe({**digits, "claims": claims}), runs=folder)
    pt.train(pt.load_recipe("diabetes-linear", ["epochs=1"]), runs=folder)
    failed = provenance(error="the loss is nan\nindeed")
    write(folder / "digits-mlp" / "20200101T000000Z-01234567-s1" / "provenance.json", failed)
    (folder / "digits-mlp" / "20200101T000000Z-01234567-s2").mkdir()
    verification = folder / "digits-mlp" / "20210101T000000Z-01234567-verify"
    ended = state(seeds=(0, 1, 2, 3, 4), verdict="NOT REPRODUCED", claims=(judged(),))
    write(verification / "verification.json", ended)
    (verification / "preregistration.json").write_text("{}")
    stopped = provenance(seed=0, state="interrupted", started="2021-01-01T00:00:01+00:00")
    write(verification / "seeds" / "s0" / "provenance.json", stopped)
    return folder


def write(path: Path, record: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record.to_json(indent=None) + "\n")


def listed(invoke: Invoke, root: Path, *words: str) -> list[dict[str, Any]]:
    done = invoke("runs", "--runs", root, *words, "--json")
    assert done.exit_code == 0, done.stderr
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


def test_the_list_has_each_with_its_result(invoke: Invoke, root: Path) -> None:
    done = invoke("runs", "--runs", root)
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "\u2502" in line]
    rows = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in lines]
    assert [(row[0], row[1], row[2], row[4]) for row in rows if row[0]] == [
        ("diabetes-linear", "run", "0", "finished"),
        ("digits-mlp", "run", "3", "finished"),
        ("digits-mlp", "verification", "0-4", "finished"),
        ("digits-mlp", "run", "-", "damaged"),
        ("digits-mlp", "run", "1", "failed"),
    ]
    assert rows[0][5].startswith("test rmse ")
    assert rows[1][5].startswith("test accuracy 0.")
    shown = done.stdout.replace("\n", "")
    assert "NOT REPRODUCED" in shown
    assert "provenance.json cannot be read" in shown
    assert "the loss is nan" in shown
    assert "indeed" not in shown


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 5),
        (["--recipe", "digits-mlp"], 4),
        (["--state", "failed"], 1),
        (["--state", "damaged"], 1),
        (["--kind", "verification"], 1),
        (["--since", "2020-01-02"], 3),
        (["--since", "2021-01-01T00:00:01"], 2),
        (["--metric", "accuracy"], 2),
        (["--metric", "f1"], 1),
        (["--limit", "2"], 2),
        (["--all"], 6),
        (["--all", "--state", "interrupted"], 1),
        (["--recipe", "digits-mlp", "--kind", "run", "--state", "finished"], 1),
    ],
)
def test_filters_select_runs(invoke: Invoke, root: Path, words: list[str], count: int) -> None:
    assert len(listed(invoke, root, *words)) == count


def test_json_has_all_the_numbers(invoke: Invoke, root: Path) -> None:
    (entry,) = listed(invoke, root, "--metric", "f1")
    kept = json.loads((Path(entry["path"]) / "metrics.json").read_text())
    assert entry["metrics"] == kept["metrics"]
    assert entry["seeds"] == [3]
    done = invoke("runs", "--runs", root, "--metric", "f1")
    assert f"test f1 {kept['metrics']['test']['f1']:.6g}" in done.stdout


def test_list_is_the_same_as_no_word(invoke: Invoke, root: Path) -> None:
    told = invoke("runs", "--runs", root, "--state", "failed", "--json").stdout
    for words in (
        ["--runs", root, "--state", "failed", "list", "--json"],
        ["list", "--runs", root, "--state", "failed", "--json"],
    ):
        done = invoke("runs", *words)
        assert (done.exit_code, done.stdout) == (0, told), done.stderr
    assert " list " not in invoke("runs", "--help").stdout


def test_verifications_show_counts_deviations_and_finished_seeds(
    invoke: Invoke, tmp_path: Path
) -> None:
    begun = tmp_path / "r" / "20210101T000000Z-01234567-verify"
    write(begun / "verification.json", state(state="interrupted", recipe="r"))
    write(
        begun / "outcomes.jsonl",
        SeedRecord(
            seed=4, state="finished", weights="0", runs=("seeds/s4",), versions={"torch": "2"}
        ),
    )
    ended = tmp_path / "r" / "20210102T000000Z-01234567-verify"
    counted = judged(metric="parameters", split=None, value=11173962, mean=11173962, kind="exact",
                     verdict="REPRODUCED", n=0)  # fmt: skip
    write(ended / "verification.json", state(
        recipe="r", seeds=(), verdict="REPRODUCED", deviations=("no dropout",),
        claims=(counted,)))  # fmt: skip
    for folder in (begun, ended):
        (folder / "preregistration.json").write_text("{}")
    for seed in (0, 1):
        (ended / "seeds" / f"s{seed}").mkdir(parents=True)
        for name in ("provenance.json", "metrics.json"):
            (ended / "seeds" / f"s{seed}" / name).write_text("{}")
    shown = invoke("runs", "--runs", tmp_path).stdout
    assert "no verdict yet, 1 seed finished" in shown
    assert "REPRODUCED WITH DEVIATIONS" in shown
    assert "parameters 11,173,962: REPRODUCED, ours 11,173,962" in shown
    told = invoke("runs", "show", ended).stdout
    assert "seeds/ (2 runs, 4 files)" in told
    assert "seeds/s0" not in told


def test_the_list_names_what_it_omits(invoke: Invoke, root: Path) -> None:
    done = invoke("runs", "--runs", root, "--limit", "1")
    assert done.stdout.splitlines()[-1] == "showing the newest 1 of 5"
    done = invoke("runs", "--runs", root, "--recipe", "digits-mpl")
    assert "no run of 'digits-mpl' in" in done.stderr
    assert 'did you mean "digits-mlp"?' in done.stderr
    assert done.stdout.startswith("none of the 5 runs in ")


def test_no_runs_are_not_an_error_but_a_missing_folder_is(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("runs")
    assert (done.exit_code, done.stdout) == (0, "no runs in runs\n")
    assert invoke("runs", "--json").stdout == "[]\n"
    for words, message in (
        (["runs", "--runs", "nowhere"], "there is no folder nowhere"),
        (["runs", "--since", "yesterday"], "--since must be a date such as 2026-01-31"),
        (["runs", "--state", "lost"], "'lost' is not one of"),
        (["runs", "--limit", "0"], "--limit"),
        (["runs", "show", "nowhere"], "nowhere is not the folder of a run"),
        (["runs", "show", "a" * 5000], "is not the folder of a run"),
    ):
        done = invoke(*words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert message in done.stderr


def test_show_prints_all_of_a_run(invoke: Invoke, root: Path) -> None:
    (entry,) = listed(invoke, root, "--metric", "f1")
    done = invoke("runs", "show", entry["path"])
    assert done.exit_code == 0, done.stderr
    ours = entry["metrics"]["test"]["accuracy"]
    for shown in (
        "run of digits-mlp, seed 3, finished",
        f"{ours:.6g}",
        "one run is not a verdict",
        "test accuracy 0.5",
        "environment, versions, torch",
        "model.safetensors",
    ):
        assert shown in done.stdout
    told = json.loads(invoke("runs", "show", entry["path"], "--json").stdout)
    assert told["claims"][0]["ours"] == ours
    assert told["provenance"]["environment"]["versions"]["papertrial"] == pt.__version__
    sizes = {file["name"]: file["bytes"] for file in told["files"]}
    weights = Path(entry["path"]) / "model.safetensors"
    assert sizes["model.safetensors"] == weights.stat().st_size


def test_show_prints_verifications_and_unfinished_runs(invoke: Invoke, root: Path) -> None:
    folder = root / "digits-mlp"
    for name, shown in (
        ("20210101T000000Z-01234567-verify", "seeds 0, 1, 2, 3, 4, finished: NOT REPRODUCED"),
        ("20210101T000000Z-01234567-verify", "ours are lower"),
        ("20200101T000000Z-01234567-s1", "error: the loss is nan"),
        ("20200101T000000Z-01234567-s2", "run of digits-mlp, damaged"),
    ):
        done = invoke("runs", "show", folder / name)
        assert done.exit_code == 0, done.stderr
        assert shown in done.stdout


def test_torch_is_not_imported(root: Path) -> None:
    code = (
        "import sys; from papertrial.cli.main import make_app\n"
        f"make_app()(['runs', '--runs', {str(root)!r}, '--all'], standalone_mode=False)\n"
        "slow = {'torch', 'numpy', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "digits-mlp" in done.stdout
