"""Commits of a few files to the user's repository, which leave everything else as it was."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
from pathlib import Path

import pytest

from papertrial.errors import RunError
from papertrial.store.git_commit import (
    check_repository,
    commit_files,
    committed_file,
    path_in_repository,
)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "--quiet")
    git(path, "config", "user.email", "a@example.org")
    git(path, "config", "user.name", "A")
    return path


@pytest.fixture
def folder(repository: Path) -> Path:
    path = repository / "runs" / "one"
    path.mkdir(parents=True)
    (path / "a.json").write_text("{}\n")
    (path / "other").write_text("not committed")
    return path


def test_the_first_commit_of_a_repository_has_only_the_given_files(folder: Path) -> None:
    commit = commit_files(folder, ["a.json"], "Register: sha256 1")
    assert git(folder, "show", "--format=%s", "--name-only", commit).split("\n") == [
        "Register: sha256 1", "", "runs/one/a.json",
    ]  # fmt: skip
    assert git(folder, "rev-parse", "HEAD") == commit


def test_what_is_staged_stays_staged_and_uncommitted(repository: Path, folder: Path) -> None:
    (repository / "code.py").write_text("1\n")
    git(repository, "add", "code.py")
    git(repository, "commit", "--quiet", "--message", "first")
    (repository / "code.py").write_text("2\n")
    (repository / "new.py").write_text("3\n")
    git(repository, "add", "code.py", "new.py")
    (repository / "code.py").write_text("4\n")
    before = git(repository, "status", "--porcelain")
    commit = commit_files(folder, ["a.json"], "Register")
    assert git(folder, "show", "--format=", "--name-only", commit) == "runs/one/a.json"
    assert git(repository, "status", "--porcelain") == before.replace("runs/", "runs/one/other")
    assert git(repository, "show", ":code.py") == "2"


def test_a_detached_head_gets_the_commit(repository: Path, folder: Path) -> None:
    first = commit_files(folder, ["a.json"], "one")
    git(repository, "checkout", "--quiet", "--detach")
    (folder / "a.json").write_text("{1}\n")
    second = commit_files(folder, ["a.json"], "two")
    assert git(repository, "rev-parse", "HEAD", "HEAD^").split() == [second, first]


def test_files_that_are_committed_already_are_not_committed_again(
    repository: Path, folder: Path
) -> None:
    git(repository, "add", "runs")
    git(repository, "commit", "--quiet", "--message", "by hand")
    first = git(repository, "rev-parse", "HEAD")
    (repository / "new.py").write_text("3\n")
    git(repository, "add", "new.py")
    git(repository, "commit", "--quiet", "--message", "another")
    assert commit_files(folder, ["a.json"], "Register") == first
    assert git(repository, "status", "--porcelain") == ""


def test_a_refused_change_of_a_committed_file_leaves_the_index_as_it_was(
    repository: Path, folder: Path
) -> None:
    commit_files(folder, ["a.json"], "Register")
    (folder / "a.json").write_text("{1}\n")
    git(repository, "config", "--unset", "user.email")
    git(repository, "config", "user.useConfigOnly", "true")
    with pytest.raises(RunError, match="git could not commit"):
        commit_files(folder, ["a.json"], "Register")
    assert git(repository, "show", ":runs/one/a.json") == "{}"


def test_a_commit_is_found_with_its_time_and_content(folder: Path) -> None:
    commit = commit_files(folder, ["a.json"], "Register")
    assert path_in_repository(folder / "a.json") == "runs/one/a.json"
    found = committed_file(folder, commit, "runs/one/a.json")
    assert found is not None
    assert found.sha256 == hashlib.sha256(b"{}\n").hexdigest()
    assert abs(found.committed - datetime.datetime.now(datetime.UTC)).total_seconds() < 60
    assert committed_file(folder, "0" * 40, "runs/one/a.json") is None
    assert committed_file(folder, commit, "runs/one/other") is None


def test_outside_a_repository(tmp_path: Path) -> None:
    folder = tmp_path / "absent" / "runs"
    with pytest.raises(RunError, match=r"absent/runs is not in a git repository; .*--runs.*init"):
        check_repository(folder, ["a.json"])
    assert not folder.exists()
    assert committed_file(tmp_path, "0" * 40, "a.json") is None


def test_an_ignored_file_is_named_with_its_rule(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\nruns/\n")
    with pytest.raises(RunError, match=r"git ignores .*runs/x/a\.json \(\.gitignore:2:runs/\)"):
        check_repository(repository / "runs" / "x", ["a.json"])
    check_repository(repository / "kept" / "x", ["a.json"])


def test_without_an_author_the_message_is_that_of_git(repository: Path, folder: Path) -> None:
    git(repository, "config", "--unset", "user.email")
    git(repository, "config", "user.useConfigOnly", "true")
    with pytest.raises(RunError, match=r"(?s)git could not commit .*user\.email"):
        commit_files(folder, ["a.json"], "Register")
    assert git(repository, "ls-files") == ""  # nothing stays staged
    assert (folder / "a.json").read_text() == "{}\n"


def test_a_hook_that_refuses_is_reported(repository: Path, folder: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RunError, match=r"git could not commit .*not today"):
        commit_files(folder, ["a.json"], "Register")
    assert git(repository, "ls-files") == ""


def test_without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(RunError, match=r"cannot run git: .*install it, or omit --git"):
        commit_files(folder, ["a.json"], "Register")


def test_the_repository_is_the_one_around_the_folder(
    repository: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as git sets it in a hook
    commit = commit_files(folder, ["a.json"], "Register")
    monkeypatch.delenv("GIT_DIR")
    assert git(repository, "rev-parse", "HEAD") == commit
