"""`papertrial judge`: its output, its exit codes, and its mistakes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from papertrial.cli.main import make_app

Invoke = Callable[..., Result]
SIX = "3.274,3.276,3.279,3.272,3.275,3.277"
CLAIM = ("--metric", "loss", "--value", "3.28", "--kind", "at-most")
# The keys that `papertrial verify --json` prints, and those of a claim.
KEYS = {
    "recipe", "verdict", "report", "verification", "preregistration", "seeds", "claims",
    "headline", "deviations",
}  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "verdict", "code"),
    [
        (SIX, "REPRODUCED", 0),
        ("3.294,3.296,3.299,3.292,3.295,3.297", "NOT REPRODUCED", 1),
        (SIX.rpartition(",")[0], "UNDECIDED", 3),
    ],
)
def test_exit_codes_are_those_of_verify(
    invoke: Invoke, scores: str, verdict: str, code: int
) -> None:
    done = invoke("judge", "--scores", scores, *CLAIM)
    assert done.exit_code == code, done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith(f"{verdict}: ")
    assert "not registered in advance" in first
    assert second.startswith(f"  loss 3.28 (at-most): {verdict}")
    assert "note: Not registered in advance: " in done.stdout


def test_json_has_the_keys_of_verify_and_says_that_nothing_was_registered(
    invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "scores.csv").write_text("seed,loss\n" + "".join(
        f"{seed},{loss}\n" for seed, loss in enumerate(SIX.split(","))
    ))  # fmt: skip
    done = invoke("judge", "scores.csv", *CLAIM, "--json", "--out", "report", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == {*KEYS, "registered", "note", "scores", "warnings"}
    assert (found["registered"], found["scores"]) == (False, "scores.csv")
    assert found["seeds"] == [0, 1, 2, 3, 4, 5]
    assert (found["verification"], found["preregistration"]) == (None, None)
    assert found["report"] == "report/report.html"
    for name in ("report.html", "report.md", "report.json"):
        assert (tmp_path / "report" / name).is_file()
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Not registered in advance" in page
    assert "Run it again" in page
    assert "REPRODUCED: " in done.stderr  # standard output is JSON alone


def test_all_options_reach_the_claim_and_the_rule(invoke: Invoke, tmp_path: Path) -> None:
    rows = [(93.1, 92.0), (93.3, 92.1), (93.0, 92.2), (93.2, 91.9), (93.1, 92.0), (93.4, 92.3)]
    (tmp_path / "scores.tsv").write_text(
        "run\tours\tbase\n" + "".join(f"{i}\t{a}\t{b}\n" for i, (a, b) in enumerate(rows, 11))
    )
    words = ("judge", "scores.tsv", "--metric", "accuracy", "--column", "ours", "--json")
    done = invoke(
        *words, "--value", "93.2 %", "--tolerance", "0.5 points", "--kind", "mean", "--n", "3",
        "--unit", "percent", "--samples", "10000", "--plus-minus", "0.16 points", "--is", "sd",
        "--printed", "93.2 %", "--baseline", "91 %", "--seed-column", "run", "--alpha", "0.1",
        "--prior", "2", "--failed", "1", "--max-diverged", "0.3", "--where", "table 2",
        "--url", "https://example.com", cwd=tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["claims"][0]["value"] == 0.932
    assert found["seeds"] == [11, 12, 13, 14, 15, 16]
    done = invoke(
        *words, "--kind", "difference", "--value", "1 point", "--n", "unknown", "--tolerance",
        "1 point", "--versus-column", "base", "--unit", "percent", cwd=tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    done = invoke(
        "judge", "--scores", "93.1,93.2,93.0", "--metric", "x", "--value", "93", "--kind",
        "at-least", "--sd", "0.02", "--sd-is", "known", "--statistic", "mean", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    done = invoke("judge", "--scores", SIX, *CLAIM, "--sequential", "--horizon", "fixed", "--json")
    assert json.loads(done.stdout)["claims"][0]["decided_at"] == 5


def test_standard_input_is_read() -> None:
    app = make_app()
    text = "accuracy;epoch\n0,931;1\n0,933;1\n0,93;1\n0,932;1\n0,931;1\n"
    words = ["judge", "-", "--metric", "accuracy", "--value", ".93", "--tolerance", ".01"]
    done = CliRunner().invoke(app, [*words, "--kind", "mean", "--n", "3", "--json"], input=text)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["scores"], found["claims"][0]["mean"]) == (
        "standard input",
        pytest.approx(0.9314),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (CLAIM, "got neither"),
        (("scores.csv", "--scores", SIX, *CLAIM), "got both"),
        (("missing.csv", *CLAIM), "there is no file 'missing.csv'"),
        (("--scores", SIX), "metric: is missing"),
        (("--scores", SIX, *CLAIM, "--about", "new-samples"), "about: new-samples needs"),
        (("--scores", SIX, *CLAIM, "--is", "sd"), "--plus-minus is missing"),
        (("--scores", SIX, *CLAIM, "--sd-is", "known"), "--sd is missing"),
        (("--scores", SIX, *CLAIM, "--sd", "0.1"), "sd.is"),
        (("--scores", "3.27,3.28x", *CLAIM), "entry 2"),
        (("--scores", SIX, "--recipe", "no-such"), "no shipped recipe or file"),
        (("--scores", SIX, *CLAIM, "--statistic", "mode"), "statistic"),
    ],
)
def test_wrong_input_is_refused_with_code_2(
    invoke: Invoke, words: tuple[str, ...], said: str
) -> None:
    done = invoke("judge", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_imports_no_torch(
    papertrial: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = papertrial("judge", "--scores", SIX, *CLAIM, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "REPRODUCED"
