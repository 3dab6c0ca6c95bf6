"""Check that the decisions of a ledger follow from their scores and from each other."""

from __future__ import annotations

import math
from pathlib import Path

from papertrial.claims.gain import PairedGains, decide
from papertrial.claims.online_budget import OnlineBudget
from papertrial.errors import RunError
from papertrial.record import finite_or_none
from papertrial.store.ledger import LedgerContent

_SAME = 1e-6  # e-values of two machines differ by rounding


def check_decisions(content: LedgerContent, ledger: Path) -> None:
    """Compute each decision of a ledger again, in order.

    The hash chain finds an edited line only if another one follows; this finds it in the last line.

    Raises:
        RunError: a number, a level or a decision is not what the scores and the lines before give.
    """
    terms = content.terms
    budget, accepted, ideas = OnlineBudget(terms.alpha, terms.ideas), 0, 0
    for line, one in enumerate(content.decisions, 2):
        level = budget.level(one.idea, accepted)
        gains = PairedGains.of(
            one.baseline.scores,
            one.candidate.scores,
            lower_is_better=terms.better == "lower",
            at_least_by=terms.at_least_by,
            step=one.step,
        )
        e_value, e_against = gains.evidence()
        low, high = gains.interval(level)
        wanted = {
            "accepted_before": accepted,
            "level": level,
            "gain": gains.mean,
            "sd": gains.sd,
            "low": finite_or_none(low),
            "high": finite_or_none(high),
            "e_value": e_value,
            "e_against": e_against,
            "budget_left": budget.left(max(ideas, one.idea)),
        }
        wrong = [name for name, value in wanted.items() if not _same(getattr(one, name), value)]
        if not 1 <= one.idea <= ideas + 1:
            wrong.append("idea")
        if one.decision != decide(one.e_value, one.e_against, one.level, terms.alpha):
            wrong.append("decision")
        if wrong:
            raise RunError(
                f"{ledger} line {line} was edited: {', '.join(wrong)} does not follow from its "
                "scores and the lines before; restore the ledger from a copy"
            )
        accepted += one.decision == "ACCEPTED"
        ideas = max(ideas, one.idea)


def _same(kept: float | None, computed: float | None) -> bool:
    if kept is None or computed is None:
        return kept is computed
    return math.isclose(kept, computed, rel_tol=_SAME, abs_tol=1e-12)
