"""Rules for claims: unambiguous units, complete kinds, and metrics and splits that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from papertrial.recipe.plain_values import is_finite_number, is_whole_number, list_at, value_at
from papertrial.recipe.quantity import (
    Rounding,
    as_points,
    interval_of,
    is_percentage,
    percent_readings,
    plain,
    points_readings,
    read_quantity,
    share_of,
    value_of,
    width_of,
)
from papertrial.recipe.raw_claim import RawClaim, converted
from papertrial.vocabulary import (
    COUNTS,
    SOURCES,
    TASKS,
    has_metric,
    is_accuracy,
    is_fraction,
    is_one_number,
    metrics_of,
)

Broken = tuple[str, str]  # key path, message
_ONE_SIDED = ("at-least", "at-most")
_MOST_FIXED = 500  # seeds; simulating the threshold takes time and memory that grow with them
_NO_TEST = ("digits", "diabetes")  # named data sets without a test part


def broken_claims(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule for claims that a claim in the plain `tree` breaks.

    Values of the wrong type are skipped: the schema reports them.
    """
    yield from _horizon_problems(tree)
    yield from _drawn_seeds_problems(tree)
    seen: dict[tuple[Decimal, str], int] = {}
    for index, plain_claim in enumerate(list_at(tree, "claims")):
        claim = RawClaim.from_plain(plain_claim)
        if claim is None:
            continue
        found = [
            *_kind_problems(claim),
            *_versus_problems(claim),
            *_missing_tolerance(claim),
            *_number_problems(claim),
        ]
        if claim.not_judged is None:
            found += [*_not_computed(tree, claim), *_best_epoch_problems(tree, claim)]
        for key, message in found:
            yield f"claims.{index}.{key}", message
        identity = _identity(claim)
        if identity is not None and seen.setdefault(identity, index) != index:
            rule = "has the same metric, split, kind and value as"
            yield f"claims.{index}", f"{rule} claims.{seen[identity]}; keep one"


def _horizon_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that a fixed horizon has at most as many seeds as can be simulated."""
    most = value_at(tree, "verify.max_seeds")
    if value_at(tree, "verify.horizon") != "fixed":
        return
    if isinstance(most, int) and most > _MOST_FIXED:
        rule = f"must be at most {_MOST_FIXED} with horizon: fixed, got {most}"
        yield "verify.max_seeds", f"{rule}; for more seeds, set verify.horizon: anytime"


def _drawn_seeds_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Report the broken rule that all drawn seeds may be used: a choice of them would be a pick."""
    most, count = value_at(tree, "verify.max_seeds"), value_at(tree, "verify.seeds.count")
    if is_whole_number(most, 1) and is_whole_number(count, 1) and most != count:
        rule = f"must be verify.seeds.count, {count}, because the seeds are drawn; got {most}"
        yield "verify.max_seeds", f"{rule}; omit it, or change verify.seeds.count"


def _kind_problems(claim: RawClaim) -> Iterator[Broken]:
    kind, metric, n = claim.kind, claim.metric, claim.n
    if kind == "exact" and metric not in COUNTS:
        rule = "exact is only for parameters and samples, which do not depend on training"
        yield "kind", f"{rule}, got metric: {metric}; for a deterministic score, use kind: mean"
    if kind != "exact" and metric in COUNTS:
        yield "kind", f"must be exact for {metric}, which is a count, got {kind}"
    if not is_one_number(metric):
        yield "metric", f"must be a metric that is a single number, got {metric!r}"
    if kind == "single-run" and n not in (None, 1):
        yield "n", f"must be 1 for kind: single-run, got {n}; for a mean of runs, use kind: mean"
    if kind == "best-of" and (n is None or n == 1):
        got = "it is missing" if n is None else "got 1"
        yield "n", f"kind: best-of needs the number of runs, at least 2; {got}"
    if kind == "exact":
        only_trained = {
            "tolerance": claim.tolerance,
            "relative_tolerance": claim.relative_tolerance,
            "n": n,
            "plus_minus": claim.plus_minus,
            "baseline": claim.baseline,
            "best_epoch_on_test": claim.best_epoch_on_test,
        }
        for key, given in only_trained.items():
            if given not in (None, False):
                yield key, "does not apply to kind: exact; remove it"


def _versus_problems(claim: RawClaim) -> Iterator[Broken]:
    versus = claim.versus
    if not claim.is_gain:
        for key, given in (("side", claim.side), ("versus", versus)):
            if given is not None:
                yield key, f"is only for kind: difference, got kind: {claim.kind}"
    elif versus is None or (
        isinstance(versus, Mapping) and versus.get("recipe") is None and not versus.get("set")
    ):
        rule = "a difference needs another recipe, or changes to this one"
        yield (
            "versus",
            f"{rule}: versus: {{recipe: other.yaml}} or versus: {{set: {{epochs: 2}}}}",
        )
    elif claim.baseline is not None:
        yield "baseline", "does not apply to a difference, which is itself a gain; remove it"


def _missing_tolerance(claim: RawClaim) -> Iterator[Broken]:
    tolerance, relative = claim.tolerance, claim.relative_tolerance
    if tolerance is not None and relative is not None:
        rule = "give tolerance or relative_tolerance, not both"
        yield "relative_tolerance", f"{rule} (got {tolerance} and {relative})"
    bound = claim.is_gain and claim.side in _ONE_SIDED
    if claim.kind in ("exact", *_ONE_SIDED) or bound:
        return
    if tolerance is None and relative is None:
        rule = "is missing: give the largest distance from the value that counts as reproduced"
        yield "tolerance", f'{rule}, in the metric\'s unit (0.01) or for a fraction as "1 point"'


def _number_problems(claim: RawClaim) -> Iterator[Broken]:
    """Report ambiguous units in a claim, and printed digits that do not match its value."""
    metric, value = claim.metric, None
    try:
        value = claim.to_number()
    except ValueError as error:
        yield "value", str(error)
    if metric in COUNTS and value is not None and value != value.to_integral_value():
        yield "value", f"must be a whole number for {metric}, got {plain(value)}"
    yield from _width_problems(claim)
    try:
        baseline = converted(claim.baseline, lambda given: value_of(given, metric))
    except ValueError as error:
        yield "baseline", str(error)
    else:
        yield from _missing_unit_beside_error(claim, value, baseline)
    yield from _share_of_error(claim)
    yield from _printed_problems(claim, value)


def _width_problems(claim: RawClaim) -> Iterator[Broken]:
    """Report a claim's widths in a wrong unit, or without a unit beside a number in percent.

    Beside "7.37 % error", 0.06 would be 6 points, although the paper may mean 0.06 points.
    """
    metric, spread = claim.metric, claim.plus_minus_value
    in_percent = claim.percentages if is_fraction(metric) else {}
    needed = [f"needs a unit because {key} is {text}" for key, text in in_percent.items()]
    for key, width in (("tolerance", claim.tolerance), ("plus_minus.value", spread)):
        bare = _without_unit(width)
        if needed and bare is not None and bare > 0:
            yield key, f"{needed[0]}; write {points_readings(bare)}, got {plain(bare)}"
            continue
        try:
            converted(width, lambda given: width_of(given, metric), ("points",))
        except ValueError as error:
            yield key, str(error)
    share = _without_unit(claim.relative_tolerance)
    if needed and share is not None and 0 < share < 1:
        yield (
            "relative_tolerance",
            f"{needed[0]}; write {percent_readings(share)}, got {plain(share)}",
        )


def _share_of_error(claim: RawClaim) -> Iterator[Broken]:
    """Report a relative tolerance beside a claim's error: 3 % of the error, or of the accuracy?"""
    text, given = claim.value, claim.relative_tolerance
    error = read_quantity(text) if isinstance(text, str) else None
    share = converted(given, share_of, ("%",)) if isinstance(given, str) else None
    if error is None or not error.error or share is None or not 0 < share < 1:
        return
    of_error, of_accuracy = share * error.number, share * (1 - error.number)
    rule = f"is ambiguous because value is {text}: write tolerance: "
    meant = f'"{as_points(of_error)}" for a share of the error, or '
    yield (
        "relative_tolerance",
        f'{rule}{meant}"{as_points(of_accuracy)}" for a share of the accuracy, got {given}',
    )


def _missing_unit_beside_error(
    claim: RawClaim, value: Decimal | None, baseline: Decimal | None
) -> Iterator[Broken]:
    """Report a claim's value or baseline without a unit if the other is an error in percent.

    Beside "0.23 % error", 0.39 would be an accuracy of 39 %, although an error of 0.39 % may be
    meant.
    """
    sides = {"value": claim.value, "baseline": claim.baseline}
    if value is None or baseline is None or not is_accuracy(claim.metric):
        return
    for key, other in (("value", "baseline"), ("baseline", "value")):
        text = sides[other]
        written = read_quantity(text) if isinstance(text, str) else None
        bare = _without_unit(sides[key])
        settled = key == "value" and is_percentage(claim.printed)  # `printed` gives the unit
        if bare is not None and written is not None and written.error and not settled:
            meant = f'"{plain(bare.scaleb(2))} %" or "{plain(bare)} % error"'
            yield (
                key,
                f"needs a unit because {other} is {text}; write {meant}, got {plain(bare)}",
            )


def _without_unit(given: object) -> Decimal | None:
    """Return a claim's number if it lacks a unit, which a rule may require; None otherwise."""
    return Decimal(repr(given)) if is_finite_number(given) else None


def _printed_problems(claim: RawClaim, value: Decimal | None) -> Iterator[Broken]:
    printed = claim.printed
    if claim.rounding not in ("nearest", "truncated"):
        return
    rounding: Rounding = "truncated" if claim.rounding == "truncated" else "nearest"
    if printed is None:
        if rounding == "truncated":
            yield "rounding", "applies to printed digits; give them in printed"
        return
    if not isinstance(printed, str) or read_quantity(printed) is None:
        return
    try:
        low, high = interval_of(printed, claim.metric, rounding, gain=claim.is_gain)
    except ValueError as error:
        yield "printed", str(error)
        return
    if value is not None and not low <= value <= high:
        span = f"{plain(low)} to {plain(high)}"
        yield "printed", f"{printed!r} means {span}, but the value is {plain(value)}"


def _not_computed(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Report the broken rule that a claim names only metrics and splits that its recipe has."""
    metric, split, task = claim.metric, claim.split, value_at(tree, "task")
    metrics = list_at(tree, "metrics")
    if (
        isinstance(task, str)
        and task in TASKS
        and metric not in COUNTS
        and not has_metric(task, metric)
    ):
        having = ", ".join(name for name in metrics_of(task) if is_one_number(name))
        yield "metric", f"{task} has no metric {metric}; its metrics are {having}"
    elif metrics:
        computed = (*metrics, *_monitored_metrics(tree), *COUNTS)
        if is_one_number(metric) and metric not in computed:
            yield "metric", f"the recipe does not compute {metric}; add it to metrics"
    if metric == "parameters" or not isinstance(split, str):
        return
    source = value_at(tree, "data.source")
    without = {"validation": SOURCES, "test": _NO_TEST}.get(split, ())
    if source in without and value_at(tree, f"data.splits.{split}") is None:
        yield "split", f"{source} has no {split} part; set data.splits.{split}"


def _monitored_metrics(tree: Mapping[str, object]) -> list[object]:
    """Return the metrics that a claim may name because another part of its recipe monitors them."""
    found = [value_at(tree, "scheduler.monitor")]
    if isinstance(tree.get("early_stopping"), Mapping):
        found.append(value_at(tree, "early_stopping.monitor") or "loss")
    return found if tree.get("report") in (None, "last") else [*found, tree.get("report_metric")]


def _best_epoch_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    if claim.best_epoch_on_test is not True:
        return
    if claim.split != "test":
        yield "best_epoch_on_test", f"is only for the test split, got split: {claim.split}"
    if value_at(tree, "evaluate.test") != "every-epoch":
        yield (
            "best_epoch_on_test",
            "needs the test score of every epoch; set evaluate.test: every-epoch",
        )


def _identity(claim: RawClaim) -> tuple[Decimal, str] | None:
    """Return what duplicate claims have in common, which a rule forbids; None if it is invalid."""
    try:
        value = claim.to_number()
    except ValueError:
        return None
    rest = (claim.metric, claim.split, claim.kind, claim.versus)
    return None if value is None else (value, repr(rest))
