"""The section of a recipe with the rule by which its claims are judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.recipe.laboratories import Labs
from papertrial.recipe.plain_values import is_whole_number
from papertrial.recipe.section import Section
from papertrial.recipe.value_types import LEAST_SEEDS, Seeds, SeedText, Width

MOST_SEEDS = 10_000  # keeps the simulation of thresholds small
# The two forms of `verify.seeds`. Pydantic puts them into key paths; no key has such a name.
SEED_FORMS = ("<list of seeds>", "<drawn seeds>")


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
        le=MOST_SEEDS,
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


class SpreadBetweenSeeds(Section):
    """The standard deviation between seeds, if more is known of it than our scores tell."""

    value: Width = Field(
        description='In the metric\'s unit, or `"0.13 points"`, as required beside a percentage.'
    )
    is_: Literal["known", "bound", "paper"] = Field(
        alias="is",
        description="`known`, or an upper `bound`: decides from two seeds on. `paper`: the SD of "
        "`n` runs of the paper, pooled with ours as if both were equal.",
    )
    n: int | None = Field(default=None, ge=2, description="Runs of the paper; only for `paper`.")

    @property
    def needs_no_scores(self) -> bool:
        """Whether the SD is given, so that no seeds are needed to estimate it."""
        return self.is_ != "paper"


class Verify(Section):
    """How the claims are decided."""

    max_seeds: int = Field(
        default=15,
        ge=LEAST_SEEDS,
        le=MOST_SEEDS,
        description="Largest number of seeds: at least 5, or 2 if `sd` is `known` or a `bound`.",
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
    sd: SpreadBetweenSeeds | None = Field(
        default=None,
        description="What is known of the SD between seeds. If omitted, only our scores tell it.",
    )
    max_diverged: float = Field(
        default=0.2, ge=0, lt=1, description="Largest share of seeds that may diverge or crash."
    )

    labs: Labs | None = Field(
        default=None, description="Several laboratories, for `papertrial combine`."
    )

    @model_validator(mode="before")
    @classmethod
    def _count_as_maximum(cls, value: object) -> object:
        """Take the number of drawn seeds as the largest number of seeds, unless one is given."""
        if not isinstance(value, Mapping) or "max_seeds" in value:
            return value
        seeds = value.get("seeds")
        count = seeds.get("count") if isinstance(seeds, Mapping) else None
        if not is_whole_number(count, LEAST_SEEDS) or count > MOST_SEEDS:
            return value  # the schema of `seeds` reports it
        return {**value, "max_seeds": count}
