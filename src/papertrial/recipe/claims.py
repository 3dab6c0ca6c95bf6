"""What a recipe says of reported numbers, and how they are to be judged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from papertrial.recipe.quantity import (
    PERCENT_PATTERN,
    POINTS_PATTERN,
    PRINTED_PATTERN,
    VALUE_PATTERN,
    Rounding,
    as_points,
    both_ways,
    interval_of,
    is_percentage,
    plain,
    read,
    share_of,
    value_of,
    width_of,
)
from papertrial.recipe.section import ClaimMetric, Section
from papertrial.recipe.text import scalar
from papertrial.vocabulary import SplitName, is_fraction

if TYPE_CHECKING:
    from papertrial.recipe.schema import Recipe

Kind = Literal["mean", "single-run", "best-of", "at-least", "at-most", "difference", "exact"]
Side = Literal["about", "at-least", "at-most"]
_LEAST_SEEDS = 5  # the first look: papertrial.claims.rule has the reason
_MOST_SEEDS = 10_000  # more than anyone will train; what is simulated beforehand stays small
_LARGEST_SEED = 2**63 - 1  # as of the recipe's own seed
WIDE = 0.1  # a tolerance of a fraction from which on it is probably one of points


def _finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]


def _amount(rule: str, units: tuple[str, ...], *, least: float = -math.inf) -> Callable[[Any], Any]:
    """Return a check of a number, or of text with one of the units, that keeps what it is given."""

    def check(value: Any) -> Any:
        written = read(value) if isinstance(value, str) else None
        number = value if _finite(value) else written.number if written else None
        if number is None or (written and written.unit not in units):
            raise ValueError(rule)
        if number < least:
            raise ValueError(f"must be {least:g} or more")
        return value

    return check


def _tolerance(value: Any) -> Any:
    written = read(value) if isinstance(value, str) else None
    if written and written.unit == "%":
        share, points = plain(written.number), as_points(written.number)
        alike = f'write {share}, "{points}", or relative_tolerance: {share}'
        raise ValueError(f"a percent of what is ambiguous: {alike}")
    return _amount('must be a number, or text such as "1.2 points"', ("points",), least=0)(value)


def _relative(value: Any) -> Any:
    rule = 'must be a fraction of the value below 1, 0.01 or "1 %"'
    _amount(rule, ("%",), least=0)(value)
    if share_of(value) >= 1:
        raise ValueError(rule)
    return value


def _printed(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError('must be text in quotes, which keeps the last digits: "0.900"')
    if read(value) is None:
        raise ValueError('must be a number as it is printed, "64.6 %"; other words go to notes')
    return value


def _seeds(value: Any) -> Any:
    seeds = value if isinstance(value, list | tuple) else ()
    whole = [s for s in seeds if isinstance(s, int) and not isinstance(s, bool) and s >= 0]
    if len(seeds) != len(set(whole)) or len(seeds) < _LEAST_SEEDS:
        rule = f"must be a list of at least {_LEAST_SEEDS} different whole numbers"
        raise ValueError(f"{rule}, such as {_written_out(seeds) or [0, 1, 2, 3, 4]}")
    if max(whole) > _LARGEST_SEED:
        raise ValueError(f"a seed is at most {_LARGEST_SEED}")
    return tuple(seeds)


def _written_out(seeds: Sequence[Any]) -> list[int] | None:
    """Return what "1-6" would stand for, where that is all that is given and it is short."""
    text = seeds[0] if len(seeds) == 1 and isinstance(seeds[0], str) else ""
    ends = re.fullmatch(r"\s*(\d{1,9})\s*(?:-|\.\.)\s*(\d{1,9})\s*", text, re.ASCII)
    first, last = (int(ends[1]), int(ends[2])) if ends else (0, 0)
    return [*range(first, last + 1)] if _LEAST_SEEDS <= last - first + 1 <= 10 else None


def _number_or(pattern: str, **bounds: float) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "number", **bounds}, {"type": "string", "pattern": pattern}]}
    )


Value = Annotated[
    float | str,
    BeforeValidator(_amount('must be a number, or text such as "55 %"', ("%", "points"))),
    _number_or(VALUE_PATTERN),
]
Width = Annotated[float | str, BeforeValidator(_tolerance), _number_or(POINTS_PATTERN, minimum=0)]
Share = Annotated[
    float | str,
    BeforeValidator(_relative),
    _number_or(PERCENT_PATTERN, minimum=0, exclusiveMaximum=1),
]
Printed = Annotated[
    str,
    BeforeValidator(_printed),
    WithJsonSchema({"type": "string", "pattern": PRINTED_PATTERN}),
]
Seeds = Annotated[
    tuple[int, ...],
    BeforeValidator(_seeds),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": _LARGEST_SEED},
            "minItems": _LEAST_SEEDS,
            "uniqueItems": True,
        }
    ),
]


class PlusMinus(Section):
    """What stands behind the plus-minus of a reported number."""

    value: Width = Field(
        description='in the metric\'s unit, or "0.16 points", as it must be beside a percentage'
    )
    is_: Literal["sd", "se", "ci", "unknown"] = Field(
        default="unknown",
        alias="is",
        description="standard deviation, standard error, confidence interval",
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="of a confidence interval")


class Versus(Section):
    """The other side of a difference: ours minus its score."""

    recipe: str | None = Field(
        default=None, description="a name or a file; this recipe if left out"
    )
    set: dict[str, Any] = Field(default={}, description="overrides of it, by dotted key")

    @property
    def overrides(self) -> tuple[str, ...]:
        """What `set` says as `dotted.key=value` texts, which load_recipe takes."""
        return tuple(f"{key}={_as_text(value)}" for key, value in self.set.items())


class Claim(Section):
    """A reported number, what may differ from it, and what it says of a training's scores."""

    metric: ClaimMetric
    split: SplitName = "test"
    value: Value = Field(description='in the metric\'s unit, or "55 %"')
    tolerance: Width | None = Field(
        default=None,
        description='in the metric\'s unit, or "1.2 points", as it must be beside a percentage',
    )
    relative_tolerance: Share | None = Field(
        default=None, description='fraction of the value, beside a percentage as "3 %"'
    )
    kind: Kind = "mean"
    n: int | None = Field(default=None, ge=1, description="runs behind the reported number")
    printed: Printed | None = Field(default=None, description='the digits as printed, "55 %"')
    rounding: Rounding = Field(default="nearest", description="how the printed digits were cut")
    plus_minus: PlusMinus | None = None
    baseline: Value | None = Field(default=None, description="what the paper improves on")
    best_epoch_on_test: bool = Field(
        default=False, description="the number is that of the epoch that was best on test"
    )
    side: Side | None = Field(default=None, description="of a difference; about where left out")
    versus: Versus | None = Field(default=None, description="of a difference: the other side")
    where: str | None = None
    url: str | None = None
    notes: str | None = None
    unverified: bool = Field(default=False, description="not read in the document named")
    not_judged: str | None = Field(
        default=None, description="why it is not: set where an override changes the setting"
    )

    @property
    def number(self) -> float:
        """The reported value in the metric's own unit; "55 %" is 0.55."""
        return float(value_of(self.value, self.metric, gain=self.is_gain))

    @property
    def allowed(self) -> float:
        """The tolerance in the metric's own unit; 0 where a bound or a count has none."""
        if self.relative_tolerance is not None:
            value = value_of(self.value, self.metric, gain=self.is_gain)
            return float(share_of(self.relative_tolerance) * abs(value))
        return 0.0 if self.tolerance is None else float(width_of(self.tolerance, self.metric))

    @property
    def printed_interval(self) -> tuple[float, float]:
        """What the printed digits may stand for, in the metric's own unit; the value without."""
        if self.printed is None:
            return self.number, self.number
        low, high = interval_of(self.printed, self.metric, self.rounding, gain=self.is_gain)
        return float(low), float(high)

    @property
    def runs(self) -> int | None:
        """How many runs are behind the number; None where it is not known."""
        return 1 if self.kind == "single-run" else self.n

    @property
    def judged_side(self) -> Side:
        """Whether the score must be about the number, or may lie on one side of it."""
        if self.kind in ("at-least", "at-most"):
            return self.kind
        return self.side or "about"

    @property
    def baseline_number(self) -> float | None:
        """What the paper improves on, in the metric's own unit."""
        return None if self.baseline is None else float(value_of(self.baseline, self.metric))

    @property
    def plus_minus_number(self) -> float | None:
        """What stands behind the plus-minus, in the metric's own unit."""
        return (
            None if self.plus_minus is None else float(width_of(self.plus_minus.value, self.metric))
        )

    @property
    def in_percent(self) -> bool:
        """Whether a number of it is written in percent or points: a bare width is then unclear."""
        return bool(percentages(self.model_dump()))

    @property
    def is_gain(self) -> bool:
        """Whether the number is the difference of two scores."""
        return self.kind == "difference"


def percentages(claim: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers of a claim that are written in percent or points, by key."""
    plus_minus = claim.get("plus_minus")
    spread = plus_minus.get("value") if isinstance(plus_minus, Mapping) else None
    numbers = {key: claim.get(key) for key in ("value", "printed", "baseline", "tolerance")}
    numbers["plus_minus.value"] = spread
    return {key: str(given) for key, given in numbers.items() if is_percentage(given)}


class Verify(Section):
    """How the claims are decided: seeds, errors allowed, and when seeds count as lost."""

    max_seeds: int = Field(default=15, ge=_LEAST_SEEDS, le=_MOST_SEEDS, description="seeds at most")
    seeds: Seeds | None = Field(default=None, description="these seeds, in this order")
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="chance of error of each side")
    statistic: Literal["mean", "median"] = "mean"
    prior: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="c2: precision of the prior on mean/SD"
    )
    horizon: Literal["anytime", "fixed"] = "anytime"
    max_diverged: float = Field(default=0.2, ge=0, lt=1, description="share of seeds that may fail")


def claim_warnings(recipe: Recipe) -> list[str]:
    """Return a sentence for each thing that a reader should know of a claim's widths.

    Claims that seeds decide are counted from 1, as a pre-registration counts them.
    """
    decided = [c for c in recipe.claims if c.not_judged is None and c.kind != "exact"]
    return [
        f"claim {i} ({claim.split} {claim.metric} {claim.number:g}): {said}"
        for i, claim in enumerate(decided, 1)
        for said in (*_too_wide(claim), *_of_points(claim), *_spread(claim), *_none(claim))
    ]


def _too_wide(claim: Claim) -> Iterator[str]:
    """Tell of a tolerance wider than half of the gain: over a baseline, or the difference itself.

    What it lets pass could be nearer to no gain than to the gain that is claimed.
    """
    base = 0.0 if claim.is_gain else claim.baseline_number
    gain = 0.0 if base is None else abs(claim.number - base)
    if base is None or claim.allowed <= gain / 2 * (1 + 1e-9):  # but for rounding
        return
    of = f"of {claim.number:g}" if claim.is_gain else f"from {base:g} to {claim.number:g}"
    yield (
        f"the tolerance of {claim.allowed:g} is wider than half of the gain that is claimed, "
        f"{gain:g} ({of}); at most {gain / 2:g} would tell them apart"
    )


def _of_points(claim: Claim) -> Iterator[str]:
    """Tell of a tolerance of a fraction that is so wide that points were probably meant."""
    if not is_fraction(claim.metric):
        return
    low, high = claim.printed_interval
    low = -math.inf if claim.judged_side == "at-most" else low - claim.allowed
    high = math.inf if claim.judged_side == "at-least" else high + claim.allowed
    least, most = _possible(claim)
    wide = claim.allowed >= WIDE
    if low <= least and high >= most:
        said = "no score could contradict it: its band holds every value that there can be"
    elif wide:
        points = as_points(Decimal(f"{claim.allowed:.6g}"))
        said = f"the tolerance of {claim.allowed:g} is {points}, within which results differ much"
    else:
        return
    if wide and isinstance(claim.tolerance, int | float):  # text names its unit
        share = Decimal(repr(claim.tolerance)).scaleb(-2)
        said += f"; where {as_points(share)} are meant, write {both_ways(share)}"
    yield said


def _spread(claim: Claim) -> Iterator[str]:
    """Tell of a bare plus-minus of a fraction that is so wide that points were probably meant."""
    given, spread = claim.plus_minus and claim.plus_minus.value, claim.plus_minus_number
    if spread is None or not isinstance(given, int | float) or not is_fraction(claim.metric):
        return
    least, most = _possible(claim)
    slack = 1e-9  # of rounding: 0.95 and 0.05 are 1
    if claim.number - spread < least - slack or claim.number + spread > most + slack:
        said = f"the plus-minus of {spread:g} reaches beyond what {claim.metric} can be"
    elif spread >= WIDE:
        points = as_points(Decimal(repr(given)))
        said = f"the plus-minus of {spread:g} is {points}, by which few results differ"
    else:
        return
    share = Decimal(repr(given)).scaleb(-2)
    yield f"{said}; where {as_points(share)} are meant, write {both_ways(share)}"


def _possible(claim: Claim) -> tuple[float, float]:
    """Return the least and the greatest value of a fraction, or of a gain of one."""
    if claim.metric == "r2":
        return -math.inf, math.inf if claim.is_gain else 1
    return -1 if claim.is_gain else 0, 1


def _none(claim: Claim) -> Iterator[str]:
    low, high = claim.printed_interval
    if claim.judged_side == "about" and claim.allowed == 0 and low == high:
        yield "without a tolerance no number of seeds can show that a number is exactly right"


def _as_text(value: Any) -> str:
    """Write a value so that an override reads it back: text that YAML reads as text as it is."""
    if isinstance(value, str) and scalar(value) == value:
        return value
    return json.dumps(value)
