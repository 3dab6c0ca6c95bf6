"""A slot of a recipe: a class or function by its import path, with its arguments."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    model_validator,
)
from pydantic_core import core_schema

from papertrial.recipe.declared_metrics import name_of_use
from papertrial.recipe.section import Section
from papertrial.recipe.slots import is_function
from papertrial.recipe.value_types import SCORE_NAME, MonitoredMetric
from papertrial.recipe.weights_sections import Texts
from papertrial.vocabulary import OWN_DATA, SOURCES, Better, Metric, MetricUnit


class Slot(Section):
    """A class or function, named by its import path, with its arguments.

    All other keys are keyword arguments of the class or function. If it needs no arguments, write
    the import path alone: `loss: torch.nn.MSELoss`. An argument that is a mapping with the key
    `use` is a slot too, so slots can be nested.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    use: str = Field(
        min_length=1,
        description="`package.module.Name`, or `./file.py:Name` relative to the recipe's folder.",
    )
    args: Annotated[tuple[Any, ...], Strict(False)] = Field(
        default=(), description="Positional arguments."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {"use": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}

    @property
    def kwargs(self) -> dict[str, Any]:
        """A copy of the keyword arguments, so that the slot stays frozen."""
        return copy.deepcopy(self.model_extra or {})


class MetricSlot(Slot):
    """A metric of your own: a slot with three additional keys.

    It is called as `metric(output, target)` on all outputs and targets of a part, and returns one
    number; or it is a class of torchmetrics. It must be a pure function.
    """

    name: str | None = Field(
        default=None,
        pattern=SCORE_NAME,
        description="Name in reports and claims. If omitted, the last part of `use`.",
    )
    better: Better | None = Field(
        default=None,
        description="Which values are better. Required to choose an epoch or to stop early by it.",
    )
    unit: MetricUnit = Field(
        default="none",
        description="`fraction` if it is at most 1, so that claims may be in percent.",
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return value  # text is the name of one of papertrial's own metrics

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(core)

    @property
    def facts(self) -> Metric:
        """What a verdict must know of the metric."""
        return Metric(self.name or name_of_use(self.use), self.better, self.unit)


class TransformSlot(Slot):
    """A transform: a slot with one additional key."""

    only: Literal["training", "evaluation"] | None = Field(
        default=None,
        description="Use it only to prepare training batches, or only for evaluations and "
        "predictions. If omitted, for both.",
    )


def _check_function(use: str) -> str:
    if use in (*SOURCES, *OWN_DATA):
        raise ValueError(f"takes no arguments; write source: {use}")
    if not is_function(use):
        raise ValueError("must be a function in a file, ./file.py:name")
    return use


class SourceSlot(Slot):
    """A function in a file that returns a data set, with its arguments."""

    use: Annotated[str, AfterValidator(_check_function)] = Field(
        description="`./file.py:function`, relative to the recipe's folder."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return value  # text is the name of a source

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(core)


class ScheduleSlot(Slot):
    """A learning-rate scheduler: a slot with an additional key."""

    interval: Literal["epoch", "step"] = Field(
        default="epoch", description="Step the scheduler after each epoch or each optimizer step."
    )


class SchedulerSlot(ScheduleSlot):
    """A learning-rate scheduler: a slot with two additional keys."""

    monitor: MonitoredMetric | None = Field(
        default=None,
        description="Validation metric passed to `step()` after each evaluation, for schedulers "
        "such as `ReduceLROnPlateau`. It replaces `interval`.",
    )


class ParameterGroup(Section):
    """Parameters with options of their own.

    A parameter is in the first group whose conditions `match`, `layers` and `ndim` it meets. All
    other keys are options of the optimizer, such as `lr` and `weight_decay`, that replace those of
    the section `optimizer`; or, with `use`, the arguments of a second optimizer.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    match: Texts = Field(
        default=(),
        description="Name or names of parameters, with `*` for any text: `*.bias`, `fc.*`. Those "
        "of an objective begin with `objective.`.",
    )
    layers: Texts = Field(
        default=(),
        description="Import paths of module classes; the parameters that belong directly to such a "
        "module are meant.",
    )
    ndim: int | None = Field(
        default=None, ge=0, description="Number of dimensions of the parameters."
    )
    use: str | None = Field(
        default=None,
        min_length=1,
        description="A second optimizer, for these parameters alone. It is given the options of "
        "the group and nothing else.",
    )
    args: Annotated[tuple[Any, ...], Strict(False)] = Field(
        default=(), description="Positional arguments of the second optimizer."
    )
    scheduler: ScheduleSlot | None = Field(
        default=None,
        description="Scheduler of the second optimizer. If omitted, its rate is constant; "
        "`scheduler` at the top level acts on the main optimizer alone.",
    )

    @property
    def options(self) -> dict[str, Any]:
        """A copy of the options of the group, or of the arguments of its optimizer."""
        return copy.deepcopy(self.model_extra or {})


class OptimizerSlot(Slot):
    """A `torch.optim` class: a slot with an additional key."""

    groups: Annotated[tuple[ParameterGroup, ...], Strict(False)] = Field(
        default=(),
        description="Parameters with options of their own, or with a second optimizer. The first "
        "group that a parameter matches counts. Others belong to the optimizer itself.",
    )
