"""Image formats: which files can be decoded, by their ending and by their first bytes.

This module must not import torch, because worker processes import it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util

from PIL import Image

# Formats that Pillow knows but cannot decode, or hands to another program.
_UNDECODABLE = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# Formats whose files begin with a mark. Others would take many a file for an image.
_MARKED = {
    "AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI", "TIFF", "WEBP",
}  # fmt: skip
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_HEIC_ENDINGS = {".heic", ".heics", ".heif", ".heifs", ".hif"}
# Pillow would read the small preview in such a file.
_RAW_ENDINGS = {
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".kdc", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".rw2", ".sr2", ".srf", ".srw", ".x3f",
}  # fmt: skip
HEAD_BYTES = 32  # of a file, which tell what it is
HEIF_ADVICE = "run `pip install pillow-heif`, or convert them to JPEG"


def suffixes() -> dict[str, str]:
    """Return the lower-case endings of image files that can be decoded, with their formats."""
    register_heif()
    formats = Image.registered_extensions()
    known = Image.OPEN.keys() - _UNDECODABLE
    return {ending: name for ending, name in formats.items() if name in known}


def format_of(suffix: str) -> str | None:
    """Return the format of files with an ending in lower case; None if it is not known."""
    register_heif()
    name = Image.registered_extensions().get(suffix)
    return None if name is None or name not in Image.OPEN or name in _UNDECODABLE else name


def decodable() -> list[str]:
    """Return the names of the formats that can be decoded."""
    register_heif()
    Image.init()
    return sorted(Image.OPEN.keys() - _UNDECODABLE)


def recognizable() -> list[str]:
    """Return the names of the formats that are known by the first bytes of a file alone."""
    return [name for name in decodable() if name in _MARKED]


@functools.cache
def register_heif() -> str:
    """Let Pillow read HEIC images if pillow-heif is installed; return its version, else ""."""
    if importlib.util.find_spec("pillow_heif") is None:
        return ""
    with contextlib.suppress(ImportError):
        plugin = importlib.import_module("pillow_heif")
        plugin.register_heif_opener()
        return str(plugin.__version__)
    return ""


def is_heic(head: bytes) -> bool:
    """Return whether a file that begins with `head` is a HEIC image."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def why_left_out(head: bytes, suffix: str) -> tuple[str, str]:
    """Return what a file is that is not read as an image, and what to do about it.

    Args:
        head: its first bytes.
        suffix: its ending in lower case, "" if it has none.
    """
    if is_heic(head) or (suffix in _HEIC_ENDINGS and not register_heif()):
        return "HEIC images, which need a plugin of Pillow", HEIF_ADVICE
    if suffix in _RAW_ENDINGS:
        return "raw images of a camera", "convert them to PNG or TIFF"
    return "not images" if head else "empty", ""


def is_raw(suffix: str) -> bool:
    """Return whether this is the ending, in lower case, of the raw images of a camera."""
    return suffix in _RAW_ENDINGS
