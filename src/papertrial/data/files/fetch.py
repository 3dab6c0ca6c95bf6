"""Files from the network: resumed where they stopped, checked, and put in place whole.

What a file is fetched into is `<file>.part`, which stays when a fetch stops, and is gone on with.
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

from filelock import FileLock, Timeout

from papertrial.data.files.catalog import Artifact
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_CHUNK = 1 << 16
_TRIES = 3  # connections to one address that bring nothing new
_FULL = (errno.ENOSPC, errno.EDQUOT)
ELSEWHERE = "or name another data folder with --data DIR or $PAPERTRIAL_DATA"


class _RefusedError(Exception):
    """An address that does not give the file, and why."""


class _CutError(Exception):
    """A connection that ended too early; another may bring the rest."""


class _Answer(NamedTuple):
    """What a server sends: from which byte on, how many in all (None: it does not say)."""

    body: Any
    start: int
    total: int | None


def fetch(
    artifact: Artifact, folder: Path, *, timeout: float = 30.0, pause: float = 1.0
) -> Steps[Path]:
    """Bring a file into the data folder, if it is not there, and check it.

    Args:
        artifact: which file.
        folder: the data folder.
        timeout: seconds without an answer after which a connection is given up.
        pause: seconds between two connections to the same address.

    Returns:
        Where the file lies.

    Raises:
        DataError: the file is there and has a wrong checksum, it cannot be had from any address,
            or it cannot be written.
    """
    path = folder / artifact.file
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Two processes that want the same file fetch it once.
            lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
            yield from wait_for(lock, f"fetching {artifact.name}")
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            if not path.exists():
                yield from _bring(artifact, path, timeout, pause)
                return path
        finally:
            lock.release()
    found = yield from digest(path, artifact.checksum)
    if found != artifact.checksum:
        raise DataError(
            f"wrong checksum: {artifact.name} in {path.parent} has {found}, the one published is "
            f"{artifact.checksum}\ndelete {path}, and it is fetched again"
        )
    return path


def absent(name: str, folder: Path) -> DataError:
    """Say that a set is not in the data folder, and how to bring it there."""
    return DataError(
        f"{name} is not in {folder}\n`papertrial data fetch {name}` brings it there, {ELSEWHERE}"
    )


def wait_for(lock: FileLock, what: str) -> Steps[None]:
    """Take a lock that another process may hold, telling so each second."""
    while True:
        try:
            lock.acquire(timeout=1)
            return
        except Timeout:
            yield Step(f"waiting: another process is {what}", 0, None, "")


def digest(path: Path, like: str | None) -> Steps[str | None]:
    """Return the checksum of a file as `like` writes it, "md5:..."; None like None.

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


def _bring(artifact: Artifact, path: Path, timeout: float, pause: float) -> Steps[None]:
    part = path.with_name(f"{path.name}.part")
    reasons = []
    for url in artifact.urls:
        try:
            yield from _from_one(url, artifact, part, timeout, pause)
            part.replace(path)
            return
        except _RefusedError as refused:
            reasons.append(f"  - {url}: {refused}")
        except OSError as error:
            raise _unwritable(path, error) from error
    kept = _size(part)
    there = f"\n{kept:,} bytes of it are kept in {part}, to go on from" if kept else ""
    raise DataError(
        f"{artifact.name} is not in {path.parent} and could not be fetched:\n"
        + "\n".join(reasons)
        + f"{there}\nput the file there by hand, {ELSEWHERE}"
    )


def _from_one(
    url: str, artifact: Artifact, part: Path, timeout: float, pause: float
) -> Steps[None]:
    """Bring the whole file from one address into `part`, over as many connections as it takes."""
    if artifact.checksum is None:
        part.unlink(missing_ok=True)  # nothing could tell that two halves are of one file
    anew = 0
    while True:
        resumed = _size(part) > 0
        yield from _connections(url, artifact, part, timeout, pause)
        found = yield from digest(part, artifact.checksum)
        if found == artifact.checksum:
            return
        size = _size(part)
        part.unlink(missing_ok=True)
        # The beginning may be of an older or another file: once more, all of it.
        if not resumed or anew:
            raise _RefusedError(
                f"it sends another file: {size:,} bytes with {found}, the checksum published is "
                f"{artifact.checksum}"
            )
        anew += 1


def _connections(
    url: str, artifact: Artifact, part: Path, timeout: float, pause: float
) -> Steps[None]:
    """Connect until all has come; give up after some connections that brought nothing new."""
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
    answer = _ask(url, have, timeout)
    if answer is None:  # there is nothing after what we have
        return
    with answer.body:
        left = None if answer.total is None else answer.total - answer.start
        _require_space(part, left or 0)
        done = answer.start
        what, total = f"fetching {artifact.name}", answer.total or artifact.nbytes
        with part.open("ab" if answer.start else "wb") as file:
            yield Step(what, done, total, "bytes")
            while chunk := _read(answer.body, done):
                file.write(chunk)
                done += len(chunk)
                yield Step(what, done, total, "bytes")
    if answer.total is not None and done < answer.total:
        raise _CutError(f"the connection ended after {done:,} of {answer.total:,} bytes")


def _ask(url: str, have: int, timeout: float) -> _Answer | None:
    """Ask for what comes after the first `have` bytes; None where the server has no more."""
    headers = {"User-Agent": "papertrial", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        body = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return None
        told = f"HTTP {error.code} {error.reason}".strip()
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _CutError(told) from error
        raise _RefusedError(told) from error
    except urllib.error.URLError as error:
        raise _RefusedError(_said(error.reason)) from error
    except (http.client.HTTPException, OSError) as error:
        raise _CutError(_said(error)) from error
    length = body.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    if body.status != http.HTTPStatus.PARTIAL_CONTENT:
        return _Answer(body, 0, size)
    sent = re.match(r"bytes (\d+)-", body.headers.get("Content-Range", ""))
    if not sent or int(sent[1]) != have:  # not what was asked for: all of it, then
        body.close()
        return _ask(url, 0, timeout)
    return _Answer(body, have, None if size is None else have + size)


def _read(body: Any, done: int) -> bytes:
    try:
        chunk: bytes = body.read(_CHUNK)
    except (http.client.HTTPException, OSError) as error:
        raise _CutError(f"the connection ended after {done:,} bytes: {_said(error)}") from error
    return chunk


def _said(error: Any) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _require_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            f"{part.parent} has no room: {needed:,} bytes are to come, {free:,} are free\n"
            f"make room, {ELSEWHERE}"
        )


def _unwritable(path: Path, error: OSError) -> DataError:
    if error.errno in _FULL:
        return DataError(
            f"the disk is full: {path.name} cannot be written to {path.parent}\nmake room, and "
            f"what has come is gone on from; {ELSEWHERE}"
        )
    return DataError(
        f"{path.name} cannot be written to {path.parent}: {_said(error)}\n"
        f"give that folder leave to be written to, {ELSEWHERE}"
    )
