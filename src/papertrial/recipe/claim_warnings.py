"""Warnings about claims: widths that would say little, or whose unit is probably wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from papertrial.recipe.claims import Claim
from papertrial.recipe.quantity import as_points, both_ways
from papertrial.recipe.schema import Recipe
from papertrial.vocabulary import is_fraction

WIDE = 0.1  # a tolerance of a fraction from which on it is probably one of points


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
