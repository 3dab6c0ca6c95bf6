"""An audit of a verification: what was edited afterwards is told, and where."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

import papertrial as pt
from papertrial.auditing.audit import Audit, Finding, audit, auditing
from papertrial.errors import DataError, RunError
from papertrial.progress import Step
from papertrial.store.verification_folder import VerificationFolder


@pytest.fixture
def copied(verified: Path, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    return Path(shutil.copytree(verified, tmp_path / verified.name))


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2))


def edit_outcome(folder: Path, seed: int, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "outcomes.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    change(next(record for record in records if record["seed"] == seed))
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def edit_tensor(path: Path, name: str, row: int, add: float) -> None:
    tensors = safetensors.torch.load_file(path)
    tensors = {key: tensor.clone() for key, tensor in tensors.items()}
    tensors[name][row] += add
    safetensors.torch.save_file(tensors, path)


def differences(folder: Path, **options: Any) -> dict[str, list[str]]:
    """What an audit without retraining finds to differ, by check."""
    found: dict[str, list[str]] = {}
    for finding in audit(folder, retrain=False, seed=0, **options).differences:
        found.setdefault(finding.check, []).append(finding.message)
    return found


def test_an_untouched_verification_passes_and_a_seed_comes_out_again(verified: Path) -> None:
    made = pt.audit(verified, seed=3)
    assert [str(finding) for finding in made.findings if not finding.ok] == []
    assert isinstance(made, pt.Audit)
    assert made.ok
    assert (made.path, made.seed, made.differences) == (verified, 3, ())
    said = {finding.check: finding.message for finding in made.findings}
    assert list(said) == [
        "registration", "recipe", "order", "seeds", "runs", "files", "parameters", "weights",
        "scores", "verdicts", "report", "predictions", "retraining",
    ]  # fmt: skip
    sha = VerificationFolder(verified).sha256
    assert said["registration"] == f"SHA-256 {sha}, also in verification.json, report.json"
    assert said["runs"].startswith("10 runs finished")
    # 10 runs, 2 splits, 3 metrics
    assert said["scores"].startswith("60 metrics of 10 runs")
    assert said["verdicts"].endswith(
        "test mse NOT REPRODUCED; test mse, best epoch NOT REPRODUCED; "
        "difference in test r2 NOT REPRODUCED; parameters REPRODUCED"
    )
    assert said["predictions"].endswith("on the data, bit for bit")
    assert said["retraining"] == (
        "seed 3 trained again: same weights, bit for bit; same predictions, scores"
    )


def test_a_seed_is_drawn_where_none_is_asked_for(verified: Path) -> None:
    events = auditing(verified, retrain=False)
    told = []
    while True:
        try:
            told.append(next(events))
        except StopIteration as end:
            made: Audit = end.value
            break
    assert made.seed in range(5)
    assert tuple(one for one in told if isinstance(one, Finding)) == made.findings
    assert any(isinstance(one, Step) for one in told)
    drawn = f"seed {made.seed}, drawn at random from those that ended, is evaluated again"
    assert drawn in [finding.message for finding in made.findings]


def test_nothing_of_the_folder_is_changed(copied: Path) -> None:
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    audit(copied, seed=1)
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before


def test_a_seed_that_did_not_end_is_refused(verified: Path) -> None:
    with pytest.raises(RunError, match=r"seed 99 is not in this verification; those that ended: 0"):
        audit(verified, seed=99)


def test_a_folder_of_a_run_is_refused(verified: Path) -> None:
    with pytest.raises(RunError, match="it is the folder of a run"):
        audit(verified / "seeds" / "s0")


def test_an_edited_score_in_the_outcomes(copied: Path) -> None:
    had = json.loads((copied / "seeds/s2/metrics.json").read_text())["metrics"]["test"]["mse"]
    edit_outcome(copied, 2, lambda record: record["scores"].__setitem__(0, [6000.0]))
    found = differences(copied)
    assert found["scores"] == [
        f"seed 2, test mse: 6000.0 in outcomes.jsonl, {had} in metrics.json, "
        f"{had} in predictions/test.safetensors; outcomes.jsonl alone differs"
    ]
    told = [message for message in found["verdicts"] if "claim 1, test mse: " in message]
    assert [message.partition(",")[0] for message in told] == ["verification.json", "report.json"]
    assert "; mean is " in told[0]
    assert "; 1 of 5 scores differ ([2, " in told[1]
    # The cause stands first, and what follows from it is short.
    assert list(found) == ["scores", "verdicts"]
    assert max(len(message) for message in found["verdicts"]) <= 200


def test_an_edited_metric_of_a_run(copied: Path) -> None:
    path = copied / "seeds/s2/metrics.json"
    edit_json(path, lambda kept: kept["metrics"]["test"].update(mse=6000.0))
    found = differences(copied)
    assert set(found) == {"scores"}
    assert found["scores"][0].endswith("; metrics.json alone differs")
    assert found["scores"][1] == (
        "seed 2, test: the last evaluation in metrics.jsonl is not what metrics.json has"
    )


def test_an_edited_metric_that_nothing_is_claimed_of(copied: Path) -> None:
    path = copied / "seeds/s4/metrics.json"
    edit_json(path, lambda kept: kept["metrics"]["train"].update(r2=0.9))
    assert differences(copied)["scores"][0].startswith("seed 4, train r2: 0.9 in metrics.json, -")


def test_edited_predictions(copied: Path) -> None:
    edit_tensor(copied / "seeds/s0/predictions/test.safetensors", "output", 7, 1.0)
    found = differences(copied)
    assert set(found) == {"scores", "predictions"}
    told = [message for message in found["scores"] if message.startswith("seed 0, test mse: ")]
    assert len(told) == 1
    assert told[0].endswith("; predictions/test.safetensors alone differs")
    assert found["predictions"] == [
        "seed 0: model.safetensors gives other outputs on test than predictions/test.safetensors "
        "has"
    ]


def test_edited_targets(copied: Path) -> None:
    edit_tensor(copied / "seeds/s0/predictions/test.safetensors", "target", 7, 1.0)
    found = differences(copied)
    assert "seed 1: the targets in predictions/test are not those of seed 0" in found["runs"]
    assert found["predictions"] == [
        "seed 0: the targets in predictions/test.safetensors are not those of the data"
    ]


def test_an_edited_curve_of_the_best_epoch(copied: Path) -> None:
    path = copied / "seeds/s1/metrics.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    first = next(r for r in records if r["kind"] == "evaluation" and r["split"] == "test")
    first["metrics"]["mse"] = 5000.0
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = differences(copied)
    assert list(found) == ["scores"]
    assert found["scores"][0].startswith("seed 1, test mse of the best epoch: ")
    assert found["scores"][0].endswith(" in outcomes.jsonl, 5000.0 in metrics.jsonl")


def test_an_edited_tolerance_in_the_registration(copied: Path) -> None:
    def widen(registered: dict[str, Any]) -> None:
        registered["claims"][0]["tolerance"] = 50000

    edit_json(copied / "preregistration.json", widen)
    found = differences(copied)
    sha = VerificationFolder(copied).sha256
    assert found["registration"][1].startswith(f"the SHA-256 of preregistration.json is {sha}")
    assert f"but preregistration.json has {sha[:8]}" in found["registration"][-1]
    assert found["recipe"] == ["claims.0.tolerance is registered as 50000.0; recipe.yaml has 500.0"]
    assert any("verdict is 'NOT REPRODUCED'" in message for message in found["verdicts"])


def test_a_registration_edited_and_hashed_anew(copied: Path) -> None:
    edit_json(copied / "preregistration.json", lambda registered: registered.update(alpha=0.4))
    folder = VerificationFolder(copied)
    for name in ("verification.json", "report.json"):

        def hashed(kept: dict[str, Any]) -> None:
            told = {"sha256": folder.sha256, "registered": folder.registered.to_plain()}
            kept["preregistration"] = (
                told if "claims" in kept and "exact" in kept else folder.sha256
            )

        edit_json(copied / name, hashed)
    found = differences(copied.rename(copied.with_name("another-name")))
    assert "registration" not in found
    assert found["recipe"] == ["alpha is registered as 0.4; recipe.yaml has 0.05"]


def test_an_edited_claim_in_the_recipe(copied: Path) -> None:
    path = copied / "recipe.yaml"
    path.write_text(path.read_text().replace("value: 6000", "value: 14000"))
    found = differences(copied)
    assert set(found) == {"recipe"}
    assert "claims.0.value is registered as 6000.0; recipe.yaml has 14000.0" in found["recipe"]
    assert found["recipe"][0].startswith("recipe_hash is registered as ")


def test_another_training_in_the_recipe(copied: Path) -> None:
    path = copied / "recipe.yaml"
    path.write_text(path.read_text().replace("lr: 0.01", "lr: 0.02"))
    made = audit(copied, seed=1)
    found = {finding.check: finding.message for finding in made.differences}
    assert set(found) == {"recipe", "retraining"}
    assert found["retraining"].startswith(
        "seed 1, trained again on a machine like the first, gives other weights, scores"
    )


def test_another_recipe_of_the_other_side(copied: Path) -> None:
    path = copied / "versus/0/recipe.yaml"
    path.write_text(path.read_text().replace("lr: 0.01", "lr: 0.02"))
    found = differences(copied)
    assert list(found) == ["recipe"]
    assert found["recipe"][0] == "versus/0/recipe.yaml is not the other side that was registered"


def test_the_run_of_another_seed(copied: Path) -> None:
    shutil.rmtree(copied / "seeds/s3")
    shutil.copytree(copied / "seeds/s1", copied / "seeds/s3")
    found = differences(copied)
    assert found["runs"] == ["seed 3: s3 is a run of seed 1"]
    assert found["weights"][0].startswith("seed 3: the SHA-256 of model.safetensors is ")
    assert found["scores"][0].endswith("outcomes.jsonl alone differs")


def test_the_run_of_another_recipe(copied: Path) -> None:
    shutil.rmtree(copied / "seeds/s3")
    shutil.copytree(copied / "seeds/s3-versus1", copied / "seeds/s3")
    found = differences(copied)
    assert found["runs"][0].startswith("seed 3: s3 is a run of another recipe, ")


def test_one_run_for_two_seeds(copied: Path) -> None:
    edit_outcome(copied, 3, lambda record: record["runs"].__setitem__(0, "seeds/s1"))
    assert "seeds/s1 is the run of more than one seed" in differences(copied)["runs"]


def test_a_run_from_outside_the_folder(copied: Path) -> None:
    edit_outcome(copied, 3, lambda record: record["runs"].__setitem__(0, "../elsewhere"))
    found = differences(copied)["runs"]
    assert found == ["seed 3: its run ../elsewhere is not in seeds"]


def test_a_missing_run(copied: Path) -> None:
    shutil.rmtree(copied / "seeds/s3")
    found = differences(copied)
    assert found["runs"][0].startswith("seed 3: there is no run folder ")


def test_a_run_from_before_the_registration(copied: Path) -> None:
    path = copied / "seeds/s3/provenance.json"
    edit_json(path, lambda kept: kept.update(started="2020-01-01T00:00:00.000+00:00"))
    registered = VerificationFolder(copied).registered.registered.isoformat(timespec="milliseconds")
    assert differences(copied)["order"] == [
        f"registered at {registered}; the first seed started at 2020-01-01T00:00:00+00:00, before "
        "it"
    ]


def test_a_run_on_other_data_or_versions_than_registered(copied: Path) -> None:
    kept = VerificationFolder(copied).registered

    def other(provenance: dict[str, Any]) -> None:
        provenance["data"]["test"]["fingerprint"] = "0" * 64
        provenance["environment"]["versions"]["torch"] = "1.0"

    for name in ("s0", "s3-versus1"):
        edit_json(copied / "seeds" / name / "provenance.json", other)
    found = differences(copied)["runs"]
    unlike = (
        f"the data: test is 000000000000, registered as {kept.data[0]['test'][:12]}",
        f"the version of torch is 1.0, registered as {kept.versions['torch']}",
    )
    for side in ("seed 0", "seed 3 (versus 1)"):
        assert {f"{side}: {text}" for text in unlike} <= set(found)


def test_edited_weights(copied: Path) -> None:
    edit_tensor(copied / "seeds/s0/model.safetensors", "bias", 0, 0.5)
    found = differences(copied)
    assert set(found) == {"weights", "predictions"}
    assert found["weights"][0].startswith("seed 0: the SHA-256 of model.safetensors is ")
    assert len(found["predictions"]) == 2  # train and test


def test_an_edited_verdict(copied: Path) -> None:
    def reproduce(kept: dict[str, Any]) -> None:
        kept["claims"][0]["verdict"] = "REPRODUCED"
        kept["claims"][0]["low"] = 5900.0

    edit_json(copied / "verification.json", reproduce)
    found = differences(copied)
    assert set(found) == {"verdicts"}
    (told,) = found["verdicts"]
    assert told.startswith(
        "verification.json, claim 1, test mse: verdict is 'REPRODUCED', decided again "
        "'NOT REPRODUCED'; low is 5900, decided again 20"
    )


def test_an_edited_report(copied: Path) -> None:
    def flatter(report: dict[str, Any]) -> None:
        report["headline"] = "REPRODUCED: all claims hold"
        report["claims"][2]["scores"][0][1] = 0.1
        report["exact"][0]["ours"] = 12
        report["seeds"][1]["scores"]["difference in test r2"] = 0.9

    edit_json(copied / "report.json", flatter)
    found = differences(copied)
    assert set(found) == {"verdicts", "report"}
    scores, exact, headline, row = found["verdicts"]
    assert scores == (
        "report.json, claim 3, difference in test r2: 1 of 5 scores differ ([0, 0.1])"
    )
    assert exact == "report.json, parameters: ours is 12, decided again 11"
    assert headline.startswith(
        "report.json: headline is 'REPRODUCED: all claims hold'; decided again"
    )
    assert row == "report.json: its row of seed 1 is not what outcomes.jsonl has"


def test_an_edited_page(copied: Path) -> None:
    for name in ("report.html", "report.md"):
        text = (copied / name).read_text()
        (copied / name).write_text(text.replace("NOT REPRODUCED", "REPRODUCED"))
    assert differences(copied) == {
        "report": [
            "report.html is not what report.json gives: one was changed",
            "report.md is not what report.json gives: one was changed",
        ]
    }


def test_plots_of_another_matplotlib_are_not_compared(copied: Path) -> None:
    now = importlib.metadata.version("matplotlib")
    path = copied / "report.html"
    text = path.read_text().replace(f"matplotlib {now}", "matplotlib 3.0")
    text = text.replace('role="img" viewBox="0 0', 'role="img" viewBox="1 0')
    path.write_text(text)
    made = audit(copied, retrain=False)
    assert made.ok
    (note,) = (f.message for f in made.findings if f.check == "report" and f.warning)
    assert "the plots were made by papertrial" in note
    path.write_text(text.replace("<h2", "<h2 hidden"))
    assert list(differences(copied)) == ["report"]


def test_a_seed_that_was_not_registered_and_one_that_is_there_twice(copied: Path) -> None:
    path = copied / "outcomes.jsonl"
    lines = path.read_text().splitlines()
    stray = {**json.loads(lines[0]), "seed": 77}
    path.write_text("\n".join([*lines, lines[1], json.dumps(stray)]) + "\n")
    assert differences(copied)["seeds"] == [
        "seed 77 is in outcomes.jsonl, but was not registered",
        "seed 1 has more than one record in outcomes.jsonl",
    ]


def test_a_seed_left_out(copied: Path) -> None:
    path = copied / "outcomes.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    made = audit(copied, retrain=False, seed=1)
    told = [finding.message for finding in made.findings if finding.warning]
    assert "seed 4 ended, but no verdict rests on it" in told
    assert "seeds/s0 finished, but is not in outcomes.jsonl, so no verdict rests on it" in told
    verdicts = [finding.message for finding in made.differences if finding.check == "verdicts"]
    assert verdicts[0] == "outcomes.jsonl does not decide every claim, and seed 0 is not in it"


def test_a_seed_told_as_diverged_that_did_not(copied: Path) -> None:
    failed = {"state": "diverged", "scores": [], "weights": "", "error": "loss is nan"}
    edit_outcome(copied, 2, lambda record: record.update(failed))
    made = audit(copied, seed=2)
    found = {finding.check: finding.message for finding in made.differences}
    assert found["runs"].startswith("seed 2 is recorded as diverged, but s2 finished with all")
    assert found["retraining"].startswith("seed 2 finishes with the scores ((")
    assert found["retraining"].endswith("but is recorded as diverged")


@pytest.mark.parametrize(
    ("name", "text", "check", "said"),
    [
        ("preregistration.json", "{", "registration", "is damaged"),
        ("preregistration.json", "{}", "registration", "has no format version"),
        ("outcomes.jsonl", "{\n{}\n", "registration", "outcomes.jsonl line 1 is damaged"),
        ("outcomes.jsonl", '{"format": 1, "seed": 0}\n', "registration", "1 is damaged: state"),
        ("report.json", "[]", "registration", "report.json is damaged: it is not a JSON object"),
        ("recipe.yaml", "name: [", "recipe", "cannot be registered again"),
        ("seeds/s1/metrics.json", "{}", "runs", "has no format version"),
        ("seeds/s1/predictions/test.safetensors", "", "scores", "is damaged"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told(copied: Path, name: str, text: str, check: str, said: str) -> None:
    (copied / name).write_text(text)
    made = audit(copied, retrain=False)
    found = [finding.message for finding in made.differences if finding.check == check]
    assert said in " ".join(found)


def test_on_another_machine_other_bits_are_only_noted(copied: Path) -> None:
    for side in ("s1", "s1-versus1"):
        path = copied / "seeds" / side / "provenance.json"
        edit_json(path, lambda kept: kept["environment"]["versions"].update(torch="1.0"))
    edit_outcome(copied, 1, lambda record: record.update(weights="0" * 64))
    made = audit(copied, seed=1)
    note = next(finding for finding in made.findings if finding.check == "retraining")
    assert note.ok
    assert note.warning
    now = importlib.metadata.version("torch")
    assert note.message == (
        f"seed 1 trained again gives other weights (torch 1.0 then, {now} now); its "
        "scores lie within the claims' tolerances"
    )
    edit_outcome(copied, 1, lambda record: record["scores"].__setitem__(0, [6000.0]))
    far = next(f for f in audit(copied, seed=1).findings if f.check == "retraining")
    assert not far.ok
    assert "recorded is 6000.0, tolerance 500" in far.message


def test_without_the_data_the_files_are_still_compared(tmp_path: Path, verified: Path) -> None:
    folder = tmp_path / verified.name
    shutil.copytree(verified, folder)
    # As for a set of one's own that lies elsewhere by now.
    for path in folder.rglob("recipe.yaml"):
        gone = "source: table\n  path: gone.csv\n  table: {target: y}"
        text = path.read_text()
        path.write_text(text.replace("source: diabetes", gone, 1))
    made = audit(folder, retrain=False, seed=0)
    notes = [finding.message for finding in made.findings if finding.warning]
    assert any(note.startswith("seed 0: not compared with the data: ") for note in notes)
    assert any(note.startswith("parameters and samples were not counted again") for note in notes)


def test_data_that_are_not_there_are_told_where_nothing_else_differs(
    verified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: Any) -> Any:
        raise DataError("there is no such set")
        yield

    monkeypatch.setattr("papertrial.runs.load_data.load_set", absent)
    with pytest.raises(DataError, match="there is no such set"):
        audit(verified, seed=0)


def rendered(folder: Path) -> None:
    """Draw the pages again, as one who edits report.json would."""
    from papertrial.report.report_files import render_again

    for name, text in render_again(folder).items():
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["claims"][0].update(reported="0.1, a single run"), "claims is not what"),
        (lambda r: r["claims"].append(dict(r["claims"][0], value=0.99)), "claims is not what"),
        (lambda r: r.update(headline=r["headline"] + " Splendid."), "headline is not what"),
        (lambda r: r["claims"][0]["decision"].pop(), "claims is not what"),
        (lambda r: r["claims"][0]["collapse"].update(of=99), "claims is not what"),
        (lambda r: r["exact"][0]["decision"].pop(), "exact is not what"),
        (lambda r: r["diverged"].update(count=0, upper=0.0, of=1), "diverged is not what"),
        (lambda r: r.update(curves=[]), "curves is not what"),
    ],
)
def test_what_else_a_report_tells_is_made_again(
    copied: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    edit_json(copied / "report.json", change)
    rendered(copied)
    assert any(said in message for message in differences(copied)["report"])


def test_edited_evidence_is_found_whatever_made_the_report(copied: Path) -> None:
    for seed in range(5):
        edit_outcome(copied, seed, lambda record: record["versions"].update(papertrial="0.0.1"))
    edit_json(
        copied / "report.json", lambda report: report["claims"][0]["evidence"].update(supports=2.0)
    )
    rendered(copied)
    (message,) = differences(copied)["verdicts"]
    assert message.startswith("report.json, claim 1, test mse: evidence is")


def test_a_report_of_another_papertrial_is_not_made_again(copied: Path) -> None:
    for seed in range(5):
        edit_outcome(copied, seed, lambda record: record["versions"].update(papertrial="0.0.1"))
    edit_json(copied / "report.json", lambda report: report.update(varied="said otherwise"))
    rendered(copied)
    made = audit(copied, retrain=False, seed=0)
    assert made.ok
    assert any("made by papertrial 0.0.1" in finding.message for finding in made.findings)


def test_an_invented_claim_in_the_record(copied: Path) -> None:
    def invent(state: dict[str, Any]) -> None:
        state["claims"].append({**state["claims"][0], "value": 0.0, "verdict": "REPRODUCED"})

    edit_json(copied / "verification.json", invent)
    assert any("verification.json: claims" in one for one in differences(copied)["report"])


def test_an_attempt_that_is_left_out(copied: Path) -> None:
    earlier = copied.with_name("20200101T000000Z-12345678-verify")
    name = json.loads((copied / "report.json").read_text())["recipe"]
    home = copied.parent / "all" / name
    shutil.copytree(copied, home / copied.name)
    shutil.copytree(copied, home / earlier.name)
    edit_json(
        home / earlier.name / "verification.json",
        lambda state: state.update(started="2020-01-01T00:00:00.000+00:00"),
    )
    found = differences(home / copied.name)["report"]
    assert any(f"the attempt {earlier.name} is not among" in message for message in found)


def test_a_later_registration_that_has_not_started_is_no_difference(copied: Path) -> None:
    name = json.loads((copied / "report.json").read_text())["recipe"]
    home = copied.parent / "all" / name
    shutil.copytree(copied, home / copied.name)
    later = home / "29990101T000000Z-12345678-verify"
    later.mkdir()
    shutil.copy(copied / "preregistration.json", later)
    assert differences(home / copied.name) == {}


def test_a_seed_told_as_diverged_whose_run_is_gone(copied: Path) -> None:
    nothing = {"state": "diverged", "scores": [], "weights": "", "error": "the loss is nan"}
    edit_outcome(copied, 2, lambda record: record.update(nothing))
    for path in (copied / "seeds").glob("s2*"):
        shutil.rmtree(path)
    said = differences(copied)
    assert any(
        "seed 2 is recorded as diverged, but no run" in one
        for found in said.values()
        for one in found
    )


def test_other_predictions_of_a_model_that_draws_nothing_differ_on_any_device(copied: Path) -> None:
    path = copied / "seeds" / "s0" / "provenance.json"
    edit_json(path, lambda kept: kept["environment"].update(device="cuda:0"))
    edit_tensor(copied / "seeds" / "s0" / "predictions" / "test.safetensors", "output", 3, 9.0)
    assert "gives other outputs on test" in " ".join(differences(copied)["predictions"])


def test_a_report_whose_parts_do_not_fit_each_other_is_damaged(copied: Path) -> None:
    edit_json(copied / "report.json", lambda report: report["curves"][0]["mean"].pop())
    found = differences(copied)["report"]
    assert any("report.json is damaged" in message for message in found)


def test_a_damaged_state_does_not_end_the_audit(copied: Path) -> None:
    (copied / "verification.json").write_text('{"format": 1}')
    edit_tensor(copied / "seeds/s0/model.safetensors", "bias", 0, 0.5)
    found = differences(copied)
    assert "verification.json is damaged" in found["registration"][0]
    assert {"weights", "predictions"} <= set(found)
    assert sum("verification.json" in one for messages in found.values() for one in messages) == 1


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"versions": {}}, "needs versions"),
        ({"weights": "", "runs": []}, "needs runs"),
        ({"state": "crashed"}, "has no scores"),
        ({"scores": [[]]}, "scores.0"),
    ],
)
def test_records_that_cannot_be_are_damaged(
    copied: Path, change: dict[str, Any], problem: str
) -> None:
    edit_outcome(copied, 2, lambda record: record.update(change))
    found = " ".join(differences(copied)["registration"])
    assert "outcomes.jsonl line" in found
    assert problem in found


def test_scores_that_do_not_fit_the_claims_are_damaged(copied: Path) -> None:
    edit_outcome(copied, 2, lambda record: record.update(scores=[[1.0, 2.0, 3.0]]))
    found = " ".join(differences(copied)["registration"])
    assert "outcomes.jsonl is damaged" in found
    assert "(1.0, 2.0, 3.0)" in found


def test_a_record_that_does_not_say_what_made_it(copied: Path) -> None:
    edit_outcome(copied, 2, lambda record: record["versions"].pop("papertrial"))
    assert any("outcomes.jsonl" in message for message in differences(copied)["report"])


def test_a_side_that_was_not_registered(copied: Path) -> None:
    edit_json(
        copied / "preregistration.json",
        lambda registered: registered["claims"][2].update(versus=99),
    )
    assert "1 sides in versus" in " ".join(differences(copied)["registration"])


def test_a_kind_that_does_not_fit_its_sides(copied: Path) -> None:
    edit_json(
        copied / "preregistration.json",
        lambda registered: registered["claims"][2].update(kind="mean"),
    )
    found = " ".join(differences(copied)["registration"])
    assert "preregistration.json" in found
    assert "compares two sides" in found
