"""Hashes of a recipe: of the whole recipe, and of the parts that can change the weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from papertrial.hub import PREFIX, is_on_hub
from papertrial.recipe.closure import trace
from papertrial.recipe.content import content_of
from papertrial.recipe.file_paths import is_path, is_vectors_file, is_weights_file
from papertrial.recipe.load import to_tree
from papertrial.recipe.plain_values import KeyPath, value_at
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import code_hash
from papertrial.recipe.schema import AnyRecipe, Recipe, not_training
from papertrial.recipe.slot import MetricSlot
from papertrial.recipe.slots import map_arguments, map_uses
from papertrial.recipe.tokenizer_files import tokenizer_content
from papertrial.recipe.versus import other_side

# Files in the run folder of `init_from`.
WEIGHTS, PREPROCESSING = "model.safetensors", "preprocess.json"


def recipe_hash(recipe: AnyRecipe) -> str:
    """Return the SHA-256 of the whole recipe; files count by their content.

    Raises:
        RecipeError: a file no longer exists.
    """
    tree = to_tree(recipe)
    for i, claim in enumerate(recipe.claims):
        side = other_side(recipe, claim, check=False)
        if side is not None:  # by what it trains, so that its path does not count
            tree["claims"][i]["versus"] = training_hash(side)
    return _digest(_with_code(tree, recipe))


def training_hash(recipe: AnyRecipe) -> str:
    """Return the SHA-256 of everything in the recipe that can change the weights, except the seed.

    On the same data, two runs with the same hash can differ only through their seeds. The content
    of the data is not part of this hash; runs record it as fingerprints.

    Raises:
        RecipeError: a file no longer exists.
    """
    left_out, whole = not_training(recipe), to_tree(recipe)
    tree = {key: value for key, value in whole.items() if key not in left_out}
    deciding = [] if isinstance(recipe, ProgramRecipe) else _deciding_slots(recipe, whole)
    if deciding:
        tree["metrics"] = deciding
    return _digest(_with_code(tree, recipe))


def scoring_hash(recipe: AnyRecipe) -> str:
    """Return the SHA-256 of what computes the scores of trained weights, except claims and seed.

    That is the training, how it is evaluated, and its metrics with the code of the user's own.

    Raises:
        RecipeError: a file no longer exists.
    """
    left_out = not_training(recipe) - {"metrics", "evaluate"}
    tree = {key: value for key, value in to_tree(recipe).items() if key not in left_out}
    return _digest(_with_code(tree, recipe))


def _deciding_slots(recipe: Recipe, tree: Mapping[str, Any]) -> list[Any]:
    """Return the metrics of the user's, as `tree` has them, on which the training depends."""
    listed = zip(recipe.metrics, tree.get("metrics", ()), strict=True)
    return [
        plain
        for metric, plain in listed
        if isinstance(metric, MetricSlot) and metric.facts.name in recipe.deciding_metrics
    ]


def _with_code(tree: dict[str, Any], recipe: AnyRecipe) -> dict[str, Any]:
    """Replace the folder or the commit of a program by the hash of its files."""
    if not isinstance(recipe, ProgramRecipe):
        return tree
    others = {k: value for k, value in tree["program"].items() if k not in ("folder", "git")}
    return {**tree, "program": {**others, "folder": f"sha256-{code_hash(recipe.program)}"}}


def _digest(tree: Mapping[str, object]) -> str:
    hashed = map_arguments(map_uses(tree, _code_hash), _argument_hash)
    _replace_paths(hashed)
    text = json.dumps(_with_integers(hashed), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _replace_paths(tree: dict[str, object]) -> None:
    """Replace the paths of vocabulary, vectors and initial weights by hashes of their content."""
    text, initial = value_at(tree, "data.text"), tree.get("init_from")
    if isinstance(text, dict):
        if "vocabulary_file" in text:
            text["vocabulary_file"] = _sha256(Path(text["vocabulary_file"]))
        if is_vectors_file(text.get("vectors", "")):
            text["vectors"] = _sha256(Path(text["vectors"]))
        if not is_on_hub(text.get("tokenizer", PREFIX)):
            text["tokenizer"] = f"sha256-{tokenizer_content(Path(text['tokenizer'])).sha256}"
    if isinstance(initial, str):
        tree["init_from"] = _start_hash(Path(initial))
    elif isinstance(initial, dict):
        initial["weights"] = _start_hash(Path(initial["weights"]))


def _start_hash(path: Path) -> object:
    """Return the hash of a file of weights, or of the files of a run."""
    if is_weights_file(path):
        return _sha256(path)
    preprocessing = path / PREPROCESSING
    is_there = preprocessing.is_file()
    return [_sha256(path / WEIGHTS), _sha256(preprocessing) if is_there else None]


def _with_integers(value: object) -> object:
    """Replace 1.0 by 1 in a recipe, so that both give the same hash."""
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _code_hash(use: str) -> str:
    """Replace the path of code by a hash of its content, so that a copy gives the same hash."""
    closure = trace(use)
    return use if closure is None else f"code-sha256-{closure.digest}:{closure.attribute}"


def _argument_hash(_: KeyPath, text: str) -> str:
    return _sha256(Path(text)) if is_path(text) else text


def _sha256(path: Path) -> str:
    return f"sha256-{content_of(path).sha256}"
