"""A user's own folder of images: `train/<class>/*.png` with other parts, or `<class>/*.png`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, MemmapColumn, SampleColumn, Split
from papertrial.data.images.cache import DecodedSet, open_decoded
from papertrial.data.images.decode import suffixes
from papertrial.data.images.decode_set import ImageFile, ImageSet, x_file, y_file
from papertrial.data.images.decode_varying import places_file
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.sources.parts import PARTS, check_only_parts, part_meant, subfolders
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps
from papertrial.reading_note import ReadingNote


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load an image folder: uint8 [N, C, H, W], memory-mapped from a cache that is built once.

    With the size "varying", samples are a list of images [C, H, W] of their original sizes.

    `spec.path` has `train/<class>/`, and optionally `validation/` and `test/`, or only `<class>/`,
    which is then the training part. Classes and samples are ordered as in torchvision's
    ImageFolder: the folder of a class may have subfolders, and hidden files and files that are not
    images are ignored. Labels are those of the training part.

    Raises:
        DataError: there are no classes, a class has no images, a part has a class that the training
            part lacks, or images cannot be decoded or have several sizes or modes.
    """
    images = find(spec.path, spec.images)
    decoded = yield from open_decoded(images, folder / "cache")
    return LoadedSet(to_dataset(images.name, decoded))


def to_dataset(name: str, decoded: DecodedSet) -> Dataset:
    """Return an image folder as a data set, with its decoded images memory-mapped."""
    splits = {}
    for part, about in decoded.meta.parts.items():
        y = torch.from_numpy(np.load(y_file(decoded.folder, part)))
        x = _column(decoded, part)
        splits[part] = Split(x, y, np.arange(len(y)), list(about.names))
    notes = []
    skipped = decoded.meta.skipped
    if skipped:
        name_, why = next(iter(skipped.items()))
        notes.append(
            ReadingNote(
                action="left out",
                what="cannot be decoded",
                count=len(skipped),
                unit="image",
                example=name_,
                where=why,
                change="repair them",
            )
        )
    return Dataset.from_splits(name, "image", splits, classes=decoded.meta.classes, notes=notes)


def _column(decoded: DecodedSet, part: str) -> SampleColumn:
    """Return the memory-mapped images of a part."""
    channels, *size = decoded.meta.shape
    file = str(x_file(decoded.folder, part))
    if size != [0, 0]:
        return MemmapColumn(file)
    places = np.load(places_file(decoded.folder, part))
    return VaryingImages(np.asarray(np.load(file, mmap_mode="r")), places, channels)


def find(path: Path, options: ImageOptions) -> ImageSet:
    """Return the files of an image folder, by part.

    Raises:
        DataError: the same as `load`, as far as it is known without reading any image.
    """
    if not path.is_dir():
        problem = "is a file, not a folder" if path.exists() else "does not exist"
        raise DataError(f"{path} {problem}; an image folder must have train/<class>/ or <class>/")
    try:
        roots = _roots(path)
        classes = tuple(subfolders(roots["train"]))
        _check_classes(path, roots, classes)
        parts = {part: list(_files(path, part, root, classes)) for part, root in roots.items()}
    except OSError as error:
        raise DataError(f"cannot read {error.filename or path}: {error.strerror}") from error
    return ImageSet(path, classes, parts, options.size, options.mode, options.corrupt)


def _roots(path: Path) -> dict[str, Path]:
    """Return the folder of each part of an image folder.

    A folder of classes is the training part.
    """
    inside = subfolders(path)
    named = [name for name in inside if part_meant(name)]
    # A class may be called "train" or "valid": it has images in it, while a part has folders.
    parts = named if named == inside else [name for name in named if subfolders(path / name)]
    if not parts:
        return {"train": path}
    for name in parts:
        meant = part_meant(name)
        if name != meant:
            raise DataError(
                f'{path} has a folder {name}; did you mean "{meant}"? The parts of an image folder '
                f"are {', '.join(PARTS)}: rename it"
            )
    if "train" not in parts:
        raise DataError(
            f"{path} has {' and '.join(parts)} but no train; put the training images into "
            "train/<class>/"
        )
    check_only_parts(path, inside, parts)
    return {part: path / part for part in PARTS if part in parts}


def _check_classes(path: Path, roots: dict[str, Path], classes: tuple[str, ...]) -> None:
    for part, root in roots.items():
        inside = subfolders(root)
        if not inside:
            raise DataError(f"{root} has no class folders; put the images into {root}/<class>/")
        for name in inside:
            if name not in classes:
                raise DataError(
                    f"{path}: {part} has a class {name} that train lacks"
                    f"{did_you_mean(name, classes)}; every class needs training images"
                )
    if len(classes) == 1:
        raise DataError(
            f"{roots['train']} has only one class, {classes[0]}; classification needs at least "
            "two, each with its own folder"
        )


def _files(path: Path, part: str, root: Path, classes: tuple[str, ...]) -> Iterator[ImageFile]:
    known = tuple(suffixes())
    above = "" if root == path else f"{part}/"
    for label, name in enumerate(classes):
        if not (root / name).is_dir():
            continue
        empty = True
        # Ordered as in torchvision, "a", "a-b", "a/x", so that seeded splits match published ones.
        walked = _walk(str(root / name), f"{above}{name}", known, ())
        for folder, inside in sorted(walked, key=itemgetter(0)):
            for file, stat in inside:
                where = f"{folder}/{file}"
                yield ImageFile(where, label, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
                empty = False
        if empty:
            raise DataError(
                f"{path}: the class {name} has no images in {part}; "
                f"put some into {root / name}, or delete it"
            )


def _walk(
    folder: str, name: str, known: tuple[str, ...], above: tuple[str, ...]
) -> Iterator[tuple[str, list[tuple[str, os.stat_result]]]]:
    """Yield (name, images) of a class's image folder and of each folder below it, without cycles.

    Paths are plain strings, because Path objects would take most of the time of opening a cached
    set.
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
