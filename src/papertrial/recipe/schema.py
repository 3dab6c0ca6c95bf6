"""The recipe's sections as frozen pydantic models; the vocabulary that editors complete from."""

from __future__ import annotations

import copy
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import core_schema

TaskName = Literal["image-classification", "regression"]
SourceName = Literal[
    "digits", "diabetes", "fashion-mnist", "mnist", "kmnist", "cifar10", "cifar100"
]
SplitName = Literal["train", "validation", "test"]
METRICS = (
    "loss", "accuracy", "top5_accuracy", "precision", "recall", "f1",
    "precision_per_class", "recall_per_class", "f1_per_class", "confusion_matrix", "auroc",
    "mse", "rmse", "mae", "r2",
)  # fmt: skip
METRIC_PATTERN = "^(" + "|".join(("top[1-9][0-9]*_accuracy", *METRICS)) + ")$"

TASKS: tuple[str, ...] = get_args(TaskName)
SOURCES: tuple[str, ...] = get_args(SourceName)


class Section(BaseModel):
    """A part of a recipe: frozen, and no key but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _metric(name: str) -> str:
    if not re.fullmatch(METRIC_PATTERN, name):
        raise ValueError("unknown metric")
    return name


def _portion(value: object) -> object:
    fraction = isinstance(value, float) and 0 < value < 1
    rows = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is not None and not (fraction or rows):
        raise ValueError("must be a fraction between 0 and 1 or a number of rows of at least 1")
    return value


MetricName = Annotated[
    str,
    AfterValidator(_metric),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"enum": list(METRICS)}, {"pattern": METRIC_PATTERN}]}
    ),
]
Portion = Annotated[
    float | int | None,
    BeforeValidator(_portion),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "integer", "minimum": 1},
                {"type": "null"},
            ]
        }
    ),
]


class Slot(Section):
    """A class or function by its import path, with its arguments.

    `use` is "package.module.Name" or "./file.py:Name" (relative to the recipe's folder); all other
    keys are keyword arguments, `args` the positional ones. A string alone stands for `use`.
    An argument that is itself a mapping with `use` is a slot too.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    use: str = Field(min_length=1, description="package.module.Name or ./file.py:Name")
    args: Annotated[tuple[Any, ...], Strict(False)] = Field(
        default=(), description="positional arguments"
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
        """The keyword arguments, as a copy: the slot itself stays frozen."""
        return copy.deepcopy(self.model_extra or {})


class SchedulerSlot(Slot):
    """A learning-rate scheduler, stepped once an epoch or once an optimizer step."""

    interval: Literal["epoch", "step"] = "epoch"
    monitor: MetricName | None = Field(
        default=None,
        description="validation metric handed to step(), for schedulers such as ReduceLROnPlateau",
    )


class Paper(Section):
    """Where the numbers come from."""

    title: str | None = None
    url: str | None = None
    where: str | None = Field(default=None, description="table, figure or page")
    notes: str | None = None


class Splits(Section):
    """Parts drawn by papertrial; another training seed is not another split."""

    validation: Portion = Field(default=None, description="taken off the training part")
    test: Portion = Field(default=None, description="only where the source has no test part")
    draw: Literal["random", "last"] = "random"
    stratify: bool = Field(default=False, description="keep the class proportions")
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


class Data(Section):
    """What is learnt from, how it is cut into parts and batches, and how it is prepared."""

    source: SourceName
    splits: Splits = Splits()
    batch_size: int = Field(ge=1, description="samples per optimizer step")
    shuffle: bool = True
    transform: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(), description="preparation of every split, in order; what is learnt, from train"
    )
    augment: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(), description="random changes to training batches, before `transform`"
    )


class Evaluate(Section):
    """How often the validation part is evaluated; every split is evaluated at the end."""

    every: int = Field(default=1, ge=1)
    interval: Literal["epoch", "step"] = "epoch"
    batch_size: int = Field(default=1000, ge=1)


class Claim(Section):
    """A reported number with its tolerance, in the metric's own unit."""

    metric: MetricName
    split: SplitName = "test"
    value: float
    tolerance: float | None = Field(default=None, ge=0)
    kind: Literal["mean", "single-run", "best-of", "at-least", "at-most", "difference", "exact"] = (
        "mean"
    )
    n: int | None = Field(default=None, ge=1, description="runs behind the reported number")
    printed: str | None = Field(default=None, description='the digits as printed, "55 %"')
    where: str | None = None
    url: str | None = None
    notes: str | None = None
    unverified: bool = Field(default=False, description="not read in the document named")


class Recipe(Section):
    """What to do, entire: data, model, training, evaluation, and the numbers to hold it against."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    paper: Paper = Paper()
    task: TaskName
    data: Data
    model: Slot
    loss: Slot
    optimizer: Slot
    scheduler: SchedulerSlot | None = None
    epochs: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1, description="optimizer steps, in place of epochs")
    accumulate: int = Field(
        default=1, ge=1, description="parts that each batch is computed in, to save memory"
    )
    clip_norm: float | None = Field(default=None, gt=0, description="largest gradient norm")
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    precision: Literal["fp32", "bf16"] = "fp32"
    log_every: int = Field(default=100, ge=1, description="optimizer steps between logged losses")
    evaluate: Evaluate = Evaluate()
    metrics: Annotated[tuple[MetricName, ...], Strict(False)] = ()
    claims: Annotated[tuple[Claim, ...], Strict(False)] = ()

    @model_validator(mode="after")
    def _rules(self) -> Recipe:
        for where, message in broken_rules(self.model_dump()):
            raise ValueError(f"{where}: {message}")
        return self


def broken_rules(tree: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (key path, message) for each rule over several keys that the plain `tree` breaks."""
    broken: list[tuple[str, str]] = []
    epochs, steps = tree.get("epochs"), tree.get("steps")
    if epochs is not None and steps is not None:
        broken.append(("steps", f"give epochs or steps, not both (got {epochs} and {steps})"))
    if epochs is None and steps is None:
        broken.append(("epochs", "give the length of the training as epochs or steps; got neither"))
    data, scheduler = tree.get("data"), tree.get("scheduler")
    splits = data.get("splits") if isinstance(data, dict) else None
    has_validation = isinstance(splits, dict) and splits.get("validation") is not None
    if isinstance(splits, dict) and splits.get("stratify") is True and splits.get("draw") == "last":
        broken.append(("data.splits.stratify", "a stratified draw is random; got draw: last"))
    monitor = scheduler.get("monitor") if isinstance(scheduler, dict) else None
    if isinstance(monitor, str) and (monitor.endswith("_per_class") or "matrix" in monitor):
        rule = "a scheduler takes a metric that is one number"
        broken.append(("scheduler.monitor", f"{rule}, got {monitor!r}"))
    if monitor and not has_validation:
        broken.append(("scheduler.monitor", "needs a validation part; set data.splits.validation"))
    return broken


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a recipe, for editors and validators."""
    schema = Recipe.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "papertrial recipe",
        **{key: value for key, value in schema.items() if key != "title"},
    }
