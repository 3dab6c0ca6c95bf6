"""Image files decoded at their original sizes, end to end in one file for each split."""

from __future__ import annotations

import contextlib
import itertools
import os
from functools import partial
from pathlib import Path

import numpy as np

from papertrial.data.images.changes import Changes
from papertrial.data.images.decode import ImageError, measure
from papertrial.data.images.decode_set import (
    DecodedMeta,
    DecodedPart,
    ImageFile,
    ImageSet,
    check_files,
    combine_digests,
    mixed_sizes_or_modes,
    printable,
    write_header,
    x_file,
    y_file,
)
from papertrial.data.images.parallel import decode_each_into, headers, on_all_cores, task_slices
from papertrial.progress import Step, Steps

VARYING = "varying"  # as the size of an image set


def places_file(folder: Path, part: str) -> Path:
    """Return the file with the place, height and width of each image of a split, int64 [N, 3]."""
    return folder / f"{part}-places.npy"


def decode_varying(images: ImageSet, out: Path) -> Steps[tuple[DecodedMeta, list[bytes]]]:
    """Decode a set of image files of any sizes into the folder `out`, on all cores.

    Returns:
        The description of the set, whose shape is (C, 0, 0), and the SHA-256 of each file.

    Raises:
        DataError: files cannot be read or decoded, or images have several modes.
        OSError: `out` cannot be written.
    """
    channels = _channels(images)
    digests: list[bytes] = []
    parts = {}
    skipped: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    changes = Changes(None, images.grey_range)
    for part, files in images.parts.items():
        yield Step(f"measuring {images.name}", len(digests), len(images.files), "images")
        sizes = _sizes(images, files)
        counts = sizes.prod(1) * channels
        starts = counts.cumsum() - counts
        with x_file(out, part).open("wb") as file:
            begin = write_header(file, int(counts.sum()), ())
            file.truncate(begin + int(counts.sum()))
        samples: list[bytes] = []
        rows = task_slices(len(files), max(1, int(counts.max(initial=1))))
        tasks = [
            partial(
                decode_each_into,
                str(x_file(out, part)),
                [begin + start for start in starts[some].tolist()],
                [file.name for file in files[some]],
                [images.classes[file.label] for file in files[some]],
                sizes[some].tolist(),
                folder=str(images.folder),
                mode="L" if channels == 1 else "RGB",
                grey_range=images.grey_range,
                convert=images.mode is not None,
            )
            for some in rows
        ]
        found = on_all_cores(tasks, files=len(files), size=sum(file.size for file in files))
        with contextlib.closing(found):
            for some, decoded in zip(rows, found, strict=True):
                if decoded.differs:
                    raise mixed_sizes_or_modes(images)
                digests += decoded.files
                samples += decoded.samples
                skipped |= {files[some][i].name: why for i, why in decoded.corrupt.items()}
                unreadable |= {files[some][i].name: why for i, why in decoded.unreadable.items()}
                changes.add(part, [printable(f.name) for f in files[some]], decoded.changes)
                changes.add_grey(part, decoded.grey)
                yield Step(f"decoding {images.name}", len(digests), len(images.files), "images")
        kept = [i for i, sample in enumerate(samples) if sample]
        _flush(x_file(out, part))
        np.save(places_file(out, part), np.column_stack([starts, sizes])[kept])
        labels = np.array([files[i].label for i in kept], np.int64)
        np.save(y_file(out, part), labels)
        parts[part] = DecodedPart(
            names=tuple(printable(files[i].name) for i in kept),
            counts=tuple(np.bincount(labels, minlength=len(images.classes)).tolist()),
            fingerprint=combine_digests(filter(None, samples)),
        )
    check_files(images, parts, skipped, unreadable)
    meta = DecodedMeta(
        classes=tuple(map(printable, images.classes)),
        shape=(channels, 0, 0),
        parts=parts,
        skipped={printable(name): why for name, why in skipped.items()},
        notes=changes.notes(),
    )
    return meta, digests


def _channels(images: ImageSet) -> int:
    """Return the number of channels: of the mode given, else of the first image that decodes."""
    mode = images.mode
    for file in images.files:
        if mode:
            break
        with contextlib.suppress(ImageError):
            mode = measure(images.folder / file.name)[0]
    return len(mode or "L")


def _sizes(images: ImageSet, files: list[ImageFile]) -> np.ndarray:
    """Return the upright size of each image, [N, 2] int64; 0 for files that are no images."""
    names = [file.name for file in files]
    tasks = [
        partial(headers, str(images.folder), names[some]) for some in task_slices(len(names), 1)
    ]
    size = sum(file.size for file in files)
    # Headers are read so quickly that processes pay off only for larger sets.
    lists = on_all_cores(tasks, files=len(names) // 10, size=size // 10)
    found = itertools.chain.from_iterable(lists)
    return np.array([one[1] if one else (0, 0) for one in found], np.int64).reshape(-1, 2)


def _flush(path: Path) -> None:
    """Flush a file to the disk: a power cut may leave it with the right length and no content."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
