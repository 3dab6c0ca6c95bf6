"""The terms of a ledger: fixed by its first decision, and the same for all later ones."""

from __future__ import annotations

import datetime
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from papertrial.claims.online_budget import OnlineBudget
from papertrial.errors import ClaimError, RunError
from papertrial.store.ledger import Better, LedgerTerms
from papertrial.vocabulary import is_metric, is_one_number, lower_is_better

ALPHA, IDEAS = 0.05, 100


@dataclass(frozen=True)
class AskedTerms:
    """The terms that a call names; None for those that it leaves to the ledger or to defaults."""

    metric: str | None = None
    better: Better | None = None
    at_least_by: float | None = None
    alpha: float | None = None
    ideas: int | None = None
    samples: int | None = None


def agree_on_terms(asked: AskedTerms, known: LedgerTerms | None, ledger: Path) -> LedgerTerms:
    """Return the terms of a ledger, or those of a new one.

    Raises:
        RunError: the call names other terms than the ledger has, or no metric.
        ClaimError: a term is out of range, or the direction of the metric is unknown.
    """
    if known is None:
        return _new_terms(asked, ledger)
    for name, value in asdict(asked).items():
        has = getattr(known, name)
        if value is not None and value != has:
            raise RunError(
                f"the ledger {ledger} was opened with {name} = {has}, got {value}; its error bound "
                "holds only if all decisions have the same terms: leave the option out, or use "
                "another ledger"
            )
    return known


def _new_terms(asked: AskedTerms, ledger: Path) -> LedgerTerms:
    if asked.metric is None:
        raise RunError(f"{ledger} does not exist yet: the first decision must name the --metric")
    terms = LedgerTerms(
        opened=datetime.datetime.now(datetime.UTC),
        alpha=ALPHA if asked.alpha is None else asked.alpha,
        ideas=IDEAS if asked.ideas is None else asked.ideas,
        metric=asked.metric,
        better=_direction(asked.metric, asked.better),
        at_least_by=0.0 if asked.at_least_by is None else asked.at_least_by,
        samples=asked.samples,
    )
    OnlineBudget(terms.alpha, terms.ideas)
    if not 0 <= terms.at_least_by < math.inf:
        raise ClaimError(f"the minimum gain must be 0 or more, got {terms.at_least_by}")
    if terms.samples is not None and terms.samples < 1:
        raise ClaimError(f"at least 1 sample is needed, got {terms.samples}")
    return terms


def _direction(metric: str, better: Better | None) -> Better:
    """Return which values of a metric are better.

    Raises:
        ClaimError: it is unknown, or the opposite of what the metric's name says.
    """
    if not is_metric(metric) or not is_one_number(metric):
        if better is None:
            raise ClaimError(
                f'it is not known whether lower or higher values of "{metric}" are better; name '
                "--lower-is-better or --higher-is-better"
            )
        return better
    named: Better = "lower" if lower_is_better(metric) else "higher"
    if better is not None and better != named:
        raise ClaimError(f"{named} values of {metric} are better, got --{better}-is-better")
    return named
