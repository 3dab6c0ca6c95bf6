"""Decoded image sets on disk: made once for the same content, found again at once.

An entry is a folder named by the content of the files and by how they were decoded. A pointer,
named by the set's folder, leads to its entry while names, sizes and times of the files are those
that the entry was made from; without one, the contents are read and hashed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from filelock import FileLock, Timeout

from papertrial.data.images.decode_set import ImageSet, Meta, decode_set, hash_files, x_file, y_file
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_FORMAT = 2  # of an entry; raised when decoding gives other bytes
_TICK = 100_000_000  # ns: two changes of a file nearer than this may have the same time


@dataclass(frozen=True)
class Entry:
    """A decoded set: its folder, with what is known of it."""

    folder: Path
    meta: Meta


def opened(images: ImageSet, cache: Path) -> Steps[Entry]:
    """Return the decoded set, made now if it is not there.

    Args:
        images: the files.
        cache: where decoded sets are kept.

    Raises:
        DataError: the images cannot be decoded, or the cache cannot be written.
    """
    store = cache / "images"
    try:
        found = _pointed(images, store)
        if found is None:
            found = yield from _made_by_one(images, store)
    except OSError as error:
        raise DataError(
            f"cannot keep the decoded images in {store}: {error.strerror or error}\n"
            "make room there, or name another data folder with --data DIR or $PAPERTRIAL_DATA"
        ) from error
    except BrokenExecutor as error:
        raise DataError(
            f"{images.folder}: a process that decoded images was ended from outside, as happens "
            "when memory is short; set a smaller data.image.size, or try again"
        ) from error
    return found


def _made_by_one(images: ImageSet, store: Path) -> Steps[Entry]:
    """Let one process decode; others wait for what it makes."""
    store.mkdir(parents=True, exist_ok=True)
    layout = _layout(images)
    lock = FileLock(store / f"{layout}.lock")
    waited = 0
    while True:
        try:
            lock.acquire(timeout=min(waited, 1))
            break
        except Timeout:
            yield Step(f"waiting for a process that decodes {images.name}", waited, None, "seconds")
            waited += 1
    try:
        found = _pointed(images, store) if waited else None
        return found or (yield from _made(images, store, layout))
    finally:
        lock.release()


def _made(images: ImageSet, store: Path, layout: str) -> Steps[Entry]:
    _sweep(store, layout)
    listed, now = _listing(images), time.time_ns()
    if any(store.glob(f"{layout}-*")):  # as many files, of the same names and sizes
        digests = yield from hash_files(images)
        folder = store / _key(images, layout, digests)
        entry = _entry(folder)
    else:
        entry = None
    if entry is None:
        building = store / f"{layout}.building"
        building.mkdir()
        try:
            meta, digests = yield from decode_set(images, building)
            folder = store / _key(images, layout, digests)
            _write(building / "meta.json", meta.to_json())
            if folder.exists():  # damaged
                shutil.rmtree(folder)
            building.rename(folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        entry = Entry(folder, meta)
    # A file changed again within a tick of the clock would not be seen to have changed.
    if all(max(file.modified, file.changed) < now - _TICK for file in images.files):
        _write(_pointer(images, store), {"listing": listed, "entry": folder.name})
    return entry


def _sweep(store: Path, layout: str) -> None:
    """Remove what interrupted processes left; whoever still builds holds a lock."""
    for building in store.glob("*.building"):
        if building.stem == layout:
            shutil.rmtree(building)
            continue
        with contextlib.suppress(Timeout), FileLock(building.with_suffix(".lock"), timeout=0):
            shutil.rmtree(building, ignore_errors=True)


def _pointed(images: ImageSet, store: Path) -> Entry | None:
    pointer = _json(_pointer(images, store))
    if pointer.get("listing") != _listing(images):
        return None
    return _entry(store / Path(str(pointer.get("entry"))).name)


def _entry(folder: Path) -> Entry | None:
    """Return what lies in a folder if it is whole."""
    try:
        written = (folder / "meta.json").stat().st_mtime_ns  # the last file of an entry
        meta = Meta.from_json(_json(folder / "meta.json"))
        for name, part in meta.parts.items():
            count = len(part.names)
            x = np.load(x_file(folder, name), mmap_mode="r")  # ValueError if it is too short
            y = np.load(y_file(folder, name))
            whole = x.dtype == np.uint8 and x.shape == (count, *meta.shape) and y.shape == (count,)
            # To hash them takes a second for 200 MB; this tells at once of what wrote to them.
            files = (x_file(folder, name), y_file(folder, name))
            whole = whole and all(file.stat().st_mtime_ns <= written for file in files)
            if not whole or np.bincount(y, minlength=len(meta.classes)).tolist() != part.counts:
                return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError):
        return None
    return Entry(folder, meta)


def _settings(images: ImageSet) -> list[Any]:
    return [_FORMAT, PIL.__version__, images.size, images.mode, images.corrupt]


def _layout(images: ImageSet) -> str:
    """Return a digest of how to decode, and of the names and sizes of the files."""
    about = [(part, f.name, f.size) for part, files in images.parts.items() for f in files]
    return _digest([_settings(images), *about])[:32]


def _listing(images: ImageSet) -> str:
    """Return a digest that another file, or another time of a file, changes."""
    files = "\0".join(f"{f.name}\0{f.size} {f.modified} {f.changed}" for f in images.files)
    return hashlib.sha256(files.encode("utf-8", "surrogatepass")).hexdigest()


def _key(images: ImageSet, layout: str, digests: Iterable[bytes]) -> str:
    """Return the name of an entry: how the files are decoded, their names, their contents."""
    contents = [(f.name, d.hex()) for f, d in zip(images.files, digests, strict=True)]
    return f"{layout}-{_digest([_settings(images), *contents])[:32]}"


def _pointer(images: ImageSet, store: Path) -> Path:
    return store / f"{_digest([str(images.folder.resolve()), *_settings(images)])[:32]}.json"


def _digest(parts: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _write(path: Path, values: dict[str, Any]) -> None:
    beside = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    beside.write_text(json.dumps(values), encoding="utf-8")
    beside.replace(path)
