"""Placeholders such as `{seed}` in the command, the environment and the paths of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from papertrial.errors import PapertrialError, did_you_mean

BUILT_IN = ("seed", "out", "device", "data", "python", "threads")
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders replaced; `{{` and `}}` become braces.

    Raises:
        PapertrialError: a placeholder without a value, or a brace on its own.
    """
    return "".join(
        part if name is None else _value(name, text, values) for part, name in _parts(text)
    )


def placeholders_in(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders in a text, in order and without repetition.

    Raises:
        PapertrialError: a brace on its own.
    """
    return tuple(dict.fromkeys(name for _, name in _parts(text) if name is not None))


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield literal parts as (part, None) and placeholders as ("", name)."""
    for match in _PART.finditer(text):
        part = match[0]
        if match[1] is not None:
            yield "", match[1]
        elif part in ("{", "}"):
            raise PapertrialError(
                f'a lone "{part}" at character {match.start() + 1} of "{text}"; '
                f'write "{part}{part}" for a brace, or "{{seed}}" for a placeholder'
            )
        else:
            yield (part[0] if part in ("{{", "}}") else part), None


def _value(name: str, text: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise PapertrialError(
            f'unknown placeholder "{{{name}}}" in "{text}"{did_you_mean(name, values)}'
        )
    return values[name]
