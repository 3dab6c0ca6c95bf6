"""CIFAR-10: the official archive, or an image folder with exactly the same images."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.column import Dataset
from papertrial.data.files.catalog import CATALOG
from papertrial.data.images.cache import open_decoded
from papertrial.data.images.decode_set import DecodedMeta
from papertrial.data.sources import image_folder, torchvision_sets
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec
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
# `combine_digests` over the `sample_digest` of each image, from a copy in lossless files. Its
# training images have the published channel means (.49139968 .48215841 .44653091) and standard
# deviations (.24703223 .24348513 .26158784).
FINGERPRINTS = {
    "train": "2c17a50206955ec54b661e9cf7ddb135e4eb9a0f879b9e396ead00f50951ee80",
    "test": "08d8669f9700a0cf360dbf13cc97b2887ad306c1d69819ab952a8812efc178eb",
}


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load CIFAR-10: uint8 [N, 3, 32, 32], 50,000 and 10,000, 10 classes.

    The set comes from torchvision's archive, packed or unpacked. If the data folder has neither,
    but an image folder `cifar10`, the set comes from that.

    Raises:
        DataError: the files are corrupt, absent, cannot be downloaded, or are not CIFAR-10.
    """
    entry = CATALOG[NAME]
    batches = folder / Path(entry.unpacked[0][0]).parent
    packed = any((folder / file).exists() for file in entry.files)
    if not packed and not batches.exists() and find_folder(folder) is not None:
        return LoadedSet((yield from load_folder(folder)))
    return (yield from torchvision_sets.load(spec, folder))


def find_folder(folder: Path) -> Path | None:
    """Return the image folder of CIFAR-10 in the data folder, None if there is none."""
    path = folder / NAME
    return path if (path / "train").is_dir() else None


def load_folder(folder: Path) -> Steps[Dataset]:
    """Load CIFAR-10 from an image folder, with its 10 classes in the official order.

    Args:
        folder: the data folder, with `cifar10/{train,test}/<class>/` and the cache of images.

    Raises:
        DataError: the images are not those of CIFAR-10, or cannot be decoded.
    """
    path = folder / NAME
    decoded = yield from open_decoded(image_folder.find(path, ImageOptions()), folder / "cache")
    difference = _difference(decoded.meta)
    if difference:
        raise DataError(
            f"{path} is not CIFAR-10: {difference}\n"
            f"remove {path}, so that the official archive is downloaded; or, to use it as your own "
            f"data, set data.source: image-folder and data.path: {path}"
        )
    return image_folder.to_dataset(NAME, decoded)


def _difference(meta: DecodedMeta) -> str:
    """Return how the images of a folder differ from CIFAR-10, "" if they do not."""
    if meta.classes != CLASSES:
        return f"its classes are {', '.join(meta.classes)}, but must be {', '.join(CLASSES)}"
    if meta.parts.keys() != PER_CLASS.keys():
        return f"its parts are {', '.join(meta.parts)}, but must be {', '.join(PER_CLASS)}"
    for part, count in PER_CLASS.items():
        counts = zip(CLASSES, meta.parts[part].counts, strict=True)
        wrong = [f"{name} {got:,}" for name, got in counts if got != count]
        if wrong:
            return f"{part} must have {count:,} images of each class, but has {', '.join(wrong)}"
    if meta.shape != (3, 32, 32):
        return f"its images are {list(meta.shape)} ([C, H, W]), but must be [3, 32, 32]"
    for part, expected in FINGERPRINTS.items():
        got = meta.parts[part].fingerprint
        if got != expected:
            return (
                f"{part} has other pixels or labels (its fingerprint is {got[:16]}, but must be "
                f"{expected[:16]})"
            )
    return ""
