"""A folder of text files, a folder a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError, nearest
from papertrial.progress import Step, Steps

_PARTS = ("train", "validation", "test")
_LAYOUT = "train/<class>/*.txt, perhaps validation/ and test/ beside it, or <class>/*.txt alone"
_TEXTS = 1000  # read between two steps


def load(path: Path) -> Steps[Dataset]:
    """Read the texts under `path`: UTF-8 files in a folder a class, classes in alphabetical order.

    Either `train/<class>/*.txt`, with `validation` and `test` where they are there, or
    `<class>/*.txt` alone, to be split. Hidden files and folders are left out. A text's name is its
    file, relative to `path`.

    Raises:
        DataError: the folder is absent or laid out otherwise, there are fewer than two classes, a
            class has no text or stands outside the training part, or a text cannot be read, is not
            UTF-8, or is empty.
    """
    if not path.is_dir():
        said = "is a file" if path.exists() else "does not exist"
        raise DataError(f"the text folder {path} {said}; it must hold {_LAYOUT}")
    found = folders(path)
    parts = [part for part in _PARTS if part in found]
    if not parts:
        classes, listed = found, {"train": files(path, found)}
    elif "train" not in parts:
        raise DataError(f"{path} has {' and '.join(parts)}, but no train; it must hold {_LAYOUT}")
    else:
        beside = [name for name in found if name not in _PARTS]
        if beside:
            raise DataError(
                f"{path} has {', '.join(beside)} beside train, and it is not clear what for; "
                f"move it away, or name it validation or test{nearest(beside[0], _PARTS)}"
            )
        classes = folders(path / "train")
        listed = {part: _files_of_part(path, part, classes) for part in parts}
    if len(classes) < 2:
        got = f"only {classes[0]}" if classes else "none"
        place = path / "train" if parts else path
        raise DataError(f"{place} needs two classes or more, a folder each; got {got}")
    total = sum(len(names) for part in listed.values() for names in part)
    read: list[str] = []
    splits = {}
    for part, names in listed.items():
        first = len(read)
        for some in _in_parts([name for of_class in names for name in of_class]):
            read += texts(path, some)
            yield Step("reading texts", len(read), total, "texts")
        splits[part] = split(names, read[first:])
    return Dataset(
        path.name,
        "text",
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        classes=tuple(classes),
    )


def folders(path: Path) -> list[str]:
    """Return the names of the folders in a folder, in order, without hidden ones."""
    with _entries(path) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))


def files(path: Path, classes: Sequence[str], part: str = "") -> list[list[str]]:
    """Return the text files of each class, relative to `path`, in order.

    Raises:
        DataError: a class has none.
    """
    listed = []
    for name in classes:
        folder = path / part / name
        with _entries(folder) as entries:
            found = sorted(
                e.name
                for e in entries
                if e.name.lower().endswith(".txt") and not e.name.startswith(".") and not e.is_dir()
            )
        if not found:
            raise DataError(
                f"the class folder {folder} has no .txt file; put texts there, or delete it"
            )
        before = f"{part}/{name}" if part else name
        listed.append([f"{before}/{file}" for file in found])
    return listed


def texts(path: Path, names: Sequence[str]) -> list[str]:
    """Read files of UTF-8 text, their byte order marks dropped.

    Raises:
        DataError: one cannot be read, is not UTF-8, or has nothing but white space.
    """
    return [_text(f"{path}/{name}") for name in names]


def split(names: Sequence[Sequence[str]], of: Sequence[str]) -> Split:
    """Return the split made of texts that lie class after class.

    Args:
        names: of the files of each class.
        of: the texts, in the order of the names.
    """
    flat = [name for of_class in names for name in of_class]
    counts = torch.tensor([len(of_class) for of_class in names])
    y = torch.arange(len(names)).repeat_interleave(counts)
    return Split(text_column(of), y, np.arange(len(flat)), flat)


def _files_of_part(path: Path, part: str, classes: Sequence[str]) -> list[list[str]]:
    here = folders(path / part)
    unknown = [name for name in here if name not in classes]
    if unknown:
        raise DataError(
            f"{path / part} has the class {unknown[0]}, which {path / 'train'} lacks"
            f"{nearest(unknown[0], classes)}; its classes are {', '.join(classes)}"
        )
    missing = [name for name in classes if name not in here]
    if missing:
        raise DataError(
            f"{path / part} lacks the class {missing[0]}, which {path / 'train'} has; "
            "put its texts there"
        )
    return files(path, classes, part)


def _in_parts(names: list[str]) -> list[list[str]]:
    return [names[first : first + _TEXTS] for first in range(0, len(names), _TEXTS)]


def _entries(path: Path) -> os._ScandirIterator[str]:
    try:
        return os.scandir(str(path))
    except OSError as error:
        raise DataError(f"cannot read the folder {path}: {error.strerror}") from error


def _text(path: str) -> str:
    try:
        # By its plain name: a Path of each of 50,000 files would cost as much as the reading.
        with open(path, "rb") as file:  # noqa: PTH123
            content = file.read()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text: byte {error.start:,} (from 0) is "
            f"{content[error.start]:#04x}; save it as UTF-8"
        ) from error
    if not text.strip():
        raise DataError(f"{path} is an empty text; write one, or delete the file")
    return text
