"""Recipe text, a shipped name or a mapping -> one checked, frozen Recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from papertrial.errors import InvalidRecipeError, Problem, RecipeError, did_you_mean
from papertrial.recipe.override import apply_override, section_at
from papertrial.recipe.schema import METRICS, Recipe, broken_rules
from papertrial.recipe.slots import anchor_files, check_slot, slots_in
from papertrial.recipe.text import Document, KeyPath, dotted, dump, parse


def shipped() -> dict[str, str]:
    """Return the text of each recipe that comes with papertrial, by name."""
    folder = resources.files("papertrial") / "recipes"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {f.name.removesuffix(".yaml"): f.read_text(encoding="utf-8") for f in files}


def read(source: str | Path) -> tuple[str, str, Path]:
    """Return (what to call it, its text, the folder that "./file.py" is relative to).

    Raises:
        RecipeError: there is no shipped recipe and no file of that name.
    """
    path = Path(source)
    names = shipped()
    if str(source) in names:
        return str(source), names[str(source)], Path.cwd()
    if path.suffix in (".yaml", ".yml") or path.is_file():
        try:
            return str(source), path.read_text(encoding="utf-8"), path.parent.resolve()
        except UnicodeDecodeError as error:
            raise RecipeError(f"{source} is not UTF-8 text: {error.reason}") from error
        except OSError as error:
            raise RecipeError(f"cannot read the recipe {source}: {error.strerror}") from error
    raise RecipeError(
        f"there is no shipped recipe and no file {str(source)!r}{did_you_mean(source, names)}\n"
        "`papertrial list` shows the shipped ones; a recipe of your own ends in .yaml"
    )


def load_recipe(
    source: str | Path | Mapping[str, Any], overrides: Sequence[str] = (), *, check: bool = True
) -> Recipe:
    """Read a recipe once: overrides applied, everything checked, then typed and frozen.

    Args:
        source: the name of a shipped recipe, the path of a YAML file, or plain values.
        overrides: texts such as "optimizer.lr=0.01".
        check: also import what the slots name and check their arguments against its signature.

    Raises:
        RecipeError: the recipe cannot be found or read.
        InvalidRecipeError: all that is wrong with it, each with its place.
    """
    if isinstance(source, Mapping):
        title, folder, document = "the recipe", Path.cwd(), Document(tree=dict(source))
    else:
        title, text, folder = read(source)
        document = parse(text)
    if document.tree is None and document.problems:
        raise InvalidRecipeError(title, document.problems)
    if not isinstance(document.tree, dict):
        got = "an empty text" if document.tree is None else type(document.tree).__name__
        raise RecipeError(f"{title}: a recipe is a mapping of keys to values, got {got}")
    problems = list(document.problems)
    tree = anchor_files(document.tree, folder)
    origins: dict[KeyPath, str] = {}
    for override in overrides:
        path, problem = apply_override(tree, override)
        origins[path] = f'override "{override}"'
        for known in [k for k in document.lines if k[: len(path)] == path]:
            del document.lines[known]
        problems += [problem] if problem else []
    tree = anchor_files(tree, folder)
    recipe, found = _typed(tree)
    found += [Problem(where, message) for where, message in broken_rules(tree)]
    if check:
        for path, value in slots_in(tree):
            found += check_slot(path, value)
    unique = {(p.where, p.message): p for p in found}
    problems += [_placed(problem, document.lines, origins) for problem in unique.values()]
    if problems:
        raise InvalidRecipeError(title, problems)
    assert recipe is not None
    return recipe


def to_tree(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain values, fully resolved, leaving out what is not set."""
    return _pruned(recipe.model_dump(mode="json"))  # type: ignore[no-any-return]


def to_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML that loads to an equal one."""
    return dump(to_tree(recipe))


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: _pruned(v) for k, v in value.items() if v is not None}
        return {k: v for k, v in kept.items() if v != {} and not (k == "args" and v == [])}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _typed(tree: dict[str, Any]) -> tuple[Recipe | None, list[Problem]]:
    try:
        return Recipe.model_validate(tree), []
    except ValidationError as error:
        return None, [p for item in error.errors() for p in _problems(item)]


def _problems(error: Any) -> Iterable[Problem]:
    """Turn one pydantic error into our words: the rule, the value got, the nearest valid name."""
    path: KeyPath = tuple(error["loc"])
    kind, got = error["type"], error.get("input")
    if not path:  # a rule over several keys: broken_rules says it with its place
        return
    near = ""
    if kind == "extra_forbidden":
        section = section_at(path[:-1])
        known = section.model_fields if section else {}
        rule = "unknown key"
        near = did_you_mean(path[-1], known)
    elif kind == "missing":
        yield Problem(dotted(path), "is missing; every recipe needs it")
        return
    elif kind == "literal_error":
        valid = [v.strip("'") for v in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        rule, near = "must be one of the known names", did_you_mean(got, valid)
    elif kind in ("model_type", "model_attributes_type"):
        rule = "must be a mapping of keys to values"
    elif error["msg"].endswith("unknown metric"):
        rule, near = "unknown metric", did_you_mean(got, METRICS)
    else:
        rule = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    yield Problem(dotted(path), f"{rule}, got {_short(got)}{near}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _placed(
    problem: Problem, lines: Mapping[KeyPath, int], origins: Mapping[KeyPath, str]
) -> Problem:
    """Add the line, or the override, of the longest known part of the problem's key path."""
    path: KeyPath = tuple(int(p) if p.isdigit() else p for p in problem.where.split("."))
    for cut in range(len(path), 0, -1):
        if path[:cut] in origins:
            return replace(problem, origin=origins[path[:cut]])
        if path[:cut] in lines:
            return replace(problem, line=lines[path[:cut]])
    inside = next((origin for known, origin in origins.items() if known[: len(path)] == path), "")
    return replace(problem, origin=problem.origin or inside)
