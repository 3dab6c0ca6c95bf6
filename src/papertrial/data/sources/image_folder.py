"""Image folders of one's own: `train/<class>/*.png` with parts beside it, or `<class>/*.png`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from papertrial.data.column import Dataset, MemmapColumn, Split
from papertrial.data.images.cache import Entry, opened
from papertrial.data.images.decode import Mode, Size, suffixes
from papertrial.data.images.decode_set import File, ImageSet, x_file, y_file
from papertrial.errors import DataError, did_you_mean, nearest
from papertrial.progress import Steps

PARTS = ("train", "validation", "test")
_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def load(
    path: Path,
    cache: Path,
    *,
    size: Size | None = None,
    mode: Mode | None = None,
    corrupt: Literal["error", "skip"] = "error",
) -> Steps[Dataset]:
    """Load an image folder: uint8 [N, C, H, W], mapped from a cache that is made once.

    Classes and samples have torchvision's ImageFolder's order: folders of one class may be nested,
    hidden files and those that are no images are left out. Labels are those of the training part.

    Args:
        path: a folder with `train/<class>/`, and `validation/`, `test/` if there are; or with
            `<class>/` alone, all of which is then the training part.
        cache: where decoded sets are kept.
        size: (H, W) to resize to; None where all images have one size.
        mode: "L" or "RGB" to convert to; None where all are grey or all in colour.
        corrupt: whether an image that cannot be decoded is an error or left out; the last step
            tells of those left out.

    Raises:
        DataError: no classes, a class without images, another class in a part than in train,
            images that cannot be decoded or are of several sizes or modes.
    """
    images = find(path, size=size, mode=mode, corrupt=corrupt)
    entry = yield from opened(images, cache)
    return to_dataset(images.name, entry)


def to_dataset(name: str, entry: Entry) -> Dataset:
    """Return the set over what is decoded."""
    splits = {}
    for part, about in entry.meta.parts.items():
        y = torch.from_numpy(np.load(y_file(entry.folder, part)))
        x = MemmapColumn(str(x_file(entry.folder, part)))
        splits[part] = Split(x, y, np.arange(len(y)), about.names)
    classes = tuple(entry.meta.classes)
    skipped = entry.meta.skipped
    total = len(skipped) + sum(len(split) for split in splits.values())
    listed = ", ".join(list(skipped)[:5]) + (", ..." if len(skipped) > 5 else "")
    told = f"{len(skipped):,} of {total:,} images left out, which cannot be decoded: {listed}"
    return Dataset(
        name,
        "image",
        splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        classes=classes,
        notes=(told,) if skipped else (),
    )


def find(
    path: Path, *, size: Size | None, mode: Mode | None, corrupt: Literal["error", "skip"]
) -> ImageSet:
    """Return the files of an image folder, by part.

    Raises:
        DataError: what `load` tells, as far as it is known without reading any image.
    """
    if not path.is_dir():
        kind = "a file, not a folder" if path.exists() else "not there"
        raise DataError(f"{path} is {kind}; an image folder has train/<class>/ or <class>/ in it")
    try:
        roots = _roots(path)
        classes = tuple(_folders(roots["train"]))
        _check_classes(path, roots, classes)
        parts = {part: list(_files(path, part, root, classes)) for part, root in roots.items()}
    except OSError as error:
        raise DataError(f"cannot read {error.filename or path}: {error.strerror}") from error
    return ImageSet(path, classes, parts, size, mode, corrupt)


def _roots(path: Path) -> dict[str, Path]:
    """Return the folder of each part; of train alone for a folder of classes."""
    inside = _folders(path)
    named = [name for name in inside if name.lower() in _NAMES]
    # There are classes called "train" or "valid": they have images in them, a part has folders.
    parts = named if named == inside else [name for name in named if _folders(path / name)]
    if not parts:
        return {"train": path}
    for name in parts:
        meant = _NAMES[name.lower()]
        if name != meant:
            raise DataError(
                f'{path} has a folder {name}; did you mean "{meant}"? '
                f"the parts of an image folder are {', '.join(PARTS)}: rename it"
            )
    if "train" not in parts:
        raise DataError(
            f"{path} has {' and '.join(parts)} but no train; "
            "put the images to learn from into train/<class>/"
        )
    beside = [name for name in inside if name not in parts]
    if beside:
        raise DataError(
            f"{path} has {', '.join(beside)} beside train, and it is not clear what for; "
            f"move it away, or name it validation or test{nearest(beside[0], PARTS)}"
        )
    return {part: path / part for part in PARTS if part in parts}


def _check_classes(path: Path, roots: dict[str, Path], classes: tuple[str, ...]) -> None:
    for part, root in roots.items():
        inside = _folders(root)
        if not inside:
            raise DataError(f"{root} has no class folders; put the images into {root}/<class>/")
        for name in inside:
            if name not in classes:
                raise DataError(
                    f"{path}: {part} has a class {name} that train lacks"
                    f"{did_you_mean(name, classes)}; every class needs images to learn from"
                )
    if len(classes) == 1:
        raise DataError(
            f"{roots['train']} has one class only, {classes[0]}; to tell classes apart takes two, "
            "each with a folder of its own"
        )


def _files(path: Path, part: str, root: Path, classes: tuple[str, ...]) -> Iterator[File]:
    known = tuple(suffixes())
    above = "" if root == path else f"{part}/"
    for label, name in enumerate(classes):
        if not (root / name).is_dir():
            continue
        empty = True
        # As torchvision orders them: "a", "a-b", "a/x". A seeded split is then a published one.
        walked = _walk(str(root / name), f"{above}{name}", known, ())
        for folder, inside in sorted(walked, key=itemgetter(0)):
            for file, told in inside:
                where = f"{folder}/{file}"
                yield File(where, label, told.st_size, told.st_mtime_ns, told.st_ctime_ns)
                empty = False
        if empty:
            raise DataError(
                f"{path}: the class {name} has no images in {part}; "
                f"put some into {root / name}, or remove it"
            )


def _walk(
    folder: str, name: str, known: tuple[str, ...], above: tuple[str, ...]
) -> Iterator[tuple[str, list[tuple[str, os.stat_result]]]]:
    """Yield the name of a folder with its images, and of each folder in it, without circles.

    Plain strings: paths as objects would take most of the time that opening a cached set does.
    """
    here = os.path.realpath(folder)
    if here in above:
        return
    with os.scandir(folder) as entries:
        shown = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
    inside = [entry for entry in shown if entry.is_dir()]
    files = (e for e in shown if e.name.lower().endswith(known) and not e.is_dir())
    yield name, [(entry.name, entry.stat()) for entry in files]
    for entry in inside:
        yield from _walk(entry.path, f"{name}/{entry.name}", known, (*above, here))


def _folders(path: Path) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
