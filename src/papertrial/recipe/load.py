"""Load a recipe from a shipped name, a file or a mapping; convert it back to YAML."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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
    """Return (title for messages, text, folder that relative paths are relative to).

    Raises:
        RecipeError: no shipped recipe or file has that name.
    """
    path, names = Path(source), shipped()
    if "\n" in str(source):
        raise RecipeError(
            f"expected the path of a recipe, got its text, {_short(str(source))}; save it in a "
            ".yaml file, or pass a mapping"
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
        f"no shipped recipe or file is named {str(source)!r}{did_you_mean(source, names)}\n"
        "`papertrial list` shows the shipped recipes; the name of a recipe file ends in .yaml"
    )


def load_recipe(
    source: str | Path | Mapping[str, object], overrides: Sequence[str] = (), *, check: bool = True
) -> Recipe:
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
        title, text, folder = read(source)
        document = parse(text)
    if document.tree is None and document.problems:
        raise InvalidRecipeError(title, document.problems)
    if not isinstance(document.tree, dict):
        got = "an empty file" if document.tree is None else type(document.tree).__name__
        raise RecipeError(f"{title}: a recipe must be a mapping of keys to values, got {got}")
    problems = list(document.problems)
    problems += _problems_of_plain_values(document.tree)
    if problems and isinstance(source, Mapping):
        raise InvalidRecipeError(title, problems)
    tree = anchor_arguments(anchor_files(expand(document.tree), folder), folder)
    reported = tree if not overrides else copy.deepcopy(tree)
    places: dict[str, str | int] = {dotted(path): line for path, line in document.lines.items()}
    changed, refused = _override(tree, overrides, places)
    problems += refused
    tree = anchor_files(expand(tree), Path.cwd())
    if changed:  # paths in the recipe are relative to the recipe only
        tree = anchor_arguments(tree, Path.cwd(), changed)
    if overrides:
        _mark_claims(tree, reported, overrides)
    recipe, found = _validated(tree)
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
    assert recipe is not None, "validation found no problem"
    return recipe


def _override(
    tree: dict[str, object], overrides: Sequence[str], places: dict[str, str | int]
) -> tuple[list[KeyPath], list[Problem]]:
    """Apply overrides to a tree in place; return the keys that they set, and their problems.

    `places` maps keys to lines; for a key that is set, the override replaces the line.
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


def _mark_claims(
    tree: Mapping[str, object], reported: Mapping[str, object], overrides: Sequence[str]
) -> None:
    """Set `not_judged` of the claims if overrides change the setting of the reported numbers.

    It is also set for a claim whose metric is no longer computed.
    """
    sections = {text: text.partition("=")[0].partition(".")[0].strip() for text in overrides}
    before, after = (_training_values(side) for side in (reported, tree))
    claims, metrics = tree.get("claims"), tree.get("metrics")
    judged = [
        claim
        for claim in (claims if isinstance(claims, list) else ())
        if isinstance(claim, dict) and claim.get("not_judged") is None
    ]
    if before is not None and after is not None and before != after:
        parts = [text for text, section in sections.items() if section in after]
        for claim in judged:
            claim["not_judged"] = f"the setting differs: {', '.join(parts)}"
        return
    fewer = [text for text, section in sections.items() if section == "metrics"]
    if not fewer or not isinstance(metrics, list) or not metrics:
        return
    for claim in judged:
        if claim.get("metric") not in (*metrics, *COUNTS):
            claim["not_judged"] = f"it is not computed: {', '.join(fewer)}"


def _training_values(tree: Mapping[str, object]) -> dict[str, object] | None:
    """Return the values that can change the result of training; None if they are invalid.

    Defaults are included. Claims are ignored, so an invalid claim does not matter here.
    """
    recipe, _ = _validated({key: value for key, value in tree.items() if key != "claims"})
    if recipe is None:
        return None
    left_out = not_training(recipe)
    return {key: value for key, value in recipe.model_dump().items() if key not in left_out}


def to_tree(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain values with all defaults, without keys that are unset."""
    return _to_plain(recipe)  # type: ignore[no-any-return]


def to_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML that loads to an equal recipe."""
    return dump(to_tree(recipe))


def _to_plain(value: Any) -> Any:
    """Convert to plain values without the unset keys of sections; arguments of slots stay."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        own = {field.alias or name: _to_plain(getattr(value, name)) for name, field in fields}
        own = {
            name: v for name, v in own.items() if v not in (None, {}) and (name, v) != ("args", [])
        }
        return {**own, **_to_plain(value.model_extra or {})}
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    return [_to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _problems_of_plain_values(value: object, path: KeyPath = ()) -> list[Problem]:
    """Return a problem for each value and key from Python that YAML cannot express."""
    if isinstance(value, Mapping):
        odd = [key for key in value if not isinstance(key, str)]
        found = [Problem(dotted((*path, str(k))), f"keys must be text, got {k!r}") for k in odd]
        return found + [
            p for key, v in value.items() for p in _problems_of_plain_values(v, (*path, str(key)))
        ]
    if isinstance(value, list | tuple):
        return [
            p for i, item in enumerate(value) for p in _problems_of_plain_values(item, (*path, i))
        ]
    if value is None or isinstance(value, bool | int | float | str):
        return []
    return [
        Problem(
            dotted(path),
            f"must be text, a number, true, false, null, a list or a mapping, got {_short(value)}",
        )
    ]


def _validated(tree: Mapping[str, object]) -> tuple[Recipe | None, list[Problem]]:
    try:
        return Recipe.model_validate(tree), []
    except ValidationError as error:
        return None, [p for item in error.errors() for p in _schema_problems(item)]


def _schema_problems(error: ErrorDetails) -> Iterable[Problem]:
    """Convert a pydantic error: the rule, the given value, the nearest valid name."""
    path: KeyPath = error["loc"]
    kind, got = error["type"], error.get("input")
    if not path:  # a rule over several keys, which broken_rules reports too
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
        yield Problem(dotted(path), "is missing and has no default")
        return
    elif kind == "literal_error":
        valid = [v.strip("'") for v in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        rule, near = "must be one of the known names", did_you_mean(got, valid)
    elif kind == "string_pattern_mismatch":
        rule = "must consist of letters, digits, '.', '_' and '-', and begin with a letter or digit"
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


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _placed(problem: Problem, places: Mapping[str, str | int]) -> Problem:
    """Add the line or override of the key path, or of the nearest parent that has one."""
    where = problem.where
    while where or where in places:
        place = places.get(where)
        if isinstance(place, int):
            return replace(problem, line=place)
        if place is not None:
            return replace(problem, origin=place)
        # The key does not exist: an override inside this section is the cause, if there is one.
        inside = [k for k in places if k.startswith(f"{where}.") and isinstance(places[k], str)]
        if inside:
            return replace(problem, origin=str(places[inside[-1]]))
        where = where.rpartition(".")[0]
    return problem
