"""A user's own folder of text files, with a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.files.folder_walk import BROKEN_LINKS, LeftOut, Reason, walk
from papertrial.data.sources.class_folders import (
    class_folders,
    count_beside,
    count_similar_names,
    find_roots,
)
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.texts.ragged_column import text_column
from papertrial.data.texts.read_text import read_text
from papertrial.data.texts.text_names import text_names
from papertrial.errors import DataError, nearest
from papertrial.progress import Step, Steps

_LAYOUT = "train/<class>/*.txt, optionally with validation/ and test/, or only <class>/*.txt"
_TEXTS_PER_STEP = 1000


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a text folder: UTF-8 files in a folder for each class, sorted by name.

    The folder has `train/<class>/*.txt`, optionally with `validation` and `test`, or only
    `<class>/*.txt`, which is then the training part. The folder of a class may have subfolders. See
    `text_names` for files with other endings; what is left out is in the notes of the set. A text's
    name is its file, relative to `spec.path`.

    Raises:
        DataError: the folder is absent or has another layout; there are fewer than two classes; a
            part lacks a class of the training part, or has another one; a class has no texts; a
            text cannot be read, is not UTF-8, or is empty.
    """
    path, left = spec.path, LeftOut()
    if not path.is_dir():
        problem = "is a file" if path.exists() else "does not exist"
        raise DataError(f"the text folder {path} {problem}; it must have {_LAYOUT}")
    try:
        roots = find_roots(path, left)
        folders = {part: class_folders(root) for part, root in roots.items()}
        count_beside(path, roots, folders, left)
    except OSError as error:
        raise DataError(f"cannot read the folder {error.filename}: {error.strerror}") from error
    classes = sorted(folders["train"])
    if len(classes) < 2:
        got = f"only {classes[0]}" if classes else "none"
        raise DataError(
            f"{roots['train']} needs two classes or more, each in a folder, but has {got}"
        )
    count_similar_names(folders, left)
    for part, root in roots.items():
        _check_classes(roots["train"], root, classes, folders[part])
    listed = _listed(path, roots, folders, classes, left)
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
    return LoadedSet(
        Dataset.from_splits(path.name, "text", splits, classes=classes, notes=left.notes())
    )


def files(path: Path, classes: Sequence[str], part: str = "") -> list[list[str]]:
    """Return the sorted text files of each class of a named set, relative to `path`.

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
            raise DataError(f"the class folder {folder} has no .txt file; fetch the set again")
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


def _check_classes(train: Path, root: Path, classes: Sequence[str], here: Collection[str]) -> None:
    unknown = [name for name in here if name not in classes]
    if unknown:
        raise DataError(
            f"{root} has the class {unknown[0]}, which {train} lacks"
            f"{nearest(unknown[0], classes)}; its classes are {', '.join(classes)}"
        )
    missing = [name for name in classes if name not in here]
    if missing:
        raise DataError(
            f"{root} lacks the class {missing[0]}, which {train} has; put its texts there"
        )


def _listed(
    path: Path,
    roots: Mapping[str, Path],
    folders: Mapping[str, Mapping[str, Sequence[str]]],
    classes: Sequence[str],
    left: LeftOut,
) -> dict[str, list[list[str]]]:
    """Return the texts of each class by part, relative to `path`."""
    listed: dict[str, list[list[str]]] = {}
    for part, root in roots.items():
        above = "" if root == path else f"{root.name}/"
        listed[part] = []
        for name in classes:
            found: list[str] = []
            for folder in folders[part][name]:
                found += _files_below(root / folder, f"{above}{folder}", left)
            listed[part].append(found)
    known = text_names(name for part in listed.values() for names in part for name in names)
    for part, of_part in listed.items():
        for label, names in enumerate(of_part):
            of_part[label] = [name for name in names if name in known.texts]
            if not of_part[label]:
                empty = roots[part] / folders[part][classes[label]][0]
                rest = f"; its {names[0]} is left out" if names else ""
                raise DataError(
                    f"the class folder {empty} has no .txt file{rest}; put texts there, or "
                    "delete it"
                )
    for ending, names in known.others.items():
        left.add(_others(ending), names[0], len(names))
    for ending, names in known.guessed.items():
        left.add(_guessed(ending), names[0], len(names))
    return listed


def _files_below(folder: Path, name: str, left: LeftOut) -> list[str]:
    try:
        walked = sorted(walk(str(folder), name, left), key=itemgetter(0))
    except OSError as error:
        raise _unreadable(folder, error) from error
    broken = left.first(BROKEN_LINKS)
    if broken is not None:
        raise DataError(
            f"cannot read {folder.parent}: {broken} is a link to nothing; restore what it "
            "leads to, or remove it"
        )
    return [f"{place}/{file}" for place, files in walked for file, _ in files]


def _is_text_file(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return name.lower().endswith(".txt") and not name.startswith(".") and not entry.is_dir()


def _others(ending: str) -> Reason:
    what = f"end in {ending}" if ending else "have no ending"
    return Reason(f"{what}, and are not read beside .txt files", change="rename them to .txt")


def _guessed(ending: str) -> Reason:
    what = f"end in {ending}" if ending else "have no ending"
    return Reason(f"{what}, and are read as texts", change="move them away", action="guessed")


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot read the folder {path}: {error.strerror}")
