"""Rules for the parameter groups of an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.raw_claim import Broken

_CONDITIONS = ("match", "layers", "ndim")


def broken_groups(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule for parameter groups that a plain recipe breaks."""
    for index, group in enumerate(list_at(tree, "optimizer.groups")):
        if not isinstance(group, Mapping):
            continue
        where = f"optimizer.groups.{index}"
        if all(group.get(key) in (None, "", [], ()) for key in _CONDITIONS):
            yield where, "must say which parameters are in it; give it match, layers or ndim"
        if group.get("use") is None:
            for key in ("args", "scheduler"):
                if group.get(key) not in (None, [], ()):
                    rule = "is only for a group with an optimizer of its own; give it use"
                    yield f"{where}.{key}", f"{rule}, or remove {key}"
        if value_at(group, "scheduler.monitor") is not None:
            yield (
                f"{where}.scheduler.monitor",
                "only the scheduler at the top level takes a metric; remove monitor",
            )
