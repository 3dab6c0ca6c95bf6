"""Texts for prediction: given as they are, or as files and folders of them."""

from __future__ import annotations

import os
from pathlib import Path

from papertrial.data.tables.table_file import ending_of
from papertrial.errors import PredictionInputError


def find_texts(item: str | Path) -> list[tuple[str, str]]:
    """Return (what to call it, text) of each text that an input stands for.

    A string that names a file or a folder is that; a folder stands for its .txt files, by name.
    Any other string is a text itself, unless it looks like a file's name, or is a Path.

    Raises:
        PredictionInputError: a file that is absent, is a table or is no UTF-8 text, a folder
            without texts.
    """
    path = Path(item)
    # Path.is_dir raises for a text that is too long, and takes an empty one for the folder here.
    if os.path.isdir(item):  # noqa: PTH112
        files = _inside(path)
        if not files:
            raise PredictionInputError(f"the folder {path} holds no .txt files")
        return [(str(file), _read(file)) for file in files]
    if os.path.isfile(item):  # noqa: PTH113
        if ending_of(path) not in ("", ".txt"):
            rule = "a text model takes texts, and a table is not one text"
            raise PredictionInputError(f"{rule}; got {path}: give its texts, or .txt files")
        return [(str(path), _read(path))]
    if isinstance(item, Path) or (ending_of(path) and " " not in item):
        raise PredictionInputError(f"there is no file or folder {path}")
    shown = " ".join(item.split())
    return [(shown if len(shown) <= 60 else shown[:57] + "...", item)]


def _inside(path: Path) -> list[Path]:
    """Return the texts in a folder and below; hidden ones are left out, as in training."""
    try:
        return sorted(
            file
            for file in path.rglob("*.[tT][xX][tT]")
            if not any(name.startswith(".") for name in file.relative_to(path).parts)
            and file.is_file()
        )
    except OSError as error:
        raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PredictionInputError(f"{path} is not UTF-8 text: byte {error.start}") from error
    except OSError as error:
        raise PredictionInputError(f"cannot read {path}: {error.strerror}") from error
