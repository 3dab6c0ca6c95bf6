"""CIFAR-10 as an image folder: taken for it only if its images are those of the official set."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.column import Dataset
from papertrial.data.images.cache import opened
from papertrial.data.images.decode_set import Meta
from papertrial.data.sources import image_folder
from papertrial.errors import DataError
from papertrial.progress import Steps

NAME = "cifar10"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
PER_CLASS = {"train": 5000, "test": 1000}
# `order_free_fingerprint` of a copy in lossless files, whose training images have the published
# channel means (.49139968 .48215841 .44653091) and deviations (.24703223 .24348513 .26158784).
FINGERPRINTS = {
    "train": "2c17a50206955ec54b661e9cf7ddb135e4eb9a0f879b9e396ead00f50951ee80",
    "test": "08d8669f9700a0cf360dbf13cc97b2887ad306c1d69819ab952a8812efc178eb",
}


def find(folder: Path) -> Path | None:
    """Return the image folder of CIFAR-10 in the data folder, if there is one."""
    path = folder / NAME
    return path if (path / "train").is_dir() else None


def load(folder: Path) -> Steps[Dataset]:
    """Return CIFAR-10: uint8 [N, 3, 32, 32], 50,000 and 10,000, 10 classes in the official order.

    Args:
        folder: the data folder, with `cifar10/{train,test}/<class>/` and its `cache` in it.

    Raises:
        DataError: the images are not those of CIFAR-10, or cannot be decoded.
    """
    path = folder / NAME
    images = image_folder.find(path, size=None, mode=None, corrupt="error")
    entry = yield from opened(images, folder / "cache")
    said = _differs(entry.meta)
    if said:
        raise DataError(
            f"{path} is not CIFAR-10: {said}\n"
            f"remove {path} and the official archive is fetched; or, for a set of your own, set "
            f"data.source: image-folder and data.path: {path}"
        )
    return image_folder.to_dataset(NAME, entry)


def _differs(meta: Meta) -> str:
    """Return what is not as in CIFAR-10, or nothing."""
    if tuple(meta.classes) != CLASSES:
        return f"its classes are {', '.join(meta.classes)}, they must be {', '.join(CLASSES)}"
    if meta.parts.keys() != PER_CLASS.keys():
        return f"its parts are {', '.join(meta.parts)}, they must be {', '.join(PER_CLASS)}"
    for part, count in PER_CLASS.items():
        counts = zip(CLASSES, meta.parts[part].counts, strict=True)
        wrong = [f"{name} {got:,}" for name, got in counts if got != count]
        if wrong:
            return f"{part} must have {count:,} images of each class, it has {', '.join(wrong)}"
    if meta.shape != [3, 32, 32]:
        return f"its images are {meta.shape} ([C, H, W]), they must be [3, 32, 32]"
    for part, expected in FINGERPRINTS.items():
        got = meta.parts[part].fingerprint
        if got != expected:
            return (
                f"{part} has other pixels or labels (fingerprint {got[:16]}, "
                f"it must be {expected[:16]})"
            )
    return ""
