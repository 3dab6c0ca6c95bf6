"""The schema of a recipe: its keys as frozen pydantic models, and its JSON Schema for editors."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Field, Strict, Tag, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from papertrial.recipe.data_section import Data
from papertrial.recipe.evaluation_sections import Average, EarlyStopping, Evaluate
from papertrial.recipe.plain_values import KeyPath
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.reported_scores import MeanOfLast, Report, ReportRule
from papertrial.recipe.rules import broken_rules
from papertrial.recipe.section import Section
from papertrial.recipe.shared_keys import (
    Claims,
    Deviations,
    Paper,
    PaperSection,
    RecipeName,
    Seed,
    VerifySection,
)
from papertrial.recipe.slot import MetricSlot, OptimizerSlot, SchedulerSlot, Slot
from papertrial.recipe.value_types import MetricName, MonitoredMetric
from papertrial.recipe.verify import Verify
from papertrial.recipe.weights_sections import Freeze, InitFrom, Start
from papertrial.vocabulary import (
    CLAIMABLE_PATTERN,
    COUNTS,
    METRIC_PATTERN,
    METRICS,
    Metric,
    TaskName,
)

METRIC_FORMS = ("metric by name", "metric of your own")  # as pydantic names the two in an error


def _form_of_metric(value: object) -> str:
    own = isinstance(value, MetricSlot) or (isinstance(value, Mapping) and "use" in value)
    return METRIC_FORMS[own]


_Metric = Annotated[
    Annotated[MetricName, Tag(METRIC_FORMS[0])] | Annotated[MetricSlot, Tag(METRIC_FORMS[1])],
    Discriminator(_form_of_metric),
]


class Recipe(Section):
    """A complete experiment: data, model, training, evaluation, and the claims to test."""

    name: RecipeName
    paper: PaperSection = Paper()
    task: TaskName = Field(description="What is predicted. It decides the metrics.")
    data: Data = Field(description="Data set, splits, batches and preparation.")
    model: Slot = Field(description="A `torch.nn.Module`.")
    loss: Slot = Field(description="Called as `loss(output, target)`: a class or a function.")
    objective: Slot | None = Field(
        default=None,
        description="Training step that sees more than output and target, called as "
        "`objective(model, x, y, loss)`; it returns the loss of a batch and the output. If "
        "omitted, it is the loss of the model's output. Evaluations use `loss` alone.",
    )
    optimizer: OptimizerSlot = Field(
        description="A `torch.optim` class. It is given the model's parameters."
    )
    scheduler: SchedulerSlot | None = Field(
        default=None, description="Learning-rate scheduler. If omitted, the rate is constant."
    )
    epochs: int | None = Field(
        default=None, ge=1, description="Passes over the training part. Give this or `steps`."
    )
    steps: int | None = Field(
        default=None, ge=1, description="Optimizer steps. Give this or `epochs`."
    )
    accumulate: int = Field(
        default=1,
        ge=1,
        description="Compute each batch in this many parts and add up their gradients, to save "
        "memory.",
    )
    early_stopping: EarlyStopping | None = Field(
        default=None, description="If omitted, training runs for all epochs or steps."
    )
    average: Average | None = Field(
        default=None,
        description="Average of the weights that is evaluated and kept. If omitted, the weights "
        "themselves are.",
    )
    report: Report = Field(
        default="last",
        description="Epoch whose weights are kept and whose metrics are reported. `best-on-test` "
        "is marked optimistic. `{mean-of-last: 10}` reports means over the last 10 evaluations.",
    )
    report_metric: MonitoredMetric | None = Field(
        default=None,
        description="Metric that selects the best epoch. If omitted, `accuracy`; `rmse` for "
        "regression, `f1_micro` for labels, `loss` for `task: prediction`.",
    )
    init_from: Start | None = Field(
        default=None,
        description="Weights that training starts from: the folder of a finished run, or a file. "
        "`{weights: r18.pth, skip: fc.*}` loads a part of them.",
    )
    freeze: Freeze | None = Field(
        default=None, description="Parameters that are not trained, by name: `backbone.*`."
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="Clip the norm of all gradients together to this value."
    )
    seed: Seed = Field(
        default=0,
        description="Seed of weights, batch order, augmentation and dropout; of the splits only "
        "with `data.splits.seed: each`.",
    )
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        default="fp32",
        description="`bf16` and `fp16` run the forward pass under autocast. `fp16` trains on CUDA "
        "alone, with scaled losses.",
    )
    log_every: int = Field(
        default=100, ge=1, description="Optimizer steps between two records of the training loss."
    )
    evaluate: Evaluate = Field(default=Evaluate(), description="When the parts are evaluated.")
    metrics: Annotated[tuple[_Metric, ...], Strict(False)] = Field(
        default=(),
        description="Metrics to compute, by name, or as functions of your own: `{use: "
        "./m.py:dice, better: higher, unit: fraction}`. If omitted, the usual ones of the task: "
        "see [Metrics](tasks.md#metrics).",
    )
    keep: Slot | None = Field(
        default=None,
        description="What is stored of huge outputs, and what metrics get in place of them: called "
        "as `keep(output, target)` on each batch of an evaluation. Only for `task: prediction`; "
        "the loss is then the mean of those of the batches.",
    )
    claims: Claims = ()
    verify: VerifySection = Verify()
    deviations: Deviations = ()

    @property
    def own_metrics(self) -> dict[str, MetricSlot]:
        """The metrics that are functions or classes of the user's, by name."""
        slots = (item for item in self.metrics if isinstance(item, MetricSlot))
        return {slot.facts.name: slot for slot in slots}

    @property
    def report_rule(self) -> ReportRule:
        """Which scores are reported; `mean_of_last` says of how many evaluations the mean is."""
        return "mean-of-last" if isinstance(self.report, MeanOfLast) else self.report

    @property
    def mean_of_last(self) -> int | None:
        """The number of evaluations whose mean is reported; None if no mean is."""
        return self.report.count if isinstance(self.report, MeanOfLast) else None

    @property
    def start(self) -> InitFrom | None:
        """The weights that `init_from` names, in its long form; None without `init_from`."""
        given = self.init_from
        return InitFrom(weights=given) if isinstance(given, str) else given

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the metrics that are listed."""
        return tuple(m.facts.name if isinstance(m, MetricSlot) else m for m in self.metrics)

    @property
    def monitored_metrics(self) -> tuple[str, ...]:
        """The metrics that the scheduler and early stopping monitor."""
        parts = (self.scheduler, self.early_stopping)
        return tuple(p.monitor for p in parts if p is not None and p.monitor is not None)

    @property
    def deciding_metrics(self) -> tuple[str, ...]:
        """The metrics named to decide the training: its rate, its end, or the reported epoch."""
        named = self.report_metric if self.report_rule.startswith("best-on-") else None
        return (*self.monitored_metrics, *(() if named is None else (named,)))

    def metric(self, name: str) -> Metric:
        """Return what is known of a metric of the recipe."""
        own = self.own_metrics.get(name)
        return Metric(name) if own is None else own.facts

    @model_validator(mode="after")
    def _rules(self) -> Recipe:
        for where, message in broken_rules(self.model_dump(by_alias=True)):
            raise ValueError(f"{where}: {message}")
        return self


AnyRecipe = Recipe | ProgramRecipe

# For editors: where a recipe declares no metric of its own, all names must be known ones.
_DECLARES_METRICS = {
    "required": ["metrics"],
    "properties": {"metrics": {"contains": {"type": "object", "required": ["use"]}}},
}


def _known(pattern: str, *names: str) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(names)}, {"pattern": pattern}, {"not": {"type": "string"}}]}


_MONITOR = _known(METRIC_PATTERN, *METRICS)
_KNOWN_METRICS = {
    "properties": {
        "claims": {
            "items": {"properties": {"metric": _known(CLAIMABLE_PATTERN, *METRICS, *COUNTS)}}
        },
        "scheduler": {"properties": {"monitor": _MONITOR}},
        "early_stopping": {"properties": {"monitor": _MONITOR}},
        "report_metric": _MONITOR,
    }
}


def not_training(recipe: AnyRecipe) -> set[str]:
    """Return the top-level keys of the schema that cannot change the weights, and the seed.

    `evaluate` is one of them if no part of the training depends on the evaluations.
    """
    keys = {"name", "paper", "seed", "claims", "metrics", "log_every", "verify", "deviations"}
    if isinstance(recipe, ProgramRecipe):
        return keys
    monitored = recipe.scheduler is not None and recipe.scheduler.monitor is not None
    is_used = monitored or recipe.early_stopping is not None or recipe.report != "last"
    return keys if is_used else keys | {"evaluate"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a recipe, for editors and validators."""
    (training, program), shared = _both_schemas()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "papertrial recipe",
        "if": {"required": ["program"]},
        "then": program,
        "else": {**training, "if": {"not": _DECLARES_METRICS}, "then": _KNOWN_METRICS},
        **shared,
    }


def _both_schemas() -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return the JSON Schema of each kind of recipe, and their shared definitions."""
    kinds = (Recipe, ProgramRecipe)
    known, shared = models_json_schema([(kind, "validation") for kind in kinds])
    refs = (known[(kind, "validation")] for kind in kinds)
    return tuple(refs), shared


def fields_by_key(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a section of the schema by the key that a recipe uses."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def schema_at(path: KeyPath) -> type[BaseModel] | None:
    """Return the model of the section at a key path in the schema; None if it is not a section."""
    annotation: Any = ProgramRecipe if path[:1] == ("program",) else Recipe
    for part in path:
        if get_origin(annotation) is dict:  # sections by a name of the user's
            annotation = _inner_type(get_args(annotation)[1])
        elif isinstance(part, str):
            field = fields_by_key(annotation).get(part)
            annotation = _inner_type(field.annotation) if field else None
        if not (_is_section(annotation) or get_origin(annotation) is dict):
            return None
    return annotation if _is_section(annotation) else None


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _inner_type(annotation: Any) -> Any:
    """Return the type inside the annotation of a schema field: Annotated, Optional or tuple."""
    while True:
        origin, args = get_origin(annotation), get_args(annotation)
        if origin in (Annotated, tuple):
            annotation = args[0]
        elif origin in (Union, types.UnionType):
            members = [_inner_type(a) for a in args if a is not type(None)]
            sections = [member for member in members if _is_section(member)]
            annotation = (sections or members)[0]
        else:
            return annotation
