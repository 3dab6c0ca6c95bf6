"""The spreads that `papertrial plan` simulates: those of `--spread`, and those of the paper.

Each text of `--spread` is parsed: to which claims it applies, and in which unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from papertrial.errors import ClaimError
from papertrial.vocabulary import score_name

if TYPE_CHECKING:
    from papertrial.recipe.claims import Claim


@dataclass(frozen=True)
class _Spread:
    """A positive number: a fraction if it was written in points, else in the metric's unit."""

    text: str
    number: Decimal
    in_points: bool

    def suits(self, claim: Claim) -> bool:
        """Return whether this spread is certainly in the unit of a claim."""
        if self.in_points:
            return claim.facts.is_fraction
        return not claim.in_percent and not (claim.facts.is_fraction and self.number >= 1)


def spreads_of(claims: Sequence[Claim], given: Sequence[str]) -> list[list[float]]:
    """Return the spreads that `plan --spread` gives for each claim, in the unit of its metric.

    A spread in points applies to claims on fractions. A spread without a unit applies to claims
    that are not written in percent; for other claims it is ambiguous, unless another spread is
    given in points.

    Raises:
        ClaimError: lists all problems of the texts.
    """
    problems: list[str] = []
    spreads: list[_Spread] = []
    for text in given:
        spread = _read(text)
        if spread is None:
            rule = '--spread must be a positive number (the SD between seeds), or "0.3 points"'
            problems.append(f"{rule}, got {text!r}")
        else:
            spreads.append(spread)
    any_in_points = any(spread.in_points for spread in spreads)
    for spread in spreads:
        unclear = [claim for claim in claims if claim.in_percent and not spread.suits(claim)]
        suited = any(spread.suits(claim) for claim in claims)
        if claims and (not suited or (unclear and not any_in_points)):
            problems.append(_describe_problem(spread, unclear or list(claims)))
    if problems:
        raise ClaimError("\n".join(problems))
    return [[float(one.number) for one in spreads if one.suits(claim)] for claim in claims]


def _read(text: str) -> _Spread | None:
    from papertrial.recipe.quantity import read_quantity

    written = read_quantity(text)
    if written is None or written.unit not in ("", "points") or written.error:
        return None
    if not 0 < float(written.number) < math.inf:
        return None
    return _Spread(text, written.number, written.unit == "points")


def _describe_problem(spread: _Spread, claims: Sequence[Claim]) -> str:
    """Return why a spread does not fit the unit of any claim, and what to write instead."""
    from papertrial.recipe.quantity import points_readings

    claim = claims[0]
    name = f"{score_name(claim.split, claim.metric)} {claim.printed or claim.value}"
    if spread.in_points:
        rule = f"{name} is not a fraction, so it has no points"
        return f"--spread: {rule}; give a number in the metric's unit, got {spread.text!r}"
    meant = points_readings(spread.number)
    return f"--spread needs a unit for {name}; write {meant}, got {spread.text!r}"
