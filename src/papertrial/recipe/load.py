"""Recipe text, a shipped name or a mapping -> one checked, frozen Recipe."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from papertrial.errors import InvalidRecipeError, Problem, RecipeError, did_you_mean
from papertrial.recipe.arguments import anchor_arguments, check_arguments
from papertrial.recipe.check import check_slot, check_source
from papertrial.recipe.override import apply_override, section_at
from papertrial.recipe.rules import broken_rules
from papertrial.recipe.schema import Recipe, not_training
from papertrial.recipe.slots import anchor_files, expand, slots_in
from papertrial.recipe.text import Document, KeyPath, dotted, dump, parse
from papertrial.vocabulary import COUNTS, METRICS, OWN_DATA, SOURCES


def shipped() -> dict[str, str]:
    """Return the text of each recipe that comes with papertrial, by name."""
    folder = resources.files("papertrial") / "recipes"
    files = [f for f in folder.iterdir() if f.name.endswith(".yaml")]
    texts = {f.name.removesuffix(".yaml"): f.read_text(encoding="utf-8") for f in files}
    return dict(sorted(texts.items()))


def read(source: str | Path) -> tuple[str, str, Path]:
    """Return (what to call it, its text, the folder that "./file.py" is relative to).

    Raises:
        RecipeError: there is no shipped recipe and no file of that name.
    """
    path, names = Path(source), shipped()
    if "\n" in str(source):
        raise RecipeError(
            f"a recipe is named by its file, got its text, {_short(str(source))}; save it as a "
            ".yaml file, or give a mapping"
        )
    if str(source) in names:
        return str(source), names[str(source)], Path.cwd()
    if path.suffix in (".yaml", ".yml") or os.path.isfile(path):  # noqa: PTH113  (never raises)
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
        overrides: texts such as "optimizer.lr=0.01"; files that they name are relative to the
            current folder, those of the recipe to its own.
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
    problems += _not_plain(document.tree)
    if problems and isinstance(source, Mapping):
        raise InvalidRecipeError(title, problems)
    tree = anchor_arguments(anchor_files(expand(document.tree), folder), folder)
    reported = tree if not overrides else copy.deepcopy(tree)
    places: dict[str, str | int] = {dotted(path): line for path, line in document.lines.items()}
    changed, refused = _override(tree, overrides, places)
    problems += refused
    tree = anchor_files(expand(tree), Path.cwd())
    if changed:  # what the recipe itself says is relative to the recipe alone
        tree = anchor_arguments(tree, Path.cwd(), changed)
    if overrides:
        _mark_claims(tree, reported, overrides)
    recipe, found = _typed(tree)
    found += [Problem(where, message) for where, message in broken_rules(tree)]
    if check:
        for path, value in slots_in(tree):
            found += check_slot(path, value)
        found += check_source(tree.get("data"))
        found += check_arguments(tree)
    unique = {(p.where, p.message): p for p in found}
    problems += [_placed(problem, places) for problem in unique.values()]
    if problems:
        raise InvalidRecipeError(title, problems)
    assert recipe is not None
    return recipe


def _override(
    tree: dict[str, Any], overrides: Sequence[str], places: dict[str, str | int]
) -> tuple[list[KeyPath], list[Problem]]:
    """Apply overrides to a tree; return the keys that they set, and what is wrong with them.

    `places` has the place of every key, and of those set it has the override afterwards.
    """
    changed, problems = list[KeyPath](), list[Problem]()
    for override in overrides:
        path, problem = apply_override(tree, override)
        if problem:
            problems.append(problem)
            continue
        changed.append(path)
        where = dotted(path)
        for known in [k for k in places if f"{k}.".startswith(f"{where}.")]:
            del places[known]
        places[where] = f'override "{override}"'
    return changed, problems


def _mark_claims(tree: dict[str, Any], reported: dict[str, Any], overrides: Sequence[str]) -> None:
    """Mark the claims of a recipe whose setting is no longer that of the numbers reported.

    A claim is marked too where an override of `metrics` leaves its metric out.
    """
    sections = {text: text.partition("=")[0].partition(".")[0].strip() for text in overrides}
    before, after = (_training(side) for side in (reported, tree))
    claims, metrics = tree.get("claims"), tree.get("metrics")
    claims = [c for c in claims if isinstance(c, dict)] if isinstance(claims, list) else []
    claims = [claim for claim in claims if claim.get("not_judged") is None]
    if before is not None and after is not None and before != after:
        parts = [text for text, section in sections.items() if section in after]
        for claim in claims:
            claim["not_judged"] = f"the setting differs: {', '.join(parts)}"
        return
    fewer = [text for text, section in sections.items() if section == "metrics"]
    if not fewer or not isinstance(metrics, list) or not metrics:
        return
    for claim in claims:
        if claim.get("metric") not in (*metrics, *COUNTS):
            claim["not_judged"] = f"it is not computed: {', '.join(fewer)}"


def _training(tree: dict[str, Any]) -> dict[str, Any] | None:
    """Return what can change a training's outcome, defaults filled in; None for invalid values.

    Claims are left aside: what is wrong with one, as that there is no such split any more, changes
    no training.
    """
    recipe, _ = _typed({key: value for key, value in tree.items() if key != "claims"})
    if recipe is None:
        return None
    left_out = not_training(recipe)
    return {key: value for key, value in recipe.model_dump().items() if key not in left_out}


def to_tree(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain values, fully resolved, leaving out what is not set."""
    return _plain(recipe)  # type: ignore[no-any-return]


def to_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML that loads to an equal one."""
    return dump(to_tree(recipe))


def _plain(value: Any) -> Any:
    """Leave out what a section does not set; the arguments of a slot stay, null or not."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        own = {field.alias or name: _plain(getattr(value, name)) for name, field in fields}
        own = {
            name: v for name, v in own.items() if v not in (None, {}) and (name, v) != ("args", [])
        }
        return {**own, **_plain(value.model_extra or {})}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _not_plain(value: Any, path: KeyPath = ()) -> list[Problem]:
    """Find what YAML cannot say, in values that came from Python."""
    if isinstance(value, Mapping):
        odd = [key for key in value if not isinstance(key, str)]
        found = [Problem(dotted((*path, str(k))), f"keys are text, got {k!r}") for k in odd]
        return found + [p for key, v in value.items() for p in _not_plain(v, (*path, str(key)))]
    if isinstance(value, list | tuple):
        return [p for i, item in enumerate(value) for p in _not_plain(item, (*path, i))]
    if value is None or isinstance(value, bool | int | float | str):
        return []
    return [Problem(dotted(path), f"a recipe holds plain values, got {_short(value)}")]


def _typed(tree: dict[str, Any]) -> tuple[Recipe | None, list[Problem]]:
    try:
        return Recipe.model_validate(tree), []
    except ValidationError as error:
        return None, [p for item in error.errors() for p in _problems(item)]


def _problems(error: Any) -> Iterable[Problem]:
    """Turn one pydantic error into our words: the rule, the value got, the nearest valid name."""
    path: KeyPath = tuple(error["loc"])
    kind, got = error["type"], error.get("input")
    if not path:  # a rule over several keys, which broken_rules tells too
        where, _, message = error["msg"].removeprefix("Value error, ").partition(": ")
        yield Problem(where, message)
        return
    near = ""
    if kind == "extra_forbidden":
        section = section_at(path[:-1])
        known = section.model_fields if section else {}
        rule = "unknown key"
        near = did_you_mean(path[-1], known)
    elif kind == "missing":
        yield Problem(dotted(path), "is missing, and has no default")
        return
    elif kind == "literal_error":
        valid = [v.strip("'") for v in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        rule, near = "must be one of the known names", did_you_mean(got, valid)
    elif kind == "string_pattern_mismatch":
        rule = "must be letters, digits, '.', '_' and '-', a letter or digit first"
    elif kind == "tuple_type":
        rule = "must be a list"
    elif kind in ("model_type", "model_attributes_type"):
        rule = "must be a mapping of keys to values"
    elif error["msg"].endswith("unknown metric"):
        valid = [*METRICS, *COUNTS] if path[0] == "claims" else list(METRICS)
        rule, near = "unknown metric", did_you_mean(got, valid)
    elif error["msg"].endswith("unknown source"):
        rule, near = "must be one of the known names", did_you_mean(got, (*SOURCES, *OWN_DATA))
    else:
        rule = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    yield Problem(dotted(path), f"{rule}, got {_short(got)}{near}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _placed(problem: Problem, places: Mapping[str, str | int]) -> Problem:
    """Add the line, or the override, of the longest known part of the problem's key path."""
    where = problem.where
    while where or where in places:
        place = places.get(where)
        if isinstance(place, int):
            return replace(problem, line=place)
        if place is not None:
            return replace(problem, origin=place)
        # Nothing stands there; an override inside it, or beside what is missing, is to blame.
        beside = [k for k in places if k.startswith(f"{where}.") and isinstance(places[k], str)]
        if beside:
            return replace(problem, origin=str(places[beside[-1]]))
        where = where.rpartition(".")[0]
    return problem
