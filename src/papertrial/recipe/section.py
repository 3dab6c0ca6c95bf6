"""The base class of the sections of a recipe, and the types of metric names."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema

from papertrial.vocabulary import CLAIMABLE_PATTERN, COUNTS, METRIC_PATTERN, METRICS, is_metric


class Section(BaseModel):
    """A section of a recipe: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _check_metric(name: str) -> str:
    if not is_metric(name):
        raise ValueError("unknown metric")
    return name


def _check_claim_metric(name: str) -> str:
    if not is_metric(name, claimable=True):
        raise ValueError("unknown metric")
    return name


MetricName = Annotated[
    str,
    AfterValidator(_check_metric),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"enum": list(METRICS)}, {"pattern": METRIC_PATTERN}]}
    ),
]
ClaimMetric = Annotated[
    str,
    AfterValidator(_check_claim_metric),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"enum": [*METRICS, *COUNTS]}, {"pattern": CLAIMABLE_PATTERN}]}
    ),
]
