"""Files without the ending of an image: which are images all the same, by their content."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from papertrial.data.images.decode_set import ImageFile, ImageSet, printable
from papertrial.data.images.formats import HEAD_BYTES, is_raw, recognizable, why_left_out
from papertrial.data.images.parallel import on_all_cores, task_slices
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote

_MOST_KINDS = 12  # of files that are left out; the rest is one note


def is_image(path: Path) -> bool:
    """Return whether the first bytes of a file, whatever its ending, are those of an image."""
    return not is_raw(path.suffix.lower()) and _format(path) != ""


def recognize(images: ImageSet) -> Steps[ImageSet]:
    """Return an image set without the files that are not images, with notes on them.

    Raises:
        DataError: a file cannot be read, or a class of a part has no images.
    """
    doubtful = [file.name for file in images.files if not file.known]
    if not doubtful:
        return images
    kinds: list[tuple[str, str] | None] = []
    tasks = [
        partial(_kinds, str(images.folder), doubtful[some])
        for some in task_slices(len(doubtful), 1)
    ]
    # Looking at a file is so quick that processes pay off only for larger sets.
    for found in on_all_cores(tasks, files=len(doubtful) // 20, size=0):
        kinds += found
        yield Step(f"looking into files of {images.name}", len(kinds), len(doubtful), "files")
    left = {name: kind for name, kind in zip(doubtful, kinds, strict=True) if kind is not None}
    parts = {
        part: [file for file in files if file.name not in left]
        for part, files in images.parts.items()
    }
    for part, files in images.parts.items():
        _check_classes(images, part, files, parts[part])
    return replace(images, parts=parts, notes=(*images.notes, *_notes(left)))


def no_images(folder: Path, name: str, part: str, left: str = "") -> DataError:
    """Return the error that a class of an image folder has no images in a part."""
    return DataError(
        f"{folder}: the class {name} has no images in {part}{left}; put some into its folder, or "
        "delete it"
    )


def _check_classes(
    images: ImageSet, part: str, before: Sequence[ImageFile], after: Sequence[ImageFile]
) -> None:
    left = Counter(file.label for file in before) - Counter(file.label for file in after)
    has = {file.label for file in after}
    for label, count in left.items():
        if label not in has:
            first = next(file for file in before if file.label == label)
            what, fix = _kind(images.folder / first.name) or ("", "")
            why = f"; {count:,} of its files are left out, such as {first.name} ({what})"
            why += f": {fix}" if fix else ""
            raise no_images(images.folder, images.classes[label], part, why)


def _notes(left: dict[str, tuple[str, str]]) -> list[ReadingNote]:
    """Return a note for each ending and reason, the most frequent ones first."""
    endings = {name: os.path.splitext(name)[1].lower() for name in left}  # noqa: PTH122
    groups = Counter((endings[name], *kind) for name, kind in left.items()).most_common()
    common = dict(groups[: _MOST_KINDS if len(groups) > _MOST_KINDS + 1 else None])
    examples: dict[tuple[str, str, str], str] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for name, (what, fix) in left.items():
        group = (endings[name], what, fix)
        group = group if group in common else ("other", "not images", "")
        counts[group] += 1
        examples.setdefault(group, printable(name))
    return [
        ReadingNote(
            action="left out",
            what=f"{_ending(ending)}, and are {what}",
            count=count,
            unit="file",
            example=examples[ending, what, fix],
            change=fix,
            warns=bool(fix),
        )
        for (ending, what, fix), count in counts.most_common()
    ]


def _ending(ending: str) -> str:
    if ending == "other":
        return "have other endings"
    return f"end in {printable(ending)}" if ending else "have no ending"


def _kinds(folder: str, names: Sequence[str]) -> list[tuple[str, str] | None]:
    """Return the `_kind` of each file of one parallel task."""
    return list(map(_kind, (Path(folder, name) for name in names)))


def _kind(path: Path) -> tuple[str, str] | None:
    """Return why a file is not an image, and what to do; None if it is one."""
    try:
        if is_image(path):
            return None
        with path.open("rb") as file:
            return why_left_out(file.read(HEAD_BYTES), path.suffix.lower())
    except OSError as error:
        return f"not readable ({error.strerror})", "change their permissions"


def _format(path: Path) -> str:
    """Return the format of an image by its content, "" of other files."""
    formats = recognizable()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # Most files are told by their first bytes, which is quicker than all ways of opening them.
    accepts = (Image.OPEN[name][1] for name in formats)
    if not any(accept is None or accept(head) is True for accept in accepts):
        return ""
    try:
        with Image.open(path, formats=formats) as image:
            return image.format or ""
    except Exception:  # decoders raise all kinds of errors on what is not theirs
        return ""
