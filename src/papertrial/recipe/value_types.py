"""Types of a recipe's values that take several forms, each with its JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from papertrial.claims.rule import FIRST_LOOK, FIRST_LOOK_OF_KNOWN_SD
from papertrial.hub import PATTERN, is_on_hub, read_reference
from papertrial.recipe.metric_forms import PART_FORM, metric_text
from papertrial.recipe.plain_values import is_finite_number, is_whole_number
from papertrial.recipe.quantity import (
    PERCENT_PATTERN,
    POINTS_PATTERN,
    PRINTED_PATTERN,
    VALUE_PATTERN,
    as_points,
    read_quantity,
    share_of,
)
from papertrial.recipe.slots import is_function
from papertrial.vocabulary import (
    COUNTS,
    METRIC_PATTERN,
    METRICS,
    OF_CLASS,
    OF_TARGET,
    OWN_DATA,
    PART_PATTERN,
    SOURCES,
    is_metric,
)

SCORE_NAME = r"^[A-Za-z_][A-Za-z0-9_.@/-]*$"  # of a score of any program
_CLAIMED = f"{SCORE_NAME}|^{PART_PATTERN}$"
LEAST_SEEDS = FIRST_LOOK_OF_KNOWN_SD  # papertrial.recipe.verify_rules has the other rules
_LARGEST_SPLIT_SEED = 2**32 - 1  # scikit-learn's
_LARGEST_SEED = 2**63 - 1  # the same as for the seed of the recipe


def _check_portion(value: object) -> object:
    fraction = isinstance(value, float) and 0 < value < 1
    rows = is_whole_number(value, 1)
    if value is not None and not (fraction or rows):
        raise ValueError("must be a fraction between 0 and 1 or a number of rows of at least 1")
    return value


def _check_source(name: str) -> str:
    if is_on_hub(name):
        read_reference(name)
    elif name not in (*SOURCES, *OWN_DATA) and not is_function(name):
        raise ValueError("unknown source")
    return name


def _check_grey_range(value: object) -> object:
    if value is None:
        return None
    pair = list(value) if isinstance(value, list | tuple) else []
    numbers = [float(one) for one in pair if is_finite_number(one)]
    if len(numbers) != 2 or len(pair) != 2 or numbers[0] >= numbers[1]:
        raise ValueError("must be [low, high], two numbers of which the second is larger")
    return tuple(numbers)


def _check_batch_size(value: object) -> object:
    if not (is_whole_number(value, 1) or value == "full"):
        raise ValueError("must be a number of samples of at least 1, or full")
    return value


def _check_split_seed(value: object) -> object:
    if not ((is_whole_number(value, 0) and value <= _LARGEST_SPLIT_SEED) or value == "each"):
        raise ValueError(f"must be a whole number from 0 to {_LARGEST_SPLIT_SEED}, or each")
    return value


def _check_size(value: object) -> object:
    if value == "varying":
        return value
    sides = value if isinstance(value, list | tuple) else ()
    whole = [side for side in sides if is_whole_number(side, 1)]
    if value is not None and not len(sides) == len(whole) == 2:
        raise ValueError("must be [height, width] in pixels, or varying")
    return None if value is None else tuple(sides)


def _check_columns(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    listed = list(value) if isinstance(value, list | tuple) else []
    names = [name for name in listed if isinstance(name, str)]
    if not names or len(names) != len(listed) or len({*names}) != len(names):
        raise ValueError("must be the name of a column, or a list of different names")
    return tuple(names)


def _named_metric(value: object) -> object:
    named = metric_text(value)
    if isinstance(named, Mapping):
        raise ValueError(f"must be the name of a metric, or of one class or target {PART_FORM}")
    return named


def _check_metric(name: str) -> str:
    if not is_metric(name):
        raise ValueError("unknown metric")
    return name


def _check_score_name(name: str) -> str:
    if not re.match(SCORE_NAME, name) and not is_metric(name):
        raise ValueError("unknown metric")
    return name


def _check_claim_metric(name: str) -> str:
    """Check the form only: which names are known depends on the kind of recipe."""
    if not re.match(SCORE_NAME, name) and not is_metric(name):
        raise ValueError("must be the name of a metric or of a score of the program")
    return name


def _amount_validator(
    rule: str, units: tuple[str, ...], *, least: float = -math.inf
) -> Callable[[object], object]:
    """Return a validator of the value type "number, or text with one of the units"."""

    def check(value: object) -> object:
        written = read_quantity(value) if isinstance(value, str) else None
        number = value if is_finite_number(value) else written.number if written else None
        if number is None or (written and written.unit not in units):
            raise ValueError(rule)
        if number < least:
            raise ValueError(f"must be {least:g} or more")
        return value

    return check


def _check_tolerance(value: object) -> object:
    written = read_quantity(value) if isinstance(value, str) else None
    if written and written.unit == "%":
        points, share = as_points(written.number), f"{value}".strip()
        readings = f'write "{points}", or relative_tolerance: "{share}" for a share of the value'
        raise ValueError(f"a percentage is ambiguous here: {readings}")
    return _check_width(value)


def _check_width(value: object) -> object:
    written = read_quantity(value) if isinstance(value, str) else None
    if written and written.unit == "%":
        raise ValueError(f'a percentage is ambiguous here: write "{as_points(written.number)}"')
    return _amount_validator(
        'must be a number, or text such as "1.2 points"', ("points",), least=0
    )(value)


def _check_share(value: Any) -> Any:
    rule = 'must be a fraction of the value below 1, 0.01 or "1 %"'
    _amount_validator(rule, ("%",), least=0)(value)
    if share_of(value) >= 1:
        raise ValueError(rule)
    return value


def _check_printed(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('must be in quotes, to keep trailing zeros: "0.900"')
    if read_quantity(value) is None:
        raise ValueError('must be a number as printed, such as "64.6 %"; put other words in notes')
    return value


def _check_runs(value: object) -> object:
    if not (is_whole_number(value, 1) or value == "unknown"):
        raise ValueError("must be a number of runs of at least 1, or unknown")
    return value


def _check_seeds(value: object) -> tuple[object, ...]:
    seeds = value if isinstance(value, list | tuple) else ()
    whole = [seed for seed in seeds if is_whole_number(seed, 0)]
    if len(seeds) != len(set(whole)) or len(seeds) < LEAST_SEEDS:
        rule = f"must be a list of at least {LEAST_SEEDS} different whole numbers"
        raise ValueError(f"{rule}, such as {_range_meant(seeds) or [*range(FIRST_LOOK)]}")
    if max(whole) > _LARGEST_SEED:
        raise ValueError(f"a seed must be at most {_LARGEST_SEED}")
    return tuple(seeds)


def _check_seed_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if not value or value != value.strip() or not value.isprintable():
        raise ValueError(
            "must be one line of printable text without spaces at its ends, so that others can "
            "repeat it"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must be text that can be written as UTF-8") from error
    return value


def _range_meant(seeds: Sequence[object]) -> list[int] | None:
    """Return the seeds that a value of the wrong type, ["1-6"], means; None if no short range."""
    text = seeds[0] if len(seeds) == 1 and isinstance(seeds[0], str) else ""
    ends = re.fullmatch(r"\s*(\d{1,9})\s*(?:-|\.\.)\s*(\d{1,9})\s*", text, re.ASCII)
    first, last = (int(ends[1]), int(ends[2])) if ends else (0, 0)
    return [*range(first, last + 1)] if LEAST_SEEDS <= last - first + 1 <= 10 else None


def _number_or(pattern: str, **bounds: float) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "number", **bounds}, {"type": "string", "pattern": pattern}]}
    )


SourceName = Annotated[
    str,
    AfterValidator(_check_source),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"enum": [*SOURCES, *OWN_DATA]}, {"pattern": r"\.py:"}, {"pattern": PATTERN}],
        }
    ),
]
SplitSeed = Annotated[
    int | Literal["each"],
    BeforeValidator(_check_split_seed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": _LARGEST_SPLIT_SEED},
                {"const": "each"},
            ]
        }
    ),
]
BatchSize = Annotated[
    int | Literal["full"],
    BeforeValidator(_check_batch_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "full"}]}),
]
Size = Annotated[
    tuple[int, int] | Literal["varying"] | None,
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
                {"const": "varying"},
                {"type": "null"},
            ]
        }
    ),
]
GreyRange = Annotated[
    tuple[float, float] | None,
    BeforeValidator(_check_grey_range),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
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
_OF_PART: dict[str, Any] = {
    "type": "object",
    "description": f"Metric of one class or target: `{PART_FORM}`.",
    "propertyNames": {"enum": [*OF_CLASS, *OF_TARGET]},
    "additionalProperties": {
        "type": "object",
        "properties": {"class": {"type": "string"}, "target": {"type": "string"}},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    },
    "minProperties": 1,
    "maxProperties": 1,
}
_KNOWN = {"type": "string", "anyOf": [{"enum": list(METRICS)}, {"pattern": METRIC_PATTERN}]}
MetricName = Annotated[
    str,
    BeforeValidator(_named_metric),
    AfterValidator(_check_metric),
    WithJsonSchema({"anyOf": [_KNOWN, _OF_PART]}),
]
# Of which the rules require that it is known, or that the recipe declares it.
MonitoredMetric = Annotated[
    str,
    BeforeValidator(_named_metric),
    AfterValidator(_check_score_name),
    WithJsonSchema({"anyOf": [_KNOWN, {"type": "string", "pattern": SCORE_NAME}, _OF_PART]}),
]
ClaimMetric = Annotated[
    str,
    BeforeValidator(_named_metric),
    AfterValidator(_check_claim_metric),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*METRICS, *COUNTS]},
                {"type": "string", "pattern": _CLAIMED},
                _OF_PART,
            ]
        }
    ),
]
TargetColumns = Annotated[
    str | tuple[str, ...] | None,
    BeforeValidator(_check_columns),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
                {"type": "null"},
            ]
        }
    ),
]
Value = Annotated[
    float | str,
    BeforeValidator(_amount_validator('must be a number, or text such as "55 %"', ("%", "points"))),
    _number_or(VALUE_PATTERN),
]
Width = Annotated[float | str, BeforeValidator(_check_width), _number_or(POINTS_PATTERN, minimum=0)]
Tolerance = Annotated[
    float | str, BeforeValidator(_check_tolerance), _number_or(POINTS_PATTERN, minimum=0)
]
Share = Annotated[
    float | str,
    BeforeValidator(_check_share),
    _number_or(PERCENT_PATTERN, minimum=0, exclusiveMaximum=1),
]
Printed = Annotated[
    str,
    BeforeValidator(_check_printed),
    WithJsonSchema({"type": "string", "pattern": PRINTED_PATTERN}),
]
ReportedRuns = Annotated[
    int | Literal["unknown"],
    BeforeValidator(_check_runs),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "unknown"}]}),
]
Seeds = Annotated[
    tuple[int, ...],
    BeforeValidator(_check_seeds),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": _LARGEST_SEED},
            "minItems": LEAST_SEEDS,
            "uniqueItems": True,
        }
    ),
]
SeedText = Annotated[
    str, BeforeValidator(_check_seed_text), WithJsonSchema({"type": "string", "minLength": 1})
]
