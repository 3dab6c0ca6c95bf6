"""Verifications of programs: seed after seed in copies of the registered files, and audits."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import papertrial as pt
from papertrial.claims.judge import judge
from papertrial.errors import PapertrialError, RunError
from papertrial.programs.run_program import read_program_run
from papertrial.programs.seed_values import device_variables
from papertrial.report.report_files import read_report
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification.verify import Verification, load_verification, verify

# The score of a seed is a number near 0.9; a file and two lines of output have it too.
TRAIN = """import json, random, sys
seed, out = int(sys.argv[1]), sys.argv[2]
score = round(random.Random(seed).gauss(0.9, 0.004), 4)
for epoch in (1, 2, 3):
    print(f"epoch {epoch}: loss {1 / epoch + seed / 1000:.3f}")
print(f"test acc: {100 * score:.2f} %")
json.dump({"final": {"loss": 1 - score}}, open(out + "/result.json", "w"))
open(out + "/weights.bin", "wb").write(b"x" * 5000)
"""
RECIPE: dict[str, Any] = {
    "name": "toy",
    "program": {
        "command": ["{python}", "train.py", "{seed}", "{out}"],
        "folder": "./repository",
        "scores": {
            "accuracy": {"pattern": "test acc: ([0-9.]+) ?%", "unit": "percent"},
            "final_loss": {"json": "{out}/result.json", "key": "final.loss", "better": "lower"},
            "loss": {"pattern": r"epoch (?P<step>\d+): loss (?P<value>\S+)", "which": "last"},
        },
    },
    "claims": [
        {"metric": "accuracy", "value": "90 %", "tolerance": "2 points", "kind": "expected"},
        {"metric": "final_loss", "value": 0.15, "kind": "at-most"},
    ],
}


def write(folder: Path, train: str = TRAIN, **program: Any) -> Path:
    """Write a repository and its recipe; return the file of the recipe."""
    (folder / "repository").mkdir(parents=True, exist_ok=True)
    (folder / "repository" / "train.py").write_text(train)
    recipe = {**RECIPE, "program": {**RECIPE["program"], **program}}
    (folder / "toy.yaml").write_text(json.dumps(recipe))
    return folder / "toy.yaml"


def verified(recipe: Path, *overrides: str, **given: Any) -> Verification:
    given = {"runs": recipe.parent / "runs", "device": "cpu", "workers": 1, **given}
    return verify(pt.load_recipe(recipe, list(overrides)), **given)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A program that was verified by one worker."""
    recipe = write(tmp_path_factory.mktemp("program"))
    found = verified(recipe)
    folder = VerificationFolder.load(found.path)
    return SimpleNamespace(recipe=recipe, found=found, folder=folder, records=folder.outcomes())


def test_scores_are_read_and_judged_by_the_registered_rule(done: SimpleNamespace) -> None:
    assert done.found.verdict == "REPRODUCED"
    first = done.records[0]
    printed = (done.found.path / first.runs[0] / "stdout.txt").read_text()
    assert f"test acc: {100 * first.scores[0][0]:.2f} %" in printed
    assert first.scores[1][0] == pytest.approx(1 - first.scores[0][0], abs=1e-12)
    rulings = judge(done.folder.registered.rule, [record.outcome for record in done.records])
    assert [ruling.verdict for ruling in rulings] == ["REPRODUCED", "REPRODUCED"]
    assert [claim.n for claim in done.found.claims] == [len(done.records)] * 2


def test_files_that_scores_are_read_from_are_kept_and_others_listed(done: SimpleNamespace) -> None:
    home = done.found.path / done.records[0].runs[0]
    assert (home / "out" / "result.json").is_file()
    assert not (home / "out" / "weights.bin").exists()
    assert not (home / "work").exists()
    produced = {one.path: one.bytes for one in read_program_run(home).produced}
    assert produced["out/weights.bin"] == 5000


def test_the_registration_names_files_interpreter_and_packages(done: SimpleNamespace) -> None:
    registered = done.folder.registered
    assert registered.is_program
    assert list(registered.files[0]) == ["code/train.py"]
    assert registered.versions["python"] == sys.version.split()[0]
    assert "pytest" in registered.packages


def test_the_report_has_curves_spreads_and_what_is_not_seen(done: SimpleNamespace) -> None:
    report = read_report(done.found.path)
    assert report.task == "program"
    (curve,) = report.curves
    assert (curve.metric, curve.x, curve.seeds) == ("loss", (1.0, 2.0, 3.0), len(done.records))
    scores = [record.scores[0][0] for record in done.records]
    spread = report.metrics["none"]["accuracy"]
    assert spread.mean == pytest.approx(sum(scores) / len(scores))
    assert (spread.low, spread.high) == (min(scores), max(scores))
    assert any("network" in text for text in report.not_covered)
    assert not any("{data}" in text for text in report.not_covered)
    assert not any("unit" in text for text in report.warnings)
    page = (done.found.path / "report.html").read_text()
    assert "none accuracy" not in page
    assert "test accuracy" not in page


def test_workers_change_neither_scores_nor_verdicts(done: SimpleNamespace, tmp_path: Path) -> None:
    four = verified(write(tmp_path), workers=4)
    assert four.verdict == done.found.verdict
    assert four.seeds == done.found.seeds
    records = {record.seed: record for record in VerificationFolder.load(four.path).outcomes()}
    assert [records[one.seed].scores for one in done.records] == [
        record.scores for record in done.records
    ]


def test_the_same_command_returns_what_is_finished(done: SimpleNamespace) -> None:
    assert verified(done.recipe).path == done.found.path


def test_an_audit_reads_the_scores_again_and_runs_a_seed_again(done: SimpleNamespace) -> None:
    found = pt.audit(done.found.path, seed=1)
    assert [one.message for one in found.differences] == []
    assert [one.check for one in found.findings if one.check == "retraining"] == ["retraining"]


@pytest.mark.parametrize(
    ("file", "old", "new", "check"),
    [
        ("seeds/s0/stdout.txt", "test acc: ", "test acc: 9", "scores"),
        ("seeds/s0/out/result.json", "loss", "less", "scores"),
        ("seeds/s0/program.json", '"seed": 0', '"seed": 7', "runs"),
        ("seeds/s0/program.json", '"train.py"', '"other.py"', "runs"),
        ("outcomes.jsonl", '"scores": [[0.9', '"scores": [[0.8', "scores"),
        ("code/train.py", "0.9", "0.8", "files"),
        ("recipe.yaml", "test acc", "best acc", "recipe"),
    ],
)
def test_an_audit_finds_what_was_edited(
    done: SimpleNamespace, tmp_path: Path, file: str, old: str, new: str, check: str
) -> None:
    copy = tmp_path / done.found.path.name
    shutil.copytree(done.found.path, copy)
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1))
    found = pt.audit(copy, retrain=False)
    assert check in [one.check for one in found.differences]


def stop_after(recipe: Path, seeds: int) -> VerificationFolder:
    """Verify until some seeds have ended, then stop as Ctrl-C does."""
    from papertrial.claims.events import SeedEnded
    from papertrial.verification.verify import verifying

    events = verifying(pt.load_recipe(recipe), runs=recipe.parent / "runs", device="cpu", workers=1)
    ended = 0
    for event in events:
        ended += isinstance(event, SeedEnded)
        if ended == seeds:
            break
    events.close()
    (path,) = (recipe.parent / "runs").glob("toy/*-verify")
    return VerificationFolder.load(path)


def test_seeds_run_the_registered_files_whatever_happens_to_the_repository(tmp_path: Path) -> None:
    recipe = write(tmp_path)
    stopped = stop_after(recipe, 2)
    changed = TRAIN.replace("0.9,", "0.5,")
    (tmp_path / "repository" / "train.py").write_text(changed)
    # The same command is about other code now, so it begins anew and leaves the old one alone.
    other = verified(recipe)
    assert other.path != stopped.path
    assert other.verdict == "NOT REPRODUCED"
    assert len(stopped.outcomes()) == 2
    (tmp_path / "repository" / "train.py").write_text(TRAIN)
    again = verified(recipe)
    assert again.path == stopped.path
    digests = {
        (VerificationFolder.load(one.path).path / "code" / "train.py").read_text()
        for one in (other, again)
    }
    assert digests == {changed, TRAIN}
    assert load_verification(again.path).verdict == "REPRODUCED"


def test_a_run_that_ended_before_a_stop_is_not_drawn_again(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    counts = f"open({str(drawn)!r}, 'a').write(sys.argv[1] + ' ')\n"
    recipe = write(tmp_path, TRAIN + counts)
    stopped = stop_after(recipe, 3)
    lines = (stopped.path / "outcomes.jsonl").read_text().splitlines(keepends=True)
    (stopped.path / "outcomes.jsonl").write_text("".join(lines[:2]))  # killed before the third
    found = verified(recipe)
    assert found.path == stopped.path
    assert drawn.read_text().split() == [str(seed) for seed in found.seeds]
    third = VerificationFolder.load(found.path).outcomes()[2]
    assert [list(row) for row in third.scores] == json.loads(lines[2])["scores"]


def test_a_registered_file_that_was_edited_between_two_seeds_is_named(tmp_path: Path) -> None:
    recipe = write(tmp_path)
    stopped = stop_after(recipe, 2)
    (stopped.path / "code" / "train.py").write_text(TRAIN.replace("0.9,", "0.5,"))
    with pytest.raises(RunError, match=r"train\.py"):
        verified(recipe)
    assert len(stopped.outcomes()) == 2


def test_in_place_a_file_that_was_edited_between_two_seeds_is_named(tmp_path: Path) -> None:
    # The program itself writes to its own source, so that the second seed would be another one.
    writes = TRAIN + "open('train.py', 'a').write('# more')\n"
    recipe = write(tmp_path, writes, in_place=True)
    with pytest.raises(RunError, match=r"train\.py"):
        verified(recipe)
    (path,) = (tmp_path / "runs").glob("toy/*-verify")
    assert len(VerificationFolder.load(path).outcomes()) == 1


def test_in_place_seeds_run_one_after_another(tmp_path: Path) -> None:
    recipe = write(tmp_path, in_place=True)
    with pytest.raises(PapertrialError, match="--workers 1"):
        verified(recipe, workers=2)
    assert verified(recipe, workers=1).verdict == "REPRODUCED"


def test_runs_may_be_in_the_folder_of_the_program(tmp_path: Path) -> None:
    recipe = write(tmp_path)
    runs = tmp_path / "repository" / "runs"
    found = verified(recipe, runs=runs)
    assert list(VerificationFolder.load(found.path).registered.files[0]) == ["code/train.py"]
    assert verified(recipe, runs=runs).path == found.path


def test_a_file_name_that_is_not_unicode_is_registered_and_audited(tmp_path: Path) -> None:
    recipe = write(tmp_path)
    for name in (b"a\xff.txt", b"a\xfe.txt"):
        Path(os.fsdecode(bytes(tmp_path / "repository") + b"/" + name)).write_bytes(name)
    found = verified(recipe)
    assert len(VerificationFolder.load(found.path).registered.files[0]) == 3
    assert [one.message for one in pt.audit(found.path).differences] == []


def test_code_that_is_imported_from_elsewhere_may_not_change_between_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library" / "shift.py"
    library.parent.mkdir()
    library.write_text("SHIFT = 0\n")
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([before, str(library.parent)]))
    edits = f"if seed == 1: open({str(library)!r}, 'w').write('SHIFT = -0.02')\n"
    recipe = write(tmp_path, "import shift\n" + TRAIN + edits)
    with pytest.raises(RunError, match="PYTHONPATH"):
        verified(recipe)
    (path,) = (tmp_path / "runs").glob("toy/*-verify")
    assert [one.seed for one in VerificationFolder.load(path).outcomes()] == [0, 1]


def test_a_gpu_is_one_of_those_that_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8f2")
    assert device_variables("cuda:1") == {"CUDA_VISIBLE_DEVICES": "GPU-8f2"}
    assert device_variables("cuda") == {}
    assert device_variables("cpu") == {"CUDA_VISIBLE_DEVICES": ""}
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert device_variables("cuda:1") == {"CUDA_VISIBLE_DEVICES": "1"}


def test_a_relative_data_folder_is_found_from_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path)
    reads = TRAIN + "import os; os.listdir(sys.argv[3])\n"
    command = ["{python}", "train.py", "{seed}", "{out}", "{data}"]
    found = verified(write(tmp_path, reads, command=command), "claims.1.value=11", data="tables")
    assert found.verdict == "REPRODUCED"
    report = read_report(found.path)
    assert any("by {data}" in text for text in report.not_covered)
    # A bound of 11 on values near 0.1: the recipe may take percentages for fractions.
    assert [text for text in report.warnings if "scores.final_loss.unit" in text]


def test_a_program_without_a_seed_has_runs(tmp_path: Path, invoke: Any) -> None:
    # Runs differ by themselves, here by the folder of each: seeds/s0/out.
    draws = TRAIN.replace("int(sys.argv[1]), sys.argv[2]", "int(sys.argv[1][:-4][-1]), sys.argv[1]")
    recipe = write(tmp_path, draws, seeded=False, command=["{python}", "train.py", "{out}"])
    words = ["--device", "cpu", "--workers", "1", "--runs", tmp_path / "runs"]
    done = invoke("verify", recipe, *words, "claims.1.value=1")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"hold on \d runs", done.stdout)
    assert "run 0: accuracy" in done.stderr
    assert "of at most 15 runs" in done.stderr
    (path,) = (tmp_path / "runs").glob("toy/*-verify")
    page, text = (path / "report.html").read_text(), (path / "report.md").read_text()
    assert ">finished runs<" in page  # the axis of a plot
    assert not re.search(r">[^<]*\bfinished seeds?\b", page)
    assert re.search(r"\b\d finished runs\b", text)
    before = text.partition("## Provenance")[0]
    assert re.findall(r".*(?<![\w./{-])[Ss]eeds?\b(?![\w./}-]).*", before) == []


def test_a_program_that_writes_to_its_own_source_changes_its_copy_only(tmp_path: Path) -> None:
    writes = TRAIN + "open('train.py', 'a').write('# more')\n"
    found = verified(write(tmp_path, writes))
    assert found.verdict == "REPRODUCED"
    assert (tmp_path / "repository" / "train.py").read_text() == writes
    assert any("its own source" in text for text in read_report(found.path).warnings)


FAILURES = {
    1: ("sys.exit(3)", "crashed", "exit code 3"),
    2: ("print('no score'); sys.exit()", "crashed", "accuracy"),
    4: ("print('test acc: nan %'); sys.exit()", "diverged", "accuracy"),
    6: ("import os; os.kill(os.getpid(), 9)", "crashed", "SIGKILL"),
    8: ("import time; time.sleep(60)", "crashed", "2 s"),
    9: ("print('test acc: 0.93 '); sys.exit()", "crashed", "percent"),
}


def test_each_failure_is_a_failed_seed_with_its_reason(tmp_path: Path) -> None:
    branches = "".join(f"if seed == {seed}: {code}\n" for seed, (code, *_) in FAILURES.items())
    head, _, rest = TRAIN.partition("score =")
    recipe = write(
        tmp_path,
        f"{head}{branches}score ={rest}",
        timeout=2,
        scores={"accuracy": {"pattern": "test acc: ([0-9.na]+) ?", "unit": "percent"}},
    )
    tree = json.loads(recipe.read_text())
    claims = [{**tree["claims"][0], "tolerance": "0.31 points"}]
    recipe.write_text(json.dumps({**tree, "claims": claims, "verify": {"max_diverged": 0.7}}))
    found = verified(recipe)
    records = {record.seed: record for record in VerificationFolder.load(found.path).outcomes()}
    for seed, (_, state, reason) in FAILURES.items():
        assert records[seed].state == state
        assert reason in records[seed].error
        assert records[seed].attempts == 1  # a failure of the program's own is not tried again
    assert records[0].state == records[3].state == "finished"
    assert [one.message for one in pt.audit(found.path, seed=0).differences] == []


def test_an_audit_finds_a_seed_that_is_recorded_as_failed_and_did_not(
    done: SimpleNamespace, tmp_path: Path
) -> None:
    first = done.records[0].model_copy(
        update={"state": "crashed", "scores": (), "runs": (), "error": "exit code 3"}
    )
    for name, change in {
        "hidden": lambda home: None,
        "deleted": shutil.rmtree,
        "edited": lambda home: (home / "program.json").write_text(
            read_program_run(home)
            .model_copy(update={"failure": "score", "error": "exit code 3", "scores": {}})
            .to_json()
        ),
    }.items():
        copy = tmp_path / name / done.found.path.name
        shutil.copytree(done.found.path, copy)
        rest = (copy / "outcomes.jsonl").read_text().partition("\n")[2]
        (copy / "outcomes.jsonl").write_text(f"{first.to_json(indent=None)}\n{rest}")
        change(copy / "seeds" / "s0")
        found = pt.audit(copy, retrain=False)
        runs = [one.message for one in found.differences if one.check == "runs"]
        assert any("seed 0" in message for message in runs), name


def test_a_seed_of_which_the_other_side_fails_has_failed(tmp_path: Path) -> None:
    fails = TRAIN + "if sys.argv[3] == 'b' and seed == 2: sys.exit(3)\n"
    command = ["{python}", "train.py", "{seed}", "{out}", "{arm}"]
    recipe = write(tmp_path, fails, command=command, parameters={"arm": "a"})
    versus = {"set": {"program.parameters.arm": "b"}}
    claim = {"metric": "accuracy", "kind": "difference", "value": 0, "tolerance": "2 points"}
    tree = json.loads(recipe.read_text()) | {"claims": [{**claim, "n": 3, "versus": versus}]}
    recipe.write_text(json.dumps(tree))
    found = verified(recipe)
    states = {one.seed: one.state for one in VerificationFolder.load(found.path).outcomes()}
    assert states[2] == "crashed"
    assert [one.message for one in pt.audit(found.path, seed=0).differences] == []


def test_a_program_that_ignores_its_seed_is_warned_of(tmp_path: Path) -> None:
    found = verified(write(tmp_path, TRAIN.replace("Random(seed)", "Random(1)").replace(
        "seed / 1000", "0")))  # fmt: skip
    assert any("exactly the same scores" in text for text in read_report(found.path).warnings)


def test_two_programs_are_compared_seed_by_seed(tmp_path: Path) -> None:
    recipe = write(
        tmp_path,
        TRAIN.replace("sys.argv[2]", "sys.argv[2]; gain = float(sys.argv[3])").replace(
            "score = round(", "score = round(gain + "
        ),
        command=["{python}", "train.py", "{seed}", "{out}", "{gain}"],
        parameters={"gain": 0.05},
    )
    tree = json.loads(recipe.read_text())
    versus = {"set": {"program.parameters.gain": 0}}
    claim = {"metric": "accuracy", "kind": "better", "versus": versus}
    recipe.write_text(json.dumps({**tree, "claims": [claim]}))
    found = verified(recipe)
    assert found.verdict == "REPRODUCED"
    record = VerificationFolder.load(found.path).outcomes()[0]
    assert record.runs == ("seeds/s0", "seeds/s0-versus1")
    assert record.scores[0][0] - record.scores[0][1] == pytest.approx(0.05, abs=1e-9)
    assert [one.message for one in pt.audit(found.path).differences] == []


def test_a_target_is_judged_on_the_registered_points_of_a_curve(tmp_path: Path) -> None:
    curve = {"unit": "epoch", "every": 1, "last": 3}
    score = {**RECIPE["program"]["scores"]["loss"], "curve": curve}
    recipe = write(tmp_path, scores={"loss": score})
    claim = {"metric": "loss", "kind": "reaches", "value": 0.52, "by": {"epoch": 2}}
    tree = json.loads(recipe.read_text())
    recipe.write_text(json.dumps({**tree, "claims": [claim]}))
    found = verified(recipe)
    assert found.verdict == "REPRODUCED"
    record = VerificationFolder.load(found.path).outcomes()[3]
    assert record.scores == ((1.003, 0.503, 0.336),)
    assert [one.message for one in pt.audit(found.path).differences] == []
