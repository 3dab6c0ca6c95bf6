"""Image files to bytes, one by one and on all cores; what prediction and loading share.

No torch here: worker processes import this file.
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
Size = tuple[int, int]
Result = TypeVar("Result")

# What Pillow names without being able to decode it, and what it hands to another program.
_NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
_WHITE = 65535  # of 16-bit grey
# Starting processes takes about as long as decoding so many small images.
_FEW_FILES, _FEW_BYTES = 500, 8_000_000
_TASK_FILES, _TASK_BYTES = 256, 16_000_000


class ImageError(Exception):
    """Why an image cannot be decoded, in words that follow its name."""


def suffixes() -> dict[str, str]:
    """Return the lower-case file endings of images, each with the name of its format."""
    formats = Image.registered_extensions()
    known = Image.OPEN.keys() - _NO_PICTURES
    return {ending: name for ending, name in formats.items() if name in known}


@contextlib.contextmanager
def opened(source: Path | io.BytesIO, suffix: str) -> Iterator[Image.Image]:
    """Open an image, of which the header alone is read at first.

    Raises:
        ImageError: whatever goes wrong until it is closed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF and the like
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _open(source, suffix) as image:
                yield image
    except (ImageError, PapertrialError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise ImageError("is not an image in a format that is known") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"is too large an image: {error}") from error
    except Exception as error:  # decoders raise what they like on damaged files
        raise ImageError(f"cannot be read as an image: {error}") from error


def _open(source: Path | io.BytesIO, suffix: str) -> Image.Image:
    # To try the format of the suffix first saves a third of the time of a small image.
    named = Image.registered_extensions().get(suffix.lower())
    if named and named in Image.OPEN and named not in _NO_PICTURES:
        with contextlib.suppress(UnidentifiedImageError):
            return Image.open(source, formats=[named])
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return Image.open(source, formats=sorted(Image.OPEN.keys() - _NO_PICTURES))


def stored_mode(mode: str) -> Mode:
    """Return how an image of Pillow's `mode` is stored without a setting: grey or colour."""
    return "L" if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;") else "RGB"


def is_turned(image: Image.Image) -> bool:
    """Return whether a loaded image does not lie upright, by its EXIF."""
    return bool(_orientation(image) != 1)


def _orientation(image: Image.Image) -> Any:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF beside good pixels
        return 1


def upright(image: Image.Image) -> Image.Image:
    """Return the image as it is looked at."""
    image.load()
    return ImageOps.exif_transpose(image) if is_turned(image) else image


def pixels(image: Image.Image, mode: AnyMode, size: Size) -> np.ndarray:
    """Return an upright image as uint8 [C, H, W]: mode, then size (bilinear, antialiased).

    16-bit grey comes to 8 bits; transparency lies on black unless the mode keeps it.

    Raises:
        ImageError: grey values without a fixed range, or outside of 16 bits.
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
    # One scale for all images: the range of each would tell images of one brightness apart, which
    # may be all that a label is.
    if image.mode == "F":
        raise ImageError(
            "has floating-point pixels, which have no fixed range; convert the images to 8 or 16 "
            "bits, all in one way"
        )
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > _WHITE:
        raise ImageError(
            f"has 32-bit pixels of {low:,} to {high:,}; grey values must be 0 to {_WHITE:,}: "
            "convert the images to 8 or 16 bits, all in one way"
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


def joined(digests: Iterable[bytes]) -> str:
    """Return the SHA-256 of digests, whatever their order."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def order_free_fingerprint(
    x_chunks: Iterable[Any], labels: Iterable[int], classes: Sequence[str]
) -> str:
    """Return the SHA-256 of a split's classes and pixels, whatever the order of its samples.

    Args:
        x_chunks: the images as arrays or tensors uint8 [n, C, H, W], cut anywhere.
        labels: [N], in the order of the images.
        classes: the name of each label.
    """
    images = (image for chunk in x_chunks for image in np.asarray(chunk))
    pairs = zip(images, labels, strict=True)
    return joined(sample_digest(classes[int(label)], image) for image, label in pairs)


class Place(NamedTuple):
    """Where decoded images go: sample `row` of a file whose samples begin at byte `start`."""

    file: str
    start: int
    row: int


class Decoded(NamedTuple):
    """What came of some files, with their places among these.

    `files` has the SHA-256 of each file (b"" for one that cannot be read) and `samples` its
    `sample_digest` (b"" where there is none).
    """

    files: list[bytes]
    samples: list[bytes]
    corrupt: dict[int, str]
    unreadable: dict[int, str]
    differs: bool  # one is not of the mode or size that all should have already


def decode_into(
    place: Place,
    names: Sequence[str],
    class_names: Sequence[str],
    *,
    folder: str,
    mode: Mode,
    size: Size,
    convert: bool,
    resize: bool,
) -> Decoded:
    """Decode files of a folder, and write them one after the other at `place`.

    What cannot be decoded leaves its row as it is. Writing here, not where the results are
    gathered, keeps no image in memory however slow the disk.

    Args:
        place: of the first one.
        names: the files.
        class_names: the class of each file.
        folder: what the names are relative to.
        mode: wanted.
        size: wanted, (H, W).
        convert: bring another mode to this one, rather than tell that it differs.
        resize: likewise for the size.
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
            with opened(io.BytesIO(data), path.suffix) as image:
                turned = upright(image)
                same_mode = convert or stored_mode(image.mode) == mode
                same_size = resize or turned.size == (size[1], size[0])
                if not (same_mode and same_size):
                    return done._replace(differs=True)
                block[i] = pixels(turned, mode, size)
        except ImageError as error:
            done.corrupt[i] = str(error)
            continue
        done.samples[i] = sample_digest(class_name, block[i])
    with Path(place.file).open("r+b") as file:
        file.seek(place.start + place.row * block[0].nbytes)
        file.write(block.data)
    return done


def header(path: Path) -> tuple[Mode, Size]:
    """Return the mode and the upright size (H, W) of an image, from its header.

    Raises:
        ImageError: it is none.
    """
    with opened(path, path.suffix) as image:
        width, height = image.size
        # Pillow gives the size of a TIFF as it lies upright already.
        if image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8):
            width, height = height, width
        return stored_mode(image.mode), (height, width)


def measured(path: Path) -> tuple[Mode, Size]:
    """Return what `header` does, of an image that can be decoded.

    Raises:
        ImageError: it cannot.
    """
    with opened(path, path.suffix) as image:
        looked_at = upright(image)
        return stored_mode(image.mode), (looked_at.height, looked_at.width)


def headers(folder: str, names: Sequence[str]) -> list[tuple[Mode, Size] | None]:
    """Return what `header` tells of files of a folder, None for those that are no images."""
    found: list[tuple[Mode, Size] | None] = []
    for name in names:
        try:
            found.append(header(Path(folder, name)))
        except ImageError:
            found.append(None)
    return found


def hashes(folder: str, names: Sequence[str]) -> list[bytes]:
    """Return the SHA-256 of files of a folder, b"" for one that cannot be read."""
    found = []
    for name in names:
        try:
            found.append(hashlib.sha256(Path(folder, name).read_bytes()).digest())
        except OSError:
            found.append(b"")
    return found


def cuts(count: int, sample_bytes: int) -> list[slice]:
    """Return the tasks that `count` files make: small enough to tell of progress and to balance."""
    even = count // (8 * (os.cpu_count() or 1))
    size = max(1, min(_TASK_FILES, _TASK_BYTES // sample_bytes, max(even, 16)))
    return [slice(start, start + size) for start in range(0, count, size)]


def on_all_cores(
    tasks: Iterable[Callable[[], Result]], *, files: int, size: int
) -> Generator[Result, None, None]:
    """Yield what each task returns, in order; for a small set they are done in this process.

    Processes, as Pillow's threads wait for each other: 60,000 small WebP on two cores took no less
    time with two threads than with one, and little more than half with two processes.

    Args:
        tasks: `functools.partial` of functions of a module that is quickly imported.
        files: how many there are in all tasks.
        size: bytes of them all.
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
        # Closed here, in the thread that began it; joblib warns of what is then left undone.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()
