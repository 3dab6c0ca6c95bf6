"""Types of a recipe's values that take several forms, each with its JSON Schema."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from papertrial.recipe.plain_values import is_whole_number
from papertrial.vocabulary import OWN_DATA, SOURCES


def _check_portion(value: object) -> object:
    fraction = isinstance(value, float) and 0 < value < 1
    rows = is_whole_number(value, 1)
    if value is not None and not (fraction or rows):
        raise ValueError("must be a fraction between 0 and 1 or a number of rows of at least 1")
    return value


def _check_source(name: str) -> str:
    if name not in (*SOURCES, *OWN_DATA) and ".py:" not in name:
        raise ValueError("unknown source")
    return name


def _check_batch_size(value: object) -> object:
    if not (is_whole_number(value, 1) or value == "full"):
        raise ValueError("must be a number of samples of at least 1, or full")
    return value


def _check_size(value: object) -> object:
    sides = value if isinstance(value, list | tuple) else ()
    whole = [side for side in sides if is_whole_number(side, 1)]
    if value is not None and not len(sides) == len(whole) == 2:
        raise ValueError("must be [height, width] in pixels")
    return None if value is None else tuple(sides)


SourceName = Annotated[
    str,
    AfterValidator(_check_source),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"enum": [*SOURCES, *OWN_DATA]}, {"pattern": r"\.py:"}],
        }
    ),
]
BatchSize = Annotated[
    int | Literal["full"],
    BeforeValidator(_check_batch_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "full"}]}),
]
Size = Annotated[
    tuple[int, int] | None,
    BeforeValidator(_check_size),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1},
                    "minItems": 2,
                    "maxItems": 2,
                },
                {"type": "null"},
            ]
        }
    ),
]
Portion = Annotated[
    float | int | None,
    BeforeValidator(_check_portion),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "integer", "minimum": 1},
                {"type": "null"},
            ]
        }
    ),
]
