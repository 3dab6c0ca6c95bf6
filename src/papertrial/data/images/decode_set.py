"""Image files decoded into one array for each split, and what is wrong with the files."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np

from papertrial.data.images.changes import Changes
from papertrial.data.images.decode import ImageError, ImageSize, Mode, measure
from papertrial.data.images.grey_levels import GreyRange
from papertrial.data.images.parallel import (
    Decoded,
    OutputRow,
    decode_into,
    headers,
    on_all_cores,
    task_slices,
)
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote
from papertrial.record import Part, Record

_LISTED = 5
Shape = tuple[int, int, int]


class ImageFile(NamedTuple):
    """An image file: its name relative to the set's folder, its label, and facts from `stat`.

    `known` says whether its ending is that of an image; of others, the content is looked at.
    """

    name: str
    label: int
    size: int
    modified: int
    changed: int
    known: bool = True


@dataclass(frozen=True)
class ImageSet:
    """The files of a set, and how to decode them.

    Args:
        folder: the folder that names are relative to.
        classes: the name of each label.
        parts: the files of each split, in order.
        size: (H, W) to resize to; None if all images have the same size; "varying" to keep the
            size of each.
        mode: the mode to convert to; None if all images are grey, or all in colour.
        corrupt: whether an image that cannot be decoded is an error or skipped.
        grey_range: the values of images with more than 8 bits that become 0 and 255; None to keep
            the upper 8 of 16 bits.
        chosen_by: the file that names the images of the folder; "" for all of them.
        notes: what listing the files left out or guessed.
    """

    folder: Path
    classes: tuple[str, ...]
    parts: dict[str, list[ImageFile]]
    size: ImageSize | Literal["varying"] | None
    mode: Mode | None
    corrupt: Literal["error", "skip"]
    grey_range: GreyRange | None = None
    chosen_by: str = ""
    notes: tuple[ReadingNote, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def files(self) -> list[ImageFile]:
        """The files of all splits."""
        return [file for files in self.parts.values() for file in files]


class DecodedPart(Part):
    """A decoded split: its names, the number of images of each class, and its fingerprint."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    fingerprint: str


class DecodedMeta(Record):
    """meta.json: a decoded set. `skipped` maps files that were skipped to the reason.

    The shape is (C, 0, 0) if sizes vary. `notes` say what decoding converted.
    """

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    parts: dict[str, DecodedPart]
    skipped: dict[str, str]
    notes: tuple[ReadingNote, ...]


def x_file(folder: Path, part: str) -> Path:
    """Return the file with the images of a decoded split, uint8 [N, C, H, W]."""
    return folder / f"{part}-x.npy"


def y_file(folder: Path, part: str) -> Path:
    """Return the file with the labels of a decoded split, int64 [N]."""
    return folder / f"{part}-y.npy"


def decode_set(images: ImageSet, out: Path) -> Steps[tuple[DecodedMeta, list[bytes]]]:
    """Decode a set of image files into the folder `out`, on all cores.

    Returns:
        The description of the set, and the SHA-256 of each file.

    Raises:
        DataError: files cannot be read or decoded, or images have several sizes or modes.
        OSError: `out` cannot be written.
    """
    shape = _shape(images)
    digests: list[bytes] = []
    parts = {}
    skipped: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    changes = Changes(shape[1:], images.grey_range)
    for part, files in images.parts.items():
        x = x_file(out, part)
        start = _make(x, len(files), shape)
        samples: list[bytes] = []
        tasks = task_slices(len(files), math.prod(shape))
        differs = False
        with contextlib.closing(_decoded(images, files, x, start, shape)) as found:
            for rows, decoded in zip(tasks, found, strict=True):
                differs = decoded.differs
                if differs:
                    break
                digests += decoded.files
                samples += decoded.samples
                skipped |= {files[rows][i].name: why for i, why in decoded.corrupt.items()}
                unreadable |= {files[rows][i].name: why for i, why in decoded.unreadable.items()}
                changes.add(part, [printable(f.name) for f in files[rows]], decoded.changes)
                changes.add_grey(part, decoded.grey)
                yield Step(f"decoding {images.name}", len(digests), len(images.files), "images")
        if differs:
            raise mixed_sizes_or_modes(images)
        kept = [i for i, sample in enumerate(samples) if sample]
        _close_up(x, start, kept, shape)
        labels = np.array([files[i].label for i in kept], np.int64)
        np.save(y_file(out, part), labels)
        counts = np.bincount(labels, minlength=len(images.classes)).tolist()
        parts[part] = DecodedPart(
            names=tuple(printable(files[i].name) for i in kept),
            counts=tuple(counts),
            fingerprint=combine_digests(filter(None, samples)),
        )
    check_files(images, parts, skipped, unreadable)
    meta = DecodedMeta(
        classes=tuple(map(printable, images.classes)),
        shape=shape,
        parts=parts,
        skipped={printable(name): why for name, why in skipped.items()},
        notes=changes.notes(),
    )
    return meta, digests


def printable(name: str) -> str:
    """Return a name as a decoded set stores it, with escapes for bytes that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def combine_digests(digests: Iterable[bytes]) -> str:
    """Return the fingerprint of a decoded image set from the `sample_digest` of each image.

    It is the SHA-256 of the sorted digests, so it does not depend on their order.
    """
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _shape(images: ImageSet) -> Shape:
    """Return the [C, H, W] of a decoded set: as given, else as in the first image that decodes."""
    assert images.size != "varying", "papertrial.data.images.decode_varying decodes these"
    mode, size = images.mode, images.size
    for file in images.files:
        if mode and size:
            break
        with contextlib.suppress(ImageError):
            found = measure(images.folder / file.name)
            mode, size = mode or found[0], size or found[1]
    # If no image decodes, the shape does not matter: decoding them all raises the error.
    height, width = size or (1, 1)
    return (len(mode or "L"), height, width)


def _decoded(
    images: ImageSet, files: list[ImageFile], x: Path, start: int, shape: Shape
) -> Generator[Decoded, None, None]:
    channels, height, width = shape
    decode = partial(
        decode_into,
        folder=str(images.folder),
        mode="L" if channels == 1 else "RGB",
        size=(height, width),
        grey_range=images.grey_range,
        convert=images.mode is not None,
        resize=images.size is not None,
    )
    tasks = []
    for rows in task_slices(len(files), math.prod(shape)):
        names = [file.name for file in files[rows]]
        class_names = [images.classes[file.label] for file in files[rows]]
        tasks.append(partial(decode, OutputRow(str(x), start, rows.start), names, class_names))
    size = sum(file.size for file in files)
    yield from on_all_cores(tasks, files=len(files), size=size)


def _make(x: Path, count: int, shape: Shape) -> int:
    """Create the .npy file of a decoded split; return the byte at which its samples begin."""
    with x.open("wb") as file:
        start = write_header(file, count, shape)
        file.truncate(start + count * math.prod(shape))
    return start


def write_header(file: IO[bytes], count: int, shape: tuple[int, ...]) -> int:
    """Write the header of a .npy file of bytes [count, *shape]; return where its samples begin."""
    # numpy pads the header for a count of any length, so that a later count moves no sample.
    about = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, about)
    return file.tell()


def _close_up(x: Path, start: int, kept: list[int], shape: Shape) -> None:
    """Keep only some rows in the .npy file of a decoded split, and flush it to the disk."""
    size = math.prod(shape)
    with x.open("r+b") as file:
        for to, row in enumerate(kept):
            if to != row:
                file.seek(start + row * size)
                sample = file.read(size)
                file.seek(start + to * size)
                file.write(sample)
        file.seek(0)
        write_header(file, len(kept), shape)
        file.truncate(start + len(kept) * size)
        file.flush()
        # Otherwise a power cut may leave a file of the right length without its content.
        os.fsync(file.fileno())


def check_files(
    images: ImageSet,
    parts: dict[str, DecodedPart],
    skipped: dict[str, str],
    unreadable: dict[str, str],
) -> None:
    """Raise DataError for files of an image set that cannot be read or decoded."""
    if unreadable:
        raise DataError(
            f"{images.folder}: {_count(unreadable, images)} cannot be read\n{_listed(unreadable)}\n"
            "check that they exist and are readable"
        )
    if skipped and images.corrupt == "error":
        raise DataError(
            f"{images.folder}: {_count(skipped, images)} cannot be decoded\n{_listed(skipped)}\n"
            "repair or remove them, or skip them with data.image.corrupt: skip"
        )
    for part, files in images.parts.items():
        for label in sorted({file.label for file in files}):
            if not parts[part].counts[label]:
                raise DataError(
                    f"{images.folder}: no image of the class {images.classes[label]} in {part} can "
                    f"be decoded\n{_listed(skipped)}\nrepair them, or remove the class"
                )


def _count(some: dict[str, str], images: ImageSet) -> str:
    return f"{len(some):,} of {len(images.files):,} images"


def _listed(files: dict[str, str]) -> str:
    lines = [f"  {name}: {why}" for name, why in itertools.islice(files.items(), _LISTED)]
    return "\n".join(lines + [f"  and {len(files) - _LISTED:,} more"] * (len(files) > _LISTED))


def mixed_sizes_or_modes(images: ImageSet) -> DataError:
    """Return the error that an image set cannot be decoded, because sizes or modes differ."""
    names = [file.name for file in images.files]
    tasks = [
        partial(headers, str(images.folder), names[rows]) for rows in task_slices(len(names), 1)
    ]
    size = sum(file.size for file in images.files)
    # Headers are read so quickly that processes pay off only for larger sets.
    lists = on_all_cores(tasks, files=len(names) // 10, size=size // 10)
    groups: dict[str, dict[str, list[str]]] = {"mode": {}, "size": {}}
    for name, one in zip(names, itertools.chain.from_iterable(lists), strict=True):
        if one:
            groups["mode"].setdefault(one[0], []).append(name)
            groups["size"].setdefault(str(list(one[1])), []).append(name)
    lines, advice = [], []
    for key, given in (("size", images.size), ("mode", images.mode)):
        if given is None and len(groups[key]) > 1:
            often = sorted(groups[key].items(), key=lambda group: -len(group[1]))
            lines += [
                f"  {key} {v}: {len(of):,} images, such as {of[0]}" for v, of in often[:_LISTED]
            ]
            if len(often) > _LISTED:
                lines.append(f"  and {len(often) - _LISTED:,} more {key}s")
            advice.append(f"data.image.{key}: {often[0][0] if key == 'size' else 'RGB'}")
    return DataError(
        f"{images.folder}: all images must have the same size [H, W] and mode (L is grey)\n"
        + "".join(f"{line}\n" for line in lines)
        + f"to convert them, set {' and '.join(advice) or 'data.image.size and data.image.mode'}"
    )
