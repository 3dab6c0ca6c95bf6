"""Warnings about claims: tolerances that are too wide, or probably in the wrong unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal

from papertrial.recipe.claims import Claim
from papertrial.recipe.fold_warnings import fold_warnings
from papertrial.recipe.quantity import as_points, both_ways
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.vocabulary import least_value, score_name, split_metric

WIDE = 0.1  # from here on, the tolerance of a fraction is probably meant in points


def claim_warnings(recipe: AnyRecipe) -> list[str]:
    """Return a warning for each width or number of runs that is probably not what was meant.

    Claims are numbered from 1 as in a pre-registration, so only claims that need seeds count.
    """
    decided = [c for c in recipe.claims if c.not_judged is None and c.kind != "exact"]
    if not isinstance(recipe, Recipe):
        return warnings_on_claims(decided)
    of_folds = fold_warnings(decided, recipe.data.splits)
    return [*warnings_on_claims(decided), *of_folds, *_on_choosing_part(decided, recipe.report)]


def _on_choosing_part(decided: Sequence[Claim], report: object) -> Iterator[str]:
    """Warn of scores on the validation part if it chose the epoch: new data would give less."""
    for i, claim in enumerate(decided, 1):
        if report == "best-on-validation" and claim.split == "validation":
            yield (
                f"claim {i} ({score_name(claim.split, claim.metric)} {claim.number:g}): the "
                "validation part chooses the epoch, so that the number is optimistic; compare "
                "it only with a number that was chosen in the same way"
            )


def warnings_on_claims(decided: Sequence[Claim]) -> list[str]:
    """Return the warnings about the widths of claims that scores decide."""
    return [
        f"claim {i} ({score_name(claim.split, claim.metric)} {claim.number:g}): {warning}"
        for i, claim in enumerate(decided, 1)
        for warning in (
            *_wider_than_gain(claim),
            *_wide_tolerance(claim),
            *_beyond_bound(claim),
            *_wide_plus_minus(claim),
            *_zero_tolerance(claim),
        )
    ]


def _wider_than_gain(claim: Claim) -> Iterator[str]:
    """Warn of a tolerance wider than half of the gain over the baseline, or of the difference.

    A score within such a tolerance can be nearer to no gain than to the claimed gain.
    """
    base = 0.0 if claim.is_gain else claim.baseline_number
    gain = 0.0 if base is None else abs(claim.number - base)
    if base is None or claim.allowed <= gain / 2 * (1 + 1e-9):  # rounding error
        return
    of = f"of {claim.number:g}" if claim.is_gain else f"from {base:g} to {claim.number:g}"
    yield (
        f"the tolerance of {claim.allowed:g} is wider than half of the gain of {gain:g} that is "
        f"claimed ({of}); to distinguish it from no gain, use at most {gain / 2:g}"
    )


def _wide_tolerance(claim: Claim) -> Iterator[str]:
    """Warn of a tolerance of a fraction that is so wide that points were probably meant."""
    if not claim.facts.is_fraction:
        return
    low, high = claim.printed_interval
    low = -math.inf if claim.judged_side == "at-most" else low - claim.allowed
    high = math.inf if claim.judged_side == "at-least" else high + claim.allowed
    least, most = _range_of(claim)
    wide = claim.allowed >= WIDE
    if low <= least and high >= most:
        warning = (
            "no score can contradict the claim: its tolerance band contains every possible value"
        )
    elif wide:
        points = as_points(Decimal(f"{claim.allowed:.6g}"))
        warning = f"the tolerance of {claim.allowed:g} is {points}, which is very wide"
    else:
        return
    if wide and isinstance(claim.tolerance, int | float):  # text names its unit
        share = Decimal(repr(claim.tolerance)).scaleb(-2)
        warning += f"; if {as_points(share)} are meant, write {both_ways(share)}"
    yield warning


def _beyond_bound(claim: Claim) -> Iterator[str]:
    """Warn of a tolerance that reaches beyond the metric's bound, so that one side says nothing."""
    if claim.judged_side != "about" or claim.kind == "exact":
        return
    least, most = _range_of(claim) if claim.facts.is_fraction else _range_of_error(claim)
    low, high = claim.number - claim.allowed, claim.number + claim.allowed
    slack = 1e-9  # rounding error
    above, below = high > most + slack, low < least - slack
    if above == below:  # neither, or every value is in the band
        return
    edge, bound = (high, most) if above else (low, least)
    kind, rest = ("at-least", low) if above else ("at-most", high)
    yield (
        f"the tolerance reaches {edge:.6g}, beyond {bound:g}, the bound of {claim.metric}, so no "
        f"score can be too {'high' if above else 'low'}; use a tolerance of at most "
        f"{abs(bound - claim.number):.6g}, or kind: {kind} with the value {rest:.6g}"
    )


def _wide_plus_minus(claim: Claim) -> Iterator[str]:
    """Warn of a plus-minus of a fraction without a unit that was probably meant in points."""
    given, spread = claim.plus_minus and claim.plus_minus.value, claim.plus_minus_number
    if spread is None or not isinstance(given, int | float) or not claim.facts.is_fraction:
        return
    least, most = _range_of(claim)
    slack = 1e-9  # rounding error of sums such as 0.95 + 0.05
    if claim.number - spread < least - slack or claim.number + spread > most + slack:
        warning = f"the plus-minus of {spread:g} exceeds the range of {claim.metric}"
    elif spread >= WIDE:
        points = as_points(Decimal(repr(given)))
        warning = f"the plus-minus of {spread:g} is {points}, which is unusually large"
    else:
        return
    share = Decimal(repr(given)).scaleb(-2)
    yield f"{warning}; if {as_points(share)} are meant, write {both_ways(share)}"


def _range_of(claim: Claim) -> tuple[float, float]:
    """Return the smallest and largest possible score, to warn of widths that cover the range."""
    least = least_value(claim.metric)
    return (least - 1, 1 - least) if claim.is_gain else (least, 1)


def _range_of_error(claim: Claim) -> tuple[float, float]:
    """Return the smallest and largest possible value of an error; a loss may be negative."""
    bounded = split_metric(claim.metric)[0] in ("mse", "rmse", "mae") and not claim.is_gain
    return 0.0 if bounded else -math.inf, math.inf


def _zero_tolerance(claim: Claim) -> Iterator[str]:
    """Warn of a claim that requires an exact score."""
    low, high = claim.printed_interval
    if claim.judged_side == "about" and claim.allowed == 0 and low == high:
        yield "without a tolerance, no number of seeds can show that the value is exactly right"
