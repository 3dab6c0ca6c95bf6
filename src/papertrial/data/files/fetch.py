"""Downloads, which are resumed after an interruption, verified, and put in place atomically.

A file is downloaded to `<file>.part`. If a download is interrupted, this stays and is resumed.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from papertrial.data.files.catalog import Artifact
from papertrial.data.files.data_folder import ELSEWHERE
from papertrial.data.files.locks import wait_for
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_CHUNK = 1 << 16
_TRIES = 3  # connections to an address without any new bytes
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class _RefusedError(Exception):
    """An address does not have the file; the message says why."""


class _CutError(Exception):
    """A connection ended too early; another one may continue."""


class _Response(NamedTuple):
    """The response of a server, from byte `start` of `total`; None if the total is unknown."""

    body: Any
    start: int
    total: int | None


def fetch(
    artifact: Artifact, folder: Path, *, timeout: float = 30.0, pause: float = 1.0
) -> Steps[Path]:
    """Fetch a file of a named set: download it unless it is in the data folder, and verify it.

    Args:
        artifact: the file.
        folder: the data folder.
        timeout: seconds without a response after which a connection is closed.
        pause: seconds between two connections to the same address.

    Returns:
        The path of the file.

    Raises:
        DataError: the file exists and has a wrong checksum, no address has it, or it cannot be
            written.
    """
    path = folder / artifact.file
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # If two processes need the same file, only one downloads it.
            lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
            yield from wait_for(lock, f"fetching {artifact.name}")
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            if not path.exists():
                yield from _download(artifact, path, timeout, pause)
                return path
        finally:
            lock.release()
    found = yield from checksum_of(path, artifact.checksum)
    if found != artifact.checksum:
        raise DataError(
            f"wrong checksum: {artifact.name} in {path.parent} has {found}, but the published one "
            f"is {artifact.checksum}\ndelete {path}, so that it is downloaded again"
        )
    return path


def absent(name: str, folder: Path) -> DataError:
    """Return the error that a set must be fetched first, because it is not in the data folder."""
    return DataError(
        f"{name} is not in {folder}\ndownload it with `papertrial data fetch {name}`, {ELSEWHERE}"
    )


def checksum_of(path: Path, like: str | None) -> Steps[str | None]:
    """Return the checksum of a fetched file, of the same kind as the published one, `like`.

    Both begin with their kind, as in "md5:..."; the checksum is None if `like` is None.

    Raises:
        DataError: the file cannot be read.
    """
    if like is None:
        return None
    kind = like.partition(":")[0]
    summed, done = hashlib.new(kind, usedforsecurity=False), 0
    try:
        with path.open("rb") as file:
            total = path.stat().st_size
            while chunk := file.read(1 << 22):
                summed.update(chunk)
                done += len(chunk)
                yield Step(f"checking {path.name}", done, total, "bytes")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return f"{kind}:{summed.hexdigest()}"


def _download(artifact: Artifact, path: Path, timeout: float, pause: float) -> Steps[None]:
    part = path.with_name(f"{path.name}.part")
    reasons = []
    for url in artifact.urls:
        try:
            yield from _download_from(url, artifact, part, timeout, pause)
            part.replace(path)
            return
        except _RefusedError as refused:
            reasons.append(f"  - {url}: {refused}")
        except OSError as error:
            raise _unwritable(path, error) from error
    kept = _size(part)
    partial = f"\n{kept:,} bytes of it are kept in {part}, to resume from" if kept else ""
    raise DataError(
        f"{artifact.name} is not in {path.parent} and could not be downloaded:\n"
        + "\n".join(reasons)
        + f"{partial}\nput the file there by hand, {ELSEWHERE}"
    )


def _download_from(
    url: str, artifact: Artifact, part: Path, timeout: float, pause: float
) -> Steps[None]:
    """Download a whole file from one address into `part`, with as many connections as needed."""
    if artifact.checksum is None:
        part.unlink(missing_ok=True)  # without it, two halves of different files look fine
    restarted = False
    while True:
        resumed = _size(part) > 0
        yield from _connections(url, artifact, part, timeout, pause)
        found = yield from checksum_of(part, artifact.checksum)
        if found == artifact.checksum:
            return
        size = _size(part)
        part.unlink(missing_ok=True)
        # The part may come from an older or another file: download all of it once more.
        if not resumed or restarted:
            raise _RefusedError(
                f"it has another file: {size:,} bytes with {found}, but the published checksum is "
                f"{artifact.checksum}"
            )
        restarted = True


def _connections(
    url: str, artifact: Artifact, part: Path, timeout: float, pause: float
) -> Steps[None]:
    """Continue a download until it is complete, or until some connections in a row add no bytes."""
    furthest, idle = _size(part), 0
    while True:
        try:
            yield from _connect(url, artifact, part, timeout)
            return
        except _CutError as cut:
            size = _size(part)
            idle = 0 if size > furthest else idle + 1
            furthest = max(furthest, size)
            if idle == _TRIES:
                raise _RefusedError(str(cut)) from cut
        yield Step(f"fetching {artifact.name}: connecting again", size, artifact.nbytes, "bytes")
        time.sleep(pause)
        if artifact.checksum is None:
            part.unlink(missing_ok=True)


def _connect(url: str, artifact: Artifact, part: Path, timeout: float) -> Steps[None]:
    have = _size(part)
    response = _request(url, have, timeout)
    if response is None:  # the part is complete
        return
    with response.body:
        left = None if response.total is None else response.total - response.start
        _require_space(part, left or 0)
        done = response.start
        what, total = f"fetching {artifact.name}", response.total or artifact.nbytes
        with part.open("ab" if response.start else "wb") as file:
            yield Step(what, done, total, "bytes")
            while chunk := _read(response.body, done):
                file.write(chunk)
                done += len(chunk)
                yield Step(what, done, total, "bytes")
    if response.total is not None and done < response.total:
        raise _CutError(f"the connection ended after {done:,} of {response.total:,} bytes")


def _request(url: str, have: int, timeout: float) -> _Response | None:
    """Request the rest of a download, after its first `have` bytes; None if there is no more."""
    headers = {"User-Agent": "papertrial", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        body = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return None
        reason = f"HTTP {error.code} {error.reason}".strip()
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _CutError(reason) from error
        raise _RefusedError(reason) from error
    except urllib.error.URLError as error:
        raise _RefusedError(_reason(error.reason)) from error
    except (http.client.HTTPException, OSError) as error:
        raise _CutError(_reason(error)) from error
    length = body.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    if body.status != http.HTTPStatus.PARTIAL_CONTENT:
        return _Response(body, 0, size)
    sent = re.match(r"bytes (\d+)-", body.headers.get("Content-Range", ""))
    if not sent or int(sent[1]) != have:  # another range than requested: request the whole file
        body.close()
        return _request(url, 0, timeout)
    return _Response(body, have, None if size is None else have + size)


def _read(body: Any, done: int) -> bytes:
    try:
        chunk: bytes = body.read(_CHUNK)
    except (http.client.HTTPException, OSError) as error:
        raise _CutError(f"the connection ended after {done:,} bytes: {_reason(error)}") from error
    return chunk


def _reason(error: Any) -> str:
    if isinstance(error, TimeoutError):
        return "no response in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            f"{part.parent} has too little room: {needed:,} bytes are needed, {free:,} are free\n"
            f"make room, {ELSEWHERE}"
        )


def _unwritable(path: Path, error: OSError) -> DataError:
    if error.errno in _DISK_FULL:
        return DataError(
            f"the disk is full: cannot write {path.name} to {path.parent}\nmake room, and the "
            f"download is resumed; {ELSEWHERE}"
        )
    return DataError(
        f"cannot write {path.name} to {path.parent}: {_reason(error)}\n"
        f"make that folder writable, {ELSEWHERE}"
    )
