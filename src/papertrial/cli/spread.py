"""The texts of `plan --spread`: which claims each of them is about, and in which unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from papertrial.errors import ClaimError

if TYPE_CHECKING:
    from papertrial.recipe.claims import Claim


@dataclass(frozen=True)
class _Spread:
    """A positive number: a fraction where it was written in points, else in the metric's unit."""

    text: str
    number: Decimal
    in_points: bool

    def suits(self, claim: Claim) -> bool:
        """Tell whether it is certainly in the unit of a claim."""
        from papertrial.vocabulary import is_fraction

        if self.in_points:
            return is_fraction(claim.metric)
        return not claim.in_percent and not (is_fraction(claim.metric) and self.number >= 1)


def spreads_of(claims: Sequence[Claim], given: Sequence[str]) -> list[list[float]]:
    """Return the spreads that are given for each claim, in the metric's own unit.

    A spread in points is for the claims on fractions. A bare one is for the claims that are not
    written in percent; beside those that are, it is ambiguous unless they have one in points.

    Raises:
        ClaimError: with all that is wrong with the texts.
    """
    problems: list[str] = []
    spreads: list[_Spread] = []
    for text in given:
        spread = _read(text)
        if spread is None:
            rule = '--spread takes a positive number, the SD between seeds, or "0.3 points"'
            problems.append(f"{rule}; got {text!r}")
        else:
            spreads.append(spread)
    any_in_points = any(spread.in_points for spread in spreads)
    for spread in spreads:
        unclear = [claim for claim in claims if claim.in_percent and not spread.suits(claim)]
        suited = any(spread.suits(claim) for claim in claims)
        if claims and (not suited or (unclear and not any_in_points)):
            problems.append(_refused(spread, unclear or list(claims)))
    if problems:
        raise ClaimError("\n".join(problems))
    return [[float(one.number) for one in spreads if one.suits(claim)] for claim in claims]


def _read(text: str) -> _Spread | None:
    from papertrial.recipe.quantity import read

    written = read(text)
    if written is None or written.unit not in ("", "points") or written.error:
        return None
    if not 0 < float(written.number) < math.inf:
        return None
    return _Spread(text, written.number, written.unit == "points")


def _refused(spread: _Spread, claims: Sequence[Claim]) -> str:
    """Say why a spread has not the unit of any of the claims, and what to write."""
    from papertrial.recipe.quantity import points_readings

    claim = claims[0]
    name = f"{claim.split} {claim.metric} {claim.printed or claim.value}"
    if spread.in_points:
        rule = f"points mean nothing for {name}, which is no fraction"
        return f"--spread: {rule}; give a number in its own unit, got {spread.text!r}"
    meant = points_readings(spread.number)
    return f"--spread needs its unit beside {name}; write {meant}, got {spread.text!r}"
