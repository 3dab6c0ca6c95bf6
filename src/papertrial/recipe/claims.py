"""The section of a recipe with the reported numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from papertrial.claims.judged_claim import ClaimAbout, ClaimSide
from papertrial.claims.reach import Reading
from papertrial.recipe.quantity import (
    Rounding,
    interval_of,
    is_percentage,
    share_of,
    value_of,
    width_of,
)
from papertrial.recipe.reaches import By
from papertrial.recipe.section import Section
from papertrial.recipe.value_types import (
    ClaimMetric,
    Printed,
    ReportedRuns,
    Share,
    Tolerance,
    Value,
    Width,
)
from papertrial.recipe.yaml_text import dump_value
from papertrial.vocabulary import Better, ClaimSplit, Metric, MetricUnit

StatedKind = Literal[
    "mean", "expected", "single-run", "best-of", "at-least", "at-most", "difference", "better",
    "reaches", "exact",
]  # fmt: skip


# In JSON Schema, what `claim_kind_rules` says of the key `value`.
_VALUE_OR_BETTER: list[JsonValue] = [
    {"properties": {"kind": {"const": "better"}}, "required": ["kind"]},
    {"properties": {"value": {"not": {"type": "null"}}}, "required": ["value"]},
]


class PlusMinus(Section):
    """The number printed after the plus-minus sign of a reported value."""

    value: Width = Field(
        description='In the metric\'s unit, or `"0.16 points"`, as required beside a percentage.'
    )
    is_: Literal["sd", "se", "ci", "unknown"] = Field(
        default="unknown",
        alias="is",
        description="Standard deviation, standard error, or half-width of a confidence interval. "
        "`plan` computes the spread between seeds from it.",
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="Level of a confidence interval.")


class Versus(Section):
    """The other side of a difference. Its score is subtracted from the score of this recipe."""

    recipe: str | None = Field(
        default=None,
        description="Shipped recipe or `.yaml` file. If omitted, this recipe with the changes in "
        "`set`.",
    )
    set: dict[str, Any] = Field(
        default={}, description="Overrides of that recipe: `{optimizer.lr: 0.1}`."
    )

    @property
    def overrides(self) -> tuple[str, ...]:
        """The changes in `set` as `dotted.key=value` texts, as load_recipe takes them."""
        return tuple(f"{key}={dump_value(value)}" for key, value in self.set.items())


class Claim(Section):
    """A reported number, its tolerance, and the number of runs behind it."""

    model_config = ConfigDict(json_schema_extra={"anyOf": _VALUE_OR_BETTER})

    metric: ClaimMetric = Field(description="Metric, or `parameters` or `samples` for `exact`.")
    split: ClaimSplit = Field(default="test", description="Part that the number was measured on.")
    value: Value | None = Field(
        default=None,
        description='The reported number: `0.646` or `"64.6 %"`. Required, except for `better`.',
    )
    tolerance: Tolerance | None = Field(
        default=None,
        description='In the metric\'s unit, or `"1.2 points"`, as required beside a percentage. '
        "Required, except for bounds, `better`, `reaches` and `exact`.",
    )
    relative_tolerance: Share | None = Field(
        default=None,
        description='Share of the value: `"3 %"`, as required beside a percentage, or `0.03`. Give '
        "this or `tolerance`.",
    )
    kind: StatedKind = Field(default="mean", description="What was reported.")
    n: ReportedRuns | None = Field(
        default=None,
        description="Runs behind the number. Required for `mean`, `best-of` and `difference`. For "
        "`mean` and `difference` it may be `unknown`, which counts as one run.",
    )
    folds: int | None = Field(
        default=None,
        ge=2,
        description="Folds of the cross-validation that the number is a mean over. "
        "`data.splits.folds` must be the same.",
    )
    printed: Printed | None = Field(
        default=None,
        description='The number as printed, `"64.6 %"`. Its rounding error widens the tolerance.',
    )
    rounding: Rounding = Field(
        default="nearest", description="How the printed digits were shortened."
    )
    plus_minus: PlusMinus | None = Field(default=None, description="The spread that is reported.")
    baseline: Value | None = Field(
        default=None, description="Score that the paper improves on. Used for warnings only."
    )
    best_epoch_on_test: bool = Field(
        default=False,
        description="The number is from the epoch with the best test score. Ours is then chosen in "
        "the same way.",
    )
    pairing: Literal["seed", "none"] | None = Field(
        default=None,
        description="Only for `difference` and `better`. `seed`, the default, compares the two "
        "sides seed by seed; `none` compares them as two samples.",
    )
    side: ClaimSide | None = Field(
        default=None, description="Only for `difference`. If omitted, `about`."
    )
    versus: Versus | None = Field(
        default=None,
        description="Required for `difference` and `better`: what this recipe is compared with.",
    )
    by: By | None = Field(
        default=None,
        description="Required for `reaches`: the step or epoch from which on the metric stays on "
        "the good side of `value`. The recipe must evaluate it.",
    )
    reading: Reading | None = Field(
        default=None,
        description="Only for `reaches`. `each-step`, the default: the expected score at each "
        "evaluated point from `by` on. `each-seed`: at least half of the seeds stay on the good "
        "side from `by` on.",
    )
    about: ClaimAbout = Field(
        default="test-set",
        description="`test-set` is about the expected score on this test set; `new-samples` on new "
        "samples of the same kind, for an accuracy and a number without noise.",
    )
    better: Better | None = Field(
        default=None,
        description="Which values of a program's score are better. If omitted, as `program.scores` "
        "says, or for a known name such as `accuracy` as usual.",
    )
    unit: MetricUnit | None = Field(
        default=None,
        description="Whether a program's score is a `fraction`, which percent signs and points "
        "fit, or has a unit of its own (`none`). If omitted, as `program.scores` says.",
    )
    samples: int | None = Field(
        default=None,
        ge=1,
        description="Size of the test set behind a program's score that is a share of the "
        "samples, such as the accuracy: it moves in steps of 1/N.",
    )
    where: str | None = Field(default=None, description="Where the number was read.")
    url: str | None = Field(default=None, description="Address where the number was read.")
    notes: str | None = Field(default=None, description="Remarks for readers.")
    unverified: bool = Field(
        default=False, description="The number was not read in the source itself."
    )
    not_judged: str | None = Field(
        default=None,
        description="Why the claim does not apply. Set automatically when an override changes the "
        "setting.",
    )

    @property
    def facts(self) -> Metric:
        """What is known of the metric."""
        return Metric(self.metric, self.better, self.unit)

    @property
    def number(self) -> float:
        """The reported value in the metric's own unit; "55 %" is 0.55. 0 if none was reported."""
        return float(self._exact_number)

    @property
    def allowed(self) -> float:
        """The tolerance in the metric's own unit; 0 for a bound or a count without one."""
        if self.relative_tolerance is not None:
            return float(share_of(self.relative_tolerance) * abs(self._exact_number))
        return 0.0 if self.tolerance is None else float(width_of(self.tolerance, self.facts))

    @property
    def printed_interval(self) -> tuple[float, float]:
        """The interval that was rounded to the printed digits, in the metric's own unit.

        If no digits are given, both ends are the value.
        """
        if self.printed is None:
            return self.number, self.number
        low, high = interval_of(self.printed, self.facts, self.rounding, gain=self.is_gain)
        return float(low), float(high)

    @property
    def runs(self) -> int | None:
        """The number of runs whose noise the number has; an unknown number counts as one.

        None for a number without noise.
        """
        if self.kind == "single-run" or isinstance(self.n, str):
            return 1
        return self.n

    @property
    def judged_side(self) -> ClaimSide:
        """Whether the score must be near the number, or at least or at most the number."""
        if self.kind in ("at-least", "at-most"):
            return self.kind
        if self.kind in ("better", "reaches"):
            return "at-most" if self.facts.lower_is_better else "at-least"
        return self.side or "about"

    @property
    def baseline_number(self) -> float | None:
        """The score that the paper improves on, in the metric's own unit."""
        return None if self.baseline is None else float(value_of(self.baseline, self.facts))

    @property
    def plus_minus_number(self) -> float | None:
        """The number after the plus-minus sign, in the metric's own unit."""
        return (
            None if self.plus_minus is None else float(width_of(self.plus_minus.value, self.facts))
        )

    @property
    def in_percent(self) -> bool:
        """Whether a number is in percent or points, so that a width without a unit is ambiguous."""
        spread = None if self.plus_minus is None else self.plus_minus.value
        numbers = (self.value, self.printed, self.baseline, self.tolerance, spread)
        return any(is_percentage(number) for number in numbers)

    @property
    def is_gain(self) -> bool:
        """Whether the number is the difference of two scores."""
        return self.kind in ("difference", "better")

    @property
    def _exact_number(self) -> Decimal:
        """The reported value as it is written, in the metric's own unit."""
        if self.value is None:  # of a claim that states only which side is better
            return Decimal(0)
        return value_of(self.value, self.facts, gain=self.is_gain)
