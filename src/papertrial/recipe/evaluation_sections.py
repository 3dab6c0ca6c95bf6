"""The sections of a recipe that say when parts are evaluated, and when the training stops."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from papertrial.recipe.section import Section
from papertrial.recipe.value_types import MonitoredMetric


class Evaluate(Section):
    """When the parts are evaluated. Every part is also evaluated at the end of training."""

    every: int = Field(
        default=1, ge=1, description="Evaluate the validation part after this many intervals."
    )
    interval: Literal["epoch", "step"] = Field(
        default="epoch", description="Count `every` in epochs or in optimizer steps."
    )
    test: Literal["at-end", "every-epoch", "every-interval"] = Field(
        default="at-end",
        description="When the test part is evaluated: at the end, or also after every epoch, or "
        "whenever the validation part is. Reports mention the latter two.",
    )
    batch_size: int = Field(default=1000, ge=1, description="Samples per batch in evaluation.")


class EarlyStopping(Section):
    """Stop training when a validation metric no longer improves."""

    monitor: MonitoredMetric = Field(default="loss", description="Validation metric to watch.")
    patience: int = Field(
        default=3, ge=1, description="Evaluations without improvement before training stops."
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="A change must exceed this to be an improvement."
    )
