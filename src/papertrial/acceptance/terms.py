"""The terms of a ledger: fixed by its first decision, and the same for all later ones."""

from __future__ import annotations

import datetime
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from papertrial.claims.online_budget import OnlineBudget
from papertrial.errors import ClaimError, RunError
from papertrial.store.ledger import LedgerTerms
from papertrial.vocabulary import Better, Metric

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


def agree_on_metric(asked: AskedTerms, known: LedgerTerms | None, ledger: Path) -> str:
    """Return the metric of a ledger, or of a new one, once a call agrees with the ledger's terms.

    Raises:
        RunError: the call names other terms than the ledger has, or no metric for a new one.
    """
    if known is None:
        if asked.metric is None:
            raise RunError(
                f"{ledger} does not exist yet: the first decision must name the --metric"
            )
        return asked.metric
    for name, value in asdict(asked).items():
        has = getattr(known, name)
        if value is not None and value != has:
            raise RunError(
                f"the ledger {ledger} was opened with {name} = {has}, got {value}; its error bound "
                "holds only if all decisions have the same terms: leave the option out, or use "
                "another ledger"
            )
    return known.metric


def new_terms(asked: AskedTerms, metric: str, better: Better | None) -> LedgerTerms:
    """Return the terms of a new ledger.

    Args:
        asked: the terms that the call names.
        metric: the metric.
        better: which of its values are better by a verification; None if none says so.

    Raises:
        ClaimError: a term is out of range, or the direction of the metric is not known.
    """
    at_least_by = 0.0 if asked.at_least_by is None else asked.at_least_by
    alpha = ALPHA if asked.alpha is None else asked.alpha
    ideas = IDEAS if asked.ideas is None else asked.ideas
    OnlineBudget(alpha, ideas)
    if not 0 <= at_least_by < math.inf:
        raise ClaimError(f"the minimum gain must be 0 or more, got {at_least_by}")
    if asked.samples is not None and asked.samples < 1:
        raise ClaimError(f"at least 1 sample is needed, got {asked.samples}")
    return LedgerTerms(
        opened=datetime.datetime.now(datetime.UTC),
        alpha=alpha,
        ideas=ideas,
        metric=metric,
        better=_direction(metric, asked.better, Metric(metric, better).direction),
        at_least_by=at_least_by,
        samples=asked.samples,
    )


def _direction(metric: str, asked: Better | None, known: Better | None) -> Better:
    if asked is not None and known is not None and asked != known:
        raise ClaimError(f"{known} values of {metric} are better, got --{asked}-is-better")
    found = asked or known
    if found is None:
        raise ClaimError(
            f'it is not known whether lower or higher values of "{metric}" are better; name '
            "--lower-is-better or --higher-is-better"
        )
    return found
