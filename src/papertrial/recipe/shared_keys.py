"""The keys that every recipe has, whether it trains a model or runs a program."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from papertrial.recipe.claims import Claim
from papertrial.recipe.section import Section
from papertrial.recipe.verify import Verify


class Paper(Section):
    """Where the claimed numbers come from. For readers; it does not affect the results."""

    title: str | None = Field(default=None, description="Title of the paper or tutorial.")
    url: str | None = Field(default=None, description="Address of the paper or tutorial.")
    where: str | None = Field(default=None, description="Table, figure or page of the numbers.")
    notes: str | None = Field(
        default=None, description="Details that the paper omits, and what this recipe does instead."
    )


RecipeName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the recipe and of its folder in `runs/`: letters, digits, `.`, `_`, "
        "`-`.",
    ),
]
PaperSection = Annotated[Paper, Field(description="Where the claimed numbers come from.")]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Claims = Annotated[
    tuple[Claim, ...],
    Strict(False),
    Field(description="Reported numbers to test with `papertrial verify`."),
]
VerifySection = Annotated[Verify, Field(description="How the claims are decided.")]
Deviation = Annotated[str, Field(min_length=1)]
Deviations = Annotated[
    tuple[Deviation, ...],
    Strict(False),
    Field(
        description="Where this recipe departs from the paper, one sentence each. They are shown "
        "with the verdict."
    ),
]
