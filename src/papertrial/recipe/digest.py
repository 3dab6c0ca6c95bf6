"""Hashes of a recipe: of all it says, and of what can change the weights it trains."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from papertrial.recipe.arguments import is_path, map_arguments
from papertrial.recipe.closure import trace
from papertrial.recipe.content import content_of
from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import Recipe, not_training
from papertrial.recipe.slots import is_vectors_file, map_uses
from papertrial.recipe.text import KeyPath
from papertrial.recipe.versus import other_side

# Of the run that `init_from` names.
_WEIGHTS, _DESCRIBED = "model.safetensors", "preprocess.json"


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
    tree = _by_content(map_arguments(map_uses(tree, _code), _argument))
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
        start = Path(tree["init_from"])
        described = start / _DESCRIBED
        tree["init_from"] = [
            _sha256(start / _WEIGHTS),
            _sha256(described) if described.is_file() else None,
        ]
    return tree


def _whole(value: Any) -> Any:
    """Write 1.0 as 1, so that the two are one recipe."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _code(use: str) -> str:
    """Name code by its content, so that a copy elsewhere is the same recipe."""
    closure = trace(use)
    return use if closure is None else f"code-sha256-{closure.digest}:{closure.attribute}"


def _argument(_: KeyPath, text: str) -> str:
    return _sha256(Path(text)) if is_path(text) else text


def _sha256(path: Path) -> str:
    return f"sha256-{content_of(path).sha256}"
