"""Load a recipe from a shipped name, a file or a mapping; convert it back to YAML."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from papertrial.errors import InvalidRecipeError, Problem, RecipeError, did_you_mean, nearest
from papertrial.recipe.check_groups import check_groups
from papertrial.recipe.check_slots import check_slot
from papertrial.recipe.check_source import check_source
from papertrial.recipe.file_paths import anchor_arguments, anchor_files, check_arguments
from papertrial.recipe.mark_claims import mark_claims
from papertrial.recipe.metric_forms import name_metrics
from papertrial.recipe.metric_rules import complete_metric_claims
from papertrial.recipe.override import apply_overrides
from papertrial.recipe.plain_values import KeyPath, dotted
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_claims import complete_program_claims
from papertrial.recipe.program_code import anchor_command
from papertrial.recipe.program_rules import folder_problems
from papertrial.recipe.rules import broken_rules
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.recipe.slots import SOURCE, expand, slots_in
from papertrial.recipe.validate import placed, shortened, validated
from papertrial.recipe.yaml_text import Document, dump, parse

_UNSET_LISTS = ("args", "groups", "match", "layers", "skip")  # left out of plain values if empty
_SUFFIXES = (".yaml", ".yml")
_PROGRAMS = (".py", ".sh", ".bash", ".r", ".jl", ".pl", ".ipynb")  # suffixes in lower case


def shipped_recipes() -> dict[str, str]:
    """Load the YAML text of each recipe that comes with papertrial, by name."""
    files = {file.stem: file for file in shipped_folder().glob("*.yaml")}
    return {name: files[name].read_text(encoding="utf-8") for name in sorted(files)}


def shipped_folder() -> Path:
    """Return the folder of the shipped recipes and, below `programs`, of the programs they run."""
    return Path(str(resources.files("papertrial"))) / "recipes"


def read_recipe(source: str | Path) -> tuple[str, str, Path]:
    """Read the recipe to load: title for messages, YAML text, folder that paths are relative to.

    Raises:
        RecipeError: no shipped recipe or file has that name.
    """
    path, names = Path(source), shipped_recipes()
    if "\n" in str(source):
        raise RecipeError(
            f"expected the path of a recipe, got its text, {shortened(str(source))}; save it in a "
            ".yaml file, or pass a mapping"
        )
    if str(source) in names:
        return str(source), names[str(source)], shipped_folder()
    if path.suffix.lower() in _PROGRAMS and os.path.isfile(path):  # noqa: PTH113  (never raises)
        raise RecipeError(
            f"{source} is a program, not a recipe; `papertrial new NAME --program {source}` writes "
            "a recipe that runs it"
        )
    if path.suffix in _SUFFIXES or os.path.isfile(path):  # noqa: PTH113  (never raises)
        try:
            return str(source), path.read_text(encoding="utf-8"), path.parent.resolve()
        except UnicodeDecodeError as error:
            raise RecipeError(f"{source} is not UTF-8 text: {error.reason}") from error
        except OSError as error:
            near = nearest(path.name, _recipes_in(path.parent))
            raise RecipeError(f"cannot read the recipe {source}: {error.strerror}{near}") from error
    if str(source) and os.path.isdir(path):  # noqa: PTH112  (never raises)
        raise RecipeError(_folder_as_recipe(path))
    raise RecipeError(
        f"no shipped recipe or file is named {str(source)!r}{did_you_mean(source, names)}\n"
        "`papertrial list` shows the shipped recipes; the name of a recipe file ends in .yaml"
    )


def _recipes_in(folder: Path) -> list[str]:
    """Return the names of the YAML files in a folder; none if it cannot be read."""
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir() if path.suffix in _SUFFIXES)
    return []


def _folder_as_recipe(folder: Path) -> str:
    """Return the message on a folder that was given in place of a recipe."""
    if found := _recipes_in(folder):
        return f"{folder} is a folder, not a recipe; name a file in it: {', '.join(found)}"
    return (
        f"{folder} is a folder, not a recipe; `papertrial new NAME --program {folder}` writes a "
        "recipe that runs a program in it"
    )


def load_recipe(
    source: str | Path | Mapping[str, object], overrides: Sequence[str] = (), *, check: bool = True
) -> AnyRecipe:
    """Load a recipe, apply overrides, and validate it.

    Args:
        source: the name of a shipped recipe, the path of a YAML file, or plain values.
        overrides: texts such as "optimizer.lr=0.01". Paths in overrides are relative to the current
            folder, paths in the recipe to the folder of the recipe.
        check: also import the classes and functions of the slots, and check the arguments against
            their signatures.

    Raises:
        RecipeError: the recipe cannot be found or read.
        InvalidRecipeError: the recipe is invalid; the error has all problems with their lines.
    """
    if isinstance(source, Mapping):
        title, folder, document = "the recipe", Path.cwd(), Document(tree=dict(source))
    else:
        title, text, folder = read_recipe(source)
        document = parse(text)
    if document.tree is None and document.problems:
        raise InvalidRecipeError(title, document.problems)
    if not isinstance(document.tree, dict):
        got = "an empty file" if document.tree is None else type(document.tree).__name__
        raise RecipeError(f"{title}: a recipe must be a mapping of keys to values, got {got}")
    problems = list(document.problems)
    problems += _problems_of_mapping(document.tree)
    if problems and isinstance(source, Mapping):
        raise InvalidRecipeError(title, problems)
    tree = anchor_arguments(anchor_files(expand(document.tree), folder), folder)
    name_metrics(tree)
    reported = tree if not overrides else copy.deepcopy(tree)
    places: dict[str, str | int] = {dotted(path): line for path, line in document.lines.items()}
    changed, refused = apply_overrides(tree, overrides, places)
    problems += refused
    tree = anchor_files(expand(tree), Path.cwd())
    if changed:  # paths in the recipe are relative to the recipe only
        tree = anchor_arguments(tree, Path.cwd(), changed)
    name_metrics(tree)
    if overrides:
        mark_claims(tree, reported, overrides)
    complete_program_claims(tree)
    complete_metric_claims(tree)
    anchor_command(tree)
    recipe, found = validated(tree)
    found += [Problem(where, message) for where, message in broken_rules(tree)]
    if check:
        for path, value in slots_in(tree):
            found += check_source(tree["data"]) if path == SOURCE else check_slot(path, value)
        found += check_groups(tree.get("optimizer"))
        found += check_arguments(tree)
        found += [Problem(where, message) for where, message in folder_problems(tree)]
    unique = {(p.where, p.message): p for p in found}
    problems += [placed(problem, places) for problem in unique.values()]
    if problems:
        raise InvalidRecipeError(title, problems)
    assert recipe is not None, "validation found no problem"
    return recipe


def require_model(recipe: AnyRecipe) -> Recipe:
    """Return a loaded recipe that trains a model.

    Raises:
        RecipeError: it runs a program.
    """
    if isinstance(recipe, ProgramRecipe):
        raise RecipeError(
            f"{recipe.name} runs a program, and this needs a recipe with a model; `papertrial "
            "check` tries a program, `papertrial verify` runs it seed after seed"
        )
    return recipe


def to_tree(recipe: AnyRecipe) -> dict[str, Any]:
    """Convert a loaded recipe back to plain values, with all defaults and without unset keys."""
    return _to_plain(recipe)  # type: ignore[no-any-return]


def to_yaml(recipe: AnyRecipe) -> str:
    """Convert a loaded recipe back to YAML that loads to an equal recipe."""
    return dump(to_tree(recipe))


def _to_plain(value: Any) -> Any:
    """Convert a part of a loaded recipe to plain values, without the unset keys of sections."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        own = {field.alias or name: _to_plain(getattr(value, name)) for name, field in fields}
        own = {
            name: v
            for name, v in own.items()
            if v not in (None, {}) and not (name in _UNSET_LISTS and v == [])
        }
        return {**own, **_to_plain(value.model_extra or {})}
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    return [_to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _problems_of_mapping(value: object, path: KeyPath = ()) -> list[Problem]:
    """Return the problems of a mapping to load: keys and values that a YAML file cannot have."""
    if isinstance(value, Mapping):
        odd = [key for key in value if not isinstance(key, str)]
        found = [Problem(dotted((*path, str(k))), f"keys must be text, got {k!r}") for k in odd]
        return found + [
            p for key, v in value.items() for p in _problems_of_mapping(v, (*path, str(key)))
        ]
    if isinstance(value, list | tuple):
        return [p for i, item in enumerate(value) for p in _problems_of_mapping(item, (*path, i))]
    if value is None or isinstance(value, bool | int | float | str):
        return []
    return [
        Problem(
            dotted(path),
            "must be text, a number, true, false, null, a list or a mapping, got "
            f"{shortened(value)}",
        )
    ]
