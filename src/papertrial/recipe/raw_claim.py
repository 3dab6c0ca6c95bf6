"""One claim of a recipe before validation."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import get_args

from papertrial.recipe.declared_metrics import declared_metrics
from papertrial.recipe.plain_values import is_finite_number, list_at, value_at
from papertrial.recipe.quantity import is_percentage, read_quantity, value_of
from papertrial.vocabulary import Better, Metric, MetricUnit, is_metric

Broken = tuple[str, str]  # key or key path, and message, of a rule that a recipe breaks


@dataclass(frozen=True)
class RawClaim:
    """A claim before validation: `metric` is a name, other values may have any type.

    Values are as written in the recipe, with the defaults of the schema for omitted keys.
    """

    metric: str
    split: object = "test"
    kind: object = "mean"
    value: object = None
    tolerance: object = None
    relative_tolerance: object = None
    n: object = None
    folds: object = None
    printed: object = None
    rounding: object = "nearest"
    plus_minus: object = None
    baseline: object = None
    best_epoch_on_test: object = None
    pairing: object = None
    side: object = None
    about: object = "test-set"
    versus: object = None
    by: object = None
    reading: object = None
    not_judged: object = None
    better: object = None
    unit: object = None
    samples: object = None

    @classmethod
    def from_plain(
        cls, claim: object, *, of_program: bool = False, own: Container[str] = ()
    ) -> RawClaim | None:
        """Read a claim; return None if it is not a mapping with the name of a metric.

        Only a program has other metrics than papertrial's own and those in `own`.
        """
        metric = value_at(claim, "metric")
        if not isinstance(claim, Mapping) or not isinstance(metric, str):
            return None
        if not (of_program or metric in own or is_metric(metric, claimable=True)):
            return None
        others = {field.name for field in fields(cls)} - {"metric"}
        return cls(metric, **{key: value for key, value in claim.items() if key in others})

    @property
    def facts(self) -> Metric:
        """What is known of the metric."""
        better = next((known for known in get_args(Better) if known == self.better), None)
        unit = next((known for known in get_args(MetricUnit) if known == self.unit), None)
        return Metric(self.metric, better, unit)

    @property
    def is_gain(self) -> bool:
        """Whether the value is the difference of two scores."""
        return self.kind in ("difference", "better")

    @property
    def plus_minus_value(self) -> object:
        """The number after the plus-minus sign."""
        return value_at(self.plus_minus, "value")

    @property
    def percentages(self) -> dict[str, str]:
        """The numbers that are written in percent or points, by key."""
        numbers = {
            "value": self.value,
            "printed": self.printed,
            "baseline": self.baseline,
            "tolerance": self.tolerance,
            "plus_minus.value": self.plus_minus_value,
        }
        return {key: str(given) for key, given in numbers.items() if is_percentage(given)}

    def to_number(self) -> Decimal | None:
        """Return the value in the metric's own unit; None if the schema rejects it.

        Raises:
            ValueError: the unit is ambiguous or does not suit the metric.
        """
        return converted(self.value, lambda given: value_of(given, self.facts, gain=self.is_gain))


def raw_claims(tree: Mapping[str, object]) -> list[RawClaim | None]:
    """Read the claims of a recipe; None for one that is not a mapping with the name of a metric."""
    of_program, own = "program" in tree, declared_metrics(tree)
    return [
        RawClaim.from_plain(claim, of_program=of_program, own=own)
        for claim in list_at(tree, "claims")
    ]


def without_unit(given: object) -> Decimal | None:
    """Return a claim's number if it lacks a unit, which a rule may require; None otherwise."""
    return Decimal(repr(given)) if is_finite_number(given) else None


def converted(
    given: object,
    convert: Callable[[float | str], Decimal],
    units: tuple[str, ...] = ("%", "points"),
) -> Decimal | None:
    """Convert a number of a raw claim; return None for anything that the schema will reject.

    Args:
        given: a number, or text with a unit.
        convert: the conversion to the metric's own unit.
        units: the units that the schema accepts.

    Raises:
        ValueError: `convert` rejects the number.
    """
    if is_finite_number(given):
        return convert(given)
    if not isinstance(given, str):
        return None
    written = read_quantity(given)
    return convert(given) if written and written.unit in units else None
