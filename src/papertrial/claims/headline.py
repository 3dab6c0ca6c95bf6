"""The sentence that a verification begins with."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.verdict import Verdict
from papertrial.numbers import as_written, percent, plural

_MOST_LISTED = 3  # different tolerances; more are shown as a range


def headline(
    recipe: str,
    verdict: Verdict,
    count: int,
    n: int,
    deviations: Sequence[str],
    *,
    tolerances: Sequence[float] = (),
    alpha: float | None = None,
) -> str:
    """Return the headline: the verdict on all claims. It is about the recipe, not about the paper.

    Args:
        recipe: name of the recipe.
        verdict: on all claims together.
        count: number of claims.
        n: number of finished seeds; 0 if nothing was trained.
        deviations: in what the recipe deviates from the paper.
        tolerances: of the claims that have one.
        alpha: the probability of an error on each side; None if chance plays no part.
    """
    seeds, within = plural(n, "seed"), tolerance_words(tolerances, count)
    errs = "" if alpha is None else f" (alpha {percent(alpha)})"
    if verdict == "REPRODUCED":
        claims = "the claim" if count == 1 else f"all {count} claims"
        holds = "holds" if count == 1 else "hold"
        on = f"on {seeds}" if n else "without training"
        also = _deviations(deviations)
        marked = " WITH DEVIATIONS" if deviations else ""
        which = f"{claims} of {recipe}, as written here, {holds}{within}"
        return f"REPRODUCED{marked}: {which} {on}{errs}.{also}"
    if verdict == "NOT REPRODUCED":
        which = "the claim fails" if count == 1 else f"at least one of {count} claims fails"
        how = f"as written here and run with {seeds}" if n else "as written here"
        number = "the reported number" if count == 1 else "every reported number"
        what = f"does not give {number}{within}"
        return f"NOT REPRODUCED: {recipe}, {how}, {what}: {which}{errs}."
    which = "the claim" if count == 1 else f"some of {count} claims"
    if n == 0:
        return f"UNDECIDED: no seed of {recipe} finished, so nothing can be said about {which}."
    confirm = "neither confirms nor refutes" if n == 1 else "neither confirm nor refute"
    return f"UNDECIDED: {seeds} of {recipe} {confirm} {which}{within}{errs}."


def tolerance_words(tolerances: Sequence[float], count: int) -> str:
    """Return the tolerances of a headline: " within their tolerances of 0.02 and 0.05", or "".

    A tolerance that only some of the claims have is left out: it would be read as one of all.

    Args:
        tolerances: of the claims that have one.
        count: number of claims.
    """
    found = sorted(set(tolerances))
    if not found or len(tolerances) < count:
        return ""
    texts = list(map(as_written, found))
    if len(found) == 1:
        return f" within a tolerance of {texts[0]}"
    if len(found) > _MOST_LISTED:
        return f" within their tolerances of {texts[0]} to {texts[-1]}"
    return f" within their tolerances of {', '.join(texts[:-1])} and {texts[-1]}"


def _deviations(deviations: Sequence[str]) -> str:
    """Return the headline's sentence on deviations from the paper; empty if there are none."""
    if not deviations:
        return ""
    return f" It deviates from the paper in {plural(len(deviations), 'respect')}."
