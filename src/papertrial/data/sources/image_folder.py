"""A user's own folder of images: `train/<class>/*.png` with other parts, or `<class>/*.png`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, MemmapColumn, SampleColumn, Split
from papertrial.data.files.folder_walk import BROKEN_LINKS, LeftOut, is_junk, walk
from papertrial.data.images.cache import DecodedSet, open_decoded
from papertrial.data.images.decode_set import ImageFile, ImageSet, x_file, y_file
from papertrial.data.images.decode_varying import places_file
from papertrial.data.images.formats import suffixes
from papertrial.data.images.recognize import no_images
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.sources.class_folders import (
    class_folders,
    count_beside,
    count_similar_names,
    find_roots,
)
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec
from papertrial.data.tables.table_file import table_ending
from papertrial.errors import DataError, did_you_mean
from papertrial.progress import Steps
from papertrial.reading_note import ReadingNote


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load an image folder: uint8 [N, C, H, W], memory-mapped from a cache that is built once.

    With the size "varying", samples are a list of images [C, H, W] of their original sizes.

    `spec.path` has `train/<class>/`, and optionally `validation/` and `test/`, or only `<class>/`,
    which is then the training part; `val/` and other names that mean a part are read as it.
    Classes and samples are ordered as in torchvision's ImageFolder, and the folder of a class may
    have subfolders. Files are images by their ending, and without a known one by their content;
    all others are in the notes of the set. Labels are those of the training part.

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
        x = column_of_part(decoded, part)
        splits[part] = Split(x, y, np.arange(len(y)), list(about.names))
    notes = (*decoded.notes, *skipped_notes(decoded.meta.skipped))
    return Dataset.from_splits(name, "image", splits, classes=decoded.meta.classes, notes=notes)


def skipped_notes(skipped: Mapping[str, str]) -> tuple[ReadingNote, ...]:
    """Return the note on images that cannot be decoded and were skipped, by their names."""
    if not skipped:
        return ()
    name, why = next(iter(skipped.items()))
    return (
        ReadingNote(
            action="left out",
            what="cannot be decoded",
            count=len(skipped),
            unit="image",
            example=name,
            where=why,
            change="repair them",
        ),
    )


def column_of_part(decoded: DecodedSet, part: str) -> SampleColumn:
    """Return the memory-mapped images of a part of a decoded set."""
    channels, *size = decoded.meta.shape
    file = str(x_file(decoded.folder, part))
    if size != [0, 0]:
        return MemmapColumn(file)
    places = np.load(places_file(decoded.folder, part))
    return VaryingImages(np.asarray(np.load(file, mmap_mode="r")), places, channels)


def find(path: Path, options: ImageOptions) -> ImageSet:
    """Return the files of an image folder, by part, with those whose content is not known yet.

    Raises:
        DataError: the same as `load`, as far as it is known without reading any image.
    """
    if not path.is_dir():
        problem = "is a file, not a folder" if path.exists() else "does not exist"
        raise DataError(f"{path} {problem}; an image folder must have train/<class>/ or <class>/")
    left = LeftOut()
    try:
        roots = find_roots(path, left)
        folders = {part: class_folders(root) for part, root in roots.items()}
        classes = tuple(sorted(folders["train"]))
        _check_classes(path, roots, folders)
        count_beside(path, roots, folders, left)
        count_similar_names(folders, left)
        parts = {
            part: list(_files(path, part, root, classes, folders[part], left))
            for part, root in roots.items()
        }
    except OSError as error:
        raise DataError(f"cannot read {error.filename or path}: {error.strerror}") from error
    broken = left.first(BROKEN_LINKS)
    if broken is not None and options.corrupt == "error":
        raise DataError(
            f"{path}: {broken} is a link to nothing; restore what it leads to, remove it, or leave "
            "such links out with data.image.corrupt: skip"
        )
    return ImageSet(
        path,
        classes,
        parts,
        options.size,
        options.mode,
        options.corrupt,
        options.grey_range,
        notes=left.notes(),
    )


def _check_classes(
    path: Path, roots: Mapping[str, Path], folders: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    classes = list(folders["train"])
    for part, root in roots.items():
        if not folders[part]:
            raise DataError(
                f"{root} has no class folders; put the images into {root}/<class>/{_table_of(path)}"
            )
        for name in folders[part]:
            if name not in classes:
                raise DataError(
                    f"{path}: {part} has a class {name} that train lacks"
                    f"{did_you_mean(name, classes)}; every class needs training images"
                )
    if len(classes) == 1:
        raise DataError(
            f"{roots['train']} has only one class, {classes[0]}; classification needs at least "
            f"two, each with its own folder{_table_of(path)}"
        )


def _table_of(path: Path) -> str:
    """Return for a message how to read the labels in a table that lies in or beside a folder."""
    places = sorted(path.iterdir()) + sorted(path.parent.iterdir())
    for file in places:
        if table_ending(file) not in ("", ".txt") and not is_junk(file.name) and file.is_file():
            return (
                f"; or, if {file} names the images and their targets, set data.source: "
                f"image-table, data.path: {file}, data.table.image: COLUMN, data.table.target: "
                "COLUMN and data.image.folder"
            )
    return ""


def _files(
    path: Path,
    part: str,
    root: Path,
    classes: tuple[str, ...],
    folders: Mapping[str, Sequence[str]],
    left: LeftOut,
) -> Iterator[ImageFile]:
    known = set(suffixes())
    above = "" if root == path else f"{root.name}/"
    for label, class_name in enumerate(classes):
        empty = True
        for name in folders.get(class_name, ()):
            # Ordered as in torchvision, "a", "a-b", "a/x": seeded splits match published ones.
            walked = walk(str(root / name), f"{above}{name}", left)
            for folder, inside in sorted(walked, key=itemgetter(0)):
                for file, facts in inside:
                    yield ImageFile(
                        f"{folder}/{file}",
                        label,
                        facts.st_size,
                        facts.st_mtime_ns,
                        facts.st_ctime_ns,
                        file[max(0, file.rfind(".")) :].lower() in known,
                    )
                    empty = False
        if empty and class_name in folders:
            raise no_images(path, class_name, part)
