"""Rules that hold between several keys of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from papertrial.recipe.claim_rules import broken_claims
from papertrial.vocabulary import is_one_number

Broken = tuple[str, str]  # key path, message
# What each kind of data of one's own must be told.
_NEEDS = {
    "image-folder": ("data.path",),
    "text-folder": ("data.path",),
    "table": ("data.path", "data.table.target"),
    "text-table": ("data.path", "data.table.target", "data.table.text"),
}
_OWN_FUNCTION = "a function of one's own opens its files itself"
# The keys of data.table that mean nothing elsewhere; `features` also selects columns of a set.
_COLUMNS = {
    "target": ("table", "text-table"),
    "text": ("text-table",),
    "categorical": ("table",),
    "missing": ("table",),
    "delimiter": ("table", "text-table"),
}
_ONE_NUMBER = "takes a metric that is one number"


def broken_rules(tree: Mapping[str, Any]) -> list[Broken]:
    """Return (key path, message) for each rule over several keys that the plain `tree` breaks."""
    return [*_length(tree), *_data(tree), *_validation(tree), *_test(tree), *broken_claims(tree)]


def _get(tree: Any, where: str) -> Any:
    """Return what stands at a key path, None where nothing does."""
    for key in where.split("."):
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _length(tree: Mapping[str, Any]) -> Iterator[Broken]:
    epochs, steps = tree.get("epochs"), tree.get("steps")
    if epochs is not None and steps is not None:
        yield "steps", f"give epochs or steps, not both (got {epochs} and {steps})"
    if epochs is None and steps is None:
        yield "epochs", "give the length of the training as epochs or steps; got neither"


def _data(tree: Mapping[str, Any]) -> Iterator[Broken]:
    splits = _get(tree, "data.splits")
    if _get(splits, "stratify") is True and _get(splits, "draw") == "last":
        yield "data.splits.stratify", "a stratified draw is random; got draw: last"
    source, task = _get(tree, "data.source"), tree.get("task")
    if not isinstance(source, str) or not isinstance(task, str):
        return
    for needed in _NEEDS.get(source, ()):
        if not _get(tree, needed):
            yield needed, f"source: {source} needs it; it is missing"
    if source not in _NEEDS and _get(tree, "data.path") is not None:
        rule = f"is for a source of one's own ({', '.join(_NEEDS)})"
        named = f"{source} is found in the data folder (--data)"
        yield "data.path", f"{rule}; {_OWN_FUNCTION if '.py:' in source else named}"
    columns = _get(tree, "data.table")
    for key, sources in _COLUMNS.items():
        # What stands there by default is not asked for.
        if source not in sources and _get(columns, key) not in (None, (), [], "error"):
            yield f"data.table.{key}", f"is for source: {' or '.join(sources)}, got {source}"
    if source != "image-folder" and _get(tree, "data.image") is not None:
        yield "data.image", f"is for source: image-folder, got source: {source}"
    if task != "text-classification" and _get(tree, "data.text") is not None:
        yield "data.text", f"is for texts, got task: {task}"


def _validation(tree: Mapping[str, Any]) -> Iterator[Broken]:
    """What listens to a validation part needs one; a folder of one's own may bring it."""
    source = _get(tree, "data.source")
    drawn = _get(tree, "data.splits.validation") is not None
    may_have = drawn or (isinstance(source, str) and (source in _NEEDS or ".py:" in source))
    listeners = {
        "scheduler.monitor": _get(tree, "scheduler.monitor"),
        "early_stopping.monitor": _get(tree, "early_stopping") is not None,
        "report": tree.get("report") == "best-on-validation",
    }
    for where, listens in listeners.items():
        if listens and not may_have:
            yield where, "needs a validation part; set data.splits.validation"
    for where in ("scheduler.monitor", "early_stopping.monitor", "report_metric"):
        metric = _get(tree, where)
        if isinstance(metric, str) and not is_one_number(metric):
            what = "a scheduler" if where == "scheduler.monitor" else where.partition(".")[0]
            yield where, f"{what} {_ONE_NUMBER}, got {metric!r}"


def _test(tree: Mapping[str, Any]) -> Iterator[Broken]:
    if tree.get("report") == "best-on-test" and _get(tree, "evaluate.test") != "every-epoch":
        yield (
            "report",
            "best-on-test chooses by the test curve; say so with evaluate.test: every-epoch, "
            "or choose by a validation part with best-on-validation",
        )
