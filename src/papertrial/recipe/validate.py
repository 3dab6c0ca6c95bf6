"""Validate the values of a recipe against its schema; return problems in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from papertrial.errors import Problem, did_you_mean
from papertrial.recipe.data_section import PATH_FORMS, SOURCE_FORMS
from papertrial.recipe.plain_values import KeyPath, dotted
from papertrial.recipe.program import WHICH_FORMS, ProgramRecipe
from papertrial.recipe.reported_scores import REPORT_FORMS
from papertrial.recipe.schema import METRIC_FORMS, AnyRecipe, Recipe, fields_by_key, schema_at
from papertrial.recipe.verify import SEED_FORMS
from papertrial.recipe.weights_sections import INIT_FORMS
from papertrial.recipe.yaml_text import dump_value
from papertrial.vocabulary import OWN_DATA, SOURCES, own_metric_form, suggest_metric

# Parts of pydantic's path of an error that are not keys of the recipe.
_NO_KEYS = (
    *SEED_FORMS, *WHICH_FORMS, *METRIC_FORMS, *REPORT_FORMS, *INIT_FORMS, *SOURCE_FORMS,
    *PATH_FORMS, "[key]",
)  # fmt: skip
_AT_DATA = ("target_transform",)  # keys of data that are for all sources, also for tables
# What a rule of the schema demands, by pydantic's name of the error.
_RULES = {
    "string_pattern_mismatch": (
        "must consist of letters, digits, '.', '_' and '-', and begin with a letter or digit"
    ),
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}


def validated(tree: Mapping[str, object]) -> tuple[AnyRecipe | None, list[Problem]]:
    """Validate plain values against the schema; return the recipe, or None and its problems."""
    kind = ProgramRecipe if "program" in tree else Recipe
    try:
        return kind.model_validate(tree), []
    except ValidationError as error:
        return None, [p for item in error.errors() for p in schema_problems(item)]


def schema_problems(error: ErrorDetails) -> Iterable[Problem]:
    """Convert a validation error of pydantic: the rule, the given value, the nearest valid name."""
    path: KeyPath = tuple(part for part in error["loc"] if part not in _NO_KEYS)
    kind, got = error["type"], error.get("input")
    if not path:  # a rule over several keys, which broken_rules reports too
        where, _, message = error["msg"].removeprefix("Value error, ").partition(": ")
        yield Problem(where, message)
        return
    near = ""
    if kind == "extra_forbidden":
        section = schema_at(path[:-1])
        known = fields_by_key(section) if section else {}
        rule = "unknown key"
        near = did_you_mean(path[-1], known)
        if elsewhere := _belongs_elsewhere(error["loc"], path, got):
            yield Problem(dotted(path), elsewhere)
            return
    elif kind == "missing":
        yield Problem(dotted(path), "is missing and has no default")
        return
    elif kind == "literal_error":
        valid = [v.strip("'") for v in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        rule, near = "must be one of the known names", _mean_meant(path, got)
        near = near or did_you_mean(got, valid)
    elif kind in _RULES:
        rule = _RULES[kind]
        if path == ("program", "command") and isinstance(got, str):
            near = f"; write {dump_value(got.split())}"
    elif kind == "too_short":
        rule = f"must have at least {error['ctx']['min_length']}"
    elif error["msg"].endswith("unknown metric"):
        rule, near = "unknown metric", suggest_metric(got)
        near += "" if "did you mean" in near else f"; {own_metric_form(got)}"
    elif error["msg"].endswith("unknown source"):
        rule, near = "must be one of the known names", did_you_mean(got, (*SOURCES, *OWN_DATA))
    else:
        rule = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    yield Problem(dotted(path), f"{rule}, got {shortened(got)}{near}")


def _belongs_elsewhere(loc: Sequence[int | str], path: KeyPath, got: object) -> str:
    """Say what to do about a key that the schema has in another place; "" for other keys."""
    if path[0] == "data" and path[-1] in _AT_DATA:
        return f"belongs to data; write data.{path[-1]}: {got}"
    if loc != path[:1] or path[0] not in Recipe.model_fields:
        return ""
    rule = "does not go with program, which replaces it; remove it"
    if isinstance(got, int | float):  # a user may mean an option of the program
        rule += f", or pass it to the program as program.parameters.{path[0]}"
    return rule


def _mean_meant(path: KeyPath, given: object) -> str:
    """Return how to write the mean that `report: mean-of-last-10` means; "" for other values."""
    mean = re.fullmatch(r"mean-of-last-(\d+)", str(given))
    return f"; write {{mean-of-last: {mean[1]}}}" if mean and path == ("report",) else ""


def shortened(value: object) -> str:
    """Return an invalid value as a validation message shows it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def placed(problem: Problem, places: Mapping[str, str | int]) -> Problem:
    """Add to a problem of validation the line or override of its key, or of its nearest parent."""
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
