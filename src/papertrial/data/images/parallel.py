"""The files of an image set decoded, measured or hashed in tasks that run on all cores.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from papertrial.data.images.decode import (
    DecodedImage,
    ImageError,
    ImageSize,
    Mode,
    decode,
    header,
    open_image,
    sample_digest,
)
from papertrial.data.images.grey_levels import GreyRange

Result = TypeVar("Result")

# Starting processes takes about as long as decoding this many small images.
_FEW_FILES, _FEW_BYTES = 500, 8_000_000
_TASK_FILES, _TASK_BYTES = 256, 16_000_000


class OutputRow(NamedTuple):
    """Where a decoded image is written: row `row` of a file whose samples begin at `start`."""

    file: str
    start: int
    row: int


class Decoded(NamedTuple):
    """The result of decoding some files.

    `files` has the SHA-256 of each file (b"" if it cannot be read) and `samples` its
    `sample_digest` (b"" if it cannot be decoded). `corrupt` and `unreadable` map the indices of
    files to reasons. `differs` says that a file does not have the mode or size that all should
    have; decoding then stops. `changes` has the indices of the images with each change of
    `DecodedImage`, and `grey` the lowest and highest value of images of more than 8 bits.
    """

    files: list[bytes]
    samples: list[bytes]
    corrupt: dict[int, str]
    unreadable: dict[int, str]
    changes: dict[str, list[int]]
    grey: GreyRange | None = None
    differs: bool = False


def decode_into(
    first: OutputRow,
    names: Sequence[str],
    class_names: Sequence[str],
    *,
    folder: str,
    mode: Mode,
    size: ImageSize,
    grey_range: GreyRange | None = None,
    convert: bool,
    resize: bool,
) -> Decoded:
    """Decode the image files of one parallel task into successive rows of a file.

    A file that cannot be decoded leaves its row as it is. Images are written here, not where the
    results are gathered, so that they do not pile up in memory if the disk is slow.

    Args:
        first: where the first image is written.
        names: the files.
        class_names: the class of each file.
        folder: the folder that names are relative to.
        mode: the mode that all images get.
        size: the (H, W) that all images get.
        grey_range: the values of images with more than 8 bits that become 0 and 255.
        convert: whether to convert images of another mode; otherwise they differ.
        resize: whether to resize images of another size; otherwise they differ.
    """
    done = Decoded([], [], {}, {}, {})
    grey: GreyRange | None = None
    block = np.zeros((len(names), len(mode), *size), np.uint8)
    for i, (name, class_name) in enumerate(zip(names, class_names, strict=True)):
        wanted = None if resize else size
        try:
            decoded = _decode(done, i, Path(folder, name), mode, convert, size, wanted, grey_range)
        except _DiffersError:
            return done._replace(differs=True)
        if decoded is not None:
            block[i] = decoded.pixels
            grey = _wider(grey, decoded.grey)
            done.samples[i] = sample_digest(class_name, block[i])
    with Path(first.file).open("r+b") as file:
        file.seek(first.start + first.row * block[0].nbytes)
        file.write(block.data)
    return done._replace(grey=grey)


def decode_each_into(
    file: str,
    starts: Sequence[int],
    names: Sequence[str],
    class_names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    *,
    folder: str,
    mode: Mode,
    grey_range: GreyRange | None = None,
    convert: bool,
) -> Decoded:
    """Decode the image files of one parallel task at their own sizes, each to its place in a file.

    Args:
        file: the file that is written.
        starts: the byte at which each image begins.
        names: the files.
        class_names: the class of each file.
        sizes: the (H, W) of each image, from its header.
        folder: the folder that names are relative to.
        mode: the mode that all images get.
        grey_range: the values of images with more than 8 bits that become 0 and 255.
        convert: whether to convert images of another mode; otherwise they differ.
    """
    done = Decoded([], [], {}, {}, {})
    grey: GreyRange | None = None
    with Path(file).open("r+b") as out:
        for i, (name, class_name) in enumerate(zip(names, class_names, strict=True)):
            size = (sizes[i][0], sizes[i][1])
            try:
                path = Path(folder, name)
                decoded = _decode(done, i, path, mode, convert, size, None, grey_range)
            except _DiffersError:
                return done._replace(differs=True)
            if decoded is not None:
                out.seek(starts[i])
                out.write(decoded.pixels.data)
                grey = _wider(grey, decoded.grey)
                done.samples[i] = sample_digest(class_name, decoded.pixels)
    return done._replace(grey=grey)


class _DiffersError(Exception):
    """An image does not have the mode or the size that all should have."""


def _decode(
    done: Decoded,
    i: int,
    path: Path,
    mode: Mode,
    convert: bool,
    size: ImageSize,
    required: ImageSize | None,
    grey_range: GreyRange | None,
) -> DecodedImage | None:
    """Decode file i of a task to `size`, and add its digest or what is wrong with it to `done`.

    Raises:
        _DiffersError: the image has another mode, or another size than the required one.
    """
    done.files.append(b"")
    done.samples.append(b"")
    try:
        data = path.read_bytes()
    except OSError as error:
        done.unreadable[i] = error.strerror or str(error)
        return None
    done.files[i] = hashlib.sha256(data).digest()
    try:
        with open_image(io.BytesIO(data), path.suffix) as image:
            needed = (None if convert else mode, required)
            decoded = decode(image, mode, size, needed, grey_range)
    except ImageError as error:
        done.corrupt[i] = str(error)
        return None
    if decoded is None:
        raise _DiffersError
    for change in decoded.changes:
        done.changes.setdefault(change, []).append(i)
    return decoded


def _wider(one: GreyRange | None, other: GreyRange | None) -> GreyRange | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def headers(folder: str, names: Sequence[str]) -> list[tuple[Mode, ImageSize] | None]:
    """Return the `header` of each image file of one parallel task, None for other files."""
    found: list[tuple[Mode, ImageSize] | None] = []
    for name in names:
        try:
            found.append(header(Path(folder, name)))
        except ImageError:
            found.append(None)
    return found


def hashes(folder: str, names: Sequence[str]) -> list[bytes]:
    """Return the SHA-256 of each file of one parallel task, b"" for those that cannot be read."""
    found = []
    for name in names:
        try:
            found.append(hashlib.sha256(Path(folder, name).read_bytes()).digest())
        except OSError:
            found.append(b"")
    return found


def task_slices(count: int, sample_bytes: int) -> list[slice]:
    """Divide `count` image files into slices for parallel tasks, small enough to balance cores."""
    even = count // (8 * (os.cpu_count() or 1))
    size = max(1, min(_TASK_FILES, _TASK_BYTES // sample_bytes, max(even, 16)))
    return [slice(start, start + size) for start in range(0, count, size)]


def on_all_cores(
    tasks: Iterable[Callable[[], Result]], *, files: int, size: int
) -> Generator[Result, None, None]:
    """Run tasks on image files in parallel, on all cores, and yield their results in order.

    Small sets are processed in this process. Larger ones use processes, because Pillow's threads
    wait for each other: 60,000 small WebP files on two cores took as long with two threads as with
    one, and little more than half as long with two processes.

    Args:
        tasks: `functools.partial` of functions in a module that is quick to import.
        files: the number of files in all tasks.
        size: bytes of all files.
    """
    if files < _FEW_FILES and size < _FEW_BYTES:
        yield from (task() for task in tasks)
        return
    import joblib  # noqa: PLC0415  (slow to import)

    parallel = joblib.Parallel(n_jobs=-1, return_as="generator", idle_worker_timeout=10)
    results = parallel(joblib.delayed(task)() for task in tasks)
    try:
        for result in results:  # noqa: UP028  (`yield from` would close them before `finally`)
            yield result
    finally:
        # Closed here, in the thread that started it; joblib warns about unfinished tasks.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()
