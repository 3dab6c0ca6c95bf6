"""A slot of a recipe: a class or function by its import path, with its arguments."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, Strict, model_validator
from pydantic_core import core_schema

from papertrial.recipe.declared_metrics import name_of_use
from papertrial.recipe.section import Section
from papertrial.recipe.value_types import SCORE_NAME, MonitoredMetric
from papertrial.vocabulary import Better, Metric, MetricUnit


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
        return handler.resolve_ref_schema(handler(core))

    @property
    def facts(self) -> Metric:
        """What a verdict must know of the metric."""
        return Metric(self.name or name_of_use(self.use), self.better, self.unit)


class SchedulerSlot(Slot):
    """A learning-rate scheduler: a slot with two additional keys."""

    interval: Literal["epoch", "step"] = Field(
        default="epoch", description="Step the scheduler after each epoch or each optimizer step."
    )
    monitor: MonitoredMetric | None = Field(
        default=None,
        description="Validation metric passed to `step()` after each evaluation, for schedulers "
        "such as `ReduceLROnPlateau`. It replaces `interval`.",
    )
