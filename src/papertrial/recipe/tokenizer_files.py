"""The files of a tokenizer in the folder of a model, which also has weights and the like."""

from __future__ import annotations

from pathlib import Path

from papertrial.errors import RecipeError
from papertrial.hub import TOKENIZER_FILES
from papertrial.recipe.content import Content, content_of_files


def tokenizer_files(folder: Path) -> list[str]:
    """Return the sorted names of the files of a tokenizer in a folder.

    Raises:
        RecipeError: there are none.
    """
    found = sorted(name for name in TOKENIZER_FILES if (folder / name).is_file())
    if not found:
        raise RecipeError(
            f"data.text.tokenizer: {folder} is not a folder with the files of a tokenizer, such as "
            "tokenizer.json; give one, or hf:NAME@COMMIT"
        )
    return found


def tokenizer_content(folder: Path) -> Content:
    """Return the SHA-256 and the size of the files of a tokenizer.

    Raises:
        RecipeError: there are none, or one cannot be read.
    """
    return content_of_files(folder, tokenizer_files(folder))
