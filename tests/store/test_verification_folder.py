"""Folders of verifications: how they are named, found and read, and repaired after a crash."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import pytest

from papertrial.errors import RunError
from papertrial.store.verification_folder import VerificationFolder, verification_folders
from papertrial.store.verification_records import (
    Preregistration,
    SeedRecord,
    VerificationState,
)

DIGEST = "0123456789abcdef" * 4
REGISTERED = Preregistration(
    method=1, recipe="line", recipe_hash=DIGEST, training_hash=DIGEST, versus=(), files=({},),
    threads=1, device="cpu", claims=(), exact=(), not_judged=(), alpha=0.05, statistic="mean",
    prior=1.0, sd=None, first_look=5, horizon="anytime", max_diverged=0.2, seeds=(0, 1, 2, 3, 4),
    seeds_from=None, maximum=5,
    reported_epoch="last", several_claims="Holm", diverged="", deterministic="",
    registered=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), data=(), rows=(), versions={},
    packages={},
)  # fmt: skip
STATE = VerificationState(
    state="running", recipe="line", started="2026-01-01T00:00:00+00:00", preregistration=DIGEST,
    commands=("papertrial verify line",), workers=1, pid=1, host="here",
)  # fmt: skip
FIRST, SECOND = (SeedRecord(seed=seed, state="crashed").to_json(indent=None) for seed in (0, 1))
WHOLE = f"{FIRST}\n"


@pytest.fixture
def folder(tmp_path: Path) -> VerificationFolder:
    made = VerificationFolder.new(tmp_path, "line", DIGEST)
    made.write("preregistration.json", REGISTERED.to_bytes())
    return made


def test_a_folder_is_named_by_time_and_hash_and_none_is_taken_twice(tmp_path: Path) -> None:
    paths = [VerificationFolder.new(tmp_path, "line", DIGEST).path for _ in range(3)]
    assert len(set(paths)) == 3
    assert {path.parent for path in paths} == {tmp_path / "line"}
    assert all("Z-01234567-verify" in path.name for path in paths)


def test_it_cannot_be_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "line").touch()
    with pytest.raises(RunError, match=r"cannot write .* choose another folder with --runs"):
        VerificationFolder.new(tmp_path, "line", DIGEST)


def test_those_of_a_recipe_are_found_oldest_first(tmp_path: Path) -> None:
    for name in ("20260102T000000Z-0-verify", "20250102T000000Z-f-verify", "20260101T000000Z-a-s0"):
        (tmp_path / "line" / name).mkdir(parents=True)
        if name.endswith("verify"):
            (tmp_path / "line" / name / "preregistration.json").write_text("{}")
    (tmp_path / "line" / "20270101T000000Z-b-verify").mkdir()  # stopped before it had a rule
    found = [folder.path.name for folder in verification_folders(tmp_path, "line")]
    assert found == ["20250102T000000Z-f-verify", "20260102T000000Z-0-verify"]
    assert list(verification_folders(tmp_path, "other")) == []
    assert list(verification_folders(tmp_path / "absent", "line")) == []


def test_what_is_no_verification_is_told(tmp_path: Path, folder: VerificationFolder) -> None:
    assert VerificationFolder.load(folder.path).path == folder.path
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(RunError, match=r"not the folder of a verification.*`papertrial runs"):
        VerificationFolder.load(run)
    (run / "provenance.json").write_text("{}")
    with pytest.raises(RunError, match="it is the folder of a run"):
        VerificationFolder.load(run)


def test_the_hash_is_that_of_the_file_as_it_lies_there(folder: VerificationFolder) -> None:
    assert folder.sha256 == hashlib.sha256(REGISTERED.to_bytes()).hexdigest() == REGISTERED.sha256
    assert folder.registered == REGISTERED
    changed = REGISTERED.model_copy(update={"alpha": 0.06})
    (folder.path / "preregistration.json").write_bytes(changed.to_bytes())
    assert folder.sha256 == changed.sha256 != REGISTERED.sha256


def test_there_is_no_state_at_first(folder: VerificationFolder) -> None:
    assert folder.state is None
    folder.write_record("verification.json", STATE)
    assert folder.state == STATE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "is damaged: it is not a JSON object"),
        ("{", "is damaged: it is not JSON"),
        ("{}", "is .*it has no format version"),
        ('{"format": 9}', "has format 9, this papertrial reads format 1: open it with the newer"),
        ('{"format": 1, "state": "ill"}', "is damaged: state: "),
    ],
)
def test_damaged_and_newer_documents_are_refused_by_name(
    folder: VerificationFolder, text: str, problem: str
) -> None:
    (folder.path / "verification.json").write_text(text)
    with pytest.raises(RunError, match=rf"verification\.json {problem}"):
        folder.state  # noqa: B018
    (folder.path / "preregistration.json").write_text(text)
    with pytest.raises(RunError, match=r"preregistration\.json (is|has)"):
        folder.registered  # noqa: B018
    (folder.path / "outcomes.jsonl").write_text(f"{text}\n{WHOLE}")
    with pytest.raises(RunError, match=r"outcomes\.jsonl line 1 (is|has)"):
        folder.outcomes()


@pytest.mark.parametrize(
    ("text", "seeds", "repaired"),
    [
        ("", [], ""),
        (WHOLE, [0], WHOLE),
        (f'{WHOLE}{{"seed": 1, "sta', [0], WHOLE),
        ('{"seed": 1, "sta', [], ""),
        (f"{WHOLE}{SECOND}", [0, 1], f"{WHOLE}{SECOND}\n"),  # only the end of the line is missing
    ],
)
def test_a_record_cut_short_is_left_out_and_cut_off(
    folder: VerificationFolder, text: str, seeds: list[int], repaired: str
) -> None:
    path = folder.path / "outcomes.jsonl"
    path.write_text(text)
    assert [record.seed for record in folder.outcomes()] == seeds
    folder.repair()
    assert path.read_text() == repaired
    folder.append_record("outcomes.jsonl", SeedRecord(seed=9, state="crashed"))
    assert [record.seed for record in folder.outcomes()] == [*seeds, 9]


def test_without_records_there_is_nothing_to_repair(folder: VerificationFolder) -> None:
    assert folder.outcomes() == []
    folder.repair()
    assert not (folder.path / "outcomes.jsonl").exists()


def test_a_damaged_record_in_the_middle_is_told(folder: VerificationFolder) -> None:
    (folder.path / "outcomes.jsonl").write_text(f'{{"seed": 1, "sta\n{WHOLE}')
    with pytest.raises(RunError, match=r"outcomes.jsonl line 1 is damaged"):
        folder.outcomes()
