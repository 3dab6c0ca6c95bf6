"""`papertrial plan`: what is shown of the seeds that a decision will take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Rows = list[dict[str, Any]]


def planned(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert list(told) == ["recipe", "maximum", "time", "claims"]
    return told["claims"]


def own(claim: dict[str, Any]) -> Rows:
    """Return the rows of the recipe's rule."""
    return [row for row in claim["rows"] if row["own"]]


def recipe(folder: Path, *claims: dict[str, Any], **changes: Any) -> Path:
    tree = {
        "name": "drawn",
        "task": "image-classification",
        "data": {"source": "digits", "batch_size": 64, "splits": {"test": 0.5}},
        "model": {
            "use": "papertrial.models.MLP", "in_features": 64, "hidden": [8], "out_features": 10,
        },
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
        "metrics": ["loss", "accuracy"],
        "claims": [
            {
                "metric": "accuracy", "value": 0.9, "kind": "mean" if "n" in claim else "expected",
                **claim,
            }
            for claim in claims
        ],
        **changes,
    }  # fmt: skip
    path = folder / "drawn.yaml"
    path.write_text(json.dumps(tree))
    return path


def test_a_table(invoke) -> None:
    result = invoke("plan", "digits-mlp")
    assert result.exit_code == 0
    assert "test accuracy 0.93115, the mean of 40 runs; tolerance 0.0054" in result.stdout
    assert "at most 15 seeds" in result.stdout
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    marked = [line.split() for line in lines if " * anytime " in line]
    assert [row[0] for row in marked] == [
        "0.00108", "0.0018", "0.0027", "0.0036", "0.0054", "0.0108",
    ]  # fmt: skip
    # delta/SD = 2: half are decided by 6 seeds
    assert marked[2][3:] == ["100", "%", "6.5", "6", "8", "0.00898"]
    assert marked[4][3:] == ["63.2", "%", "12.5", "14", ">", "15", "0.0121"]
    (papers,) = [i for i, line in enumerate(lines) if line.startswith(" the paper's")]
    assert lines[papers - 1].split()[0] == "0.0027"
    assert lines[papers + 3].split()[:4] == ["anytime,", "paper's", "SD", "100"]
    assert sum("fixed, known SD" in line for line in lines) == 6
    assert "Holm" not in result.stdout
    assert "times are not known" in result.stdout
    assert max(map(len, lines)) <= 100


def test_json(invoke) -> None:
    result = invoke("plan", "digits-mlp", "--json", "--max-seeds", "30")
    claims = planned(result)
    told = json.loads(result.stdout)
    assert (told["maximum"], told["time"]) == (30, None)
    assert list(claims[0]) == ["claim", "rows", "left_out", "alone"]
    rows = {round(row["ratio"], 3): row for row in own(claims[0])}
    assert [rows[ratio]["median"] for ratio in (1, 1.5, 2, 3)] == [14, 8, 6, 5]
    assert rows[1]["decided"] == pytest.approx(0.985, abs=0.01)
    assert set(rows[1]) == {
        "ratio", "spread", "decided", "mean", "median", "most", "detects", "horizon", "sd", "given",
        "own", "holds", "reported", "median_seconds", "most_seconds",
    }  # fmt: skip
    assert "SD between" in result.stderr  # the table, so that stdout is JSON alone


def test_a_bound_without_tolerance_has_no_table_but_the_others_have(invoke, tmp_path: Path) -> None:
    printed = {"kind": "at-least", "value": 0.8, "printed": "80 %"}  # digits tell no spread
    result = invoke("plan", recipe(tmp_path, {"kind": "at-least"}, printed, {"tolerance": 0.01}))
    assert result.exit_code == 0
    told = " ".join(result.stdout.split())
    # Beside a number in percent, a spread without a unit would be refused for both.
    assert told.count('for example --spread "0.3 points"') == 2
    alone = invoke("plan", recipe(tmp_path, {"kind": "at-least"}))
    assert "for example --spread 0.003" in " ".join(alone.stdout.split())
    assert told.count("chance of") == 1  # one table
    claims = planned(invoke("plan", "digits-mlp-as-svc", "--json"))
    assert [claim["rows"] for claim in claims] == [[]]


def test_a_claim_without_tolerance_takes_a_spread(invoke, tmp_path: Path) -> None:
    bound = recipe(tmp_path, {"kind": "at-least"})
    result = invoke("plan", bound, "--spread", "0.01", "--spread", "0.002", "--json")
    rows = own(planned(result)[0])
    assert [row["spread"] for row in rows] == [0.002, 0.01]
    assert rows[1]["decided"] < 0.05  # its mean on the bound itself: an error of 5 %
    assert rows[1]["detects"] == pytest.approx(0.00995, rel=0.05)
    assert "the bound itself" in result.stderr


def test_a_spread_in_points_is_a_row_of_the_claims_on_fractions(invoke, tmp_path: Path) -> None:
    percent = {"value": "90 %", "kind": "at-least"}
    loss = {"metric": "loss", "value": 0.4, "kind": "at-most"}
    result = invoke("plan", recipe(tmp_path, percent, loss), "--spread", "0.3 points", "--json")
    assert [[row["spread"] for row in own(claim)] for claim in planned(result)] == [[0.003], []]


def test_the_spread_asked_for_comes_before_the_papers(invoke, tmp_path: Path) -> None:
    claim = {"tolerance": 0.01, "n": 4, "plus_minus": {"value": 0.004, "is": "sd"}}
    result = invoke("plan", recipe(tmp_path, claim), "--spread", "0.007", "--json")
    rows = own(planned(result)[0])
    spreads = [row["spread"] for row in rows]
    assert 0.007 in spreads
    assert 0.004 not in spreads


def test_a_bare_spread_beside_a_percentage_is_refused(invoke, tmp_path: Path) -> None:
    percent = recipe(tmp_path, {"value": "90 %", "tolerance": "1 point"})
    result = invoke("plan", percent, "--spread", "0.3", "--spread", "0.06", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    for reading in ('"0.3 points" or "30 points"', '"0.06 points" or "6 points"'):
        assert reading in result.stderr


@pytest.mark.parametrize("spread", ["0", "-0.1", "inf", "nan", "3 %", "0.3 poins"])
def test_a_spread_that_is_none(invoke, spread: str) -> None:
    result = invoke("plan", "digits-mlp", "--json", f"--spread={spread}")
    assert result.exit_code == 2
    assert "--spread must be a positive number" in result.stderr


def test_the_papers_spread_is_a_row_of_its_own(invoke, tmp_path: Path) -> None:
    claim = {"tolerance": 0.01, "n": 4, "plus_minus": {"value": 0.004, "is": "se"}}
    claims = planned(invoke("plan", recipe(tmp_path, claim), "--json"))
    rows = own(claims[0])
    spreads = [row["spread"] for row in rows]
    assert spreads == sorted(spreads)
    assert len(spreads) == 7
    assert [row["spread"] for row in rows if row["reported"]] == [0.008]
    papers = [row for row in claims[0]["rows"] if row["sd"] == "paper" and row["reported"]]
    assert [(row["horizon"], row["given"]) for row in papers] == [
        ("anytime", 0.008), ("fixed", 0.008),
    ]  # fmt: skip


def test_the_recipes_own_horizon_and_sd_are_marked(invoke, tmp_path: Path) -> None:
    rule = {"horizon": "fixed", "max_seeds": 4, "sd": {"value": 0.004, "is": "bound"}}
    given = recipe(tmp_path, {"tolerance": 0.01}, verify=rule)
    result = invoke("plan", given, "--json")
    rows = own(planned(result)[0])
    assert [row["spread"] for row in rows] == pytest.approx(
        [0.002, 0.01 / 3, 0.004, 0.005, 0.01 / 1.5, 0.01, 0.02]
    )
    assert {(row["horizon"], row["sd"], row["given"]) for row in rows} == {
        ("fixed", "bound", 0.004)
    }  # fmt: skip
    assert [row["holds"] for row in rows] == [True] * 3 + [False] * 4
    assert "* fixed, SD <= 0.004 !" in result.stderr
    assert "! the promised error rates do not hold" in result.stderr


def test_why_rules_are_not_shown(invoke, tmp_path: Path) -> None:
    difference = {
        "kind": "better", "value": None, "metric": "loss", "versus": {"set": {"epochs": 2}},
    }  # fmt: skip
    given = recipe(tmp_path, {"metric": "loss", "tolerance": 0.01}, difference)
    result = invoke("plan", given, "--json", "verify.max_seeds=5")
    first, second = planned(result)
    assert {row["sd"] for row in first["rows"]} == {"scores"}
    assert len(first["left_out"]) == 1
    assert "kind: better" in first["left_out"][0]
    assert second["rows"] == []
    assert "other rules are not shown" in result.stderr


def test_times_are_given_or_those_of_earlier_runs(invoke, tmp_path: Path) -> None:
    given = recipe(tmp_path, {"tolerance": 0.01})
    words = ("plan", given, "--json", "--workers", "2", "--runs", tmp_path / "runs")
    told = invoke(*words, "--seconds-per-seed", "60")
    planned(told)
    answer = json.loads(told.stdout)
    assert answer["time"] == {"seconds": 60.0, "workers": 2, "source": "as given"}
    for row in answer["claims"][0]["rows"]:
        seeds = row["median"]
        assert row["median_seconds"] == (seeds and 60 * ((seeds + 1) // 2))
    assert "0:08:00)" in told.stderr  # 15 seeds, two at a time
    trained = invoke("train", given, "--runs", tmp_path / "runs", "--device", "cpu", "--json")
    assert trained.exit_code == 0
    again = invoke(*words)
    planned(again)
    time = json.loads(again.stdout)["time"]
    (summary,) = (tmp_path / "runs").glob("*/*/metrics.json")
    assert time["seconds"] == json.loads(summary.read_text())["seconds"]["total"]
    assert time["source"].startswith("by 1 earlier run in ")
    recipe(tmp_path, {"tolerance": 0.01}, epochs=2)  # another training, in the same file
    assert json.loads(invoke(*words).stdout)["time"] is None


def test_several_claims_are_planned_at_holms_hardest_step(invoke, tmp_path: Path) -> None:
    one, two = (
        {"tolerance": 0.01},
        {"metric": "loss", "value": 0.4, "tolerance": 0.05, "kind": "expected"},
    )
    alone = planned(invoke("plan", recipe(tmp_path, one), "--json"))[0]
    result = invoke("plan", recipe(tmp_path, one, two), "--json")
    both = planned(result)
    assert "Holm's first, strictest step" in result.stderr
    assert [claim["alone"] for claim in both] == [False, False]
    assert alone["alone"]
    for single, shared in zip(own(alone), own(both[0]), strict=True):
        assert shared["decided"] <= single["decided"]
        assert shared["detects"] > single["detects"]


def test_claims_that_take_no_seed_and_warnings(invoke, tmp_path: Path) -> None:
    exact = {"metric": "parameters", "value": 610, "kind": "exact"}
    result = invoke("plan", recipe(tmp_path, exact))
    assert result.exit_code == 0
    assert "parameters 610: decided without training" in result.stdout
    wide = recipe(tmp_path, {"tolerance": 0.02, "baseline": 0.88})
    said = invoke("plan", wide).stderr
    assert "warning: claim 1 (test accuracy 0.9): the tolerance of 0.02 is wider" in said


def test_bad_input(invoke, tmp_path: Path) -> None:
    for words, told in (
        (("digits-mlp", "--max-seeds", "4"), "verify.max_seeds: must be at least 5"),
        (("digits-mlp", "--seconds-per-seed", "0"), "--seconds-per-seed must be positive, got 0"),
        (("digits-mlp", "--seconds-per-seed", "nan"), "must be positive, got nan"),
        (("digits-mlp", "--workers", "0"), "--workers"),
        (("digits-mlp", "--max-seeds", "1000000"), "less than or equal to 10000, got 1000000"),
        (("digits-mlp", "verify.seeds=[1,2,2,3,4]"), "whole numbers, such as [0, 1, 2, 3, 4], got"),
        (("digits-mlp", "verify.seeds=[1-6]"), "such as [1, 2, 3, 4, 5, 6], got ['1-6']"),
        (("digits-mlp", f"verify.seeds=[0,1,2,3,{2**63}]"), f"must be at most {2**63 - 1}, got"),
        ((recipe(tmp_path),), "there is nothing to verify"),
        (("no-such-recipe",), "no-such-recipe"),
    ):
        result = invoke("plan", *words)
        assert result.exit_code == 2
        assert told in result.stderr
        assert "Traceback" not in result.stderr


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from papertrial.cli.main import make_app;"
        "result = CliRunner().invoke(make_app(), ['plan', 'digits-mlp', '--json']);"
        "assert result.exit_code == 0, result.output;"
        "sys.exit(', '.join({'torch', 'sklearn', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_claim_on_new_samples_is_planned_at_half_the_level(invoke, tmp_path: Path) -> None:
    claims = ({"kind": "at-least", "about": about} for about in ("test-set", "new-samples"))
    on_test, new = (
        invoke("plan", recipe(tmp_path, claim), "--spread", "0.01", "--json") for claim in claims
    )
    (test_row,), (new_row,) = (
        [row for row in planned(result)[0]["rows"] if row["own"]] for result in (on_test, new)
    )
    assert new_row["detects"] > test_row["detects"]
    assert "The error of the test set is not in the table" in new.stderr
    assert "new samples" not in on_test.stderr
