"""What `check` finds in a program: its interpreter, its scores, its seed, and what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.checks.check_program import seeds_to_try
from papertrial.checks.check_result import CheckResult
from papertrial.checks.program_facts import ProgramFacts
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.errors import PapertrialError
from papertrial.recipe.load import load_recipe
from papertrial.recipe.program import ProgramRecipe

GOOD = """
import json, os, random, sys
seed, out = int(sys.argv[1]), sys.argv[2]
random.seed(seed)
for epoch in range(3):
    print(f"epoch {epoch} loss {1 / (epoch + 1) + random.random():.4f}")
print(f"test acc: {90 + random.random():.2f} %")
with open(os.path.join(out, "result.json"), "w") as file:
    json.dump({"final": {"val_loss": random.random()}}, file)
"""
SCORES = {
    "accuracy": {"pattern": "test acc: ([0-9.]+) ?%", "unit": "percent"},
    "val_loss": {"json": "{out}/result.json", "key": "final.val_loss", "better": "lower"},
    "loss": {"pattern": "epoch (?P<step>[0-9]+) loss (?P<value>[0-9.]+)", "which": "last"},
}
CLAIM = {
    "metric": "accuracy", "value": "90 %", "tolerance": "2 points", "kind": "expected",
}  # fmt: skip
ACC = {"accuracy": {"pattern": "acc ([0-9.]+)"}}

Made = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, which is also the current folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Make the recipe of a Python program whose words are its seed and its output folder."""

    def make(script: str, scores: Any = ACC, **program: Any) -> dict[str, Any]:
        folder = tmp_path / "repository"
        folder.mkdir(exist_ok=True)
        (folder / "train.py").write_text(script)
        claims = program.pop("claims", [CLAIM])
        return {
            "name": "tried",
            "program": {
                "command": ["{python}", "train.py", "{seed}", "{out}"],
                "folder": str(folder),
                "scores": scores,
                **program,
            },
            "claims": claims,
        }

    return make


def facts_of(result: CheckResult) -> ProgramFacts:
    assert result.facts.program is not None
    return result.facts.program


def only(result: CheckResult, where: str = "") -> Diagnosis:
    found = [one for one in result.problems if where in (one.where, "")]
    assert len(found) == 1, result.problems
    return found[0]


def test_a_good_program_has_facts_and_no_problem(made: Made) -> None:
    result = pt.check(made(GOOD, SCORES))
    assert result.problems == []
    facts = facts_of(result)
    assert facts.interpreter is not None
    assert facts.interpreter.path == sys.executable
    assert facts.interpreter.version == ".".join(map(str, sys.version_info[:3]))
    assert facts.interpreter.packages > 10
    assert facts.code is not None
    assert (facts.code.files, facts.code.commit) == (1, None)
    assert facts.seed is not None
    assert facts.seed.tried == (15, 15, 16)
    assert (facts.seed.deterministic, facts.seed.differ) == (True, True)
    assert facts.seed.scores[0] == facts.seed.scores[1] != facts.seed.scores[2]
    assert facts.run is not None
    assert facts.run.seeds == (5, 15)
    assert facts.run.least_seconds == pytest.approx(5 * facts.run.seconds)
    assert facts.run.most_seconds == pytest.approx(15 * facts.run.seconds)
    assert facts.run.peak_memory > 2**20


def test_each_score_has_its_place(made: Made) -> None:
    scores = facts_of(pt.check(made(GOOD, SCORES))).scores
    assert scores is not None
    accuracy, val_loss, loss = scores["accuracy"], scores["val_loss"], scores["loss"]
    assert (accuracy.file, accuracy.line, accuracy.matches) == ("stdout.txt", 4, 1)
    assert 0.9 < accuracy.value < 0.91
    assert accuracy.text.startswith("test acc: 90.")
    assert (val_loss.file, val_loss.line) == ("out/result.json", None)
    assert (loss.line, loss.matches, loss.which) == (3, 3, "last")


def test_nothing_is_left_and_nothing_is_written(made: Made, tmp_path: Path, home: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import sys, papertrial as pt\n"
        "result = pt.check(sys.argv[1])\n"
        "assert result.ok and not result.problems, result.problems\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    recipe = made(GOOD, SCORES)
    (tmp_path / "tried.yaml").write_text(json.dumps(recipe))
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "tried.yaml")],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []
    assert list(home.iterdir()) == []
    assert [path.name for path in (tmp_path / "repository").iterdir()] == ["train.py"]


def test_a_program_that_ignores_its_seed_is_an_error(made: Made) -> None:
    result = pt.check(made("print('acc 0.9')"))
    problem = only(result)
    assert (problem.severity, problem.where) == ("error", "program.command")
    assert "the seeds 15, 16, 17 gave the same scores" in problem.message
    seed = facts_of(result).seed
    assert seed is not None
    assert (seed.tried, seed.differ) == ((15, 15, 16, 17), False)


def test_without_claims_an_ignored_seed_is_a_warning(made: Made) -> None:
    result = pt.check(made("print('acc 0.9')", claims=[]))
    assert only(result).severity == "warning"
    assert result.ok


def test_after_quick_runs_an_ignored_seed_is_a_warning(made: Made) -> None:
    command = ["{python}", "train.py", "{seed}", "{epochs}"]
    recipe = made("print('acc 0.9')", command=command, parameters={"epochs": 20})
    result = pt.check(recipe, quick=["program.parameters.epochs=0"])
    assert only(result).severity == "warning"


def test_two_seeds_that_agree_by_chance_are_no_problem(made: Made) -> None:
    script = "import sys; print('acc', 0.9 if sys.argv[1] != '17' else 0.8)"
    result = pt.check(made(script))
    assert result.problems == []
    assert facts_of(result).seed is not None
    assert facts_of(result).seed.differ is True  # type: ignore[union-attr]


def test_a_program_that_is_not_deterministic(made: Made) -> None:
    script = "import os; print('acc', int.from_bytes(os.urandom(4), 'big') / 2**32)"
    result = pt.check(made(script))
    problem = only(result)
    assert problem.severity == "warning"
    assert "the same seed, 15, gave different scores" in problem.message
    assert facts_of(result).seed.deterministic is False  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("script", "severity"),
    [
        ("print('acc 0.9')", "error"),
        ("import os; print('acc', int.from_bytes(os.urandom(4), 'big') / 2**32)", None),
    ],
)
def test_a_program_without_a_seed_must_differ_by_itself(
    made: Made, script: str, severity: str | None
) -> None:
    recipe = made(script, seeded=False, command=["{python}", "train.py"])
    result = pt.check(recipe)
    assert [problem.severity for problem in result.problems] == ([severity] if severity else [])
    if severity:
        assert only(result).where == "program.seeded"
    assert facts_of(result).seed.tried == (15, 15)  # type: ignore[union-attr]


def test_a_pattern_that_matches_nothing_names_the_nearest_lines(made: Made) -> None:
    script = "print('loading 3 files'); print('Test Accuracy: 0.93'); print('done in 3 s')"
    scores = {"accuracy": {"pattern": "test accuracy: ([0-9.]+)"}}
    problem = only(pt.check(made(script, scores)))
    assert (problem.severity, problem.where) == ("error", "program.scores.accuracy")
    assert "stdout.txt line 2: Test Accuracy: 0.93" in problem.message
    assert "loading" not in problem.message
    assert "(?i)test accuracy: ([0-9.]+)" in problem.fix


def test_a_score_that_is_not_finite_is_no_fault_of_the_pattern(made: Made) -> None:
    problem = only(pt.check(made("print('acc nan')", {"accuracy": {"pattern": r"acc (\S+)"}})))
    assert problem.where == "program.scores.accuracy"
    assert "failed" in problem.fix
    assert "pattern" not in problem.fix


def test_several_values_ask_for_a_choice(made: Made) -> None:
    scores = {"loss": {"pattern": "loss ([0-9.]+)"}}
    claims = [{"metric": "loss", "kind": "at-most", "value": 2}]
    problem = only(pt.check(made(GOOD, scores, claims=claims)))
    assert problem.where == "program.scores.loss"
    assert "which: last" in problem.fix


def test_a_repository_that_cannot_be_cloned(made: Made, tmp_path: Path) -> None:
    recipe = made(GOOD)
    del recipe["program"]["folder"]
    recipe["program"]["git"] = {"url": f"file://{tmp_path}/nothing", "commit": "0123456"}
    problem = only(pt.check(recipe))
    assert problem.where == "program.git"
    assert "commit" in problem.fix


def test_the_scores_that_can_be_read_are_shown_beside_those_that_cannot(made: Made) -> None:
    scores = {**SCORES, "f1": {"json": "{out}/result.json", "key": "final.val_lss"}}
    result = pt.check(made(GOOD, scores))
    problem = only(result)
    assert problem.where == "program.scores.f1"
    assert 'did you mean "final.val_loss"?' in problem.message
    assert set(facts_of(result).scores or ()) == {"accuracy", "val_loss", "loss"}
    assert facts_of(result).seed is None


@pytest.mark.parametrize(
    ("score", "message"),
    [
        ({"json": "{out}/results.json", "key": "a"}, 'did you mean "result.json"?'),
        ({"csv": "log.csv", "column": "accurcy"}, 'did you mean "accuracy"?'),
        ({"csv": "out.csv", "column": "accuracy"}, "the program wrote no file out.csv"),
        ({"tensorboard": "{out}", "tag": "a"}, "no event file of TensorBoard into {out}"),
    ],
)
def test_a_file_a_key_or_a_column_that_is_not_there(made: Made, score: Any, message: str) -> None:
    script = GOOD + "open('log.csv', 'w').write('epoch,accuracy\\n1,0.9\\n')\n"
    problem = only(pt.check(made(script, {"accuracy": score})))
    assert (problem.severity, problem.where) == ("error", "program.scores.accuracy")
    assert message in problem.message


def test_a_percentage_for_a_fraction(made: Made) -> None:
    problem = only(pt.check(made("print('acc 93.5')")))
    assert problem.where == "program.scores.accuracy"
    assert "93.5" in problem.message
    assert problem.fix == "set unit: percent"


@pytest.mark.parametrize(
    ("printed", "claims", "message"),
    [
        ("93.1%", [], "a % sign follows"),
        ("93.1", [], "the score is 93.115, which seems to be a percentage"),
        (
            "93.1",
            [{"metric": "test_acc", "value": 0.93, "tolerance": 0.01, "kind": "expected"}],
            "the score is 93.115, and the claim says 0.93",
        ),
        (
            "0.93",
            [{"metric": "test_acc", "value": 93.1, "kind": "at-least"}],
            "the score is 0.9315, and the claim says 93.1",
        ),
    ],
)
def test_a_unit_that_seems_to_be_percent(
    made: Made, printed: str, claims: Any, message: str
) -> None:
    script = f"import sys; print('acc {printed[:4]}' + sys.argv[1] + '{printed[4:]}')"
    scores = {"test_acc": {"pattern": "acc ([0-9.]+)", "better": "higher"}}
    problem = only(pt.check(made(script, scores, claims=claims)))
    assert (problem.severity, problem.where) == ("warning", "program.scores.test_acc.unit")
    assert message in problem.message


def test_a_run_is_stopped_at_the_time_limit_and_shows_what_was_seen(made: Made) -> None:
    script = "import time; print('acc 0.5', flush=True); time.sleep(60)"
    scores = {**ACC, "loss": {"pattern": "loss ([0-9.]+)"}}
    result = pt.check(made(script, scores), time_limit=1.5)
    facts = facts_of(result)
    assert facts.run is not None
    assert facts.run.stopped
    assert facts.run.seconds < 10
    assert facts.run.most_seconds is None
    assert facts.seed is None
    assert set(facts.scores or ()) == {"accuracy"}
    assert [(one.severity, one.where) for one in result.problems] == [
        ("warning", "program"),
        ("warning", "program.scores.loss"),
    ]
    assert "--quick program.parameters" in result.problems[0].fix


def test_its_own_timeout_is_an_error(made: Made) -> None:
    result = pt.check(made("import time; time.sleep(60)", timeout=1))
    assert result.problems[0].severity == "error"
    assert result.problems[0].where == "program.timeout"


def test_quick_overrides_change_the_runs_and_not_the_estimate(made: Made) -> None:
    script = "import sys; print(f'acc 0.{sys.argv[1]}{sys.argv[3]}')"
    command = ["{python}", "train.py", "{seed}", "{out}", "{epochs}"]
    recipe = made(script, command=command, parameters={"epochs": 20})
    facts = facts_of(pt.check(recipe, quick=["program.parameters.epochs=1"]))
    assert facts.scores is not None
    assert facts.scores["accuracy"].value == 0.151
    assert facts.run is not None
    assert facts.run.quick == ("program.parameters.epochs=1",)
    assert facts.run.least_seconds is None


def test_an_unknown_quick_override_is_reported(made: Made) -> None:
    result = pt.check(made(GOOD, SCORES), quick=["program.parametrs.epochs=1"])
    assert not result.ok
    with pytest.raises(PapertrialError, match="--quick changes the runs of a program"):
        pt.check(made(GOOD, SCORES), quick=["claims=[]"])


def test_without_runs_only_the_code_is_looked_at(made: Made) -> None:
    result = pt.check(made("raise SystemExit(3)"), run=False)
    facts = facts_of(result)
    assert result.problems == []
    assert facts.interpreter is not None
    assert facts.run is None
    assert facts.seed is None


def test_a_failing_program_shows_its_last_lines_and_the_command(made: Made) -> None:
    problem = only(pt.check(made("raise SystemError('no data here')")))
    assert (problem.severity, problem.where) == ("error", "program.command")
    assert "exit code 1" in problem.message
    assert "no data here" in problem.message
    assert "train.py 15" in problem.fix


def test_a_command_that_is_not_found(made: Made) -> None:
    problem = only(pt.check(made(GOOD, SCORES, command=["pyhton9", "{seed}"])))
    assert (problem.severity, problem.where) == ("error", "program.command")
    assert "pyhton9" in problem.message


def test_an_environment_of_the_folder_that_is_not_used(made: Made, tmp_path: Path) -> None:
    binary = tmp_path / "repository" / ".venv" / "bin"
    recipe = made(GOOD, SCORES)
    binary.mkdir(parents=True)
    (binary / "python").symlink_to(sys.executable)
    problem = only(pt.check(recipe, run=False))
    assert (problem.severity, problem.where) == ("warning", "program.command")
    assert problem.fix.endswith(str(binary / "python"))
    for first in (".venv/bin/python", str(binary / "python")):
        recipe["program"]["command"][0] = first
        assert pt.check(recipe).problems == []


def test_uncommitted_changes_are_named(made: Made, tmp_path: Path) -> None:
    recipe, folder = made(GOOD, SCORES), tmp_path / "repository"
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    assert pt.check(recipe, run=False).problems == []
    (folder / "train.py").write_text(GOOD + "\n")
    problem = only(pt.check(recipe, run=False))
    assert (problem.severity, problem.where) == ("warning", "program.folder")
    assert "train.py" in problem.message


LEAVES = """
import os, pathlib, subprocess, sys, tempfile
home = pathlib.Path.home()
print('acc', 0.5 + float(sys.argv[1]) / 100)
"""


@pytest.mark.parametrize(
    ("line", "where", "message"),
    [
        ("(home.parent / 'current' / 'state.txt').write_text('x')", "program", "state.txt"),
        ("tempfile.mkstemp(suffix='.part')", "program", "$TMPDIR"),
        ("open('train.py', 'a').write('# more')", "program.folder", "train.py"),
        ("subprocess.Popen(['sleep', '60'])", "program.command", "sleep 60"),
    ],
)
def test_what_it_leaves_behind_is_a_warning(
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    where: str,
    message: str,
) -> None:
    (tmp_path / "current").mkdir()
    monkeypatch.chdir(tmp_path / "current")
    problem = only(pt.check(made(LEAVES + line)))
    assert (problem.severity, problem.where) == ("warning", where)
    assert message in problem.message


def test_what_changes_in_the_home_folder_is_a_fact(made: Made, home: Path) -> None:
    line = "(home / 'state.txt').write_text('x')"
    result = pt.check(made(LEAVES + line))
    assert result.problems == []
    assert facts_of(result).written == {str(home): ("state.txt",)}


def test_a_program_that_writes_to_its_folder_keeps_other_seeds_from_running(
    made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    line = "open(os.environ['SOURCE'] + '/cache.bin', 'w').close()"
    recipe = made(LEAVES + line, environment={"SOURCE": str(folder)})
    result = pt.check(recipe)
    problem = only(result)
    assert (problem.severity, problem.where) == ("error", "program.folder")
    assert "cache.bin" in problem.message
    assert facts_of(result).seed.tried == (15,)  # type: ignore[union-attr]
    (folder / "cache.bin").unlink()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".gitignore").write_text("*.bin\n")
    problem = only(pt.check(recipe))
    assert (problem.severity, problem.where) == ("warning", "program")
    assert "cache.bin" in problem.message


def test_seeds_to_try_are_not_those_of_the_verification(made: Made) -> None:
    recipe = load_recipe({**made(GOOD, SCORES), "verify": {"seeds": [3, 1, 40, 7, 9]}})
    assert isinstance(recipe, ProgramRecipe)
    assert seeds_to_try(recipe) == (41, 42, 43)


def test_a_program_without_a_seed_has_runs(made: Made, invoke: Callable[..., Any]) -> None:
    script = "import os; print('acc', int.from_bytes(os.urandom(4), 'big') / 2**32)"
    recipe = made(script, seeded=False, command=["{python}", "train.py"])
    Path("tried.yaml").write_text(json.dumps(recipe))
    shown = invoke("check", "tried.yaml").stdout
    assert "two runs: different scores" in shown
    assert "one run: " in shown
    assert "5 to 15 runs with one worker" in shown
    assert "seed" not in shown.partition("interpreter")[2]
    assert (
        "a run failed: "
        in only(
            pt.check(made("raise SystemExit(3)", seeded=False, command=["{python}", "train.py"]))
        ).message
    )
