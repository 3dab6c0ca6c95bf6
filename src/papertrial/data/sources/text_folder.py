"""A user's own folder of text files, with a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.sources.parts import PARTS, check_only_parts, subfolders
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.texts.ragged_column import text_column
from papertrial.data.texts.read_text import read_text
from papertrial.errors import DataError, nearest
from papertrial.progress import Step, Steps

_LAYOUT = "train/<class>/*.txt, optionally with validation/ and test/, or only <class>/*.txt"
_TEXTS_PER_STEP = 1000


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a text folder: UTF-8 files in a folder for each class, sorted by name.

    The folder has `train/<class>/*.txt`, optionally with `validation` and `test`, or only
    `<class>/*.txt`, which is then the training part. Hidden files and folders are ignored. A text's
    name is its file, relative to `spec.path`.

    Raises:
        DataError: the folder is absent or has another layout; there are fewer than two classes; a
            part lacks a class of the training part, or has another one; a class has no texts; a
            text cannot be read, is not UTF-8, or is empty.
    """
    path = spec.path
    if not path.is_dir():
        problem = "is a file" if path.exists() else "does not exist"
        raise DataError(f"the text folder {path} {problem}; it must have {_LAYOUT}")
    inside = _subfolders(path)
    parts = [part for part in PARTS if part in inside]
    if not parts:
        classes, listed = inside, {"train": files(path, inside)}
    elif "train" not in parts:
        raise DataError(f"{path} has {' and '.join(parts)}, but no train; it must have {_LAYOUT}")
    else:
        check_only_parts(path, inside, list(parts))
        classes = _subfolders(path / "train")
        listed = {str(part): _files_of_part(path, part, classes) for part in parts}
    if len(classes) < 2:
        got = f"only {classes[0]}" if classes else "none"
        place = path / "train" if parts else path
        raise DataError(f"{place} needs two classes or more, each in a folder, but has {got}")
    total = sum(len(names) for part in listed.values() for names in part)
    done = 0
    splits = {}
    for part, names in listed.items():
        flat = [name for of_class in names for name in of_class]
        texts = yield from read_texts(
            path, flat, "reading texts", done, total, keeps_empty=spec.keeps_empty
        )
        done += len(texts)
        splits[part] = make_split(names, texts)
    return LoadedSet(Dataset.from_splits(path.name, "text", splits, classes=classes))


def files(path: Path, classes: Sequence[str], part: str = "") -> list[list[str]]:
    """Return the sorted text files of each class of a text folder, relative to `path`.

    Raises:
        DataError: a class has none, or its folder cannot be read.
    """
    listed = []
    for name in classes:
        folder = path / part / name
        try:
            with os.scandir(folder) as entries:
                found = sorted(e.name for e in entries if _is_text_file(e))
        except OSError as error:
            raise _unreadable(folder, error) from error
        if not found:
            raise DataError(
                f"the class folder {folder} has no .txt file; put texts there, or delete it"
            )
        before = f"{part}/{name}" if part else name
        listed.append([f"{before}/{file}" for file in found])
    return listed


def read_texts(
    path: Path,
    names: Sequence[str],
    what: str,
    done: int,
    total: int,
    *,
    keeps_empty: bool = False,
) -> Steps[list[str]]:
    """Read many files of a text folder, yielding progress.

    Args:
        path: the folder.
        names: the files, relative to the folder.
        what: what the steps say.
        done: how many texts the steps before have read.
        total: how many texts there are in all.
        keeps_empty: whether a text may have nothing but white space.

    Raises:
        DataError: a text cannot be read, is not UTF-8, or is empty without `keeps_empty`.
    """
    texts: list[str] = []
    for name in names:
        file = f"{path}/{name}"
        text = read_text(file)
        if not text.strip() and not keeps_empty:
            raise DataError(
                f"{file} is an empty text; set data.text.empty: drop to leave such texts out, or "
                "delete the file"
            )
        texts.append(text)
        if len(texts) % _TEXTS_PER_STEP == 0 or len(texts) == len(names):
            yield Step(what, done + len(texts), total, "texts")
    return texts


def make_split(names: Sequence[Sequence[str]], texts: Sequence[str]) -> Split:
    """Return the texts of a text folder, sorted by class, as a split.

    Args:
        names: the files of each class.
        texts: the texts, in the order of the files.
    """
    flat = [name for of_class in names for name in of_class]
    counts = torch.tensor([len(of_class) for of_class in names])
    y = torch.arange(len(names)).repeat_interleave(counts)
    return Split(text_column(texts), y, np.arange(len(flat)), flat)


def _files_of_part(path: Path, part: str, classes: Sequence[str]) -> list[list[str]]:
    here = _subfolders(path / part)
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


def _is_text_file(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return name.lower().endswith(".txt") and not name.startswith(".") and not entry.is_dir()


def _subfolders(path: Path) -> list[str]:
    try:
        return subfolders(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot read the folder {path}: {error.strerror}")
