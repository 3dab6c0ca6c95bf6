"""Hashes of a recipe: of all it says, and of what can change the weights it trains."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import Recipe, not_training
from papertrial.recipe.slots import is_vectors_file, map_files
from papertrial.recipe.versus import other_side

_WEIGHTS = "model.safetensors"  # of the run that `init_from` names


def recipe_hash(recipe: Recipe) -> str:
    """Return the SHA-256 of everything that the recipe says, its files by their content.

    Raises:
        RecipeError: a file is no longer there.
    """
    tree = to_tree(recipe)
    for i, claim in enumerate(recipe.claims):
        side = other_side(recipe, claim, check=False)
        if side is not None:  # wherever it lies: by what it trains
            tree["claims"][i]["versus"] = training_hash(side)
    return _digest(tree)


def training_hash(recipe: Recipe) -> str:
    """Return the SHA-256 of what can change the weights, but for the seed.

    On the same data, two runs with this hash in common differ in their seed alone, or in nothing
    that trains. A run keeps what its data hold beside it, as fingerprints.

    Raises:
        RecipeError: a file is no longer there.
    """
    left_out = not_training(recipe)
    return _digest({key: value for key, value in to_tree(recipe).items() if key not in left_out})


def _digest(tree: dict[str, Any]) -> str:
    tree = _by_content(map_files(tree, _content))
    text = json.dumps(_whole(tree), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _by_content(tree: dict[str, Any]) -> dict[str, Any]:
    """Put the content of what a training starts from in the place of its path."""
    data = dict(tree["data"])
    if "text" in data:
        text = data["text"] = dict(data["text"])
        if "vocabulary_file" in text:
            text["vocabulary_file"] = _sha256(Path(text["vocabulary_file"]))
        if is_vectors_file(text.get("vectors", "")):
            text["vectors"] = _sha256(Path(text["vectors"]))
    tree = {**tree, "data": data}
    if "init_from" in tree:
        tree["init_from"] = _sha256(Path(tree["init_from"]) / _WEIGHTS)
    return tree


def _whole(value: Any) -> Any:
    """Write 1.0 as 1, so that the two are one recipe."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _content(use: str) -> str:
    """Name a file by its content, so that a copy elsewhere is the same recipe."""
    path, _, name = use.rpartition(":")
    return f"{_sha256(Path(path))}.py:{name}"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:  # word vectors take a gigabyte: never read whole
            return f"sha256-{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise RecipeError(f"there is no readable file {str(path)!r}: {error.strerror}") from error
