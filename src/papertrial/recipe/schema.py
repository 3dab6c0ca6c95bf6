"""The sections of a recipe as frozen pydantic models, and their JSON Schema for editors."""

from __future__ import annotations

import copy
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, Strict, model_validator
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema
from pydantic_core import core_schema

from papertrial.recipe.plain_values import KeyPath
from papertrial.recipe.program import ProgramRecipe
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
from papertrial.recipe.value_types import BatchSize, MetricName, Portion, Size, SourceName
from papertrial.recipe.verify import Verify
from papertrial.vocabulary import CLAIMABLE_PATTERN, COUNTS, METRICS, TaskName


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


class SchedulerSlot(Slot):
    """A learning-rate scheduler: a slot with two additional keys."""

    interval: Literal["epoch", "step"] = Field(
        default="epoch", description="Step the scheduler after each epoch or each optimizer step."
    )
    monitor: MetricName | None = Field(
        default=None,
        description="Validation metric passed to `step()` after each evaluation, for schedulers "
        "such as `ReduceLROnPlateau`. It replaces `interval`.",
    )


class Splits(Section):
    """Which parts are split off the training part. Changing the training seed does not move them.

    The test part is split off first, then the validation part from the remaining rows.
    """

    validation: Portion = Field(
        default=None,
        description="Fraction or number of rows of the training part to use for validation. If "
        "omitted, there is no validation part unless the source has one.",
    )
    test: Portion = Field(
        default=None,
        description="Fraction or number of rows to use for testing. Only for a source without a "
        "test part.",
    )
    draw: Literal["random", "last"] = Field(
        default="random", description="Take random rows, or the last rows."
    )
    stratify: bool = Field(
        default=False, description="Keep the class proportions. Needs `draw: random`."
    )
    seed: int = Field(
        default=0, ge=0, le=2**32 - 1, description="Seed of the splits and of `data.limit`."
    )


class Images(Section):
    """How your own images are converted. If omitted, all must have the same size and mode."""

    size: Size = Field(
        default=None, description="Resize every image to `[height, width]`, in pixels."
    )
    mode: Literal["L", "RGB"] | None = Field(
        default=None, description="Convert every image to gray (`L`) or color (`RGB`)."
    )
    corrupt: Literal["error", "skip"] = Field(
        default="error", description="Report an image that cannot be decoded, or leave it out."
    )


class Columns(Section):
    """Which columns of a table are used, and how."""

    target: str | None = Field(
        default=None, description="Column to predict. Required for `table` and `text-table`."
    )
    text: str | None = Field(
        default=None, description="Column of texts. Required for `text-table`."
    )
    features: Annotated[tuple[str, ...], Strict(False)] | None = Field(
        default=None, description="Input columns, in order. If omitted, all but the target."
    )
    categorical: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(), description="Input columns to one-hot encode, one column for each category."
    )
    missing: Literal["error", "drop", "mean", "median"] = Field(
        default="error",
        description="Missing cells: report them, drop their rows, or fill in the mean or median of "
        "the training part.",
    )
    delimiter: str | None = Field(
        default=None,
        description="Character between columns. If omitted, a tab in `.tsv` files, else a comma.",
    )


class Text(Section):
    """How texts become token numbers. The vocabulary is learned from the training part only."""

    vocabulary: int = Field(
        default=25_000,
        ge=1,
        description="Number of words to keep, the most frequent first. An embedding needs two more "
        "rows: padding is 0, an unknown word is 1.",
    )
    vocabulary_file: str | None = Field(
        default=None,
        description="File with one word per line, used instead of a learned vocabulary. "
        "`vocabulary` must be its number of words.",
    )
    lower: bool = Field(default=True, description="Convert texts to lower case.")
    max_length: int | None = Field(
        default=None, ge=1, description="Tokens to keep of each text, the first ones. Default: all."
    )
    vectors: str | None = Field(
        default=None,
        description="Pre-trained word vectors for the embedding: a name such as `glove.6B.100d`, "
        "or a `.txt` or `.zip` file.",
    )
    bucket: int | None = Field(
        default=None,
        ge=1,
        description="Group texts of similar length into batches: shuffle, then sort by length "
        "within pools of this many batches. Needs `shuffle`.",
    )


class Data(Section):
    """The data set, its splits and batches, and how samples are prepared."""

    source: SourceName = Field(
        description="A named data set, a kind of files, or `./file.py:function`."
    )
    path: str | None = Field(default=None, description="File or folder of your own data.")
    image: Images | None = Field(default=None, description="Only for `source: image-folder`.")
    table: Columns | None = Field(
        default=None, description="For tables; `features` also selects columns of a named table."
    )
    text: Text | None = Field(default=None, description="Only for `task: text-classification`.")
    limit: int | None = Field(
        default=None,
        ge=2,
        description="Keep at most this many random rows of each part, for a quick try.",
    )
    splits: Splits = Field(default=Splits(), description="Parts to split off the training part.")
    batch_size: BatchSize = Field(
        description="Samples per optimizer step, or `full` for the whole training part."
    )
    shuffle: bool = Field(default=True, description="Shuffle the training part in each epoch.")
    transform: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(),
        description="Transforms of every sample, in order. Statistics such as means are computed "
        "on the training part.",
    )
    augment: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(),
        description="Random changes to training images, in order, applied before `transform`.",
    )


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

    monitor: MetricName = Field(default="loss", description="Validation metric to watch.")
    patience: int = Field(
        default=3, ge=1, description="Evaluations without improvement before training stops."
    )
    min_delta: float = Field(
        default=0.0, ge=0, description="A change must exceed this to be an improvement."
    )


class Recipe(Section):
    """A complete experiment: data, model, training, evaluation, and the claims to test."""

    name: RecipeName
    paper: PaperSection = Paper()
    task: TaskName = Field(description="What is predicted. It decides the metrics.")
    data: Data = Field(description="Data set, splits, batches and preparation.")
    model: Slot = Field(description="A `torch.nn.Module`.")
    loss: Slot = Field(description="Called as `loss(output, target)`: a class or a function.")
    optimizer: Slot = Field(
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
    report: Literal["last", "best-on-validation", "best-on-test"] = Field(
        default="last",
        description="Epoch whose weights are kept and whose metrics are reported. `best-on-test` "
        "is marked optimistic.",
    )
    report_metric: MetricName | None = Field(
        default=None,
        description="Metric that selects the best epoch. If omitted, `accuracy`, or `rmse` for "
        "regression.",
    )
    init_from: str | None = Field(
        default=None, description="Folder of a finished run whose weights training starts from."
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="Clip the norm of all gradients together to this value."
    )
    seed: Seed = Field(
        default=0,
        description="Seed of weights, batch order, augmentation and dropout; not of the splits.",
    )
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32", description="`bf16` runs the forward pass under autocast."
    )
    log_every: int = Field(
        default=100, ge=1, description="Optimizer steps between two records of the training loss."
    )
    evaluate: Evaluate = Field(default=Evaluate(), description="When the parts are evaluated.")
    metrics: Annotated[tuple[MetricName, ...], Strict(False)] = Field(
        default=(), description="Metrics to compute. If omitted, all metrics of the task."
    )
    claims: Claims = ()
    verify: VerifySection = Verify()
    deviations: Deviations = ()

    @model_validator(mode="after")
    def _rules(self) -> Recipe:
        for where, message in broken_rules(self.model_dump(by_alias=True)):
            raise ValueError(f"{where}: {message}")
        return self


# Only a program has other scores than papertrial's own metrics.
_KNOWN_METRIC = {
    "properties": {
        "metric": {"anyOf": [{"enum": [*METRICS, *COUNTS]}, {"pattern": CLAIMABLE_PATTERN}]}
    }
}

AnyRecipe = Recipe | ProgramRecipe


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
        "else": {**training, "properties": {"claims": {"items": _KNOWN_METRIC}}},
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
