"""`papertrial register --labs` and `papertrial combine`: what they print, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from papertrial.report.report_files import read_report

Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def combined(invoke: Invoke, trained_labs: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `combine` prints, and its answer; the labs.json is above the laboratories."""
    words = ("--runs", tmp_path_factory.mktemp("runs"), "--registration", _labs_json(trained_labs))
    done = invoke("combine", "lab2", "lab1", *words, "--json", cwd=trained_labs)
    assert done.exit_code == 0, done.stderr
    return done.stderr, json.loads(done.stdout.splitlines()[-1])


def _labs_json(folder: Path) -> Path:
    (found,) = folder.glob("runs/*/*-labs/labs.json")
    return found


def test_what_register_prints(trained_labs: Path) -> None:
    answer = json.loads((trained_labs / "registered.json").read_text())
    assert [lab["seeds"] for lab in answer["laboratories"]] == [
        list(range(5)), list(range(5, 10)),
    ]  # fmt: skip
    assert answer["new"] is True


def test_one_verdict_from_two_laboratories(combined: Any) -> None:
    text, answer = combined
    assert (answer["verdict"], answer["seeds"]) == ("REPRODUCED", list(range(10)))
    assert [line["name"] for line in answer["laboratories"]["lines"]] == [
        "laboratory 1", "laboratory 2",
    ]  # fmt: skip
    assert "The seeds are those of 2 laboratories." in text
    assert "parameters 1,210: REPRODUCED" in text
    assert "laboratory 2: seeds 5 to 9 on cpu; mean " in text
    assert "differences: " in text
    page = Path(answer["report"]).read_text()
    assert "Verification of digits-small by 2 laboratories" in page
    assert "Who trained which seeds, and on what" in page


def test_the_score_on_new_samples_is_in_the_report(combined: Any) -> None:
    report = read_report(Path(combined[1]["verification"]))
    both = report.claims[0].new_samples
    assert both is not None
    assert (both.seeds, both.samples) == (10, 300)
    assert both.on_test_set[0] == report.claims[0].low
    assert both.on_new_samples[0] is not None
    assert both.on_new_samples[0] < report.claims[0].low


def test_report_and_audit_of_a_combination(invoke: Invoke, combined: Any) -> None:
    folder = Path(combined[1]["verification"])
    page = (folder / "report.html").read_text()
    audited = invoke("audit", folder)
    assert audited.exit_code == 0, audited.stdout
    assert "decided again, combination.json and report.json have the same: REP" in audited.stdout
    again = invoke("report", folder)
    assert again.exit_code == 0, again.stderr
    assert (folder / "report.html").read_text() == page


@pytest.mark.parametrize(
    ("file", "change", "found"),
    [
        ("combination.json", ("REPRODUCED", "UNDECIDED"), "is 'UNDECIDED', decided again it is 'R"),
        ("combination.json", ('"recipe": "digits-', '"recipe": "d-'), "combination.json: recipe"),
        (
            "report.json",
            ('"test accuracy": 0.', '"test accuracy": 1.'),
            "report.json: seeds.0.scores",
        ),
        ("report.json", ('"varied": "', '"varied": "no '), "report.json: varied is"),
        ("laboratories/1/outcomes.jsonl", ('"seed": 0', '"seed": 3'), "differs laboratories: "),
    ],
)
def test_an_audit_sees_an_edit(
    invoke: Invoke, combined: Any, file: str, change: tuple[str, str], found: str
) -> None:
    path = Path(combined[1]["verification"]) / file
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change, 1))
    try:
        audited = invoke("audit", combined[1]["verification"])
    finally:
        path.write_text(text)
    assert audited.exit_code == 1
    assert found in audited.stdout


def test_the_list_of_runs_has_laboratories_and_their_verdict(
    invoke: Invoke, combined: Any, trained_labs: Path
) -> None:
    done = invoke("runs", "--runs", trained_labs / "runs", "--kind", "laboratories", "--json")
    (listed,) = json.loads(done.stdout.splitlines()[-1])
    assert (listed["state"], listed["seeds"]) == ("registered", list(range(10)))
    home = Path(combined[1]["verification"])
    (listed,) = json.loads(invoke("runs", "--runs", home.parent, "--json").stdout.splitlines()[-1])
    assert (listed["kind"], listed["verdict"]) == ("combination", "REPRODUCED")
    assert [claim["metric"] for claim in listed["verdicts"]] == ["accuracy", "parameters"]
    shown = invoke("runs", "show", home)
    assert shown.stdout.startswith("combination of digits-small, seeds 0, 1, ")
    shown = invoke("runs", "show", _labs_json(trained_labs).parent)
    assert shown.stdout.startswith("laboratories of digits-small, seeds 0, 1, ")


def test_errors_are_one_message(invoke: Invoke, trained_labs: Path) -> None:
    done = invoke("combine", "lab1", "lab1", cwd=trained_labs)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: lab1")
    assert done.stderr.endswith("is given twice; give each laboratory once\n")
    assert invoke("combine", "lab1", "lab2", "--without", "2", cwd=trained_labs).exit_code == 2
    assert invoke("combine", cwd=trained_labs).exit_code == 2
    assert invoke("register", "digits.yaml", "--labs", "1", cwd=trained_labs).exit_code == 2
