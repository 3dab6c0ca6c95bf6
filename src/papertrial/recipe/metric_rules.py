"""Rules for the metrics of a recipe that are functions or classes of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.recipe.declared_metrics import declared_metrics, name_of_use
from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.raw_claim import Broken, RawClaim
from papertrial.vocabulary import METRICS, is_metric, own_metric_form, suggest_metric

_MONITORS = ("scheduler.monitor", "early_stopping.monitor", "report_metric")
_DIRECTED = ("better", "reaches")  # kinds of claims that need to know which values are better


def broken_metrics(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule for declared metrics that a plain recipe breaks."""
    declared, seen = declared_metrics(tree), set[str]()
    for index, item in enumerate(list_at(tree, "metrics")):
        use = value_at(item, "use")
        given = value_at(item, "name")
        if not isinstance(use, str) or not isinstance(given, str | None):
            continue
        name = given or name_of_use(use)
        where = f"metrics.{index}.name"
        if is_metric(name, claimable=True):
            fix = f"choose another, such as name: own_{name}"
            yield where, f"{name} is the name of one of papertrial's own metrics; {fix}"
        if name in seen:
            yield where, f"two metrics are called {name}; choose another name"
        seen.add(name)
    for where in _MONITORS:
        named = value_at(tree, where)
        if not isinstance(named, str) or is_metric(named):
            continue
        if named not in declared:
            near = suggest_metric(named, [*METRICS, *declared])
            form = "" if "did you mean" in near else f"; in metrics, {own_metric_form(named)}"
            yield where, f"unknown metric, got {named!r}{near}{form}"
        elif declared[named].direction is None:
            yield (
                where,
                f"needs to know which values of {named} are better; give it better: higher or "
                "better: lower in metrics",
            )


def complete_metric_claims(tree: Mapping[str, object]) -> None:
    """Add to the claims on declared metrics, in place, what these say: unit and direction."""
    declared = declared_metrics(tree)
    for claim in list_at(tree, "claims"):
        metric = value_at(claim, "metric")
        known = declared.get(metric) if isinstance(metric, str) else None
        if not isinstance(claim, dict) or known is None:
            continue
        for key, said in (("unit", known.unit or "none"), ("better", known.better)):
            if claim.get(key) is None and said is not None:
                claim[key] = said


def own_metric_claim_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for what a claim on a declared metric says and its metric does not."""
    known = declared_metrics(tree).get(claim.metric)
    for key in ("better", "unit"):
        given, said = getattr(claim, key), None if known is None else getattr(known, key)
        if given is not None and known is None:
            yield key, f"is not for {claim.metric}, of which it is known; remove it"
        elif given is not None and given != (said or (None if key == "better" else "none")):
            yield key, f"contradicts metrics, where {claim.metric} has {key}: {said}; got {given}"
    if known is not None and claim.kind in _DIRECTED and known.direction is None:
        where = f"set better in metrics, for {claim.metric}"
        yield "kind", f"{claim.kind} needs to know which values are better; {where}"
