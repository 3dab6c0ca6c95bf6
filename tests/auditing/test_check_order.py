"""Whether the registration is older than the first seed, and the evidence beside it."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from papertrial.auditing.check_order import check_order, check_proofs
from papertrial.auditing.check_registration import check_registered_seeds, check_registration_bytes
from papertrial.auditing.finding import Finding
from papertrial.auditing.recorded import Recorded
from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.store.registration_files import CommittedRegistration
from papertrial.store.verification_folder import VerificationFolder

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")


@pytest.fixture
def copied(verified: Path, tmp_path: Path) -> Path:
    """A copy of a finished verification, to be edited."""
    return Path(shutil.copytree(verified, tmp_path / verified.name))


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def committed(folder: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> str:
    """Commit the registration at a given time, and store the commit as `register --git` does."""
    git(folder.parent, "init", "--quiet")
    monkeypatch.setenv("GIT_COMMITTER_DATE", at)
    author = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    git(folder, "add", "preregistration.json")
    git(folder, *author, "commit", "--quiet", "--message", "Register")
    commit = git(folder, "rev-parse", "HEAD")
    proof = CommittedRegistration(
        preregistration=VerificationFolder(folder).sha256,
        commit=commit,
        file=f"{folder.name}/preregistration.json",
        committed=datetime.datetime.fromisoformat(at),
    )
    (folder / "registration_proof.json").write_text(proof.to_json())
    return commit


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2))


def order(folder: Path) -> list[Finding]:
    recorded = Recorded.load(VerificationFolder(folder))
    return [*check_order(recorded), *check_proofs(recorded)]


def test_a_registration_before_the_first_seed(verified: Path) -> None:
    (found,) = order(verified)
    assert (found.check, found.ok, found.warning) == ("order", True, False)
    starts = sorted(
        json.loads(path.read_text())["started"] for path in verified.glob("seeds/*/provenance.json")
    )
    assert found.message.endswith(f"the first seed started at {starts[0]}, after it")


@pytest.mark.parametrize("name", ["s3", "s0-versus1"])
def test_a_seed_from_before_the_registration(copied: Path, name: str) -> None:
    edit_json(
        copied / "seeds" / name / "provenance.json",
        lambda kept: kept.update(started="2020-01-01T01:00:00.000+01:00"),
    )
    (found,) = order(copied)
    assert not found.ok
    assert found.message.endswith("the first seed started at 2020-01-01T00:00:00+00:00, before it")


def test_a_run_that_no_outcome_names_counts_too(copied: Path) -> None:
    hidden = copied / "seeds" / "s0-2"
    shutil.copytree(copied / "seeds" / "s0", hidden)
    edit_json(
        hidden / "provenance.json",
        lambda kept: kept.update(started="2020-01-01T00:00:00.000+00:00", state="failed"),
    )
    assert [found.ok for found in order(copied)] == [False]


def unstarted(copied: Path) -> None:
    """Remove what seeds left, as if the verification had only been registered."""
    for name in ("seeds", "outcomes.jsonl", "verification.json", "report.json"):
        path = copied / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_where_no_seed_has_started(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unstarted(copied)
    (found,) = order(copied)
    assert found.ok
    assert found.message.endswith("; no seed has started")
    (found,) = check_registration_bytes(VerificationFolder(copied))
    assert found.ok
    commit = committed(copied, monkeypatch, "2026-01-01T00:00:00+00:00")
    assert [found.message for found in order(copied)][1:] == [
        f"git commit {commit[:12]} made at 2026-01-01T00:00:00+00:00 holds it"
    ]


def test_a_state_that_is_gone_is_a_difference(copied: Path) -> None:
    (copied / "verification.json").unlink()
    found = list(check_registration_bytes(VerificationFolder(copied)))
    assert "there is no verification.json, though seeds ended" in [one.message for one in found]


def test_a_commit_before_the_first_seed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = committed(copied, monkeypatch, "2026-01-01T02:00:00+01:00")
    _, found = order(copied)
    assert found.ok
    assert found.message.startswith(f"git commit {commit[:12]} made at 2026-01-01T01:00:00+00:00; ")
    assert found.message.endswith(", after it")


def test_a_commit_after_the_first_seed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(copied, monkeypatch, "2099-01-01T00:00:00+00:00")
    first, found = order(copied)
    assert first.ok
    assert not found.ok
    assert found.message.endswith(", before it")


def test_a_commit_of_another_registration(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(copied, monkeypatch, "2026-01-01T00:00:00+00:00")
    edit_json(copied / "preregistration.json", lambda kept: kept.update(alpha=0.4))
    differs = [found.message for found in order(copied) if not found.ok]
    assert len(differs) == 1
    assert "holds another preregistration.json, SHA-256 " in differs[0]
    found = [one.message for one in check_registration_bytes(VerificationFolder(copied))]
    assert any("but registration_proof.json has " in message for message in found)


def test_an_edited_time_of_the_commit(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(copied, monkeypatch, "2026-01-01T00:00:00+00:00")
    edit_json(
        copied / "registration_proof.json",
        lambda kept: kept.update(committed="2025-01-01T00:00:00Z"),
    )
    (differs,) = [found.message for found in order(copied) if not found.ok]
    assert differs.endswith(
        "made at 2026-01-01T00:00:00+00:00, but registration_proof.json has "
        "2025-01-01T00:00:00+00:00"
    )


def test_a_commit_whose_repository_is_not_here(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = committed(copied, monkeypatch, "2026-01-01T00:00:00+00:00")
    shutil.rmtree(copied.parent / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    _, found = order(copied)
    assert (found.ok, found.warning) == (True, True)
    assert f"git commit {commit[:12]}" in found.message
    assert "was not checked" in found.message
    monkeypatch.setenv("PATH", str(tmp_path))  # without git
    assert order(copied)[1] == found


def stamp(folder: Path, digest: str, *, head: bytes = MAGIC + b"\x01\x08") -> None:
    """Write an OpenTimestamps proof: header, version, SHA-256 and digest, then attestations."""
    content = head + bytes.fromhex(digest) + b"\xf0\x10"
    (folder / "preregistration.json.ots").write_bytes(content)


def test_a_time_stamp_of_this_registration(copied: Path) -> None:
    stamp(copied, VerificationFolder(copied).sha256)
    _, found = order(copied)
    assert (found.ok, found.warning) == (True, True)
    assert "`ots verify preregistration.json.ots`" in found.message


def test_a_time_stamp_of_something_else(copied: Path) -> None:
    stamp(copied, "ab" * 32)
    _, found = order(copied)
    assert not found.ok
    assert "is for the SHA-256 abababababab, " in found.message


@pytest.mark.parametrize(
    "content",
    [b"", b"text", MAGIC, MAGIC + b"\x01\x08" + b"a" * 32, MAGIC + b"\x01\x02" + b"a" * 40],
)
def test_what_is_not_a_time_stamp_of_a_sha256(copied: Path, content: bytes) -> None:
    (copied / "preregistration.json.ots").write_bytes(content)
    _, found = order(copied)
    assert not found.ok
    assert found.message.endswith("is not an OpenTimestamps proof of a SHA-256")


@pytest.mark.parametrize(
    ("suffix", "command"),
    [("asc", "gpg --verify"), ("sig", "ssh-keygen -Y verify"), ("minisig", "minisign -V")],
)
def test_a_signature_is_named_with_what_checks_it(copied: Path, suffix: str, command: str) -> None:
    (copied / f"preregistration.json.{suffix}").write_text("signature")
    _, found = order(copied)
    assert (found.ok, found.warning) == (True, True)
    assert found.message.startswith(f"preregistration.json.{suffix} is not checked here; ")
    assert command in found.message


def test_an_edited_digest_file(copied: Path) -> None:
    (copied / "preregistration.json.sha256").write_text(f"{'0' * 64}  preregistration.json\n")
    found = [one.message for one in check_registration_bytes(VerificationFolder(copied))]
    assert any("but preregistration.json.sha256 has 0000" in message for message in found)


@pytest.mark.parametrize(("text", "ok"), [("a public text", True), ("another text", False)])
def test_drawn_seeds_are_drawn_again(copied: Path, text: str, ok: bool) -> None:
    def draw(kept: dict[str, Any]) -> None:
        kept.update(seeds=list(draw_seeds("a public text", 5)), maximum=5, seeds_from=text)

    edit_json(copied / "preregistration.json", draw)
    (copied / "outcomes.jsonl").write_text("")
    (found,) = check_registered_seeds(Recorded.load(VerificationFolder(copied)))
    assert found.ok is ok
    assert repr(text) in found.message
