"""One claim of a recipe before validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from papertrial.recipe.plain_values import value_at
from papertrial.recipe.quantity import is_finite_number, is_percentage, read, value_of
from papertrial.vocabulary import is_metric


@dataclass(frozen=True)
class RawClaim:
    """A claim before validation: `metric` is a known name, other values may have any type.

    Values are as written in the recipe, with the defaults of the schema for omitted keys.
    """

    metric: str
    split: object
    kind: object
    value: object
    tolerance: object
    relative_tolerance: object
    n: object
    printed: object
    rounding: object
    plus_minus: object
    baseline: object
    best_epoch_on_test: object
    side: object
    versus: object
    not_judged: object

    @classmethod
    def from_plain(cls, claim: object) -> RawClaim | None:
        """Read a claim; return None if it is not a mapping with a known metric."""
        metric = value_at(claim, "metric")
        if not isinstance(claim, Mapping) or not isinstance(metric, str):
            return None
        if not is_metric(metric, claimable=True):
            return None
        return cls(
            metric=metric,
            split=claim.get("split", "test"),
            kind=claim.get("kind", "mean"),
            value=claim.get("value"),
            tolerance=claim.get("tolerance"),
            relative_tolerance=claim.get("relative_tolerance"),
            n=claim.get("n"),
            printed=claim.get("printed"),
            rounding=claim.get("rounding", "nearest"),
            plus_minus=claim.get("plus_minus"),
            baseline=claim.get("baseline"),
            best_epoch_on_test=claim.get("best_epoch_on_test"),
            side=claim.get("side"),
            versus=claim.get("versus"),
            not_judged=claim.get("not_judged"),
        )

    @property
    def is_gain(self) -> bool:
        """Whether the value is the difference of two scores."""
        return self.kind == "difference"

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
        return converted(self.value, lambda given: value_of(given, self.metric, gain=self.is_gain))


def converted(
    given: object,
    convert: Callable[[float | str], Decimal],
    units: tuple[str, ...] = ("%", "points"),
) -> Decimal | None:
    """Convert a number that the schema accepts; return None for anything that it rejects.

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
    written = read(given)
    return convert(given) if written and written.unit in units else None
