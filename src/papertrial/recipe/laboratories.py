"""The section of a recipe on several laboratories: how they are combined, and which one this is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from papertrial.claims.rule import Combine
from papertrial.recipe.section import Section


class LabPart(Section):
    """The part of one laboratory. `papertrial register --labs` writes it."""

    number: int = Field(
        ge=1, description="Place of the laboratory in the registered order, from 1."
    )
    of: int = Field(ge=2, description="Number of laboratories.")
    registration: str = Field(
        min_length=64,
        max_length=64,
        description="SHA-256 of `labs.json`, the registration of all laboratories.",
    )
    data: Annotated[tuple[dict[str, str], ...], Strict(False)] = Field(
        description="Fingerprint of each split, for each side of a difference."
    )
    versions: dict[str, str | None] = Field(description="Versions of the libraries, by name.")
    packages: dict[str, str] = Field(
        default_factory=dict, description="Versions of the packages that the code imports."
    )


class Labs(Section):
    """Several laboratories that train disjoint seeds, for `papertrial combine`."""

    combine: Combine = Field(
        default="same-setup",
        description="`same-setup`: one sequence of seeds. `own-sd`: each laboratory has an SD of "
        "its own. `lab-means`: each laboratory's mean counts as one score, from 5 laboratories on.",
    )
    part: LabPart | None = Field(
        default=None, description="The part of this laboratory; omit it to register all of them."
    )
