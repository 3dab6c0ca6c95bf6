"""Targets that a curve reaches: the points at which a recipe evaluates, and the rules for them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from pydantic import Field, model_validator

from papertrial.claims.reach import Reach, Reading, Unit
from papertrial.recipe.plain_values import is_whole_number, value_at
from papertrial.recipe.raw_claim import Broken, RawClaim
from papertrial.recipe.section import Section

MOST_POINTS = 1_000  # of a grid; every seed's scores at all of them are recorded
_UNFIT = (
    "tolerance", "relative_tolerance", "n", "printed", "plus_minus", "baseline",
    "best_epoch_on_test",
)  # fmt: skip


class By(Section):
    """By when a target is reached: an optimizer step or an epoch. Give one of them."""

    step: int | None = Field(default=None, ge=1, description="Optimizer step, for `steps`.")
    epoch: int | None = Field(default=None, ge=1, description="Epoch, for `epochs`.")

    @model_validator(mode="after")
    def _one(self) -> By:
        if (self.step is None) == (self.epoch is None):
            raise ValueError("give step or epoch, one of them: {step: 5960} or {epoch: 3}")
        return self

    @property
    def unit(self) -> Unit:
        """What the point counts."""
        return "epoch" if self.step is None else "step"

    @property
    def point(self) -> int:
        """The step or the epoch."""
        return (self.epoch if self.step is None else self.step) or 0


class GridError(ValueError):
    """A recipe does not evaluate a part in between, or not in the unit of a claim."""


def to_reach(
    tree: Mapping[str, object], metric: str, split: str, by: By, reading: Reading
) -> Reach:
    """Return a target's points from a valid recipe, as a plain tree.

    Raises:
        GridError: the recipe does not evaluate this split at this point.
    """
    points = evaluated_points(tree, metric, split, by.unit)
    if by.point not in points:
        raise GridError(_not_a_point(split, by.unit, by.point, points))
    return Reach(by.point, by.unit, points, reading)


def evaluated_points(
    tree: Mapping[str, object], metric: str, split: str, unit: Unit
) -> tuple[int, ...]:
    """Return the points at which a recipe evaluates a split, the end of the training included.

    They follow from the recipe alone, before any data are loaded.

    Args:
        tree: a valid recipe, as a plain tree.
        metric: the metric; of a program the name of the score.
        split: the split.
        unit: what the points count.

    Raises:
        GridError: the length of the training is given in another unit, the recipe evaluates in
            another unit, not at all in between, or at too many points.
    """
    if "program" in tree:
        return _points_of_program(tree, metric, unit)
    other: Unit = "epoch" if unit == "step" else "step"
    length = value_at(tree, f"{unit}s")
    if not is_whole_number(length, 1):
        raise GridError(
            f"is in {unit}s, but the length of the training is in {other}s; use by: {{{other}: "
            f"...}}, or give the length in {unit}s"
        )
    every = _every(tree, split, unit)
    if every is None:
        return (length,)
    count = -(-length // every)
    if count > MOST_POINTS:
        raise GridError(
            f"is on a grid of {count:,} points, of which at most {MOST_POINTS:,} are allowed; "
            "increase evaluate.every"
        )
    return (*range(every, length, every), length)


def reach_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for each rule for targets that a claim breaks.

    Values of the wrong type are skipped: the schema reports them.
    """
    if claim.kind != "reaches":
        for key in ("by", "reading"):
            if getattr(claim, key) is not None:
                yield key, f"is only for kind: reaches, got kind: {claim.kind}"
        return
    for key in _UNFIT:
        if getattr(claim, key) not in (None, False):
            yield key, "does not apply to a target, which is a bound without noise; remove it"
    if claim.by is None:
        yield "by", "is missing: give the step or the epoch: by: {step: 5960} or by: {epoch: 3}"
    if claim.not_judged is not None:
        return
    if isinstance(tree.get("early_stopping"), Mapping):
        rule = "a training that stops early has no scores at the later points"
        yield "kind", f"{rule}; remove early_stopping, or use kind: at-least or at-most"
    if claim.split == "train":
        rule = "must be validation or test, because the training part is evaluated only at the end"
        yield "split", f"{rule}, got train"
        return
    yield from _grid_problems(tree, claim)


def _grid_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Report a declared point that the recipe does not evaluate."""
    given = claim.by
    if not isinstance(given, Mapping) or not isinstance(claim.split, str):
        return
    known = {key: at for key, at in given.items() if at is not None}
    if len(known) != 1 or not known.keys() <= {"step", "epoch"}:
        return
    unit: Unit = "step" if "step" in known else "epoch"
    point = known[unit]
    if not is_whole_number(point, 1):
        return
    lengths = [tree.get("steps"), tree.get("epochs")]
    if "program" not in tree and not any(is_whole_number(length, 1) for length in lengths):
        return  # reported elsewhere
    try:
        points = evaluated_points(tree, claim.metric, claim.split, unit)
    except GridError as error:
        yield "by", str(error)
        return
    if point not in points:
        yield "by", _not_a_point(claim.split, unit, point, points)


def _points_of_program(tree: Mapping[str, object], metric: str, unit: Unit) -> tuple[int, ...]:
    """Return the points at which a program evaluates a score, as its recipe says."""
    scores = value_at(tree, "program.scores")
    score = scores.get(metric) if isinstance(scores, Mapping) else None
    curve, where = value_at(score, "curve"), f"program.scores.{metric}.curve"
    every, last = value_at(curve, "every"), value_at(curve, "last")
    if not is_whole_number(every, 1) or not is_whole_number(last, 1):
        raise GridError(
            f"needs the {unit}s at which the program evaluates; set {where}: {{unit: {unit}, "
            "every: ..., last: ...}"
        )
    its_unit = value_at(curve, "unit") or "step"
    if its_unit != unit:
        raise GridError(
            f"is in {unit}s, but {where} is in {its_unit}s; use by: {{{its_unit}: ...}}"
        )
    if -(-last // every) > MOST_POINTS:
        raise GridError(
            f"is on a grid of {-(-last // every):,} points, of which at most {MOST_POINTS:,} are "
            f"allowed; increase {where}.every"
        )
    return (*range(every, last, every), last)


def _every(tree: Mapping[str, object], split: str, unit: Unit) -> int | None:
    """Return how many units lie between two evaluations of a split; None for the end alone."""
    evaluate = value_at(tree, "evaluate")
    every, interval, test = (value_at(evaluate, key) for key in ("every", "interval", "test"))
    if split == "test":
        if test in (None, "at-end"):
            return None
        if test == "every-epoch":
            every, interval = 1, "epoch"
    every = 1 if every is None else every
    interval = "epoch" if interval is None else interval
    if not is_whole_number(every, 1):
        return None  # the schema reports it
    if interval != unit:
        test_too = ", test: every-interval" if split == "test" else ""
        raise GridError(
            f"is in {unit}s, but the recipe evaluates the {split} part after every "
            f"{every if every > 1 else ''}{' ' if every > 1 else ''}{interval}"
            f"{'s' if every > 1 else ''}; use by: {{{interval}: ...}}, or set evaluate: "
            f"{{interval: {unit}, every: ...{test_too}}}"
        )
    return every


def _not_a_point(split: str, unit: Unit, point: int, points: tuple[int, ...]) -> str:
    """Say which points near one that is not evaluated are."""
    if len(points) == 1 and split == "test":
        rule = f"the recipe evaluates the test part at the end only, {unit} {points[0]}"
        return f"{rule}; set evaluate.test: every-interval, got {unit} {point}"
    i = bisect_left(points, point)
    near = " or ".join(str(at) for at in points[max(i - 1, 0) : i + 1])
    spacing = f"every {points[0]}" if len(points) > 1 else "only at the end"
    rule = f"the recipe evaluates the {split} part {spacing}, up to {unit} {points[-1]}"
    return f"{rule}; use {unit}: {near}, or change evaluate.every, got {unit} {point}"
