"""Unpacking archives: nothing is written outside the folder, and never a part of an archive."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from papertrial.data.files.data_folder import ELSEWHERE
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_STEP_EVERY = 100  # members
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


class _Member(NamedTuple):
    """A member of an archive; `refused` says why it must not be unpacked, "" if it may be."""

    name: str
    nbytes: int
    folder: bool
    refused: str
    body: IO[bytes] | None  # of a file, on request


def extract(archive: Path, into: Path, *, prefix: str = "") -> Steps[None]:
    """Unpack an archive (.tar.gz, .tgz, .tar or .zip) into a new folder.

    All members are checked before anything is written. Links are refused, wherever they point: no
    set needs them, and a chain of links can make an archive write outside its folder.

    Args:
        archive: the file.
        into: the folder to create; it appears once everything is unpacked.
        prefix: the folder in the archive to unpack; members outside of it are ignored.

    Raises:
        DataError: `into` exists; a member would be outside of it, or is not a file or folder; the
            archive is damaged, has nothing below `prefix`, or does not fit on the disk.
    """
    if into.exists():
        raise DataError(
            f"{into} already exists; delete it, so that {archive.name} is unpacked again"
        )
    try:
        total = yield from _check_members(archive, into, prefix)
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as beside:
            # One folder deeper, because other users cannot read the temporary folder itself.
            made = Path(beside) / "unpacked"
            made.mkdir()
            yield from _write(archive, made, prefix, total)
            made.rename(into)
    except _DAMAGED as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.filename is None and error.errno is None:  # raised by gzip
            raise _damaged(archive, error) from error
        raise DataError(
            f"cannot unpack {archive} into {into}: {error.strerror or error}"
        ) from error


def _check_members(archive: Path, into: Path, prefix: str) -> Steps[int]:
    """Check every member of an archive without writing; return how many bytes it unpacks to."""
    total = 0
    files = 0
    with closing(_members(archive, bodies=False)) as members:
        for seen, member in enumerate(members):
            refused = member.refused or _why_unsafe(member.name)
            if refused:
                raise DataError(
                    f"{archive} is not safe to unpack: its member {member.name!r} {refused}\n"
                    "nothing was unpacked; delete the archive, and download it from its publisher"
                )
            if _below(prefix, member.name) is not None:
                total += member.nbytes
                files += not member.folder
            if seen % _STEP_EVERY == 0:
                yield Step(f"checking {archive.name}", seen, None, "files")
    if not files:
        raise DataError(f"{archive} has no files{f' in {prefix}' if prefix else ''}")
    parent = next(folder for folder in into.absolute().parents if folder.exists())
    free = shutil.disk_usage(parent).free
    if total > free:
        raise DataError(
            f"{archive} does not fit into {into.parent}: it unpacks to {total:,} bytes, but only "
            f"{free:,} are free\nmake room, {ELSEWHERE}"
        )
    return total


def _write(archive: Path, made: Path, prefix: str, total: int) -> Steps[None]:
    done = 0
    with closing(_members(archive, bodies=True)) as members:
        for seen, member in enumerate(members):
            inside = _below(prefix, member.name)
            if inside is None:
                continue
            path = made / inside
            if member.body is None:  # a folder
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                with member.body, path.open("wb") as file:
                    shutil.copyfileobj(member.body, file, 1 << 20)
                    size = file.tell()
                if size != member.nbytes:
                    raise EOFError(f"{member.name} has {size:,} bytes of {member.nbytes:,}")
                done += size
            if seen % _STEP_EVERY == 0:
                yield Step(f"unpacking {archive.name}", done, total, "bytes")
    yield Step(f"unpacking {archive.name}", done, total, "bytes")


def _members(archive: Path, *, bodies: bool) -> Generator[_Member, None, None]:
    """Yield the members of an archive; read the body of each before asking for the next one."""
    with ExitStack() as stack:
        if zipfile.is_zipfile(archive):
            zipped = stack.enter_context(zipfile.ZipFile(archive))
            for info in zipped.infolist():
                refused = _why_refused_in_zip(info)
                name = info.orig_filename
                body = zipped.open(info) if bodies and not info.is_dir() else None
                yield _Member(name, info.file_size, info.is_dir(), refused, body)
        else:
            tarred = stack.enter_context(tarfile.open(archive))
            for info_ in tarred:
                refused = "" if info_.isreg() or info_.isdir() else _why_refused_in_tar(info_)
                body = tarred.extractfile(info_) if bodies and info_.isreg() else None
                yield _Member(info_.name, info_.size, info_.isdir(), refused, body)


def _why_refused_in_tar(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return f"is a link to {info.linkname!r}"
    return "is a device or a pipe" if info.isdev() else "is neither a file nor a folder"


def _why_refused_in_zip(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a file nor a folder"
    return "is encrypted" if info.flag_bits & 1 else ""


def _why_unsafe(name: str) -> str:
    """Return why a member would be unpacked outside the folder, on any system; "" if it is safe."""
    windows = PureWindowsPath(name)
    if name.startswith(("/", "\\")) or windows.drive:
        return "has an absolute path"
    if ".." in windows.parts:  # which are split at both / and \
        return "leaves the folder"
    return "has no usable name" if "\0" in name or not name else ""


def _below(prefix: str, name: str) -> Path | None:
    """Return the path of an archive's member relative to `prefix`, None if it is not below it."""
    path = PurePosixPath(name.replace("\\", "/"))
    try:
        return Path(path.relative_to(prefix))
    except ValueError:
        return None


def _damaged(archive: Path, error: Exception) -> DataError:
    return DataError(
        f"{archive} is damaged, or not an archive: {error}\n"
        "delete it, so that it is downloaded again"
    )
