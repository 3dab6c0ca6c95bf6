"""Texts for prediction: strings, or files and folders of texts."""

from __future__ import annotations

import os
from pathlib import Path

from papertrial.data.files.folder_walk import is_junk
from papertrial.data.tables.table_file import table_ending
from papertrial.data.texts.read_text import read_text
from papertrial.data.texts.text_names import text_names
from papertrial.errors import DataError, PredictionInputError

_LONGEST_NAME = 60  # characters


def find_texts(item: str | Path) -> list[tuple[str, str]]:
    """Return the texts to predict, as (name, text) pairs, that an input stands for.

    A string that is the path of a file or a folder stands for it, a folder for its texts as in
    training, sorted by name. Any other string is a text, unless it looks like the name of a file.

    Raises:
        PredictionInputError: a file is absent, is a table or is not UTF-8 text, or a folder has no
            texts.
    """
    path = Path(item)
    # Path.is_dir raises for a text that is too long, and takes "" for the current folder.
    if os.path.isdir(item):  # noqa: PTH112
        files = _texts_inside(path)
        if not files:
            raise PredictionInputError(f"the folder {path} has no .txt files")
        return [(str(file), _read(file)) for file in files]
    if os.path.isfile(item):  # noqa: PTH113
        if table_ending(path) not in ("", ".txt"):
            raise PredictionInputError(
                f"{path} is a table, but the model takes single texts; give its texts as strings "
                "or as .txt files"
            )
        return [(str(path), _read(path))]
    if isinstance(item, Path) or (table_ending(path) and " " not in item):
        raise PredictionInputError(f"there is no file or folder {path}")
    line = " ".join(item.split())
    name = line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 3] + "..."
    return [(name, item)]


def _texts_inside(path: Path) -> list[Path]:
    """Return the text files to predict in a folder and below, without hidden files."""
    try:
        inside = (p for p in path.rglob("*") if not any(map(is_junk, p.relative_to(path).parts)))
        files = sorted(file for file in inside if file.is_file())
    except OSError as error:
        raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error
    texts = text_names(map(str, files)).texts
    return [file for file in files if str(file) in texts]


def _read(path: Path) -> str:
    try:
        return read_text(str(path))
    except DataError as error:
        raise PredictionInputError(str(error)) from error
