"""Rules for the kinds of claims: the keys that each kind needs, and those that do not fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.recipe.raw_claim import Broken, RawClaim
from papertrial.vocabulary import COUNTS, is_one_number

_BOUNDS = ("at-least", "at-most")
_REPORTED = ("value", "tolerance", "relative_tolerance", "printed", "plus_minus", "baseline")
_TRAINED = (
    "tolerance", "relative_tolerance", "n", "plus_minus", "baseline", "best_epoch_on_test",
)  # fmt: skip
_WRITE_UNKNOWN = "write n: unknown if the paper does not say, which counts as one run"


def kind_problems(claim: RawClaim, *, of_program: bool) -> Iterator[Broken]:
    """Yield (key, message) for each rule for its kind that a claim breaks."""
    if not of_program:
        yield from _metric_problems(claim)
    yield from _unfit_keys(claim)
    yield from _runs_problems(claim)
    yield from _versus_problems(claim)
    yield from _tolerance_problems(claim)
    if claim.value is None and claim.kind != "better":
        yield "value", "is missing: give the reported number"


def _metric_problems(claim: RawClaim) -> Iterator[Broken]:
    kind, metric = claim.kind, claim.metric
    if kind == "exact" and metric not in COUNTS:
        rule = "exact is only for parameters and samples, which do not depend on training"
        yield "kind", f"{rule}, got metric: {metric}; for a deterministic score, use kind: expected"
    if kind != "exact" and metric in COUNTS:
        yield "kind", f"must be exact for {metric}, which is a count, got {kind}"
    if not is_one_number(metric):
        yield "metric", f"must be a metric that is a single number, got {metric!r}"


def _unfit_keys(claim: RawClaim) -> Iterator[Broken]:
    """Report the broken rule that a claim has no keys that say nothing about its kind."""
    kind = claim.kind
    if kind == "exact":
        for key in _TRAINED:
            if getattr(claim, key) not in (None, False):
                yield key, "does not apply to kind: exact; remove it"
    elif kind == "better":
        bound = "at-most" if claim.facts.lower_is_better else "at-least"
        for key in (*_REPORTED, "n", "side"):
            if getattr(claim, key) is not None:
                yield (
                    key,
                    "does not apply to kind: better, which states only that the difference is "
                    f"{bound.replace('-', ' ')} 0; remove it, or use kind: difference",
                )
    if not claim.is_gain:
        for key in ("side", "versus", "pairing"):
            if (given := getattr(claim, key)) is not None:
                allowed = "difference" if key == "side" else "difference or better"
                got = f", got kind: {kind}" if isinstance(given, str | Mapping) else ""
                yield key, f"is only for kind: {allowed}{got}"
    elif kind == "difference" and claim.baseline is not None:
        yield "baseline", "does not apply to a difference, which is itself a gain; remove it"


def _runs_problems(claim: RawClaim) -> Iterator[Broken]:
    """Report the broken rule that a reported number has the noise of a stated number of runs."""
    kind, n = claim.kind, claim.n
    if kind == "mean" and n is None:
        rule = "is missing: give the number of runs behind the mean"
        exact = "for a number without noise, use kind: expected"
        yield "n", f"{rule}; {_WRITE_UNKNOWN}; {exact}"
    elif kind == "difference" and n is None and claim.side in (None, "about"):
        rule = "is missing: give the number of runs behind each side of the difference"
        yield "n", f"{rule}; {_WRITE_UNKNOWN}"
    elif kind == "single-run" and n not in (None, 1):
        yield "n", f"must be 1 for kind: single-run, got {n}; for a mean of runs, use kind: mean"
    elif kind == "best-of" and (n is None or n in (1, "unknown")):
        got = "it is missing" if n is None else f"got {n}"
        yield "n", f"kind: best-of needs the number of runs, at least 2; {got}"
    elif kind in (*_BOUNDS, "expected") and n is not None:
        what = "an expected score" if kind == "expected" else "a bound"
        fix = "remove it, or use kind: mean, which has the noise of n runs"
        yield "n", f"does not apply to {what}, which has no noise; {fix}"


def _versus_problems(claim: RawClaim) -> Iterator[Broken]:
    versus = claim.versus
    if claim.is_gain and (
        versus is None
        or (isinstance(versus, Mapping) and versus.get("recipe") is None and not versus.get("set"))
    ):
        rule = f"kind: {claim.kind} needs another recipe, or changes to this one"
        yield (
            "versus",
            f"{rule}: versus: {{recipe: other.yaml}} or versus: {{set: {{epochs: 2}}}}",
        )


def _tolerance_problems(claim: RawClaim) -> Iterator[Broken]:
    kind, tolerance, relative = claim.kind, claim.tolerance, claim.relative_tolerance
    if kind in ("exact", "better", "reaches"):
        return
    if tolerance is not None and relative is not None:
        rule = "give tolerance or relative_tolerance, not both"
        yield "relative_tolerance", f"{rule} (got {tolerance} and {relative})"
    one_sided = claim.is_gain and claim.side in _BOUNDS
    if kind in _BOUNDS or (one_sided and claim.n is None):
        key = "tolerance" if relative is None else "relative_tolerance"
        if getattr(claim, key) is not None:
            yield key, "does not apply to a bound; put the lowest or highest score into value"
    elif tolerance is None and relative is None and not one_sided:
        rule = "is missing: give the largest distance from the value that counts as reproduced"
        yield "tolerance", f'{rule}, in the metric\'s unit (0.01) or for a fraction as "1 point"'
