"""Rules for claims: unambiguous units, and metrics and splits that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from papertrial.recipe.claim_kind_rules import kind_problems
from papertrial.recipe.declared_metrics import declared_metrics
from papertrial.recipe.metric_rules import own_metric_claim_problems
from papertrial.recipe.new_samples_rules import new_samples_problems
from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.program_claims import program_claim_problems, training_claim_problems
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
from papertrial.recipe.raw_claim import Broken, RawClaim, converted, raw_claims, without_unit
from papertrial.recipe.reaches import reach_problems
from papertrial.recipe.slots import source_in
from papertrial.recipe.split_rules import fold_claim_problems
from papertrial.vocabulary import (
    COUNTS,
    METRICS,
    OF_TENSORS,
    SOURCES,
    TASKS,
    has_metric,
    is_one_number,
    metrics_of,
    own_metric_form,
    suggest_metric,
    usual_metrics,
)

# Named data sets without a part of this name.
_WITHOUT = {
    "validation": tuple(name for name in SOURCES if name not in OF_TENSORS),
    "test": ("digits", "diabetes", "breast-cancer", "rt-polarity", "tiny-shakespeare"),
}


def broken_claims(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule for claims that a claim in the plain `tree` breaks.

    Values of the wrong type are skipped: the schema reports them.
    """
    seen: dict[tuple[Decimal, str], int] = {}
    of_program = "program" in tree
    for index, claim in enumerate(raw_claims(tree)):
        if claim is None:
            yield from _unknown_metric(tree, index)
            continue
        found = [
            *kind_problems(claim, of_program=of_program),
            *number_problems(claim),
            *reach_problems(tree, claim),
        ]
        if of_program:
            found += program_claim_problems(tree, claim)
        else:
            found += [*training_claim_problems(claim), *own_metric_claim_problems(tree, claim)]
        if claim.not_judged is None and not of_program:
            found += [*_not_computed(tree, claim), *_best_epoch_problems(tree, claim)]
            found += [*new_samples_problems(tree, claim), *fold_claim_problems(tree, claim)]
        for key, message in found:
            yield f"claims.{index}.{key}", message
        identity = identity_of(claim)
        if identity is not None and seen.setdefault(identity, index) != index:
            rule = "has the same metric, split, kind and value as"
            yield f"claims.{index}", f"{rule} claims.{seen[identity]}; keep one"


def _unknown_metric(tree: Mapping[str, object], index: int) -> Iterator[Broken]:
    metric = value_at(list_at(tree, "claims")[index], "metric")
    if isinstance(metric, str):
        task = tree.get("task")
        known = metrics_of(task) if isinstance(task, str) and task in TASKS else METRICS
        near = suggest_metric(metric, [*known, *COUNTS, *declared_metrics(tree)])
        form = "" if "did you mean" in near else f"; in metrics, {own_metric_form(metric)}"
        yield f"claims.{index}.metric", f"unknown metric, got {metric!r}{near}{form}"


def number_problems(claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for ambiguous units in a claim, and for digits that contradict it."""
    metric, value = claim.metric, None
    try:
        value = claim.to_number()
    except ValueError as error:
        yield "value", str(error)
    if metric in COUNTS and value is not None and value != value.to_integral_value():
        yield "value", f"must be a whole number for {metric}, got {plain(value)}"
    yield from _width_problems(claim)
    try:
        baseline = converted(claim.baseline, lambda given: value_of(given, claim.facts))
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
    spread = claim.plus_minus_value
    in_percent = claim.percentages if claim.facts.is_fraction else {}
    needed = [f"needs a unit because {key} is {text}" for key, text in in_percent.items()]
    for key, width in (("tolerance", claim.tolerance), ("plus_minus.value", spread)):
        bare = without_unit(width)
        if needed and bare is not None and bare > 0:
            yield key, f"{needed[0]}; write {points_readings(bare)}, got {plain(bare)}"
            continue
        try:
            converted(width, lambda given: width_of(given, claim.facts), ("points",))
        except ValueError as error:
            yield key, str(error)
    share = without_unit(claim.relative_tolerance)
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
    if value is None or baseline is None or not claim.facts.is_accuracy:
        return
    for key, other in (("value", "baseline"), ("baseline", "value")):
        text = sides[other]
        written = read_quantity(text) if isinstance(text, str) else None
        bare = without_unit(sides[key])
        settled = key == "value" and is_percentage(claim.printed)  # `printed` gives the unit
        if bare is not None and written is not None and written.error and not settled:
            meant = f'"{plain(bare.scaleb(2))} %" or "{plain(bare)} % error"'
            yield (
                key,
                f"needs a unit because {other} is {text}; write {meant}, got {plain(bare)}",
            )


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
        low, high = interval_of(printed, claim.facts, rounding, gain=claim.is_gain)
    except ValueError as error:
        yield "printed", str(error)
        return
    if value is not None and not low <= value <= high:
        span = f"{plain(low)} to {plain(high)}"
        yield "printed", f"{printed!r} means {span}, but the value is {plain(value)}"


def _not_computed(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Report the broken rule that a claim names only metrics and splits that its recipe has."""
    metric, split, task = claim.metric, claim.split, value_at(tree, "task")
    metrics, own = list_at(tree, "metrics"), declared_metrics(tree)
    if (
        metric not in own
        and isinstance(task, str)
        and task in TASKS
        and metric not in COUNTS
        and not has_metric(task, metric)
    ):
        having = ", ".join(name for name in metrics_of(task) if is_one_number(name))
        form = f"; in metrics, {own_metric_form(metric)}" if task == "prediction" else ""
        yield "metric", f"{task} has no metric {metric}; its metrics are {having}{form}"
    elif metrics or (isinstance(task, str) and task in TASKS):
        listed = metrics or usual_metrics(str(task))
        computed = (*listed, *own, *_monitored_metrics(tree), *COUNTS)
        if is_one_number(metric) and metric not in computed:
            listing = ", ".join(name for name in (*listed, *own) if isinstance(name, str))
            yield (
                "metric",
                f"the recipe does not compute {metric}; it computes {listing}; add it to metrics",
            )
    if metric == "parameters" or not isinstance(split, str):
        return
    source = source_in(tree)
    if split == "train" and value_at(tree, "evaluate.train") is False and metric != "samples":
        yield "split", "train is not evaluated; remove evaluate.train: false"
    cuts = ("folds", "test") if split == "test" else (split,)
    if source in _WITHOUT.get(split, ()) and all(
        value_at(tree, f"data.splits.{key}") is None for key in cuts
    ):
        yield "split", f"{source} has no {split} part; set data.splits.{split}"


def _monitored_metrics(tree: Mapping[str, object]) -> list[object]:
    """Return the metrics that a claim may name because another part of its recipe monitors them."""
    found = [value_at(tree, "scheduler.monitor")]
    if isinstance(tree.get("early_stopping"), Mapping):
        found.append(value_at(tree, "early_stopping.monitor") or "loss")
    report = tree.get("report")
    chooses = isinstance(report, str) and report != "last"
    return [*found, tree.get("report_metric")] if chooses else found


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


def identity_of(claim: RawClaim) -> tuple[Decimal, str] | None:
    """Return what duplicate claims have in common, which a rule forbids; None if it is invalid."""
    try:
        value = Decimal(0) if claim.kind == "better" else claim.to_number()
    except ValueError:
        return None
    rest = (
        claim.metric, claim.split, claim.kind, claim.versus, claim.side, claim.about, claim.by,
        claim.reading,
    )  # fmt: skip
    return None if value is None else (value, repr(rest))
