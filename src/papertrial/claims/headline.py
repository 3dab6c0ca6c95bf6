"""The sentence that a verification begins with."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.verdict import Verdict
from papertrial.numbers import plural


def headline(recipe: str, verdict: Verdict, count: int, n: int, deviations: Sequence[str]) -> str:
    """Return the headline: the verdict on all claims. It is about the recipe, not about the paper.

    Args:
        recipe: name of the recipe.
        verdict: on all claims together.
        count: number of claims.
        n: number of finished seeds; 0 if nothing was trained.
        deviations: in what the recipe deviates from the paper.
    """
    seeds = plural(n, "seed")
    if verdict == "REPRODUCED":
        claims = "the claim" if count == 1 else f"all {count} claims"
        holds = "holds" if count == 1 else "hold"
        on = f"on {seeds}" if n else "without training"
        also = _deviations(deviations)
        marked = " WITH DEVIATIONS" if deviations else ""
        return f"REPRODUCED{marked}: {claims} of {recipe}, as written here, {holds} {on}.{also}"
    if verdict == "NOT REPRODUCED":
        which = "the claim fails" if count == 1 else f"at least one of {count} claims fails"
        how = f"as written here and trained on {seeds}" if n else "as written here"
        return f"NOT REPRODUCED: {recipe}, {how}, does not give the reported number: {which}."
    which = "the claim" if count == 1 else f"some of {count} claims"
    if n == 0:
        return f"UNDECIDED: no seed of {recipe} finished, so nothing can be said about {which}."
    confirm = "neither confirms nor refutes" if n == 1 else "neither confirm nor refute"
    return f"UNDECIDED: {seeds} of {recipe} {confirm} {which}."


def _deviations(deviations: Sequence[str]) -> str:
    """Return the headline's sentence on deviations from the paper; empty if there are none."""
    if not deviations:
        return ""
    return f" It deviates from the paper in {plural(len(deviations), 'respect')}."
