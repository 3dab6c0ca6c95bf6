"""Laboratories that run a program: registered together, run, combined, audited, combined again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.auditing.audit_combination import audit_combination
from papertrial.errors import RunError
from papertrial.report.report_files import read_report
from papertrial.store.laboratory_folders import CombinationFolder
from papertrial.verification.combine import combine
from papertrial.verification.register_labs import register_labs

PROGRAM = """
import random, sys
draw = random.Random(int(sys.argv[1]))
for step in range(3):
    print("accuracy:", 80 + step + draw.gauss(0, 1), "%")
"""
RECIPE = """
name: drawn
program:
  command: ["{python}", -I, -S, run.py, "{seed}"]
  folder: ./repository
  scores:
    accuracy: {pattern: 'accuracy: ([0-9.]+) %', which: last, unit: percent, better: higher}
claims:
  - {metric: accuracy, value: "82 %", tolerance: 2 points, kind: expected}
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, verify_here: Any) -> list[Path]:
    """The recipes of two laboratories, and the verifications that they sent."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "repository").mkdir()
    (folder / "repository" / "run.py").write_text(PROGRAM)
    (folder / "recipe.yaml").write_text(RECIPE)
    recipe = pt.load_recipe(folder / "recipe.yaml", ["verify.max_seeds=10"])
    made = register_labs(recipe, 2, runs=folder / "runs", device="cpu")
    shutil.rmtree(folder / "repository")  # each laboratory has its copy
    recipes = [path for path, _ in made.laboratories]
    return [
        *recipes, *(verify_here(path, folder / f"lab{i}") for i, path in enumerate(recipes)),
    ]  # fmt: skip


def test_one_verdict_from_programs(programs: list[Path], tmp_path: Path) -> None:
    labs = programs[2:]
    registration = programs[0].parents[1]
    done = combine(labs[::-1], runs=tmp_path, registration=registration)
    (claim,) = done.claims
    assert (claim.verdict, claim.n, done.seeds) == ("REPRODUCED", 10, tuple(range(10)))
    assert claim.mean == pytest.approx(0.82, abs=0.012)
    assert done.warnings == ()
    report = read_report(done.path)
    assert (report.task, report.kind) == ("program", "combination")
    assert report.metrics["none"]["accuracy"].mean == claim.mean  # the runs are here
    findings = list(audit_combination(CombinationFolder(done.path)))
    assert [finding.message for finding in findings if not finding.ok] == []
    copies = [done.path / "laboratories" / number for number in "12"]
    again = combine(copies, runs=tmp_path, registration=registration)
    assert (again.claims, again.verdict) == (done.claims, done.verdict)
    assert [text[:11] for text in again.warnings] == ["recipe.yaml"]  # the copies have no code


def test_a_program_that_was_edited_in_a_laboratory(
    programs: list[Path], tmp_path: Path, verify_here: Any
) -> None:
    home = shutil.copytree(programs[1].parent, tmp_path / "lab-2")
    program = home / "code" / "run.py"
    program.write_text(program.read_text().replace("80", "90"))
    other = verify_here(home / "recipe.yaml", tmp_path / "lab2")
    with pytest.raises(RunError, match=r"another training hash\): code/run\.py has the SHA-256"):
        combine([programs[2], other], runs=tmp_path, registration=programs[0].parents[1])
