"""Hashes of a recipe: of all it says, and of what can change the weights it trains."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import NOT_TRAINING, Recipe
from papertrial.recipe.slots import map_files, read_file


def recipe_hash(recipe: Recipe) -> str:
    """Return the SHA-256 of everything that the recipe says, the text of its files included."""
    return _digest(to_tree(recipe))


def training_hash(recipe: Recipe) -> str:
    """Return the SHA-256 of what can change the weights, but for the seed.

    Two runs with this hash in common differ in their seed alone, or in nothing that trains. How
    often to evaluate is part of it only where something listens to the evaluation.
    """
    tree = to_tree(recipe)
    left_out = set(NOT_TRAINING)
    monitored = recipe.scheduler is not None and recipe.scheduler.monitor is not None
    if monitored or recipe.early_stopping is not None or recipe.report != "last":
        left_out.remove("evaluate")
    return _digest({key: value for key, value in tree.items() if key not in left_out})


def _digest(tree: dict[str, Any]) -> str:
    text = json.dumps(_whole(map_files(tree, _content)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
    return f"sha256-{hashlib.sha256(read_file(Path(path))).hexdigest()}.py:{name}"
