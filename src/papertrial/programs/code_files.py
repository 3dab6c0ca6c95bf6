"""The files of a program's folder: which they are, their hashes, and copies of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from papertrial.errors import PapertrialError
from papertrial.programs.git import names, run_git
from papertrial.record import Record

MOST_BYTES = 2**30  # of a folder that is copied for each seed
_CHUNK = 2**20
_JUNK = frozenset((
    ".git", ".hg", ".svn", "__pycache__", ".venv", "venv", "node_modules", ".ipynb_checkpoints",
    ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".eggs", ".DS_Store",
))  # fmt: skip
COPY_MARK = ".papertrial-copy"  # in a folder that `copy_code` has filled
_ABOUT, _ORIGINAL, _EXECUTABLE = "about", "copied_from", "executable"  # the keys of this JSON file
_MARKS_EXECUTABLE = b"executable "  # what the hash of such a file begins with
_OF_RUNS = ("provenance.json", "preregistration.json")
_LOCK = re.compile(r"\..+\.verify\.lock")  # in a folder of runs, before there is any run
FileHashes = dict[str, str]  # SHA-256 by path, relative and with "/"


def list_files(folder: Path) -> tuple[str, ...]:
    """Return the relative paths of a program's files, sorted.

    In a git work tree these are the tracked files and the untracked ones that are not ignored;
    elsewhere all files but those that tools leave behind. Files in papertrial's own run folders are
    never among them. Links are listed, and not followed. Of a copy, all files are listed.

    Raises:
        PapertrialError: this is not a folder, or a submodule is not checked out.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise PapertrialError(f"the program's folder {folder} {what}")
    if (folder / COPY_MARK).is_file():  # made of listed files, so that all of them count
        return tuple(sorted(name for name in _walked_files(folder, ()) if name != COPY_MARK))
    files = _git_files(folder)
    return tuple(sorted(_without_runs(files or _walked_files(folder))))


def file_hashes(folder: Path, files: Iterable[str] | None = None) -> FileHashes:
    """Return the SHA-256 of each file of a folder; of a link, of where it points to.

    That of an executable file is of "executable " and its content: a script that is not executable
    any more is another program.

    Args:
        folder: the program's folder.
        files: relative paths; by default those of `list_files`. One that is not there is left out.
    """
    listed = list_files(folder) if files is None else files
    is_executable = _executable_in(folder)
    hashes = {name: _hash(folder, name, is_executable) for name in listed}
    return {name: digest for name, digest in hashes.items() if digest is not None}


def in_unicode(name: str) -> str:
    """Return the name of a file as a record holds it: bytes that are not Unicode become "\\xff"."""
    return os.fsencode(name).decode(errors="backslashreplace")


def content_hash(hashes: Mapping[str, str]) -> str:
    """Return one SHA-256 of all files: of lines "<SHA-256> <path>", sorted by path."""
    digest = hashlib.sha256()
    for name in sorted(hashes):
        digest.update(hashes[name].encode() + b" " + os.fsencode(name) + b"\n")
    return digest.hexdigest()


def copy_code(folder: Path, to: Path) -> None:
    """Copy a program's files to a new folder that `list_files` then takes as it is.

    Raises:
        PapertrialError: the files have more than 1 GiB, or one cannot be read.
    """
    to.mkdir(parents=True)
    files, is_executable = list_files(folder), _executable_in(folder)
    copy_files(folder, files, to)
    mark = {
        _ABOUT: "the registered files of a program",
        _ORIGINAL: str(original_folder(folder)),
        _EXECUTABLE: [name for name in files if is_executable(name)],  # archives may lose modes
    }
    (to / COPY_MARK).write_text(json.dumps(mark), encoding="utf-8")


def original_folder(folder: Path) -> Path:
    """Return the folder that `copy_code` has copied to this one, or this one itself.

    Raises:
        PapertrialError: the mark of a copy is damaged.
    """
    mark = folder / COPY_MARK
    if not mark.is_file():
        return folder.resolve()
    original = Record.field(mark.read_bytes(), _ORIGINAL)
    if not isinstance(original, str):
        raise PapertrialError(f"{mark} is damaged: it has no text {_ORIGINAL}")
    return Path(original)


def _executable_in(folder: Path) -> Callable[[str], bool]:
    """Return what says which files of a folder are executable: their modes, or a copy's mark.

    Raises:
        PapertrialError: the mark of a copy is damaged.
    """
    mark = folder / COPY_MARK
    if not mark.is_file():
        return lambda name: _has_executable_mode(folder / name)
    listed = Record.field(mark.read_bytes(), _EXECUTABLE)
    if not isinstance(listed, list):
        raise PapertrialError(f"{mark} is damaged: it has no list {_EXECUTABLE}")
    return frozenset(map(str, listed)).__contains__


def _has_executable_mode(path: Path) -> bool:
    try:
        return not path.is_symlink() and bool(path.stat().st_mode & stat.S_IXUSR)
    except OSError:
        return False


def copy_files(folder: Path, files: Iterable[str], to: Path) -> FileHashes:
    """Copy files of a folder with their modes and times, and return the hashes of the copies.

    A link stays a link. A relative link that leaves the folder becomes an absolute one.

    Raises:
        PapertrialError: the files have more than 1 GiB, or one cannot be read.
    """
    files = tuple(files)
    require_copyable(folder, files)
    is_executable = _executable_in(folder)
    hashes = {}
    for name in files:
        source, target = folder / name, to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if source.is_symlink():
                hashes[name] = _hash_link(folder, source)
                target.symlink_to(_link_from(folder, source))
            else:
                hashes[name] = _copy(source, target, executable=is_executable(name))
        except OSError as error:
            raise PapertrialError(f"cannot copy {source}: {error.strerror}") from error
    return hashes


def require_copyable(folder: Path, files: Iterable[str]) -> None:
    """Check that files are small enough to be copied for each seed.

    Raises:
        PapertrialError: they have more than 1 GiB in total.
    """
    sizes = {name: _size(folder / name) for name in files}
    total = sum(sizes.values())
    if total > MOST_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise PapertrialError(
            f"the files of {folder} have {total / 2**30:.1f} GiB, more than the 1 GiB that is "
            f"copied for each seed; the largest is {largest} ({sizes[largest] / 2**20:,.0f} MiB). "
            "List data in .gitignore and pass their folder to the program by {data}, or set "
            "in_place: true"
        )


def _git_files(folder: Path) -> list[str]:
    """List the files of a git work tree; none outside one, or in a folder that git ignores."""
    try:
        listed = names(
            run_git(
                "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder
            )
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        if b"dubious ownership" in error.stderr:  # all files would be another program
            reason = error.stderr.decode(errors="replace").strip()
            raise PapertrialError(f"git does not list the files of {folder}: {reason}") from error
        return []
    except (subprocess.SubprocessError, PapertrialError):
        return []
    found: list[str] = []
    for name in dict.fromkeys(name.rstrip("/") for name in listed):
        path = folder / name
        if path.is_symlink() or path.is_file():
            found.append(name)
        elif path.is_dir():  # a submodule, or an untracked repository
            if not any(path.iterdir()):
                raise PapertrialError(
                    f"the submodule {name} of {folder} is not checked out: run "
                    f"`git -C {folder} submodule update --init --recursive`"
                )
            found += (f"{name}/{below}" for below in list_files(path))
    return found


def _walked_files(folder: Path, junk: Collection[str] = _JUNK) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in junk and name not in links]
        for name in (*files, *links):
            path = Path(parent) / name
            if name not in junk and (path.is_symlink() or path.is_file()):
                yield path.relative_to(folder).as_posix()


def outside_runs(folder: Path, files: Collection[str]) -> list[str]:
    """Return those of a folder's files that are not in papertrial's own run folders."""
    parents = {parent for name in files for parent in PurePosixPath(name).parents}
    marks = {
        (parent / entry.name).as_posix()
        for parent in parents
        for entry in (folder / parent).glob("*")
        if entry.name in _OF_RUNS or _LOCK.fullmatch(entry.name)
    }
    outside = set(_without_runs({*files, *marks}))
    return [name for name in files if name in outside]


def _without_runs(files: Iterable[str]) -> list[str]:
    """Leave out folders of runs: with */*/provenance.json, or the lock of a verification."""
    files = list(files)
    parts = [PurePosixPath(name).parts for name in files]
    of_runs = {each[:-3] or each[:-2] for each in parts if each[-1] in _OF_RUNS and len(each) > 2}
    of_runs |= {each[:-1] for each in parts if _LOCK.fullmatch(each[-1])} - {()}
    return [
        name
        for name, each in zip(files, parts, strict=True)
        if not any(each[:depth] in of_runs for depth in range(1, len(each)))
        and not _LOCK.fullmatch(each[-1])
    ]


def _hash(folder: Path, name: str, is_executable: Callable[[str], bool]) -> str | None:
    """Return the SHA-256 of a file or a link; None if neither is there."""
    path = folder / name
    try:
        if path.is_symlink():
            return _hash_link(folder, path)
        if not path.is_file():
            return None
        digest = hashlib.sha256(_MARKS_EXECUTABLE if is_executable(name) else b"")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PapertrialError(f"cannot read {path}: {error.strerror}") from error


def _hash_link(folder: Path, link: Path) -> str:
    """Return the SHA-256 of where a link points to, which is the same for a copy of it."""
    return hashlib.sha256(b"link " + os.fsencode(_link_from(folder, link))).hexdigest()


def _link_from(folder: Path, link: Path) -> Path:
    """Return where a copy of a link points to."""
    text = link.readlink()
    target = Path(os.path.normpath(link.parent / text))
    return text if target.is_relative_to(os.path.normpath(folder)) else target.absolute()


def _copy(source: Path, target: Path, *, executable: bool) -> str:
    """Copy a file, and return the SHA-256 of what was copied."""
    digest = hashlib.sha256(_MARKS_EXECUTABLE if executable else b"")
    with source.open("rb") as file, target.open("wb") as copy:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    shutil.copystat(source, target)
    added = stat.S_IWUSR | (stat.S_IXUSR if executable else 0)  # writable: it may be replaced
    target.chmod(target.stat().st_mode | added)
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
