"""Image files decoded to bytes, one by one or on all cores, for training and prediction alike.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from papertrial.errors import PapertrialError

Mode = Literal["L", "RGB"]
AnyMode = Literal["L", "RGB", "RGBA"]
ImageSize = tuple[int, int]
Result = TypeVar("Result")

# Formats that Pillow knows but cannot decode, or hands to another program.
_UNDECODABLE = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_WHITE = 65535  # the largest value of 16-bit grey
# Starting processes takes about as long as decoding this many small images.
_FEW_FILES, _FEW_BYTES = 500, 8_000_000
_TASK_FILES, _TASK_BYTES = 256, 16_000_000


class ImageError(Exception):
    """An image cannot be decoded; the message says why, to be read after the image's name."""


def suffixes() -> dict[str, str]:
    """Return the lower-case file endings of images, mapped to the names of their formats."""
    formats = Image.registered_extensions()
    known = Image.OPEN.keys() - _UNDECODABLE
    return {ending: name for ending, name in formats.items() if name in known}


@contextlib.contextmanager
def open_image(source: Path | io.BytesIO, suffix: str) -> Iterator[Image.Image]:
    """Open an image; only its header is read until pixels are needed.

    Raises:
        ImageError: anything that goes wrong until the image is closed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd EXIF and the like
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _open(source, suffix) as image:
                yield image
    except (ImageError, PapertrialError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise ImageError("is not an image in a known format") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"is too large: {error}") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise ImageError(f"cannot be read as an image: {error}") from error


def _open(source: Path | io.BytesIO, suffix: str) -> Image.Image:
    # Trying the format of the suffix first saves a third of the time of a small image.
    named = Image.registered_extensions().get(suffix.lower())
    if named and named in Image.OPEN and named not in _UNDECODABLE:
        with contextlib.suppress(UnidentifiedImageError):
            return Image.open(source, formats=[named])
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return Image.open(source, formats=sorted(Image.OPEN.keys() - _UNDECODABLE))


def stored_mode(mode: str) -> Mode:
    """Return the mode in which an image of Pillow's `mode` is stored by default: grey or colour."""
    return "L" if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;") else "RGB"


def is_rotated(image: Image.Image) -> bool:
    """Return whether the EXIF of a loaded image says that it is not upright."""
    return bool(_orientation(image) != 1)


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF, although the pixels may be good
        return 1


def upright(image: Image.Image) -> Image.Image:
    """Return the image rotated as its EXIF says."""
    image.load()
    return ImageOps.exif_transpose(image) if is_rotated(image) else image


def pixels(image: Image.Image, mode: AnyMode, size: ImageSize) -> np.ndarray:
    """Return an upright image as uint8 [C, H, W], converted to `mode` and resized to `size`.

    Resizing is bilinear and antialiased. 16-bit grey is reduced to 8 bits. Transparent images are
    put on black, unless the mode keeps transparency.

    Raises:
        ImageError: grey values have no fixed range, or are outside of 16 bits.
    """
    height, width = size
    flat = _eight_bits(image)
    flat = flat if mode == "RGBA" else _on_black(flat)
    flat = flat if flat.mode == mode else flat.convert(mode)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    last = np.array(flat).reshape(height, width, len(mode))
    return np.ascontiguousarray(last.transpose(2, 0, 1))


def _eight_bits(image: Image.Image) -> Image.Image:
    # One scale for all images: scaling each by its own range would remove differences in
    # brightness, which may be all that a label depends on.
    if image.mode == "F":
        raise ImageError(
            "has floating-point pixels, which have no fixed range; convert all images to 8 or 16 "
            "bits in the same way"
        )
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > _WHITE:
        raise ImageError(
            f"has 32-bit pixels of {low:,} to {high:,}; grey values must be 0 to {_WHITE:,}: "
            "convert all images to 8 or 16 bits in the same way"
        )
    return Image.fromarray((values >> 8).astype(np.uint8))


def _on_black(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
    return image


def sample_digest(class_name: str, image: np.ndarray) -> bytes:
    """Return the SHA-256 of a class name and its image, uint8 [C, H, W]."""
    return hashlib.sha256(class_name.encode("utf-8", "surrogatepass") + image.tobytes()).digest()


def combine_digests(digests: Iterable[bytes]) -> str:
    """Return the SHA-256 of digests, independent of their order."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


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
    have; decoding then stops.
    """

    files: list[bytes]
    samples: list[bytes]
    corrupt: dict[int, str]
    unreadable: dict[int, str]
    differs: bool


def decode_into(
    first: OutputRow,
    names: Sequence[str],
    class_names: Sequence[str],
    *,
    folder: str,
    mode: Mode,
    size: ImageSize,
    convert: bool,
    resize: bool,
) -> Decoded:
    """Decode files of a folder, and write them to successive rows of a file.

    A file that cannot be decoded leaves its row as it is. Images are written here, not where the
    results are gathered, so that they do not pile up in memory if the disk is slow.

    Args:
        first: where the first image is written.
        names: the files.
        class_names: the class of each file.
        folder: the folder that names are relative to.
        mode: the mode that all images get.
        size: the (H, W) that all images get.
        convert: whether to convert images of another mode; otherwise they differ.
        resize: whether to resize images of another size; otherwise they differ.
    """
    done = Decoded([], [], {}, {}, False)
    block = np.zeros((len(names), len(mode), *size), np.uint8)
    for i, (name, class_name) in enumerate(zip(names, class_names, strict=True)):
        path = Path(folder, name)
        done.files.append(b"")
        done.samples.append(b"")
        try:
            data = path.read_bytes()
        except OSError as error:
            done.unreadable[i] = error.strerror or str(error)
            continue
        done.files[i] = hashlib.sha256(data).digest()
        try:
            with open_image(io.BytesIO(data), path.suffix) as image:
                rotated = upright(image)
                same_mode = convert or stored_mode(image.mode) == mode
                same_size = resize or rotated.size == (size[1], size[0])
                if not (same_mode and same_size):
                    return done._replace(differs=True)
                block[i] = pixels(rotated, mode, size)
        except ImageError as error:
            done.corrupt[i] = str(error)
            continue
        done.samples[i] = sample_digest(class_name, block[i])
    with Path(first.file).open("r+b") as file:
        file.seek(first.start + first.row * block[0].nbytes)
        file.write(block.data)
    return done


def header(path: Path) -> tuple[Mode, ImageSize]:
    """Return the stored mode and the upright size (H, W) of an image, from its header.

    Raises:
        ImageError: the file is not an image.
    """
    with open_image(path, path.suffix) as image:
        width, height = image.size
        # Pillow already gives the upright size of a TIFF.
        if image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8):
            width, height = height, width
        return stored_mode(image.mode), (height, width)


def measure(path: Path) -> tuple[Mode, ImageSize]:
    """Return the stored mode and the upright size (H, W) of an image, after decoding it.

    Raises:
        ImageError: the image cannot be decoded.
    """
    with open_image(path, path.suffix) as image:
        rotated = upright(image)
        return stored_mode(image.mode), (rotated.height, rotated.width)


def headers(folder: str, names: Sequence[str]) -> list[tuple[Mode, ImageSize] | None]:
    """Return the `header` of each file of a folder, None for those that are not images."""
    found: list[tuple[Mode, ImageSize] | None] = []
    for name in names:
        try:
            found.append(header(Path(folder, name)))
        except ImageError:
            found.append(None)
    return found


def hashes(folder: str, names: Sequence[str]) -> list[bytes]:
    """Return the SHA-256 of each file of a folder, b"" for those that cannot be read."""
    found = []
    for name in names:
        try:
            found.append(hashlib.sha256(Path(folder, name).read_bytes()).digest())
        except OSError:
            found.append(b"")
    return found


def task_slices(count: int, sample_bytes: int) -> list[slice]:
    """Return slices of `count` files, small enough to report progress and to balance cores."""
    even = count // (8 * (os.cpu_count() or 1))
    size = max(1, min(_TASK_FILES, _TASK_BYTES // sample_bytes, max(even, 16)))
    return [slice(start, start + size) for start in range(0, count, size)]


def on_all_cores(
    tasks: Iterable[Callable[[], Result]], *, files: int, size: int
) -> Generator[Result, None, None]:
    """Yield the result of each task, in order; small sets are processed in this process.

    Larger ones use processes, because Pillow's threads wait for each other: 60,000 small WebP files
    on two cores took as long with two threads as with one, and little more than half as long with
    two processes.

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
