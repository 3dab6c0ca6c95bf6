"""The sections of a recipe on what is evaluated and when, and when the training stops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Strict

from papertrial.recipe.section import Section
from papertrial.recipe.slot import Slot
from papertrial.recipe.value_types import MonitoredMetric


class AveragedViews(Section):
    """Views of each sample whose outputs, such as logits, are averaged in every evaluation.

    Evaluations, audits and predictions do this, trainings do not.
    """

    flip: bool = Field(
        default=False, description="Also the mirror image. Only for `task: image-classification`."
    )
    shift: int | None = Field(
        default=None,
        ge=1,
        description="Also the image shifted by this many pixels, down right and up left; these "
        "count a quarter each. Only for `task: image-classification`.",
    )
    views: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(),
        description="Functions of yours, called as `view(x)` on prepared batches: each returns "
        "another view of them.",
    )


class Evaluate(Section):
    """When the parts are evaluated. Every part is also evaluated at the end of training.

    The training part is not if `train` is false.
    """

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
    train: bool = Field(
        default=True,
        description="Evaluate the training part at the end. `false` saves the time and the stored "
        "outputs of a large one. Only for `task: prediction`.",
    )
    batch_size: int = Field(default=1000, ge=1, description="Samples per batch in evaluation.")
    augment: AveragedViews | None = Field(
        default=None,
        description="Test-time augmentation: average the outputs for several views of each sample.",
    )


class Average(Section):
    """Evaluate and keep an average of the weights over the training instead of the last weights."""

    use: Literal["ema", "swa"] = Field(
        description="`ema`: exponential moving average, of buffers too. `swa`: mean of the weights "
        "from `start` on (stochastic weight averaging); before each evaluation, the statistics of "
        "batch norm are computed again on the training batches of the epoch."
    )
    decay: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the old average in an update. Only for `ema`; if omitted, 0.999.",
    )
    every: int = Field(default=1, ge=1, description="Update after this many intervals.")
    interval: Literal["epoch", "step"] | None = Field(
        default=None,
        description="Count `every` and `start` in epochs or in optimizer steps. If omitted, steps "
        "for `ema` and epochs for `swa`.",
    )
    start: int | None = Field(
        default=None,
        ge=0,
        description="Intervals before the average starts; until then, the weights themselves are "
        "evaluated. Required for `swa`; if omitted, 0.",
    )

    @property
    def decay_of_ema(self) -> float | None:
        """The decay of an exponential moving average; None for `swa`."""
        return None if self.use == "swa" else self.decay or 0.999

    def in_steps(self, intervals: int, steps_per_epoch: int) -> int:
        """Return a number of intervals in optimizer steps."""
        interval = self.interval or ("epoch" if self.use == "swa" else "step")
        return intervals * (steps_per_epoch if interval == "epoch" else 1)


class EarlyStopping(Section):
    """Stop training when a validation metric no longer improves."""

    monitor: MonitoredMetric = Field(default="loss", description="Validation metric to watch.")
    patience: int = Field(
        default=3, ge=1, description="Evaluations without improvement before training stops."
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="A change must exceed this to be an improvement."
    )
