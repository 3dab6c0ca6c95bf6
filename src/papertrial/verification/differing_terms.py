"""In which terms two registrations differ, by key path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from papertrial.store.verification_records import Terms

_LONGEST = 60  # characters of a value in a message


def edits(registered: Terms, asked: Terms) -> str:
    """Describe in which terms a registration is not what its recipe gives."""
    had, has = registered.to_plain(), asked.to_plain()
    found = [
        f"{key} is {shortened(one)}, the recipe gives {shortened(other)}"
        for name in has
        for key, one, other in differing_values(name, had[name], has[name])
    ]
    return "; ".join(found) or "the time, the data, the versions or the layout"


def differing_values(where: str, had: object, has: object) -> Iterator[tuple[str, object, object]]:
    """Yield the key paths of a registration at which an edit changed a value, with both values."""
    if isinstance(had, dict) and isinstance(has, dict):
        for key in dict.fromkeys([*had, *has]):
            yield from differing_values(f"{where}.{key}", had.get(key), has.get(key))
    elif _are_records(had) and _are_records(has) and len(had) == len(has):
        for i, (one, other) in enumerate(zip(had, has, strict=True)):
            yield from differing_values(f"{where}.{i}", one, other)
    elif had != has:
        yield where, had, has


def _are_records(value: object) -> TypeGuard[list[object]]:
    """Return whether a value of a registration is a list of mappings, such as the claims."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def shortened(value: object) -> str:
    """Return a value of a term for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
