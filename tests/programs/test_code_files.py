"""Which files a program has, their hashes, and copies of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import (
    COPY_MARK,
    MOST_BYTES,
    content_hash,
    copy_code,
    copy_files,
    file_hashes,
    list_files,
    original_folder,
    require_copyable,
)
from papertrial.programs.git import git_state


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *identity, "-c", "protocol.file.allow=always", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    write(folder, "train.py", "lib/a b.py", "deleted.py", "lib/ä.py")
    (folder / ".gitignore").write_text("data/\n*.log\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_git_work_tree_has_its_tracked_and_its_new_files(repository: Path) -> None:
    write(repository, "new.py", "data/large.bin", "x.log")
    (repository / "deleted.py").unlink()
    assert list_files(repository) == (".gitignore", "lib/a b.py", "lib/ä.py", "new.py", "train.py")
    assert list_files(repository / "lib") == ("a b.py", "ä.py")


def test_a_folder_that_git_ignores_is_listed_like_any_other(repository: Path) -> None:
    write(repository, "data/train.py", "data/__pycache__/train.pyc")
    assert list_files(repository / "data") == ("train.py",)


def test_other_folders_have_all_files_but_junk(tmp_path: Path) -> None:
    write(tmp_path, "train.py", ".venv/lib/x.py", "__pycache__/a.pyc", "lib/.git/config", ".env")
    (tmp_path / "folder-link").symlink_to(tmp_path / "lib")
    os.mkfifo(tmp_path / "pipe")
    assert list_files(tmp_path) == (".env", "folder-link", "train.py")


@pytest.mark.parametrize("name", ["provenance.json", "preregistration.json"])
def test_run_folders_are_left_out(repository: Path, name: str) -> None:
    write(repository, f"runs/recipe/20260101-x/{name}", "runs/recipe/y/seeds/s1/log", "runs/a")
    assert not any(file.startswith("runs/") for file in list_files(repository))
    write(repository / "data", f"recipe/20260101-x/{name}", "recipe/other", "train.py")
    assert list_files(repository / "data") == ("train.py",)


def test_a_folder_of_runs_is_left_out_before_its_first_registration(repository: Path) -> None:
    write(repository, "runs/.toy.verify.lock", "runs/toy/20260101-verify/recipe.yaml")
    assert not any(file.startswith("runs/") for file in list_files(repository))
    write(repository / "data", ".toy.verify.lock", "train.py")
    assert list_files(repository / "data") == ("train.py",)


def test_submodules(repository: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    write(library, "part.py")
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-qm", "first")
    git(repository, "submodule", "--quiet", "add", str(library), "library")
    assert "library/part.py" in list_files(repository)
    git(repository, "submodule", "--quiet", "deinit", "--force", "library")
    with pytest.raises(PapertrialError, match="submodule update --init"):
        list_files(repository)


def test_what_is_not_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "file")
    with pytest.raises(PapertrialError, match="is not a folder"):
        list_files(tmp_path / "file")
    with pytest.raises(PapertrialError, match="does not exist"):
        list_files(tmp_path / "nothing")


def test_hashes_follow_content_and_the_text_of_links(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")
    (tmp_path / "link").symlink_to("a")
    hashes = file_hashes(tmp_path)
    assert hashes["a"] == hashlib.sha256(b"a").hexdigest()
    whole = content_hash(hashes)
    (tmp_path / "b").touch()
    assert content_hash(file_hashes(tmp_path)) == whole
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("b")
    assert file_hashes(tmp_path)["link"] != hashes["link"]
    assert content_hash(file_hashes(tmp_path)) != whole
    assert file_hashes(tmp_path, ["a", "missing"]) == {"a": hashes["a"]}


def test_hashes_follow_who_may_execute_a_file(tmp_path: Path) -> None:
    write(tmp_path, "run.sh")
    plain = file_hashes(tmp_path)
    (tmp_path / "run.sh").chmod(0o755)
    executable = file_hashes(tmp_path)
    assert executable["run.sh"] == hashlib.sha256(b"executable run.sh").hexdigest()
    (tmp_path / "run.sh").chmod(0o700)  # what others may do is no part of the program
    assert file_hashes(tmp_path) == executable
    (tmp_path / "run.sh").chmod(0o600)
    assert file_hashes(tmp_path) == plain


def test_copies_keep_modes_times_and_links(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    write(source, "lib/run.sh", "read-only")
    write(tmp_path, "outside")
    (source / "lib" / "run.sh").chmod(0o755)
    (source / "read-only").chmod(0o444)
    os.utime(source / "lib" / "run.sh", (1000, 2000))
    (source / "lib" / "inside").symlink_to("../read-only")
    (source / "lib" / "out").symlink_to("../../outside")
    files = list_files(source)
    assert copy_files(source, files, target) == file_hashes(source)
    copied = (target / "lib" / "run.sh").stat()
    assert (copied.st_mode & 0o777, copied.st_mtime) == (0o755, 2000)
    assert (target / "lib" / "inside").readlink() == Path("../read-only")
    assert (target / "lib" / "out").readlink() == tmp_path / "outside"


def test_large_folders_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "train.py")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(MOST_BYTES)
    with pytest.raises(PapertrialError) as caught:
        require_copyable(tmp_path, list_files(tmp_path))
    for text in ("large.bin", "1.0 GiB", ".gitignore", "{data}", "in_place"):
        assert text in str(caught.value)


def test_the_state_of_a_repository(repository: Path, tmp_path: Path) -> None:
    state = git_state(repository)
    assert state is not None
    assert state.commit == git(repository, "rev-parse", "HEAD")
    assert state.changed == ()
    write(repository, "new.py", "lib/other.py", "x.log")
    (repository / "lib" / "a b.py").write_text("changed")
    state = git_state(repository)
    assert state is not None
    assert state.changed == ("lib/a b.py", "lib/other.py", "new.py")
    state = git_state(repository / "lib")
    assert state is not None
    assert state.changed == ("a b.py", "other.py")
    assert git_state(tmp_path) is None


def test_a_copy_of_the_code_has_exactly_the_files_that_were_listed(repository: Path) -> None:
    write(repository, "venv/tracked.py", "data/ignored.bin")
    (repository / "train.py").chmod(0o755)
    git(repository, "add", "--all")
    copy = repository.with_name("copy")
    copy_code(repository, copy)
    assert "venv/tracked.py" in list_files(copy)
    assert file_hashes(copy) == file_hashes(repository)
    assert original_folder(copy) == repository.resolve()
    again = repository.with_name("again")
    copy_code(copy, again)
    assert file_hashes(again) == file_hashes(repository)
    assert original_folder(again) == repository.resolve()
    (again / "train.py").chmod(0o644)  # as an archive may lose modes
    assert file_hashes(again) == file_hashes(repository)
    copy_files(again, ["train.py"], repository.with_name("work"))
    assert (repository.with_name("work") / "train.py").stat().st_mode & 0o777 == 0o744
    (again / COPY_MARK).write_text("{}")
    with pytest.raises(PapertrialError, match="copied_from"):
        original_folder(again)
