"""Folders of verifications: how they are named, found and read, and mended after a crash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from papertrial.errors import RunError
from papertrial.store.verification_folder import VerificationFolder, verifications

DIGEST = "0123456789abcdef" * 4
WHOLE = '{"seed": 0, "state": "finished"}\n'


@pytest.fixture
def folder(tmp_path: Path) -> VerificationFolder:
    made = VerificationFolder.new(tmp_path, "line", DIGEST)
    made.write("preregistration.json", b'{"alpha": 0.05}\n')
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
    found = [folder.path.name for folder in verifications(tmp_path, "line")]
    assert found == ["20250102T000000Z-f-verify", "20260102T000000Z-0-verify"]
    assert list(verifications(tmp_path, "other")) == []
    assert list(verifications(tmp_path / "absent", "line")) == []


def test_what_is_no_verification_is_told(tmp_path: Path, folder: VerificationFolder) -> None:
    assert VerificationFolder.load(folder.path).path == folder.path
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(RunError, match=r"no folder of a verification.*`papertrial runs` lists"):
        VerificationFolder.load(run)
    (run / "provenance.json").write_text("{}")
    with pytest.raises(RunError, match="it is a run, not a verification"):
        VerificationFolder.load(run)


def test_the_hash_is_that_of_the_file_as_it_lies_there(folder: VerificationFolder) -> None:
    assert folder.sha256 == hashlib.sha256(b'{"alpha": 0.05}\n').hexdigest()
    assert folder.registered == {"alpha": 0.05}
    (folder.path / "preregistration.json").write_text('{"alpha": 0.06}\n')
    assert folder.sha256 == hashlib.sha256(b'{"alpha": 0.06}\n').hexdigest()


def test_the_state_is_empty_at_first_and_damage_is_told(folder: VerificationFolder) -> None:
    assert folder.state == {}
    folder.write_json("verification.json", {"state": "running"})
    assert folder.state == {"state": "running"}
    for damaged in ("[]", "{", '"running"'):
        (folder.path / "verification.json").write_text(damaged)
        with pytest.raises(RunError, match=r"verification\.json is damaged"):
            folder.state  # noqa: B018
    (folder.path / "preregistration.json").write_text("[]")
    with pytest.raises(RunError, match=r"preregistration\.json is damaged: it is no JSON object"):
        folder.registered  # noqa: B018


@pytest.mark.parametrize(
    ("text", "seeds", "mended"),
    [
        ("", [], ""),
        (WHOLE, [0], WHOLE),
        (f'{WHOLE}{{"seed": 1, "sta', [0], WHOLE),
        ('{"seed": 1, "sta', [], ""),
        (f'{WHOLE}{{"seed": 1}}', [0, 1], f'{WHOLE}{{"seed": 1}}\n'),  # all but its end is there
    ],
)
def test_a_record_cut_short_is_left_out_and_cut_off(
    folder: VerificationFolder, text: str, seeds: list[int], mended: str
) -> None:
    path = folder.path / "outcomes.jsonl"
    path.write_text(text)
    assert [record["seed"] for record in folder.outcomes()] == seeds
    folder.mend()
    assert path.read_text() == mended
    folder.append("outcomes.jsonl", {"seed": 9})
    assert [record["seed"] for record in folder.outcomes()] == [*seeds, 9]


def test_without_records_there_is_nothing_to_mend(folder: VerificationFolder) -> None:
    assert folder.outcomes() == []
    folder.mend()
    assert not (folder.path / "outcomes.jsonl").exists()


def test_a_damaged_record_in_the_middle_is_told(folder: VerificationFolder) -> None:
    (folder.path / "outcomes.jsonl").write_text(f'{{"seed": 1, "sta\n{WHOLE}')
    with pytest.raises(RunError, match=r"outcomes.jsonl line 1 is damaged"):
        folder.outcomes()
