"""The sections of a recipe with the reported numbers and the rule to judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from papertrial.claims.judged_claim import ClaimSide
from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.recipe.plain_values import is_whole_number
from papertrial.recipe.quantity import (
    Rounding,
    interval_of,
    is_percentage,
    share_of,
    value_of,
    width_of,
)
from papertrial.recipe.section import Section
from papertrial.recipe.value_types import (
    LEAST_SEEDS,
    ClaimMetric,
    Printed,
    Seeds,
    SeedText,
    Share,
    Value,
    Width,
)
from papertrial.recipe.yaml_text import dump_value
from papertrial.vocabulary import SplitName

_MOST_SEEDS = 10_000  # keeps the simulation of thresholds small
# The two forms of `verify.seeds`. Pydantic puts them into key paths; no key has such a name.
SEED_FORMS = ("<list of seeds>", "<drawn seeds>")


StatedKind = Literal[
    "mean", "single-run", "best-of", "at-least", "at-most", "difference", "exact"
]  # fmt: skip


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

    metric: ClaimMetric = Field(description="Metric, or `parameters` or `samples` for `exact`.")
    split: SplitName = Field(default="test", description="Part that the number was measured on.")
    value: Value = Field(description='The reported number: `0.646` or `"64.6 %"`.')
    tolerance: Width | None = Field(
        default=None,
        description='In the metric\'s unit, or `"1.2 points"`, as required beside a percentage. '
        "Required, except for bounds and `exact`.",
    )
    relative_tolerance: Share | None = Field(
        default=None,
        description='Share of the value: `"3 %"`, as required beside a percentage, or `0.03`. Give '
        "this or `tolerance`.",
    )
    kind: StatedKind = Field(default="mean", description="What was reported.")
    n: int | None = Field(
        default=None,
        ge=1,
        description="Runs behind the number. If omitted, `mean` is taken as the expected score.",
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
    side: ClaimSide | None = Field(
        default=None, description="Only for `difference`. If omitted, `about`."
    )
    versus: Versus | None = Field(
        default=None, description="Required for `difference`: what this recipe is compared with."
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
    def number(self) -> float:
        """The reported value in the metric's own unit; "55 %" is 0.55."""
        return float(value_of(self.value, self.metric, gain=self.is_gain))

    @property
    def allowed(self) -> float:
        """The tolerance in the metric's own unit; 0 for a bound or a count without one."""
        if self.relative_tolerance is not None:
            value = value_of(self.value, self.metric, gain=self.is_gain)
            return float(share_of(self.relative_tolerance) * abs(value))
        return 0.0 if self.tolerance is None else float(width_of(self.tolerance, self.metric))

    @property
    def printed_interval(self) -> tuple[float, float]:
        """The interval that was rounded to the printed digits, in the metric's own unit.

        If no digits are given, both ends are the value.
        """
        if self.printed is None:
            return self.number, self.number
        low, high = interval_of(self.printed, self.metric, self.rounding, gain=self.is_gain)
        return float(low), float(high)

    @property
    def runs(self) -> int | None:
        """The number of runs behind the number; None if it is not known."""
        return 1 if self.kind == "single-run" else self.n

    @property
    def judged_side(self) -> ClaimSide:
        """Whether the score must be near the number, or at least or at most the number."""
        if self.kind in ("at-least", "at-most"):
            return self.kind
        return self.side or "about"

    @property
    def baseline_number(self) -> float | None:
        """The score that the paper improves on, in the metric's own unit."""
        return None if self.baseline is None else float(value_of(self.baseline, self.metric))

    @property
    def plus_minus_number(self) -> float | None:
        """The number after the plus-minus sign, in the metric's own unit."""
        return (
            None if self.plus_minus is None else float(width_of(self.plus_minus.value, self.metric))
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
        return self.kind == "difference"


class DrawnSeeds(Section):
    """Seeds drawn from a public text that nobody could choose, so that nobody can pick the seeds.

    Seed number `i` = 0, 1, 2, ... is the first 4 bytes of the SHA-256 of `TEXT:i`, read as a
    big-endian number, modulo 2^31. Repeated seeds are skipped.
    """

    from_: SeedText = Field(
        alias="from",
        description="The public text, in quotes, such as the output of a randomness beacon.",
    )
    count: int = Field(
        ge=LEAST_SEEDS,
        le=_MOST_SEEDS,
        description="Number of seeds to draw. It is also the largest number of seeds, so omit "
        "`max_seeds`.",
    )

    @property
    def drawn(self) -> tuple[int, ...]:
        """The seeds that the text gives, in order."""
        return draw_seeds(self.from_, self.count)


def _form_of_seeds(value: object) -> str:
    is_drawn = isinstance(value, Mapping | DrawnSeeds)
    return SEED_FORMS[1] if is_drawn else SEED_FORMS[0]


class Verify(Section):
    """How the claims are decided."""

    max_seeds: int = Field(
        default=15, ge=LEAST_SEEDS, le=_MOST_SEEDS, description="Largest number of seeds."
    )
    seeds: (
        Annotated[
            Annotated[Seeds, Tag(SEED_FORMS[0])] | Annotated[DrawnSeeds, Tag(SEED_FORMS[1])],
            Discriminator(_form_of_seeds),
        ]
        | None
    ) = Field(
        default=None,
        description="Seeds to train, in order, or where to draw them from. If omitted, `seed`, "
        "`seed + 1`, ...",
    )
    alpha: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="Highest chance of a false REPRODUCED, and of a false NOT REPRODUCED.",
    )
    statistic: Literal["mean", "median"] = Field(
        default="mean", description="Statistic of our scores that the claim is about."
    )
    prior: float = Field(
        default=1.0,
        gt=0,
        allow_inf_nan=False,
        description="Precision of the prior on (mean - edge) / SD in the test.",
    )
    horizon: Literal["anytime", "fixed"] = Field(
        default="anytime",
        description="`fixed` needs fewer seeds, but `max_seeds` cannot be raised later.",
    )
    max_diverged: float = Field(
        default=0.2, ge=0, lt=1, description="Largest share of seeds that may diverge or crash."
    )

    @model_validator(mode="before")
    @classmethod
    def _count_as_maximum(cls, value: object) -> object:
        """Take the number of drawn seeds as the largest number of seeds, unless one is given."""
        if not isinstance(value, Mapping) or "max_seeds" in value:
            return value
        seeds = value.get("seeds")
        count = seeds.get("count") if isinstance(seeds, Mapping) else None
        if not is_whole_number(count, LEAST_SEEDS) or count > _MOST_SEEDS:
            return value  # the schema of `seeds` reports it
        return {**value, "max_seeds": count}
