"""Rules of claims: units not confused, kinds complete, metrics and splits that there will be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from papertrial.recipe.claims import percentages
from papertrial.recipe.quantity import (
    Rounding,
    interval_of,
    is_percentage,
    percent_readings,
    plain,
    points_readings,
    read,
    value_of,
    width_of,
)
from papertrial.vocabulary import (
    COUNTS,
    SOURCES,
    TASKS,
    has_metric,
    is_accuracy,
    is_fraction,
    is_metric,
    is_one_number,
    metrics_of,
)

Broken = tuple[str, str]  # key path, message
_ONE_SIDED = ("at-least", "at-most")
_TRAINED = ("tolerance", "relative_tolerance", "n", "plus_minus", "baseline", "best_epoch_on_test")
_MOST_FIXED = 500  # seeds of a fixed horizon: its threshold is simulated, in time and memory
_NO_TEST = ("digits", "diabetes")  # the named sets that bring no test part


def broken_claims(tree: Mapping[str, Any]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule that a claim of the plain `tree` breaks.

    What is no claim at all, or has values of the wrong type, is left to the schema.
    """
    yield from _horizon(tree)
    claims = tree.get("claims")
    seen: dict[Any, int] = {}
    for index, claim in enumerate(claims if isinstance(claims, list | tuple) else ()):
        if not isinstance(claim, Mapping) or not is_metric(claim.get("metric"), claimable=True):
            continue
        claim = {"kind": "mean", "split": "test", "rounding": "nearest", **claim}  # noqa: PLW2901
        found = [*_kind(claim), *_sides(claim), *_tolerance(claim), *_numbers(claim)]
        if claim.get("not_judged") is None:
            found += [*_computed(tree, claim), *_best_epoch(tree, claim)]
        for key, message in found:
            yield f"claims.{index}.{key}", message
        same = _identity(claim)
        if same is not None and seen.setdefault(same, index) != index:
            rule = "has the metric, split, kind and value of another claim"
            yield f"claims.{index}", f"{rule}, claims.{seen[same]}; keep one"


def _horizon(tree: Mapping[str, Any]) -> Iterator[Broken]:
    """Tell of a fixed horizon that is too far to be simulated, and which gains nothing."""
    verify = tree.get("verify")
    if not isinstance(verify, Mapping) or verify.get("horizon") != "fixed":
        return
    most = verify.get("max_seeds")
    if isinstance(most, int) and most > _MOST_FIXED:
        rule = f"a fixed horizon is one of at most {_MOST_FIXED} seeds, got {most}"
        yield "verify.max_seeds", f"{rule}; set verify.horizon: anytime for more"


def _kind(claim: Mapping[str, Any]) -> Iterator[Broken]:
    kind, metric, n = claim["kind"], claim["metric"], claim.get("n")
    if kind == "exact" and metric not in COUNTS:
        rule = "is for parameters and samples, which no training changes"
        yield "kind", f"exact {rule}, got {metric}; a deterministic number is a mean"
    if kind != "exact" and metric in COUNTS:
        yield "kind", f"{metric} are counted, not trained for: give kind: exact, got {kind}"
    if not is_one_number(metric):
        yield "metric", f"a claim takes a metric that is one number, got {metric!r}"
    if kind == "single-run" and n not in (None, 1):
        yield "n", f"a single run is one run, got {n}; the mean of more is kind: mean"
    if kind == "best-of" and (n is None or n == 1):
        got = "it is missing" if n is None else "got 1"
        yield "n", f"best-of needs the number of runs that it is the best of, at least 2; {got}"
    if kind == "exact":
        for key in _TRAINED:
            if claim.get(key) not in (None, False):
                yield key, "means nothing for kind: exact, a count; remove it"


def _sides(claim: Mapping[str, Any]) -> Iterator[Broken]:
    versus = claim.get("versus")
    if claim["kind"] != "difference":
        for key in ("side", "versus"):
            if claim.get(key) is not None:
                yield key, f"is for kind: difference, got kind: {claim['kind']}"
    elif versus is None or (
        isinstance(versus, Mapping) and versus.get("recipe") is None and not versus.get("set")
    ):
        rule = "a difference needs its other side, a recipe or a change (set) to this one"
        yield "versus", f"{rule}: versus: {{recipe: other.yaml}}"
    elif claim.get("baseline") is not None:
        yield "baseline", "a difference is itself the gain that is claimed; remove it"


def _tolerance(claim: Mapping[str, Any]) -> Iterator[Broken]:
    tolerance, relative = claim.get("tolerance"), claim.get("relative_tolerance")
    if tolerance is not None and relative is not None:
        rule = "give tolerance or relative_tolerance, not both"
        yield "relative_tolerance", f"{rule} (got {tolerance} and {relative})"
    bound = claim.get("side") in _ONE_SIDED if claim["kind"] == "difference" else False
    if claim["kind"] in ("exact", *_ONE_SIDED) or bound:
        return
    if tolerance is None and relative is None:
        rule = "is missing: how far from the number is still the same result? Give it in the"
        yield "tolerance", f'{rule} metric\'s unit (0.01), of a fraction also in text ("1 point")'


def _numbers(claim: Mapping[str, Any]) -> Iterator[Broken]:
    """Tell of percent and fraction confused, and of digits that are not those of the value."""
    metric, gain = claim["metric"], claim["kind"] == "difference"
    value = None
    try:
        value = _tried(claim.get("value"), lambda given: value_of(given, metric, gain=gain))
    except ValueError as error:
        yield "value", str(error)
    if metric in COUNTS and value is not None and value != value.to_integral_value():
        yield "value", f"{metric} are a whole number, got {plain(value)}"
    yield from _widths(claim)
    try:
        baseline = _tried(claim.get("baseline"), lambda given: value_of(given, metric))
    except ValueError as error:
        yield "baseline", str(error)
    else:
        yield from _beside_an_error(claim, value, baseline)
    yield from _printed(claim, value, gain)


def _widths(claim: Mapping[str, Any]) -> Iterator[Broken]:
    """Tell of tolerances and plus-minus in a wrong unit, or without one beside a percentage.

    Beside "7.37 % error", 0.06 would be 6 points, where the paper's 0.06 points may be meant.
    """
    metric, plus_minus = claim["metric"], claim.get("plus_minus")
    spread = plus_minus.get("value") if isinstance(plus_minus, Mapping) else None
    in_percent = percentages(claim) if is_fraction(metric) else {}
    needed = [f"needs its unit beside {key}: {text}" for key, text in in_percent.items()]
    for key, width in (("tolerance", claim.get("tolerance")), ("plus_minus.value", spread)):
        bare = _bare(width)
        if needed and bare is not None and bare > 0:
            yield key, f"{needed[0]}; write {points_readings(bare)}, got {plain(bare)}"
            continue
        try:
            _tried(width, lambda given: width_of(given, metric), ("points",))
        except ValueError as error:
            yield key, str(error)
    share = _bare(claim.get("relative_tolerance"))
    if needed and share is not None and 0 < share < 1:
        yield (
            "relative_tolerance",
            f"{needed[0]}; write {percent_readings(share)}, got {plain(share)}",
        )


def _beside_an_error(
    claim: Mapping[str, Any], value: Decimal | None, baseline: Decimal | None
) -> Iterator[Broken]:
    """Tell of a bare value or baseline where the other is an error in percent.

    Beside "0.23 % error", 0.39 would be an accuracy of 39 %, where an error of 0.39 % may be meant.
    """
    sides = {"value": claim.get("value"), "baseline": claim.get("baseline")}
    if value is None or baseline is None or not is_accuracy(claim["metric"]):
        return
    for key, other in (("value", "baseline"), ("baseline", "value")):
        text = sides[other]
        written = read(text) if isinstance(text, str) else None
        bare = _bare(sides[key])
        settled = key == "value" and is_percentage(claim.get("printed"))  # printed agrees with it
        if bare is not None and written is not None and written.error and not settled:
            meant = f'"{plain(bare.scaleb(2))} %" or "{plain(bare)} % error"'
            yield (
                key,
                f"needs its unit beside {other}: {text}; write {meant}, got {plain(bare)}",
            )


def _bare(given: Any) -> Decimal | None:
    """Return a number that is given without a unit; None for text and what the schema refuses."""
    number = isinstance(given, int | float) and not isinstance(given, bool)
    return Decimal(repr(given)) if number and math.isfinite(given) else None


def _printed(claim: Mapping[str, Any], value: Decimal | None, gain: bool) -> Iterator[Broken]:
    printed, rounding = claim.get("printed"), claim["rounding"]
    if rounding not in ("nearest", "truncated"):
        return
    if printed is None:
        if rounding == "truncated":
            yield "rounding", "is for printed digits; give them as printed"
        return
    if not isinstance(printed, str) or read(printed) is None:
        return
    cut: Rounding = rounding
    try:
        low, high = interval_of(printed, claim["metric"], cut, gain=gain)
    except ValueError as error:
        yield "printed", str(error)
        return
    if value is not None and not low <= value <= high:
        span = f"{plain(low)} to {plain(high)}"
        yield "printed", f"{printed!r} is {span}, which the value {plain(value)} is not within"


def _tried(
    given: Any, convert: Callable[[Any], Decimal], units: tuple[str, ...] = ("%", "points")
) -> Decimal | None:
    """Convert what the schema takes for a number; what it refuses it tells of itself."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return convert(given) if math.isfinite(given) else None
    written = read(given) if isinstance(given, str) else None
    return convert(given) if written and written.unit in units else None


def _computed(tree: Mapping[str, Any], claim: Mapping[str, Any]) -> Iterator[Broken]:
    """Tell of a metric or a split that the recipe itself says there will not be."""
    metric, split, metrics = claim["metric"], claim["split"], tree.get("metrics")
    task = tree.get("task")
    if task in TASKS and metric not in COUNTS and not has_metric(task, metric):
        having = ", ".join(name for name in metrics_of(task) if is_one_number(name))
        yield "metric", f"{task} has no {metric}; it has {having}"
    elif isinstance(metrics, list | tuple) and metrics:
        computed = (*metrics, *_listened(tree), *COUNTS)
        if is_one_number(metric) and metric not in computed:
            yield "metric", f"the recipe does not compute {metric}; add it to metrics"
    if metric == "parameters":
        return
    data = tree.get("data")
    data = data if isinstance(data, Mapping) else {}
    splits = data.get("splits")
    splits = splits if isinstance(splits, Mapping) else {}
    source = data.get("source")
    absent = (
        {"validation": SOURCES, "test": _NO_TEST}.get(split, ()) if isinstance(split, str) else ()
    )
    if source in absent and splits.get(split) is None:
        yield "split", f"{source} has no {split} part; set data.splits.{split}"


def _listened(tree: Mapping[str, Any]) -> list[Any]:
    """Return the metrics that are computed because something listens to them."""
    scheduler, stopping = tree.get("scheduler"), tree.get("early_stopping")
    found = [scheduler.get("monitor")] if isinstance(scheduler, Mapping) else []
    if isinstance(stopping, Mapping):
        found.append(stopping.get("monitor") or "loss")
    return found if tree.get("report") in (None, "last") else [*found, tree.get("report_metric")]


def _best_epoch(tree: Mapping[str, Any], claim: Mapping[str, Any]) -> Iterator[Broken]:
    if claim.get("best_epoch_on_test") is not True:
        return
    if claim["split"] != "test":
        yield "best_epoch_on_test", f"is for the test split, got split: {claim['split']}"
    evaluate = tree.get("evaluate")
    shown = evaluate.get("test") if isinstance(evaluate, Mapping) else None
    if shown != "every-epoch":
        yield "best_epoch_on_test", "needs each epoch's test score: set evaluate.test: every-epoch"


def _identity(claim: Mapping[str, Any]) -> Any:
    """Return what makes two claims one, None where the value cannot be read."""
    gain = claim["kind"] == "difference"
    try:
        value = _tried(claim.get("value"), lambda v: value_of(v, claim["metric"], gain=gain))
    except ValueError:
        return None
    rest = (claim["metric"], claim["split"], claim["kind"], claim.get("versus"))
    return None if value is None else (value, repr(rest))
