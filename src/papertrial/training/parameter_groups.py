"""Which parameters of a model belong to which group of an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from papertrial.errors import ModelError, nearest

_SHOWN = 8

Parameters = dict[str, nn.Parameter]


@dataclass(frozen=True)
class GroupRule:
    """The conditions of a group; a parameter must meet all that are set.

    Attributes:
        where: the group's key path, for messages.
        match: patterns of names, of which one must match; "*" matches any text.
        layers: classes; a module of one of them must have the parameter directly.
        ndim: the number of dimensions.
    """

    where: str
    match: tuple[str, ...] = ()
    layers: tuple[type, ...] = ()
    ndim: int | None = None


@dataclass(frozen=True)
class _Owned:
    """A parameter with all its names, which are several if modules share it, and its owners."""

    parameter: nn.Parameter
    names: tuple[str, ...]
    owners: tuple[nn.Module, ...]


def assign_parameters(
    rules: Sequence[GroupRule], modules: Mapping[str, nn.Module]
) -> tuple[list[Parameters], Parameters]:
    """Assign each parameter that is trained to the first group whose conditions it meets.

    Args:
        rules: the groups, in order.
        modules: the modules by the prefix of their names: "" for the model, "objective".

    Returns:
        The parameters of each group by name, and those that are in none.

    Raises:
        ModelError: a condition is met by no parameter, or all that meet those of a group are in
            earlier groups.
    """
    owned = _owned_parameters(modules)
    for rule in rules:
        _check_conditions(rule, owned)
    groups: list[Parameters] = [{} for _ in rules]
    rest: Parameters = {}
    for one in (one for one in owned if one.parameter.requires_grad):
        fitting = (group for rule, group in zip(rules, groups, strict=True) if _meets(rule, one))
        next(fitting, rest)[one.names[0]] = one.parameter
    for rule, group in zip(rules, groups, strict=True):
        if not group:
            count = sum(one.parameter.requires_grad and _meets(rule, one) for one in owned)
            why = (
                f"all {count} parameters that meet its conditions are in groups before it; move it "
                "up, or remove it"
                if count
                else "no parameter meets all of its conditions together"
            )
            raise ModelError(f"{rule.where}: is empty: {why}")
    return groups, rest


def _owned_parameters(modules: Mapping[str, nn.Module]) -> list[_Owned]:
    found: dict[int, _Owned] = {}
    for name, owner, parameter in _all_parameters(modules):
        had = found.get(id(parameter), _Owned(parameter, (), ()))
        names, owners = (*had.names, name), (*had.owners, owner)
        found[id(parameter)] = _Owned(parameter, names, owners)
    return list(found.values())


def _all_parameters(
    modules: Mapping[str, nn.Module],
) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    """Yield (name, owner, parameter) in the order of named_parameters(), shared ones repeatedly."""
    for prefix, module in modules.items():
        for path, owner in module.named_modules(prefix=prefix, remove_duplicate=False):
            for name, parameter in owner.named_parameters(recurse=False, remove_duplicate=False):
                yield f"{path}.{name}".lstrip("."), owner, parameter


def _meets(rule: GroupRule, one: _Owned) -> bool:
    named = not rule.match or any(_matches(pattern, one) for pattern in rule.match)
    owned = not rule.layers or any(isinstance(owner, rule.layers) for owner in one.owners)
    return named and owned and rule.ndim in (None, one.parameter.ndim)


def _matches(pattern: str, one: _Owned) -> bool:
    return any(fnmatchcase(name, pattern) for name in one.names)


def _check_conditions(rule: GroupRule, owned: Sequence[_Owned]) -> None:
    """Raise ModelError for a condition of a group that no parameter meets."""
    trained = [one for one in owned if one.parameter.requires_grad]
    for pattern in rule.match:
        if not any(_matches(pattern, one) for one in trained):
            frozen = any(_matches(pattern, one) for one in owned)
            raise ModelError(
                f"{rule.where}.match: {pattern!r} matches only parameters that are frozen"
                if frozen
                else f"{rule.where}.match: {pattern!r} matches no parameter{_near(pattern, owned)}"
            )
    for layer in rule.layers:
        if not any(isinstance(owner, layer) for one in trained for owner in one.owners):
            kinds = sorted({type(owner).__name__ for one in trained for owner in one.owners})
            raise ModelError(
                f"{rule.where}.layers: no module of the class {layer.__name__} has a parameter to "
                f"train; those that have one are: {', '.join(kinds)}"
            )
    if rule.ndim is not None and not any(one.parameter.ndim == rule.ndim for one in trained):
        known = sorted({one.parameter.ndim for one in trained})
        raise ModelError(
            f"{rule.where}.ndim: no parameter has {rule.ndim} dimensions, but "
            f"{', '.join(map(str, known))}"
        )


def _near(pattern: str, owned: Sequence[_Owned]) -> str:
    """Return the end of a message: the nearest name or end of a name, and some of the names."""
    names = [name for one in owned for name in one.names]
    ends = {f"*{name[i:]}" for name in names for i, mark in enumerate(name) if mark == "."}
    starts = {f"{name[: i + 1]}*" for name in names for i, mark in enumerate(name) if mark == "."}
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    near = nearest(pattern, {*names, *ends, *starts})
    return f", whose names are {', '.join(names[:_SHOWN])}{more}{near}"
