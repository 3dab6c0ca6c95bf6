"""Warnings where the spread of our scores surprises."""

from __future__ import annotations

from papertrial.claims.labels import label
from papertrial.claims.larger_sd import larger_sd
from papertrial.claims.rule import FIRST_LOOK, Rule
from papertrial.claims.run_trial import Look
from papertrial.claims.trivial import too_wide
from papertrial.numbers import as_written


def surprising_spreads(rule: Rule, look: Look) -> list[str]:
    """Return a warning where our SD shows a trivially wide tolerance, or a wrong `verify.sd`."""
    rows = enumerate(zip(rule.claims, look.rulings, strict=True), 1)
    found = list[str]()
    for i, (claim, ruling) in rows:
        whys = [larger_sd(rule, ruling)]
        if len(ruling.scores) >= FIRST_LOOK and not ruling.deterministic:
            whys.append(too_wide(claim, max(ruling.sd, claim.step), "of ours") or "")
        name = f"claim {i} ({label(claim)} {as_written(claim.value)})"
        found += [f"{name}: {why}" for why in whys if why]
    return found
