"""A cache of decoded image sets on disk, keyed by the content of the files.

An entry is a folder named by the content of the files and by how they were decoded. A pointer,
named by the folder of the images, leads to its entry as long as the names, sizes and times of the
files are those that the entry was built from. Without a pointer, the contents are read and hashed.
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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL
from filelock import FileLock, Timeout

from papertrial.data.files.data_folder import ELSEWHERE
from papertrial.data.files.locks import wait_for
from papertrial.data.images.decode_set import (
    DecodedMeta,
    ImageSet,
    decode_set,
    x_file,
    y_file,
)
from papertrial.data.images.decode_varying import VARYING, decode_varying, places_file
from papertrial.data.images.formats import register_heif
from papertrial.data.images.parallel import hashes, on_all_cores, task_slices
from papertrial.data.images.recognize import recognize
from papertrial.errors import DataError, RunError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote
from papertrial.record import Record

_META = "meta.json"
_FORMAT = 4  # of an entry; increased when decoding returns other bytes or another meta.json
_TICK = 100_000_000  # ns; two changes of a file within this time may have the same time stamp


R = TypeVar("R", bound=Record)


class Pointer(Record):
    """Where the entry of a folder is: its name, and the listing of the files it was built from.

    `notes` say which of the listed files were left out, because they are not images.
    """

    listing: str
    entry: str
    notes: tuple[ReadingNote, ...]


@dataclass(frozen=True)
class DecodedSet:
    """A decoded set on disk: its folder, its description, and what was left out and converted."""

    folder: Path
    meta: DecodedMeta
    notes: tuple[ReadingNote, ...] = ()


def open_decoded(images: ImageSet, cache: Path) -> Steps[DecodedSet]:
    """Return a decoded image set from the cache; decode it if it is absent.

    Args:
        images: the files, also those whose content must tell if they are images.
        cache: the folder of the cache.

    Raises:
        DataError: the images cannot be decoded, or the cache cannot be written.
    """
    store = cache / "images"
    try:
        found = _find_by_pointer(images, store)
        if found is None:
            found = yield from _build_in_one_process(images, store)
    except OSError as error:
        raise DataError(
            f"cannot write the decoded images to {store}: {error.strerror or error}\n"
            f"make room there, {ELSEWHERE}"
        ) from error
    except BrokenExecutor as error:
        raise DataError(
            f"{images.folder}: a process that decoded images was killed, probably for lack of "
            "memory; set a smaller data.image.size, or try again"
        ) from error
    return replace(found, notes=(*images.notes, *found.notes, *found.meta.notes))


def _build_in_one_process(images: ImageSet, store: Path) -> Steps[DecodedSet]:
    """Decode a set into the cache in one process; other processes wait for its result."""
    store.mkdir(parents=True, exist_ok=True)
    listed, now = images, time.time_ns()
    images = yield from recognize(images)
    layout = _layout(images)
    lock = FileLock(store / f"{layout}.lock")
    waited = yield from wait_for(lock, f"decoding {images.name}")
    try:
        found = _find_by_pointer(listed, store) if waited else None
        if found is not None:
            return found
        entry = yield from _build(images, store, layout)
        notes = images.notes[len(listed.notes) :]
        # A file that changes again within a tick of the clock would keep its time stamp.
        if all(max(file.modified, file.changed) < now - _TICK for file in listed.files):
            pointer = Pointer(listing=_listing(listed), entry=entry.folder.name, notes=notes)
            _write(_pointer(listed, store), pointer)
        return replace(entry, notes=notes)
    finally:
        lock.release()


def _build(images: ImageSet, store: Path, layout: str) -> Steps[DecodedSet]:
    _sweep(store, layout)
    if any(store.glob(f"{layout}-*")):  # the same names and sizes, perhaps the same contents
        digests = yield from _hash_files(images)
        folder = store / _key(images, layout, digests)
        entry = _read_entry(folder)
    else:
        entry = None
    if entry is None:
        building = store / f"{layout}.building"
        building.mkdir()
        try:
            decode = decode_varying if images.size == VARYING else decode_set
            meta, digests = yield from decode(images, building)
            folder = store / _key(images, layout, digests)
            _write(building / _META, meta)
            if folder.exists():  # damaged
                shutil.rmtree(folder)
            building.rename(folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        entry = DecodedSet(folder, meta)
    return entry


def _sweep(store: Path, layout: str) -> None:
    """Remove unfinished cache entries of interrupted processes; running ones hold a lock."""
    for building in store.glob("*.building"):
        if building.stem == layout:
            shutil.rmtree(building)
            continue
        with contextlib.suppress(Timeout), FileLock(building.with_suffix(".lock"), timeout=0):
            shutil.rmtree(building, ignore_errors=True)


def _find_by_pointer(images: ImageSet, store: Path) -> DecodedSet | None:
    pointer = _read(_pointer(images, store), Pointer)
    if pointer is None or pointer.listing != _listing(images):
        return None
    entry = _read_entry(store / Path(pointer.entry).name)
    return entry and replace(entry, notes=pointer.notes)


def _hash_files(images: ImageSet) -> Steps[list[bytes]]:
    """Return the SHA-256 of each file, to find its cache entry; b"" if it cannot be read."""
    files = images.files
    names = [file.name for file in files]
    size = sum(file.size for file in files)
    rows = task_slices(len(names), 1 + size // len(files))
    tasks = [partial(hashes, str(images.folder), names[some]) for some in rows]
    digests: list[bytes] = []
    # Reading is so much faster than decoding that processes pay off only for larger sets.
    for found in on_all_cores(tasks, files=len(files) // 50, size=size // 50):
        digests += found
        yield Step(f"reading {images.name}", len(digests), len(names), "images")
    return digests


def _read_entry(folder: Path) -> DecodedSet | None:
    """Return the decoded set in a cache entry, None if the entry is incomplete or was changed."""
    try:
        written = (folder / _META).stat().st_mtime_ns  # the last file of an entry
        meta = _read(folder / _META, DecodedMeta)
        if meta is None:
            return None
        for name, part in meta.parts.items():
            count = len(part.names)
            x = np.load(x_file(folder, name), mmap_mode="r")  # ValueError if it is too short
            y = np.load(y_file(folder, name))
            files = [x_file(folder, name), y_file(folder, name)]
            whole = x.dtype == np.uint8 and y.shape == (count,)
            if meta.shape[1:] == (0, 0):
                places = np.load(places_file(folder, name))
                files.append(places_file(folder, name))
                whole = whole and x.ndim == 1 and places.shape == (count, 3)
            else:
                whole = whole and x.shape == (count, *meta.shape)
            # Hashing takes a second for 200 MB; time stamps also show that a file was changed.
            whole = whole and all(file.stat().st_mtime_ns <= written for file in files)
            counts = np.bincount(y, minlength=len(meta.classes)).tolist() if whole else []
            if tuple(counts) != part.counts:
                return None
    except (OSError, ValueError, TypeError, EOFError):
        return None
    return DecodedSet(folder, meta)


def _settings(images: ImageSet) -> list[object]:
    versions = [_FORMAT, PIL.__version__, register_heif()]
    return [*versions, images.size, images.mode, images.corrupt, images.grey_range]


def _layout(images: ImageSet) -> str:
    """Return the digest that a cache entry's name starts with: settings, file names and sizes."""
    about = [(part, f.name, f.size) for part, files in images.parts.items() for f in files]
    return _digest([_settings(images), images.classes, *about])[:32]


def _listing(images: ImageSet) -> str:
    """Return a digest of file names, sizes and times, to tell whether a cache entry is current."""
    files = "\0".join(f"{f.name}\0{f.size} {f.modified} {f.changed}" for f in images.files)
    return hashlib.sha256(files.encode("utf-8", "surrogatepass")).hexdigest()


def _key(images: ImageSet, layout: str, digests: Iterable[bytes]) -> str:
    """Return the name of a cache entry: a digest of settings, file names and contents."""
    contents = [(f.name, d.hex()) for f, d in zip(images.files, digests, strict=True)]
    return f"{layout}-{_digest([_settings(images), *contents])[:32]}"


def _pointer(images: ImageSet, store: Path) -> Path:
    about = [str(images.folder.resolve()), images.chosen_by, *_settings(images)]
    return store / f"{_digest(about)[:32]}.json"


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def _read(path: Path, kind: type[R]) -> R | None:
    """Read a JSON file of the cache; None if it is absent, damaged or of another version."""
    try:
        return kind.from_json(path.read_bytes(), path)
    except (OSError, RunError):
        return None


def _write(path: Path, document: Record) -> None:
    beside = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
    beside.write_text(document.to_json(indent=None), encoding="utf-8")
    beside.replace(path)
