"""The card of a folder of images or texts, from its files: nothing in it is an error."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Literal

from papertrial.data.cards.card import (
    DataCard,
    DuplicateFacts,
    ImageFacts,
    PartCard,
    SampleCard,
)
from papertrial.data.cards.describe_values import (
    most_frequent,
    shortened,
    spread_rows,
    text_facts,
)
from papertrial.data.files.folder_walk import is_junk
from papertrial.data.images.decode import ImageError, header
from papertrial.data.images.formats import suffixes
from papertrial.data.images.recognize import is_image
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.texts.read_text import read_text
from papertrial.errors import DataError
from papertrial.progress import Step, Steps
from papertrial.reading_note import ReadingNote

ALL = "all"  # the part of a set that has no others
_SIZES, _SAMPLES, _FILES_PER_STEP = 20, 5, 200
Content = Literal["image", "text"]


@dataclass
class _Folder:
    """The files of a folder: by part, as (class, path below the folder), and those left out."""

    parts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)  # by ending
    hidden: list[str] = field(default_factory=list)


def content_of(path: Path) -> Content | None:
    """Return what most files in a folder and below it are; None if neither images nor texts."""
    images, counts = suffixes(), Counter[str]()
    for name in _files(path):
        ending = Path(name).suffix.lower()
        kind = "image" if ending in images else "text" if ending == ".txt" else ""
        counts[kind] += not _has_junk(name)
    found: Content = "image" if counts["image"] >= counts["text"] else "text"
    return found if counts[found] else None


def describe_folder(path: Path, content: Content, description: str = "") -> Steps[DataCard]:
    """Return the card of a folder of images or texts.

    Folders whose names mean training, validation or test are the parts; the folder below is the
    class of a file. Every file is read once, for its checksum; images are not decoded, but their
    headers are read.

    Args:
        path: the folder.
        content: what is described; other files are listed as left out.
        description: a file in the folder that is read otherwise, and not listed.
    """
    found = _sorted_out(path, content, description)
    parts, notes = dict[str, PartCard](), _notes(found, content)
    known = dict[str, list[str]]()
    total, done = sum(map(len, found.parts.values())), 0
    for part, files in found.parts.items():
        read, texts, odd = [], list[str](), list[tuple[str, str]]()
        sizes, modes, nbytes = Counter[str](), Counter[str](), 0
        for label, name in files:
            if done % _FILES_PER_STEP == 0:
                yield Step(f"reading {path.name}", done, total, "files")
            done += 1
            file = path / name
            try:
                read.append((label, name, hashlib.sha256(file.read_bytes()).hexdigest()))
                nbytes += file.stat().st_size
                if content == "text":
                    texts.append(read_text(str(file)))
                else:
                    mode, (height, width) = header(file)
                    sizes[f"{height} x {width}"] += 1
                    modes[mode] += 1
            except (OSError, ImageError, DataError) as error:
                odd.append((name, str(error).removeprefix(str(path))))
        shown, other = most_frequent(sizes, _SIZES)
        images = ImageFacts(sizes=shown, other_sizes=other, modes=most_frequent(modes, _SIZES)[0])
        known[part] = [digest for _, _, digest in read]
        parts[part] = PartCard(
            rows=len(files),
            nbytes=nbytes,
            fingerprint=_fingerprint(read),
            classes=dict(sorted(Counter(label for label, _ in files if label).items())) or None,
            images=images if content == "image" else None,
            texts=text_facts(texts) if content == "text" else None,
            samples=_samples(files, texts) if content == "text" and not odd else (),
        )
        notes += _unreadable(odd, content)
    return DataCard(
        name=path.name or str(path),
        source=str(path),
        kind=content,
        files=total,
        parts=parts,
        duplicates=_duplicates(known),
        notes=tuple(notes),
    )


def images_by_class(path: Path, each: int) -> dict[str, tuple[list[Path], int]]:
    """Return some images of each class of a folder, and how many it has, for a sample sheet."""
    by_class = dict[str, list[str]]()
    found = _sorted_out(path, "image")
    for label, name in next(iter(found.parts.values()), []):
        by_class.setdefault(label or ALL, []).append(name)
    return {
        label: ([path / names[i] for i in spread_rows(len(names), each)], len(names))
        for label, names in sorted(by_class.items())
    }


def _sorted_out(path: Path, content: Content, description: str = "") -> _Folder:
    wanted = set(suffixes()) if content == "image" else {".txt"}
    found, parts = _Folder(), dict[str, list[tuple[str, str]]]()
    for name in _files(path):
        ending = Path(name).suffix.lower()
        if name == description:
            continue
        if _has_junk(name):
            found.hidden.append(name)
        elif ending not in wanted and not (content == "image" and _shows_an_image(path / name)):
            found.others.setdefault(ending or "no ending", []).append(name)
        else:
            folders = name.split("/")[:-1]
            part = part_meant(folders[0]) if folders else None
            inside = folders[1:] if part else folders
            parts.setdefault(part or ALL, []).append((inside[0] if inside else "", name))
    found.parts = {part: parts[part] for part in (*PARTS, ALL) if part in parts}
    return found


def _shows_an_image(path: Path) -> bool:
    try:
        return is_image(path)
    except OSError:
        return False


def _files(path: Path) -> Iterator[str]:
    """Yield all files below a folder, relative to it, sorted."""
    for folder, inside, names in os.walk(path):
        inside.sort()
        below = Path(folder).relative_to(path)
        yield from ((below / name).as_posix() for name in sorted(names))


def _has_junk(name: str) -> bool:
    return any(map(is_junk, name.split("/")))


def _notes(found: _Folder, content: Content) -> list[ReadingNote]:
    kind = "images that can be decoded" if content == "image" else "text files (.txt)"
    notes = [
        ReadingNote(
            action="left out",
            what=f"with the ending {ending}, which are no {kind}"
            if ending != "no ending"
            else f"without an ending, which are no {kind}",
            count=len(names),
            unit="file",
            example=names[0],
            change="convert them, or move them away",
        )
        for ending, names in sorted(found.others.items())
    ]
    if found.hidden:
        notes.append(
            ReadingNote(
                action="left out",
                what="that are hidden, or that an operating system wrote",
                count=len(found.hidden),
                unit="file",
                example=found.hidden[0],
            )
        )
    return notes


def _unreadable(odd: Sequence[tuple[str, str]], content: Content) -> list[ReadingNote]:
    if not odd:
        return []
    return [
        ReadingNote(
            action="left out",
            what=f"that cannot be read as {'an image' if content == 'image' else 'UTF-8 text'}",
            count=len(odd),
            unit="file",
            example=odd[0][0],
            where=odd[0][1],
            change="repair them",
        )
    ]


def _samples(files: Sequence[tuple[str, str]], texts: Sequence[str]) -> tuple[SampleCard, ...]:
    return tuple(
        SampleCard(name=files[row][1], label=files[row][0], text=shortened(texts[row]))
        for row in spread_rows(len(files), _SAMPLES)
    )


def _fingerprint(files: Sequence[tuple[str, str, str]]) -> str:
    """Return the SHA-256 of the classes and contents of files, whatever their names and order."""
    lines = sorted(f"{label}\0{digest}" for label, _, digest in files)
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _duplicates(known: dict[str, list[str]]) -> DuplicateFacts:
    return DuplicateFacts(
        of="whole files",
        repeated={part: len(one) - len({*one}) for part, one in known.items()},
        shared={
            f"{one}/{other}": len([*filter({*known[one]}.__contains__, known[other])])
            for one, other in combinations(known, 2)
        },
    )
