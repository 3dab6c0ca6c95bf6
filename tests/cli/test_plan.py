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
    assert list(told) == ["recipe", "maximum", "claims"]
    return told["claims"]


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
        "claims": [{"metric": "accuracy", "value": 0.9, **claim} for claim in claims],
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
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in result.stdout.splitlines()
        if "off" in line
    ]
    assert [row[0] for row in rows] == [
        "0.00108", "0.0018", "0.0027", "0.0036", "0.0054", "0.0108",
    ]  # fmt: skip
    assert rows[2][1:4] == ["100 %", "6", "8"]  # delta/SD = 2: half are decided by 6 seeds
    assert rows[4][1:4] == ["63.2 %", "14", "over 15"]
    assert "Holm" not in result.stdout


def test_json(invoke) -> None:
    result = invoke("plan", "digits-mlp", "--json", "--max-seeds", "30")
    claims = planned(result)
    assert json.loads(result.stdout)["maximum"] == 30
    rows = {round(row["ratio"], 3): row for row in claims[0]["rows"]}
    assert [rows[ratio]["median"] for ratio in (1, 1.5, 2, 3)] == [14, 8, 6, 5]
    assert rows[1]["decided"] == pytest.approx(0.985, abs=0.01)
    assert set(rows[1]) == {"ratio", "spread", "decided", "median", "most", "detects"}
    assert "SD between" in result.stderr  # the table, so that stdout is JSON alone


def test_a_bound_without_tolerance_has_no_table_but_the_others_have(invoke, tmp_path: Path) -> None:
    printed = {"kind": "at-least", "value": 0.8, "printed": "80 %"}  # digits tell no spread
    result = invoke("plan", recipe(tmp_path, {"kind": "at-least"}, printed, {"tolerance": 0.01}))
    assert result.exit_code == 0
    told = " ".join(result.stdout.split())
    assert told.count("for example --spread 0.003") == 1
    assert told.count('for example --spread "0.3 points"') == 1
    assert told.count("chance of") == 1  # one table
    claims = planned(invoke("plan", "digits-mlp-as-svc", "--json"))
    assert [claim["rows"] for claim in claims] == [[]]


def test_a_claim_without_tolerance_takes_a_spread(invoke, tmp_path: Path) -> None:
    bound = recipe(tmp_path, {"kind": "at-least"})
    rows = planned(invoke("plan", bound, "--spread", "0.01", "--spread", "0.002", "--json"))[0]
    assert [row["spread"] for row in rows["rows"]] == [0.002, 0.01]
    assert rows["rows"][1]["decided"] < 0.05  # its mean on the bound itself: an error of 5 %
    assert rows["rows"][1]["detects"] == pytest.approx(0.00995, rel=0.05)


def test_a_spread_in_points_is_a_row_of_the_claims_on_fractions(invoke, tmp_path: Path) -> None:
    percent = {"value": "90 %", "kind": "at-least"}
    loss = {"metric": "loss", "value": 0.4, "kind": "at-most"}
    result = invoke("plan", recipe(tmp_path, percent, loss), "--spread", "0.3 points", "--json")
    assert [[row["spread"] for row in claim["rows"]] for claim in planned(result)] == [[0.003], []]


def test_the_spread_asked_for_comes_before_the_papers(invoke, tmp_path: Path) -> None:
    claim = {"tolerance": 0.01, "plus_minus": {"value": 0.004, "is": "sd"}}
    rows = planned(invoke("plan", recipe(tmp_path, claim), "--spread", "0.007", "--json"))[0][
        "rows"
    ]
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
    rows = planned(invoke("plan", recipe(tmp_path, claim), "--json"))[0]["rows"]
    spreads = [row["spread"] for row in rows]
    assert spreads == sorted(spreads)
    assert len(spreads) == 7
    assert spreads.count(0.008) == 1


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
    for single, shared in zip(alone["rows"], both[0]["rows"], strict=True):
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
        (("digits-mlp", "--max-seeds", "4"), "greater than or equal to 5, got 4"),
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
