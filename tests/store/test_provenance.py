"""Where a result came from: git, versions, machine, command, time."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from papertrial.store.provenance import (
    SOURCE,
    environment,
    git,
    package_versions,
    source_digest,
    utc_now,
)
from papertrial.store.run_records import Environment, GitState
from papertrial.version import __version__


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of one file."""
    (tmp_path / "tracked.txt").write_text("one\n")
    call(tmp_path, "init", "--quiet")
    call(tmp_path, "add", "tracked.txt")
    call(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


def call(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_git_gives_the_commit_also_from_a_folder_inside(repository: Path) -> None:
    (repository / "inside").mkdir()
    commit = call(repository, "rev-parse", "HEAD")
    assert git(repository) == git(repository / "inside") == GitState(commit=commit, dirty=False)


@pytest.mark.parametrize("change", ["changed", "deleted", "staged", "unknown"])
def test_git_is_dirty_by_changes_and_by_files_that_it_does_not_know(
    repository: Path, change: str
) -> None:
    if change == "deleted":
        (repository / "tracked.txt").unlink()
    else:
        name = "new é.txt" if change == "unknown" else "tracked.txt"
        (repository / name).write_text("two\n")
    if change == "staged":
        call(repository, "add", "tracked.txt")
    found = git(repository)
    assert found is not None
    assert found.dirty is True


def test_ignored_files_do_not_make_git_dirty(repository: Path) -> None:
    (repository / ".git" / "info" / "exclude").write_text("runs/\n")
    (repository / "runs").mkdir()
    (repository / "runs" / "x").write_text("")
    found = git(repository)
    assert found is not None
    assert found.dirty is False


def test_there_is_no_git_outside_a_repository_nor_without_commit_or_folder(tmp_path: Path) -> None:
    assert git(tmp_path) is None
    assert git(tmp_path / "nowhere") is None
    call(tmp_path, "init", "--quiet")
    assert git(tmp_path) is None


def test_there_is_no_git_where_it_is_not_installed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert git(repository) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the file system takes UTF-8 names alone")
def test_a_file_name_that_is_no_utf8_does_not_stop_git(repository: Path) -> None:
    call(repository, "config", "core.quotepath", "false")
    (repository / os.fsdecode(b"caf\xe9.txt")).write_text("")
    found = git(repository)
    assert found is not None
    assert found.dirty is True


def test_the_environment_is_of_this_process(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(sys, "argv", ["papertrial", "train", "my recipe", "paper.title=it's"])
    found = environment("cpu", device_name=None, cpu_capability="AVX2", threads=1)
    assert shlex.split(found.command) == sys.argv
    assert found.folder == str(repository)
    assert found.git == git(repository)
    assert found.machine == platform.machine()
    assert found.cpus == os.cpu_count()
    assert (found.host, found.pid) == (platform.node(), os.getpid())
    assert Environment.model_validate_json(json.dumps(found.to_plain())) == found


@pytest.mark.parametrize("package", ["papertrial", "torch", "torchvision", "numpy", "scikit-learn"])
def test_the_versions_are_those_installed(package: str) -> None:
    versions = environment("cpu", device_name=None, cpu_capability="AVX2", threads=1).versions
    assert versions[package] == importlib.metadata.version(package)
    assert versions["python"] == platform.python_version()


def test_a_package_on_the_path_alone_knows_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    versions = environment("cpu", device_name=None, cpu_capability="AVX2", threads=1).versions
    assert versions["papertrial"] == __version__
    assert versions["torch"] is None


def test_utc_now_is_the_time_in_utc_to_the_millisecond() -> None:
    before = datetime.datetime.now(datetime.UTC)
    text = utc_now()
    after = datetime.datetime.now(datetime.UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", text)
    told = datetime.datetime.fromisoformat(text)
    assert before - datetime.timedelta(milliseconds=1) <= told <= after


def test_package_versions_are_those_that_modules_belong_to() -> None:
    found = package_versions(["PIL", "rich", "absent_module", "math"])
    names = ("pillow", "rich")
    assert {name.lower(): version for name, version in found.items()} == {
        name: importlib.metadata.version(name) for name in names
    }


def test_papertrials_own_source_is_digested() -> None:
    assert re.fullmatch("[0-9a-f]{64}", source_digest())
    found = environment("cpu", device_name=None, cpu_capability="AVX2", threads=1)
    assert found.versions[SOURCE] == source_digest()
