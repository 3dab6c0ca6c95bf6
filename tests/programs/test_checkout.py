"""Commits of repositories, in a cache folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from papertrial.errors import PapertrialError
from papertrial.programs.checkout import checked_out
from papertrial.programs.code_files import list_files
from papertrial.programs.git import git_state


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *identity, "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "-qm", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitattributes").write_text("ignored.py export-ignore\nsubst.py export-subst\n")
    (folder / ".gitignore").write_text("tracked.log\n")
    (folder / "ignored.py").write_text("")
    (folder / "subst.py").write_text("$Format:%H$")
    (folder / "tracked.log").write_text("")
    commit(folder, "train.py", "first")
    return folder


def test_a_commit_is_checked_out_with_all_its_files(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    cache = tmp_path / "cache"
    found = checked_out(str(repository), first[:8], cache)
    assert (found.commit, found.lfs_pointers) == (first, ())
    assert set(list_files(found.folder)) == {
        ".gitattributes", ".gitignore", "ignored.py", "subst.py", "tracked.log", "train.py",
    }  # fmt: skip
    assert (found.folder / "subst.py").read_text() == "$Format:%H$"
    state = git_state(found.folder)
    assert state is not None
    assert (state.commit, state.changed) == (first, ())
    second = commit(repository, "train.py", "second")  # the clone must fetch it
    other = checked_out(str(repository), second, cache)
    assert (other.folder / "train.py").read_text() == "second"
    assert (found.folder / "train.py").read_text() == "first"
    shutil.rmtree(repository)  # what is in the cache needs it no more
    assert checked_out(str(repository), first, cache) == found


def test_pointers_of_git_lfs_are_named(repository: Path, tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    last = commit(repository, "weights.bin", pointer)
    assert checked_out(str(repository), last, tmp_path / "cache").lfs_pointers == ("weights.bin",)


@pytest.mark.parametrize(
    ("commit_text", "why"),
    [("main", "7 to 40"), ("abc12", "7 to 40"), ("0123456789", "no commit 0123456789")],
)
def test_commits_that_are_not_there(
    repository: Path, tmp_path: Path, commit_text: str, why: str
) -> None:
    with pytest.raises(PapertrialError, match=why):
        checked_out(str(repository), commit_text, tmp_path / "cache")


def test_repositories_that_cannot_be_cloned(tmp_path: Path) -> None:
    with pytest.raises(PapertrialError, match="cannot clone"):
        checked_out(str(tmp_path / "nothing"), "0123456", tmp_path / "cache")
    with pytest.raises(PapertrialError, match="does not appear to be a git repository") as caught:
        checked_out(f"file://{tmp_path}/nothing", "0123456", tmp_path / "cache")
    assert "Please" not in str(caught.value)  # git's advice, which does not say what is wrong


def test_a_commit_with_submodules_is_refused(repository: Path, tmp_path: Path) -> None:
    git(repository, "submodule", "--quiet", "add", str(repository), "library")
    last = commit(repository, "x", "x")
    with pytest.raises(PapertrialError, match="--recurse-submodules"):
        checked_out(str(repository), last, tmp_path / "cache")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PapertrialError, match="git is not installed"):
        checked_out("https://example.org/x", "0123456", tmp_path / "cache")
