"""Warnings about claims on folds: spreads and counts of folds that are taken for those of runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from papertrial.recipe.claims import Claim
from papertrial.recipe.data_section import Splits

_FOLDS = re.compile(r"\bfolds?\b|\bcross.?validat", re.IGNORECASE)


def fold_warnings(claims: Sequence[Claim], splits: Splits) -> list[str]:
    """Return a warning for each claim whose noise or quantity is probably that of folds."""
    of_claim = _with_folds if splits.folds is not None else _without_folds
    return [
        f"claim {i} ({claim.split} {claim.metric} {claim.number:g}): {warning}"
        for i, claim in enumerate(claims, 1)
        for warning in of_claim(claim, splits)
    ]


def _with_folds(claim: Claim, splits: Splits) -> Iterator[str]:
    folds = splits.folds or 0
    count = folds * splits.repeats
    if claim.n in (folds, count) and claim.n != 1:
        yield (
            f"n: {claim.n} is probably the number of folds, but n counts runs, each of which gives "
            "one mean over all folds; if the paper ran its cross-validation once, write n: 1"
        )
    if claim.plus_minus is not None:
        yield (
            "the plus-minus of a cross-validation is usually the spread between folds, which have "
            "other test rows each; the means of our runs vary much less, and no verdict should "
            "use it as their spread; remove plus_minus unless it is the spread between runs"
        )


def _without_folds(claim: Claim, splits: Splits) -> Iterator[str]:
    if claim.folds is None and _FOLDS.search(f"{claim.notes or ''} {claim.where or ''}"):
        yield (
            "the notes speak of folds, but the recipe has one fixed split, whose score is another "
            "quantity; set data.splits.folds, and folds in the claim"
        )
