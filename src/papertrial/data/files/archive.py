"""Archives unpacked: nothing leaves the folder, and nothing is left half done."""

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

from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_TOLD_EVERY = 100  # members
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


class _Member(NamedTuple):
    """A file or a folder in an archive; `refused` is why it may not be unpacked, or nothing."""

    name: str
    nbytes: int
    folder: bool
    refused: str
    body: IO[bytes] | None  # of a file, where it is asked for


def extract(archive: Path, into: Path, *, prefix: str = "") -> Steps[None]:
    """Unpack a .tar.gz, .tgz, .tar or .zip into a folder that is not there yet.

    All members are looked at before anything is written. Links are refused, wherever they point:
    no set needs them, and a chain of links is how unpacking is tricked out of its folder.

    Args:
        archive: the file.
        into: the folder to make; it appears when all is unpacked.
        prefix: the folder in the archive whose content that is; what lies elsewhere is left out.

    Raises:
        DataError: `into` is there, a member would leave it or is no file or folder, the archive is
            damaged, holds nothing below `prefix`, or does not fit on the disk.
    """
    if into.exists():
        raise DataError(f"{into} is there already; delete it, and {archive.name} is unpacked again")
    try:
        total = yield from _look(archive, into, prefix)
        into.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as beside:
            # One folder deeper: a temporary folder itself is closed to other users.
            made = Path(beside) / "unpacked"
            made.mkdir()
            yield from _write(archive, made, prefix, total)
            made.rename(into)
    except _DAMAGED as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.filename is None and error.errno is None:  # gzip's own
            raise _damaged(archive, error) from error
        raise DataError(
            f"{archive} cannot be unpacked into {into}: {error.strerror or error}"
        ) from error


def _look(archive: Path, into: Path, prefix: str) -> Steps[int]:
    """Look at every member without writing; return how many bytes are to be written."""
    total = 0
    files = 0
    with closing(_members(archive, bodies=False)) as members:
        for seen, member in enumerate(members):
            refused = member.refused or _leaves(member.name)
            if refused:
                raise DataError(
                    f"{archive} is not safe to unpack: its member {member.name!r} {refused}\n"
                    "nothing was unpacked; delete the archive, and get it where it is published"
                )
            if _below(prefix, member.name) is not None:
                total += member.nbytes
                files += not member.folder
            if seen % _TOLD_EVERY == 0:
                yield Step(f"looking into {archive.name}", seen, None, "files")
    if not files:
        raise DataError(f"{archive} holds no files{f' in {prefix}' if prefix else ''}")
    there = next(folder for folder in into.absolute().parents if folder.exists())
    free = shutil.disk_usage(there).free
    if total > free:
        raise DataError(
            f"{archive} does not fit into {into.parent}: {total:,} bytes unpacked, {free:,} are "
            "free\nmake room, or name another data folder with --data DIR or $PAPERTRIAL_DATA"
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
            if seen % _TOLD_EVERY == 0:
                yield Step(f"unpacking {archive.name}", done, total, "bytes")
    yield Step(f"unpacking {archive.name}", done, total, "bytes")


def _members(archive: Path, *, bodies: bool) -> Generator[_Member, None, None]:
    """Yield the members one after the other; each body is to be read before the next is asked."""
    with ExitStack() as stack:
        if zipfile.is_zipfile(archive):
            zipped = stack.enter_context(zipfile.ZipFile(archive))
            for info in zipped.infolist():
                refused = _refused_in_zip(info)
                name = info.orig_filename
                body = zipped.open(info) if bodies and not info.is_dir() else None
                yield _Member(name, info.file_size, info.is_dir(), refused, body)
        else:
            tarred = stack.enter_context(tarfile.open(archive))
            for info_ in tarred:
                refused = "" if info_.isreg() or info_.isdir() else _told(info_)
                body = tarred.extractfile(info_) if bodies and info_.isreg() else None
                yield _Member(info_.name, info_.size, info_.isdir(), refused, body)


def _told(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return f"is a link to {info.linkname!r}"
    return "is a device or a pipe" if info.isdev() else "is neither a file nor a folder"


def _refused_in_zip(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a file nor a folder"
    return "is encrypted" if info.flag_bits & 1 else ""


def _leaves(name: str) -> str:
    """Say why a name does not stay in the folder, on this system or another; or nothing."""
    windows = PureWindowsPath(name)
    if name.startswith(("/", "\\")) or windows.drive:
        return "has an absolute path"
    if ".." in windows.parts:  # which are cut at / and \ alike
        return "leaves the folder"
    return "has no usable name" if "\0" in name or not name else ""


def _below(prefix: str, name: str) -> Path | None:
    """Return the path of a member below `prefix`; None where it is not below."""
    path = PurePosixPath(name.replace("\\", "/"))
    try:
        return Path(path.relative_to(prefix))
    except ValueError:
        return None


def _damaged(archive: Path, error: Exception) -> DataError:
    return DataError(
        f"{archive} is damaged or no archive: {error}\ndelete it, and it is fetched again"
    )
