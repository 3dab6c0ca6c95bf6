"""What a registration holds of several laboratories."""

from __future__ import annotations

from pydantic import Field

from papertrial.claims.rule import Combine
from papertrial.record import Part


class RegisteredPart(Part):
    """Which laboratory of a common registration a verification is.

    Attributes:
        number: its place in the registered order, from 1, `of` so many laboratories.
        registration: the SHA-256 of labs.json.
    """

    number: int = Field(ge=1)
    of: int = Field(ge=2)
    registration: str


class RegisteredLabs(Part):
    """How several laboratories are combined; `part` is None if they are not registered together."""

    combine: Combine
    part: RegisteredPart | None
