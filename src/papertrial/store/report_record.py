"""report.json: the whole report of a run or a verification."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from papertrial.claims.judged_claim import ClaimAbout, ClaimKind, ClaimSide
from papertrial.claims.rule import StatisticName
from papertrial.claims.seed_outcome import SeedState
from papertrial.claims.verdict import Verdict
from papertrial.reading_note import ReadingNote
from papertrial.recipe.claim_words import describe, versus_of
from papertrial.recipe.claims import Claim
from papertrial.record import Part, Record
from papertrial.store.fold_row import FoldRow
from papertrial.store.laboratory_records import Laboratories
from papertrial.store.new_samples import NewSamples
from papertrial.store.target_curve import TargetCurve
from papertrial.store.unregistered_rule import UnregisteredRule
from papertrial.store.verification_records import EarlierLook, Preregistration

_SPREADS = {
    "sd": "standard deviation", "se": "standard error", "ci": "confidence interval",
    "unknown": "the paper does not say of what kind",
}  # fmt: skip


class PaperSource(Part):
    """Where the reported numbers come from."""

    title: str | None = None
    url: str | None = None
    where: str | None = None
    notes: str | None = None


class SideScores(Part):
    """One side of a difference over the seeds."""

    mean: float
    sd: float | None


class Sides(Part):
    """Both sides of a difference."""

    ours: SideScores
    theirs: SideScores


class RankAmongOurs(Part):
    """Where the reported number falls among our scores; `z` in SDs from our mean."""

    below: int
    above: int
    equal: int
    z: float | None


class Evidence(Part):
    """The evidence on a claim, seed by seed.

    Attributes:
        after: (finished seeds, evidence for the claim, evidence against it), from the first look
            on; evidence above 1,000,000 is not distinguished.
        level, level_against: the error levels of the thresholds.
        supports, opposes: the thresholds for the claim and against it; None if no evidence is
            enough.
        refuted_within: with every smaller tolerance, the claim would be NOT REPRODUCED; None if it
            would not be with any.
    """

    after: tuple[tuple[int, float, float], ...]
    level: float
    level_against: float
    supports: float | None
    opposes: float | None
    refuted_within: float | None


class CollapsedSeeds(Part):
    """The seeds whose scores are far worse than the others, of how many, and `text` in words.

    `upper` is a bound on their rate (95 %).
    """

    seeds: tuple[int, ...]
    of: int
    upper: float
    text: str


class WorstCase(Part):
    """The verdict if each failed seed had scored the metric's worst value, and `text` in words."""

    verdict: Verdict
    text: str


class ReportedClaim(Part):
    """A claim as the recipe states it.

    `reported` is the claim in words, without its metric. `versus` and `plus_minus` are words too.
    """

    metric: str
    split: str
    kind: ClaimKind
    value: float
    printed: str | None
    reported: str
    where: str | None
    url: str | None
    unverified: bool
    plus_minus: str | None = None
    versus: str | None = None

    @classmethod
    def of(cls, claim: Claim) -> ReportedClaim:
        """Return what a report shows of a recipe's claim."""
        words = describe(claim).partition("; tolerance")[0]
        spread, size = claim.plus_minus, claim.plus_minus_number
        return ReportedClaim(
            metric=claim.metric,
            split=claim.split,
            kind=claim.kind,
            value=claim.number,
            printed=claim.printed,
            reported=words.removeprefix(f"{claim.split} ").removeprefix(f"{claim.metric} "),
            where=claim.where,
            url=claim.url,
            unverified=claim.unverified,
            plus_minus=None if spread is None else f"±{size:g} ({_SPREADS[spread.is_]})",
            versus=versus_of(claim) or None,
        )


class ClaimResult(ReportedClaim):
    """A claim, what our seeds gave, and the verdict.

    Attributes:
        band: the scores that count as the same number; None where a side is open.
        n: how many of our seeds finished.
        low, high: the interval after the last look.
        level: the chance of error of each side of the interval.
        decided_at: after how many seeds the verdict was first reached.
        runs: how many runs are behind the reported number; None where it is unknown.
        prediction: where one more run of ours is expected (95 %).
        scores: (seed, score) pairs.
        intervals: (n, low, high) after each look.
        evidence: None before the first look and for a deterministic training.
        collapse: None with fewer than five scores.
        worst_case: None if no seed failed.
        curve: only for a target that a curve reaches.
        about: whether the verdict is about this test set or new test samples.
        new_samples: our score on both; None for a metric that is not a mean over samples.
        decision: how the claim was decided: (question, answer) pairs in plain words.
    """

    side: ClaimSide
    tolerance: float
    band: tuple[float | None, float | None]
    runs: int | None
    optimistic: bool
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
    statistic: StatisticName | None = None
    decided_at: int | None = None
    deterministic: bool = False
    why: str
    prediction: tuple[float, float] | None = None
    place: RankAmongOurs | None = None
    scores: tuple[tuple[int, float], ...] = ()
    intervals: tuple[tuple[int, float | None, float | None], ...] = ()
    pairing: str | None = None
    arms: Sides | None = None
    evidence: Evidence | None = None
    collapse: CollapsedSeeds | None = None
    worst_case: WorstCase | None = None
    curve: TargetCurve | None = None
    about: ClaimAbout = "test-set"
    new_samples: NewSamples | None = None
    decision: tuple[tuple[str, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What failed seeds may hide, and how many seeds collapsed, in words."""
        return tuple(one.text for one in (self.worst_case, self.collapse) if one is not None)

    @classmethod
    def beside(cls, claim: Claim, **result: object) -> ClaimResult:
        """Put what our seeds gave, by field, beside what the recipe states."""
        return cls.model_validate({**dict(ReportedClaim.of(claim)), **result})


class ExactResult(Part):
    """A claimed number of parameters or samples, decided by counting; undecided for a single run.

    `ours` is None if it was not counted. `decision` says how it was decided, as that of
    `ClaimResult`.
    """

    metric: str
    split: str | None
    value: float
    printed: str | None = None
    ours: int | float | None
    verdict: Verdict | None
    why: str
    where: str | None
    url: str | None
    decision: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        claim: Claim,
        ours: int | float | None,
        verdict: Verdict | None,
        why: str,
        decision: tuple[tuple[str, str], ...] = (),
    ) -> ExactResult:
        """Put a count beside what the recipe states; parameters have no split."""
        return cls(
            metric=claim.metric,
            split=None if claim.metric == "parameters" else claim.split,
            value=claim.number,
            printed=claim.printed,
            ours=ours,
            verdict=verdict,
            why=why,
            where=claim.where,
            url=claim.url,
            decision=decision,
        )


class SeedRow(Part):
    """A seed in the report's table; `used` says whether the verdicts rest on it.

    `laboratory` is the one that trained it, if there are several.
    """

    seed: int
    state: SeedState
    error: str
    seconds: float | None
    run: str | None
    scores: dict[str, float]
    used: bool
    laboratory: str | None = None


class FailedSeeds(Part):
    """How many seeds diverged or crashed, and an upper bound on their rate (95 %)."""

    count: int
    of: int
    upper: float | None
    highest: float
    held: bool


class Attempt(Part):
    """A verification of the same recipe that the runs folder knows of.

    `shared` are the seeds that this verification's verdict rests on and that ended in it, too.
    `differs` names what it registered otherwise: "training", "tolerance", "seeds", ...
    """

    path: str
    preregistration: str
    started: str | None
    state: str
    verdict: Verdict | None
    n: int
    rule: str
    this: bool
    shared: tuple[int, ...] = ()
    differs: tuple[str, ...] = ()


class HashedRegistration(Part):
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
    """report.json; a part of which nothing is known is None or empty.

    `earlier` are earlier looks at the seeds of the verdict, `laboratories` those of a combination.
    `unregistered` is the rule of scores that existed before it. Seeds count runs if not `seeded`.
    """

    FORMAT: ClassVar[int] = 2

    kind: Literal["run", "verification", "combination", "scores"]
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
    folds: tuple[FoldRow, ...] = ()
    provenance: tuple[tuple[str, str], ...]
    not_covered: tuple[str, ...] = ()
    reading: tuple[ReadingNote, ...] = ()
    attempts: tuple[Attempt, ...]
    earlier: tuple[EarlierLook, ...] = ()
    preregistration: HashedRegistration | None
    unregistered: UnregisteredRule | None = None
    laboratories: Laboratories | None = None
    seeded: bool = True
    command: str
    path: str
