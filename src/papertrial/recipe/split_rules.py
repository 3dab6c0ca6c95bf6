"""Rules for `data.splits`: folds, groups and draws that fit together, and claims on folds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from papertrial.hub import FORM, is_on_hub
from papertrial.recipe.plain_values import is_whole_number, value_at
from papertrial.recipe.raw_claim import Broken, RawClaim
from papertrial.recipe.slots import is_function, source_in

_COLUMNS = ("table", "text-table", "image-table", "dataset-folder", FORM)
_FOLDERS = ("image-folder", "text-folder")
FUNCTION_GROUPS = "groups"  # the key of a function's result


def broken_splits(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule on the splits that the plain `tree` breaks."""
    splits = value_at(tree, "data.splits")
    if not isinstance(splits, Mapping):
        return
    draw, folds = splits.get("draw"), splits.get("folds")
    if splits.get("stratify") is True and draw == "last":
        yield "data.splits.stratify", "needs draw: random, got draw: last"
    yield from _fold_problems(splits)
    if folds is None:
        if draw == "in-order":
            yield "data.splits.draw", "in-order is only for folds; use random or last"
        if splits.get("group") is not None and splits.get("stratify") is True:
            yield "data.splits.stratify", "does not go with group, except for folds; remove one"
    yield from _group_problems(tree, splits)
    source = source_in(tree)
    fixed = source is not None and not is_function(source)  # a function may draw with it
    parts = [splits.get(key) for key in ("folds", "test", "validation")]
    if splits.get("seed") == "each" and fixed and not any([*parts, value_at(tree, "data.limit")]):
        yield (
            "data.splits.seed",
            "each has no effect without folds, test, validation or data.limit; add one, or remove "
            "it",
        )


def _fold_problems(splits: Mapping[str, object]) -> Iterator[Broken]:
    folds, repeats, fold = (splits.get(key) for key in ("folds", "repeats", "fold"))
    if folds is None:
        given = (("repeats", is_whole_number(repeats, 2)), ("fold", fold is not None))
        for key, is_given in given:
            if is_given:
                yield f"data.splits.{key}", "needs data.splits.folds, which is missing"
        return
    if splits.get("test") is not None:
        yield "data.splits.test", "does not go with folds, each of which is tested; remove one"
    drawn = splits.get("draw") in (None, "random")
    if is_whole_number(repeats, 2) and not drawn:
        rule = "needs draw: random, because other draws give the same folds again"
        yield "data.splits.repeats", f"{rule}, got draw: {splits.get('draw')}"
    if not is_whole_number(folds, 2) or not is_whole_number(fold, 0):
        return
    count = folds * (repeats if is_whole_number(repeats, 1) else 1)
    if fold >= count:
        yield "data.splits.fold", f"must be a fold from 0 to {count - 1}, got {fold}"


def _group_problems(tree: Mapping[str, object], splits: Mapping[str, object]) -> Iterator[Broken]:
    group, source = splits.get("group"), source_in(tree)
    if not isinstance(group, str) or source is None:
        return
    source = FORM if is_on_hub(source) else source
    where = "data.splits.group"
    if splits.get("draw") == "last":
        yield where, "needs draw: random, got draw: last, which cuts between two rows"
    if all(splits.get(key) is None for key in ("folds", "test", "validation")):
        yield where, "has no effect without folds, test or validation; add one, or remove it"
    target = value_at(tree, "data.table.target")
    is_target = group in target if isinstance(target, list | tuple) else group == target
    if source in _COLUMNS and is_target:
        yield where, f"{group} is the target; name the column that rows of a group share"
    elif source in _FOLDERS:
        try:
            re.compile(group)
        except re.error as error:
            yield where, f"must be a regular expression, got {group!r}: {error}"
    elif is_function(source) and group != FUNCTION_GROUPS:
        rule = f'must be {FUNCTION_GROUPS} for a function, which returns "{FUNCTION_GROUPS}"'
        yield where, f"{rule}, got {group!r}"
    elif source not in _COLUMNS and not is_function(source):
        yield where, f"is only for your own data, got source: {source}"


def fold_claim_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for what a claim says and the folds of its recipe do not give."""
    splits = value_at(tree, "data.splits")
    folds, repeats = value_at(splits, "folds"), value_at(splits, "repeats")
    claimed = claim.folds
    if claimed is not None and claimed != folds:
        has = f"data.splits.folds is {folds}" if folds else "the recipe has one fixed split"
        fix = "" if value_at(splits, "test") is None else ", and remove data.splits.test"
        yield (
            "folds",
            f"the number is a mean over {claimed} folds, but {has}, whose score is another "
            f"quantity; set data.splits.folds: {claimed}{fix}",
        )
    if claim.about == "new-samples" and value_at(splits, "seed") == "each":
        yield (
            "about",
            "new-samples needs the same test samples for each seed, but data.splits.seed is each; "
            "remove it, or give a seed",
        )
    if not is_whole_number(folds, 2):
        return
    # One fold alone is an ordinary training; its score is still not that of the claim.
    count = folds * (repeats if is_whole_number(repeats, 1) else 1)
    if claim.metric == "samples":
        yield "metric", f"samples differ between the {count} folds; remove the claim"
    if claim.kind == "reaches":
        yield "kind", f"reaches needs one curve, but a run trains {count} folds; use another kind"
    if claim.best_epoch_on_test is True:
        yield (
            "best_epoch_on_test",
            f"does not go with folds: a run trains {count}, each with a best epoch of its own; "
            "use report: best-on-test with evaluate.test: every-epoch, or remove it",
        )
    if claim.about == "new-samples":
        yield (
            "about",
            "new-samples does not go with folds, whose models are trained on each other's test "
            "samples; remove it",
        )
