"""report.json: the whole report of a run or a verification."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from papertrial.claims.seed_outcome import State
from papertrial.claims.verdict import Verdict
from papertrial.record import Part, Record
from papertrial.store.verification_records import Preregistration


class PaperSource(Part):
    """Where the reported numbers come from."""

    title: str | None = None
    url: str | None = None
    where: str | None = None
    notes: str | None = None


class Side(Part):
    """One side of a difference over the seeds."""

    mean: float
    sd: float | None


class Sides(Part):
    """Both sides of a difference."""

    ours: Side
    theirs: Side


class RankAmongOurs(Part):
    """Where the reported number falls among our scores; `z` in SDs from our mean."""

    below: int
    above: int
    equal: int
    z: float | None


class ClaimResult(Part):
    """A claim, what our seeds gave, and the verdict.

    Attributes:
        reported: the claim in words, without its metric.
        band: the scores that count as the same number; None where a side is open.
        n: how many of our seeds finished.
        low, high: the interval after the last look.
        level: the chance of error of each side of the interval.
        decided_at: after how many seeds the verdict was first reached.
        runs: how many runs are behind the reported number; None where it is unknown.
        prediction: where one more run of ours is expected (95 %).
        scores: (seed, score) pairs.
        intervals: (n, low, high) after each look.
    """

    metric: str
    split: str
    kind: str
    side: Literal["about", "at-least", "at-most"]
    value: float
    printed: str | None
    reported: str
    tolerance: float
    band: tuple[float | None, float | None]
    where: str | None
    url: str | None
    unverified: bool
    plus_minus: str | None = None
    runs: int | None
    optimistic: bool
    versus: str | None = None
    not_judged: str | None = None
    n: int
    mean: float | None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    holds_within: float | None = None
    verdict: Verdict | None = None
    verdict_median: Verdict | None = None
    statistic: Literal["mean", "median"] | None = None
    decided_at: int | None = None
    deterministic: bool = False
    why: str
    prediction: tuple[float, float] | None = None
    place: RankAmongOurs | None = None
    scores: tuple[tuple[int, float], ...] = ()
    intervals: tuple[tuple[int, float | None, float | None], ...] = ()
    pairing: str | None = None
    arms: Sides | None = None


class ExactResult(Part):
    """A claimed number of parameters or samples, decided by counting; None for a single run."""

    metric: str
    split: str | None
    value: float
    printed: str | None = None
    ours: float | None
    verdict: Verdict | None
    why: str
    where: str | None
    url: str | None


class SeedRow(Part):
    """A seed in the report's table; `used` says whether the verdicts rest on it."""

    seed: int
    state: State
    error: str
    seconds: float | None
    run: str | None
    scores: dict[str, float]
    used: bool


class FailedSeeds(Part):
    """How many seeds diverged or crashed, and an upper bound on their rate (95 %)."""

    count: int
    of: int
    upper: float | None
    highest: float
    held: bool


class Attempt(Part):
    """A verification of the same recipe that the runs folder knows of."""

    path: str
    preregistration: str
    started: str | None
    state: str
    verdict: Verdict | None
    n: int
    rule: str
    this: bool


class Registered(Part):
    """The pre-registration and the SHA-256 of its file."""

    sha256: str
    registered: Preregistration


class Curve(Part):
    """A learning curve over the seeds: mean and range at each x."""

    split: str
    metric: str
    x_label: Literal["epoch", "step"]
    x: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int


class ConfusionMatrix(Part):
    """The mean confusion matrix [K, K] over the seeds: a row per true class."""

    split: str
    classes: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    seeds: int


class ClassScores(Part):
    """Precision, recall, F1 and support of one class, means over the seeds."""

    class_: str = Field(alias="class")
    precision: float
    recall: float
    f1: float
    support: float


class Mistake(Part):
    """A sample that a run is most wrong about.

    `row` is its place in the stored predictions, `id` what the sample is called; `image` is a data
    URL. A regression has no confidence.
    """

    seed: int
    split: str
    row: int
    id: str
    truth: float | str
    predicted: float | str
    confidence: float | None
    image: str | None
    text: str | None


class Spread(Part):
    """A metric over the seeds: of one run its value, of more mean, SD and range."""

    value: float | None = None
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None


class Report(Record):
    """report.json; a part of which nothing is known is None or empty."""

    kind: Literal["run", "verification"]
    recipe: str
    task: str
    paper: PaperSource
    headline: str
    verdict: str | None
    deviations: tuple[str, ...]
    warnings: tuple[str, ...]
    claims: tuple[ClaimResult, ...]
    exact: tuple[ExactResult, ...]
    seeds: tuple[SeedRow, ...]
    varied: str | None
    fixed: tuple[str, ...]
    diverged: FailedSeeds | None
    curves: tuple[Curve, ...]
    confusion: ConfusionMatrix | None
    per_class: tuple[ClassScores, ...]
    mistakes: tuple[Mistake, ...]
    metrics: dict[str, dict[str, Spread]]
    provenance: tuple[tuple[str, str], ...]
    not_covered: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...]
    preregistration: Registered | None
    command: str
    path: str
