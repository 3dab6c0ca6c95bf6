"""Earlier looks at the same seeds in words: in the headline, and before the first seed."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.numbers import percent, sequence
from papertrial.store.verification_records import EarlierLook

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


def looks_at(used: Sequence[int], earlier: Sequence[EarlierLook]) -> tuple[EarlierLook, ...]:
    """Return the earlier looks at the seeds that a verdict rests on."""
    return tuple(look for look in earlier if not set(used).isdisjoint(look.seeds))


def headline_on_looks(earlier: Sequence[EarlierLook], alpha: float) -> str:
    """Return the headline's sentence on earlier looks at the same seeds; "" if there are none.

    The bound is that of k looks, each of which errs with a probability of at most its alpha. It
    covers a tolerance that was chosen by the scores, too: each side of an interval errs with a
    probability of at most alpha, for all tolerances together.

    Args:
        earlier: looks at seeds that the verdict rests on.
        alpha: of this verification, on each side.
    """
    if not earlier:
        return ""
    others = [look.alpha for look in earlier if look.counts]
    if not others:
        return f"It repeats {_same(earlier)}: not an independent repetition."
    return (
        f"This is {_which(len(others) + 1)} at these seeds: each side errs at most "
        f"{_bound([alpha, *others])}."
    )


def notes_on_looks(earlier: Sequence[EarlierLook], alpha: float) -> tuple[str, ...]:
    """Return notes on earlier looks at registered seeds, to show before the first seed starts."""
    if not earlier:
        return ()
    unused = max(seed for look in earlier for seed in look.seeds) + 1
    notes = [
        f"seed{'s' if len(look.seeds) > 1 else ''} {sequence(look.seeds)} ended in "
        f"{look.verification}, with {_rule(look)}"
        for look in earlier
    ]
    others = [look.alpha for look in earlier if look.counts]
    what = (
        f"{_which(len(others) + 1)} at these seeds, where each side errs at most "
        f"{_bound([alpha, *others])}"
        if others
        else "not an independent repetition"
    )
    way_out = (
        "for new scores, train other seeds: --seeds-from TEXT --max-seeds N, or "
        f"seed={unused} if the recipe lists no seeds"
    )
    return (*notes, f"so this verification is {what}; {way_out}")


def _rule(look: EarlierLook) -> str:
    if not look.differs:
        return "the same rule"
    return f"{'another' if look.counts else 'the same'} rule (differs: {', '.join(look.differs)})"


def _same(earlier: Sequence[EarlierLook]) -> str:
    if any(not look.differs for look in earlier):
        return "the rule and the seeds of an earlier verification"
    return "the rule and some of the seeds of an earlier verification"


def _bound(alphas: Sequence[float]) -> str:
    """Return the sum of error probabilities in words: "2 x 5 % = 10 %"."""
    total = percent(min(sum(alphas), 1.0))
    if len(set(alphas)) == 1:
        return f"{len(alphas)} x {percent(alphas[0])} = {total}"
    return f"{' + '.join(map(percent, alphas))} = {total}"


def _which(look: int) -> str:
    """Return in words which look it is: "the second look"."""
    known = look <= len(_ORDINALS)
    return f"the {_ORDINALS[look - 1]} look" if known else f"look number {look}"
