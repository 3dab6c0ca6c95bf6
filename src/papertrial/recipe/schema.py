"""The recipe's sections as frozen pydantic models; the vocabulary that editors complete from."""

from __future__ import annotations

import copy
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import core_schema

from papertrial.recipe.claims import Claim, Verify
from papertrial.recipe.rules import broken_rules
from papertrial.recipe.section import MetricName, Section
from papertrial.vocabulary import OWN_DATA, SOURCES, TaskName


def _portion(value: object) -> object:
    fraction = isinstance(value, float) and 0 < value < 1
    rows = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if value is not None and not (fraction or rows):
        raise ValueError("must be a fraction between 0 and 1 or a number of rows of at least 1")
    return value


def _source(name: str) -> str:
    if name not in (*SOURCES, *OWN_DATA) and ".py:" not in name:
        raise ValueError("unknown source")
    return name


def _batch_size(value: object) -> object:
    count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not (count or value == "full"):
        raise ValueError("must be a number of samples of at least 1, or full")
    return value


def _size(value: object) -> object:
    sides = value if isinstance(value, list | tuple) else ()
    whole = [s for s in sides if isinstance(s, int) and not isinstance(s, bool) and s >= 1]
    if value is not None and not len(sides) == len(whole) == 2:
        raise ValueError("must be [height, width] in pixels")
    return None if value is None else tuple(sides)


SourceName = Annotated[
    str,
    AfterValidator(_source),
    WithJsonSchema(
        {
            "type": "string",
            "anyOf": [{"enum": [*SOURCES, *OWN_DATA]}, {"pattern": r"\.py:"}],
            "description": "a set by its name, a kind of files of one's own, or ./file.py:function",
        }
    ),
]
BatchSize = Annotated[
    int | Literal["full"],
    BeforeValidator(_batch_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "full"}]}),
]
Size = Annotated[
    tuple[int, int] | None,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1},
                    "minItems": 2,
                    "maxItems": 2,
                },
                {"type": "null"},
            ]
        }
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


Deviation = Annotated[str, Field(min_length=1)]


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


class Images(Section):
    """How images of one's own are brought to one size and mode; without it they must agree."""

    size: Size = Field(default=None, description="[height, width] that all are resized to")
    mode: Literal["L", "RGB"] | None = Field(default=None, description="grey or colour")
    corrupt: Literal["error", "skip"] = "error"


class Columns(Section):
    """Which columns of a table are learnt from, and what is learnt."""

    target: str | None = None
    text: str | None = Field(default=None, description="the column of texts, for text-table")
    features: Annotated[tuple[str, ...], Strict(False)] | None = Field(
        default=None, description="all columns but the target where left out"
    )
    categorical: Annotated[tuple[str, ...], Strict(False)] = ()
    missing: Literal["error", "drop", "mean", "median"] = Field(
        default="error", description="drop the rows, or fill with what the training part has"
    )
    delimiter: str | None = None


class Text(Section):
    """How texts become numbers: the vocabulary is learnt on the training part alone."""

    vocabulary: int = Field(
        default=25_000, ge=1, description="words; an embedding has 2 rows more, <pad> and <unk>"
    )
    vocabulary_file: str | None = Field(default=None, description="a word a line, not learnt")
    lower: bool = True
    max_length: int | None = Field(default=None, ge=1, description="tokens kept of a text")
    vectors: str | None = Field(
        default=None, description="glove.6B.100d, or a .txt or .zip file of word vectors"
    )
    bucket: int | None = Field(
        default=None, ge=1, description="batches of like length, sorted within so many batches"
    )


class Data(Section):
    """What is learnt from, how it is cut into parts and batches, and how it is prepared."""

    source: SourceName
    path: str | None = Field(default=None, description="file or folder of one's own data")
    image: Images | None = None
    table: Columns | None = None
    text: Text | None = None
    limit: int | None = Field(
        default=None, ge=2, description="rows kept of each part, drawn by splits.seed: a quick try"
    )
    splits: Splits = Splits()
    batch_size: BatchSize = Field(description="samples per optimizer step, or full for all")
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
    test: Literal["at-end", "every-epoch"] = Field(
        default="at-end", description="every-epoch shows the test curve, and reports say so"
    )
    batch_size: int = Field(default=1000, ge=1)


class EarlyStopping(Section):
    """End the training when a validation metric has not improved for some evaluations."""

    monitor: MetricName = "loss"
    patience: int = Field(default=3, ge=1, description="evaluations without improvement")
    min_delta: float = Field(default=0.0, ge=0, description="smallest change that improves")


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
    early_stopping: EarlyStopping | None = None
    report: Literal["last", "best-on-validation", "best-on-test"] = Field(
        default="last", description="the epoch whose numbers are reported; best-on-test is marked"
    )
    report_metric: MetricName | None = Field(
        default=None, description="what best means; accuracy or rmse where left out"
    )
    init_from: str | None = Field(default=None, description="a run whose weights to start from")
    clip_norm: float | None = Field(default=None, gt=0, description="largest gradient norm")
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    precision: Literal["fp32", "bf16"] = "fp32"
    log_every: int = Field(default=100, ge=1, description="optimizer steps between logged losses")
    evaluate: Evaluate = Evaluate()
    metrics: Annotated[tuple[MetricName, ...], Strict(False)] = ()
    claims: Annotated[tuple[Claim, ...], Strict(False)] = ()
    verify: Verify = Verify()
    deviations: Annotated[tuple[Deviation, ...], Strict(False)] = Field(
        default=(), description="where this recipe departs from the paper, a sentence each"
    )

    @model_validator(mode="after")
    def _rules(self) -> Recipe:
        for where, message in broken_rules(self.model_dump(by_alias=True)):
            raise ValueError(f"{where}: {message}")
        return self


def not_training(recipe: Recipe) -> set[str]:
    """Return the recipe's keys that cannot change what a training gives, but for chance.

    How often to evaluate is one of them where nothing listens to the evaluation.
    """
    keys = {"name", "paper", "seed", "claims", "metrics", "log_every", "verify", "deviations"}
    monitored = recipe.scheduler is not None and recipe.scheduler.monitor is not None
    listened = monitored or recipe.early_stopping is not None or recipe.report != "last"
    return keys if listened else keys | {"evaluate"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a recipe, for editors and validators."""
    schema = Recipe.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "papertrial recipe",
        **{key: value for key, value in schema.items() if key != "title"},
    }
