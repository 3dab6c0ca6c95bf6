"""Build a recipe's optimizer with its parameter groups, and the schedulers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from papertrial.errors import ModelError
from papertrial.recipe.build import build
from papertrial.recipe.resolve import parameters_of, resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slot import ParameterGroup, SchedulerSlot, ScheduleSlot
from papertrial.training.joint import JointOptimizer, JointSchedule
from papertrial.training.optim import Schedule, fused_arguments
from papertrial.training.parameter_groups import GroupRule, Parameters, assign_parameters

_PARAMS = "params"


@dataclass(frozen=True)
class GroupSize:
    """The size of a group of parameters.

    Attributes:
        where: its key path, "optimizer" for the parameters that are in no group.
        optimizer: the import path of its optimizer.
        tensors: the number of parameter tensors.
        parameters: the number of their elements.
        options: the options of the group, or the arguments of its own optimizer.
    """

    where: str
    optimizer: str
    tensors: int
    parameters: int
    options: dict[str, Any]


def group_sizes(recipe: Recipe, modules: Mapping[str, nn.Module]) -> tuple[GroupSize, ...]:
    """Return the size of each group of a recipe's optimizer; first of the parameters in none.

    Raises:
        ModelError: a group is empty, or has a condition that no parameter meets.
    """
    slot = recipe.optimizer
    if not slot.groups:
        return ()
    groups, rest = _assigned(slot.groups, modules)
    listed = [("optimizer", slot.use, rest, slot.kwargs)] if rest else []
    listed += [
        (_where(i), group.use or slot.use, groups[i], group.options)
        for i, group in enumerate(slot.groups)
    ]
    return tuple(
        GroupSize(where, use, len(named), sum(p.numel() for p in named.values()), options)
        for where, use, named, options in listed
    )


def build_optimizers(
    recipe: Recipe, modules: Mapping[str, nn.Module]
) -> tuple[Optimizer | JointOptimizer, Schedule | JointSchedule]:
    """Build a recipe's optimizers and their schedules; several optimizers become one.

    The main optimizer has the parameters that are in no group first, so that its first group has
    the learning rate of the section `optimizer`.

    Args:
        recipe: names optimizer, groups and schedulers.
        modules: the modules by the prefix of their names: "" for the model, "objective".

    Raises:
        ModelError: the recipe names something that is not an optimizer or not a scheduler, a group
            is empty, or the main optimizer has no parameters.
    """
    slot, groups = recipe.optimizer, recipe.optimizer.groups
    assigned, rest = _assigned(groups, modules)
    own = [i for i, group in enumerate(groups) if group.use is None]
    if not rest and not own:
        raise ModelError(
            "optimizer: has no parameters, because the groups with use have all of them; make one "
            "of these optimizers the main one"
        )
    model = modules[""]
    parameters = [*rest.values(), *(p for i in own for p in assigned[i].values())]
    chosen = {**slot.kwargs, **{k: v for i in own for k, v in groups[i].options.items()}}
    fused = fused_arguments(resolve(slot.use), chosen, parameters, model)
    kwargs = {**slot.kwargs, **fused}
    given: list[Any] = parameters
    if own:
        for i in own:
            _check_options(i, recipe, kwargs, assigned[i])
        first = [{_PARAMS: list(rest.values())}] if rest else []
        listed = ({_PARAMS: [*assigned[i].values()], **groups[i].options} for i in own)
        given = [*first, *listed]
    main = _optimizer("optimizer", slot.use, slot.args, kwargs, given)
    optimizers, schedules = [main], [_schedule(recipe, "scheduler", recipe.scheduler, main)]
    for i, group in enumerate(groups):
        if group.use is not None:
            values, where = list(assigned[i].values()), _where(i)
            fused = fused_arguments(resolve(group.use), group.options, values, model)
            built = _optimizer(where, group.use, group.args, {**group.options, **fused}, values)
            optimizers.append(built)
            schedules.append(_schedule(recipe, f"{where}.scheduler", group.scheduler, built))
    if len(optimizers) == 1:
        return main, schedules[0]
    return JointOptimizer(optimizers), JointSchedule(schedules)


def _assigned(
    groups: Sequence[ParameterGroup], modules: Mapping[str, nn.Module]
) -> tuple[list[Parameters], Parameters]:
    rules = [
        GroupRule(_where(i), group.match, tuple(map(_layer, group.layers)), group.ndim)
        for i, group in enumerate(groups)
    ]
    return assign_parameters(rules, modules)


def _where(index: int) -> str:
    return f"optimizer.groups.{index}"


def _layer(use: str) -> type:
    """Return the class that `layers` names; ModelError if it is not the class of a module."""
    found = resolve(use)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        raise ModelError(
            f"optimizer.groups: layers must name classes of torch.nn.Module, got {use}"
        )
    return found


def _check_options(
    index: int, recipe: Recipe, kwargs: Mapping[str, object], parameters: Parameters
) -> None:
    """Check the options of a group; torch itself checks only those of a whole optimizer."""
    slot, where = recipe.optimizer, _where(index)
    options = recipe.optimizer.groups[index].options
    merged = {**kwargs, **options}
    alone = _optimizer(where, slot.use, slot.args, merged, list(parameters.values()))
    unknown = [name for name in options if name not in alone.defaults]
    if unknown:
        known = ", ".join(sorted(alone.defaults))
        raise ModelError(
            f"{where}.{unknown[0]}: cannot differ between the groups of {slot.use}; its options "
            f"are: {known}"
        )


def _optimizer(
    where: str, use: str, args: Sequence[object], kwargs: Mapping[str, object], parameters: Any
) -> Optimizer:
    optimizer = build(where, use, args, kwargs, parameters)
    if not isinstance(optimizer, Optimizer):
        rule = f"{where}: {use} must give a torch.optim.Optimizer"
        raise ModelError(f"{rule}, got {type(optimizer)}")
    return optimizer


def _schedule(
    recipe: Recipe, where: str, slot: ScheduleSlot | None, optimizer: Optimizer
) -> Schedule:
    if slot is None:
        return Schedule()
    scheduler = build(where, slot.use, slot.args, slot.kwargs, optimizer)
    if not callable(getattr(scheduler, "step", None)):
        rule = f"{where}: {slot.use} must give an object with step()"
        raise ModelError(f"{rule}, got {type(scheduler)}")
    named = slot.monitor if isinstance(slot, SchedulerSlot) else None
    monitor = None if named is None else recipe.metric(named)
    return Schedule(scheduler, slot.interval, monitor, where)


def largest_rate(recipe: Recipe) -> float:
    """Return the largest learning rate of a recipe's optimizers, before any schedule.

    It is infinite for LBFGS, whose line search finds the scale, and 0 if it is not known.
    """
    slot = recipe.optimizer
    if slot.use == "torch.optim.LBFGS":
        return math.inf
    given = [slot.kwargs.get("lr"), *(group.options.get("lr") for group in slot.groups)]
    rates = [float(rate) for rate in given if isinstance(rate, int | float)]
    known = (parameters_of(resolve(slot.use)) or {}).get("lr")
    if not rates and known is not None and isinstance(known.default, int | float):
        rates = [float(known.default)]
    return max(rates, default=0.0)
