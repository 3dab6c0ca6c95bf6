"""Overrides `dotted.key=value` of a recipe's plain values, with types from the schema."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from papertrial.errors import Problem
from papertrial.recipe.schema import Recipe
from papertrial.recipe.text import KeyPath, scalar


def apply_override(tree: dict[str, object], text: str) -> tuple[KeyPath, Problem | None]:
    """Set one `dotted.key=value` in `tree`, in place; return the key path and the problem, if any.

    The value begins after the first "=". It is text if the schema requires text, else YAML. A
    number in the path is an index into a list. `tree` has no slots in short form.
    """
    origin = f'override "{text}"'
    key, equals, raw = text.partition("=")
    path: KeyPath = tuple(
        int(p) if p.isascii() and p.isdigit() else p for p in key.strip().split(".")
    )
    if not equals or "" in path:
        rule = "an override must have the form dotted.key=value, such as optimizer.lr=0.01"
        return path, Problem("", rule, origin=origin)
    wants_text = _is_text(_annotation(path))
    value = raw if wants_text and raw != "null" else scalar(raw)
    node: Any = tree
    for depth, part in enumerate(path[:-1]):
        child = _get(node, part)
        if child is None and isinstance(node, dict):
            child = node[part] = {}
        if not isinstance(child, dict | list):
            here = ".".join(str(p) for p in path[: depth + 1])
            rule = f"is not a section or a list, so {text!r} cannot set a value in it"
            return path, Problem(here, rule, origin=origin)
        node = child
    last = path[-1]
    if isinstance(node, list):
        if not isinstance(last, int) or last >= len(node):
            rule = f"the index must be from 0 to {len(node) - 1}, got {last!r}"
            rule = rule if node else f"the list is empty, got index {last!r}; set the whole list"
            return path, Problem(".".join(map(str, path)), rule, origin=origin)
        node[last] = value
    else:
        node[last] = value
    return path, None


def _get(node: Any, part: str | int) -> Any:
    if isinstance(node, list):
        return node[part] if isinstance(part, int) and part < len(node) else False
    return node.get(part)


def _annotation(path: KeyPath) -> Any:
    """Return the type of a key path in the schema; None if it can be any, as in an argument."""
    section = section_at(path[:-1])
    last = path[-1]
    if section is None or not isinstance(last, str) or last not in section.model_fields:
        return None
    return section.model_fields[last].annotation


def section_at(path: KeyPath) -> type[BaseModel] | None:
    """Return the section of the schema at a key path, or None if it is not a section."""
    annotation: Any = Recipe
    for part in path:
        if isinstance(part, str):
            field = annotation.model_fields.get(part)
            annotation = _item(field.annotation) if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
    return annotation  # type: ignore[no-any-return]


def _item(annotation: Any) -> Any:
    """Return the type inside Annotated, Optional and tuple[X, ...]."""
    while True:
        origin, args = get_origin(annotation), get_args(annotation)
        if origin in (Annotated, tuple):
            annotation = args[0]
        elif origin in (Union, types.UnionType):
            annotation = next(a for a in args if a is not type(None))
        else:
            return annotation


def _is_text(annotation: Any) -> bool:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_text(args[0])
    if origin in (Union, types.UnionType):
        return all(_is_text(member) for member in args if member is not type(None))
    if origin is Literal:
        return all(isinstance(value, str) for value in args)
    return annotation is str
