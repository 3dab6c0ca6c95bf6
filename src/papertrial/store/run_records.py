"""The documents of a run: provenance.json, metrics.json and the lines of metrics.jsonl."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from papertrial.reading_note import ReadingNote
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.reported_scores import ReportRule
from papertrial.record import Part, Record
from papertrial.vocabulary import Metrics, SplitMetrics

RunState = Literal["running", "finished", "interrupted", "failed"]


ALL = "all"  # the name of the training part before splits are cut


class SplitData(Part):
    """The samples of one split: how many, and the SHA-256 of their content.

    The SHA-256 is empty for a split that differs between the folds or the seeds of a recipe.
    """

    rows: int
    fingerprint: str


class GitState(Part):
    """The repository of the folder that the command ran in."""

    commit: str
    dirty: bool


class StartedFrom(Part):
    """The run or the file that `init_from` names, and the SHA-256 of its weights."""

    run: str
    weights_sha256: str


class Resumed(Part):
    """A run that continued: after which step, when, and what differed from its beginning."""

    step: int
    at: str
    different: tuple[str, ...] = ()


class InitialWeights(Part):
    """Weights that were loaded into a model before its training, and what it got of them.

    `key` of the recipe names them, `source` is what it names. `loaded`, `skipped`, `missing` and
    `changed` are tensors of the model, `unused` those of the file that it does not have. `notes`
    say the same in words.
    """

    key: str
    source: str
    sha256: str
    loaded: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What was loaded, in words, each line with the key."""
        return tuple(f"{self.key}: {note}" for note in self.notes)


class Environment(Part):
    """What a run depends on beside its recipe and data: libraries, machine, command."""

    device: str
    device_name: str | None
    cpu_capability: str | None
    threads: int
    versions: dict[str, str | None]
    platform: str
    machine: str
    host: str
    pid: int
    cpus: int | None
    command: str
    folder: str
    git: GitState | None


class Provenance(Record):
    """provenance.json: where a run came from, and how it ended.

    Times are in ISO 8601, UTC.
    """

    recipe: str
    seed: int
    recipe_hash: str
    training_hash: str
    data: dict[str, SplitData]  # of a run with folds, of the parts before they are cut
    drawn_from: dict[str, SplitData] | None = None  # the same, if splits follow the training seed
    notes: tuple[ReadingNote | str, ...] = ()  # on the data; text if an older version wrote it
    dependencies: tuple[Dependency, ...] = ()
    not_covered: tuple[str, ...] = ()  # what could not be traced, or was too large to be copied
    packages: dict[str, str] = Field(default_factory=dict)  # versions of what its code imports
    init_from: StartedFrom | None = None
    initial_weights: tuple[InitialWeights, ...] = ()
    frozen: str | None = None  # how many parameters the training does not change
    environment: Environment
    resumed: tuple[Resumed, ...] = ()
    started: str
    ended: str | None = None
    state: RunState
    error: str | None = None

    @property
    def fixed_data(self) -> dict[str, SplitData]:
        """The data that all seeds of a recipe have in common."""
        return self.data if self.drawn_from is None else self.drawn_from


class ReportedStep(Part):
    """Which step's weights a run reports, how that step was chosen, and how it was scored.

    With `mean-of-last`, the metrics are means over `evaluations` evaluations, and `last_metrics`
    are those of the last one, as the predictions are. `skipped_steps` changed no weights, because
    gradients overflowed in fp16. `metric` chose the step, if one did.
    """

    rule: ReportRule
    step: int
    epoch: int
    last_step: int
    last_epoch: int
    last_metrics: SplitMetrics | None
    planned_steps: int
    test_evaluations: int
    optimistic: bool
    evaluations: int = 1
    skipped_steps: int = 0
    metric: str | None = None


class ClaimBesideRun(Part):
    """A claim beside the number that this run gave; one run decides nothing."""

    metric: str
    split: str
    kind: str
    side: Literal["about", "at-least", "at-most"]
    value: float
    printed: str | None
    runs: int | None
    best_epoch_on_test: bool
    ours: int | float | None
    not_judged: str | None


class Network(Record):
    """model.json: arguments that build a run's network without the files of its initial weights."""

    arguments: dict[str, JsonValue]


class VocabularyFacts(Part):
    """How many words a vocabulary has, and which share of them the word vectors cover."""

    words: int
    vectors: str | None = None
    coverage: float | None = None


class Seconds(Part):
    """Wall-clock time of a run by what it was spent on, in seconds."""

    data: float
    train: float
    evaluate: float
    total: float


class FoldScores(Part):
    """A fold of a run: the size of its parts, and its metrics that are single numbers, by split.

    Folds and repetitions are counted from 0.
    """

    repeat: int
    fold: int
    rows: dict[str, int]
    metrics: dict[str, dict[str, float]]


class RunSummary(Record):
    """metrics.json: the final metrics of a run, and how they came about.

    With folds, `metrics` are the means over the folds, and `report` is that of the longest
    training.
    """

    recipe: str
    seed: int
    device: str
    classes: tuple[str, ...]
    metrics: SplitMetrics
    report: ReportedStep
    claims: tuple[ClaimBesideRun, ...]
    vocabulary: VocabularyFacts | None = None
    epoch_seconds: tuple[float, ...]
    seconds: Seconds
    folds: tuple[FoldScores, ...] = ()


class StepLine(Record):
    """A line of metrics.jsonl: the mean loss since the last line, and a score of the last batch."""

    kind: Literal["step"] = "step"
    epoch: int
    step: int
    loss: float
    headline: str  # the metric of which `score` is
    score: float | None
    lr: float
    samples_per_second: float


class EvaluationLine(Record):
    """A line of metrics.jsonl: a split evaluated after `step` optimizer steps."""

    kind: Literal["evaluation"] = "evaluation"
    split: str
    step: int
    metrics: Metrics


def read_line(text: bytes | str, where: str) -> StepLine | EvaluationLine:
    """Read a line of a run's metrics.jsonl as its record.

    Raises:
        RunError: it is damaged, or of another format version.
    """
    if Record.field(text, "kind") == "evaluation":
        return EvaluationLine.from_json(text, where)
    return StepLine.from_json(text, where)
