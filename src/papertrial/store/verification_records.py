"""The documents of a verification: preregistration.json, verification.json, outcomes.jsonl."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    model_serializer,
    model_validator,
)

from papertrial.claims.judged_claim import ClaimAbout, ClaimKind, ClaimSide, JudgedClaim
from papertrial.claims.reach import Reach
from papertrial.claims.rule import GivenSd, Horizon, Rule, StatisticName
from papertrial.claims.seed_outcome import SeedOutcome, SeedState
from papertrial.claims.verdict import Verdict
from papertrial.recipe.claims import Claim
from papertrial.record import Part, Record
from papertrial.store.registered_labs import RegisteredLabs
from papertrial.store.run_records import ALL
from papertrial.vocabulary import moves_in_steps

AS_THE_PROGRAM_SAYS = "as the program says"  # the reported epoch of a program
Phase = Literal["running", "finished", "interrupted", "failed"]


class RegisteredClaim(Part):
    """A claim as the tests take it, in the metric's own unit, beside what the recipe states.

    `versus` is the number of the other side in `Preregistration.versus`, for a difference. The
    stated claim does not repeat that side.
    """

    metric: str
    split: str
    kind: ClaimKind
    value: float
    tolerance: float
    low: float
    high: float
    runs: int | None
    side: ClaimSide
    best_epoch_on_test: bool
    paired: bool
    reported_sd: float | None
    about: ClaimAbout
    reach: Reach | None = None
    stated: Claim
    versus: Annotated[int, Field(ge=0)] | None

    @classmethod
    def of(cls, judged: JudgedClaim, stated: Claim, versus: int | None) -> Self:
        """Put a claim as the tests take it beside what the recipe states."""
        known = {name: getattr(judged, name) for name in _registered_fields()}
        return cls(**known, stated=without_other_side(stated), versus=versus)

    @property
    def judged(self) -> JudgedClaim:
        """The claim as the tests take it; its step follows from the data."""
        known = {name: getattr(self, name) for name in _registered_fields()}
        return JudgedClaim(**known, better=self.stated.better, unit=self.stated.unit)

    @field_serializer("stated")
    def _given_keys(self, stated: Claim) -> dict[str, object]:
        return _claim_as_registered(stated)


def _registered_fields() -> set[str]:
    """Return the fields of a judged claim that a registration repeats beside the stated one."""
    return JudgedClaim.__dataclass_fields__.keys() - {"step", "better", "unit"}


class Terms(Record):
    """How a recipe's claims will be decided; the same recipe, threads and device give the same.

    Attributes:
        method: the version of the decision method (`papertrial.claims.rule.METHOD`).
        training_hash: of our side; `versus` has those of the other sides of differences.
        files: for each side, ours first, the SHA-256 of the files that its training reads, by name.
        claims: those that seeds decide.
        exact: those on a number of parameters or samples, which are counted.
        not_judged: those whose setting an override changed.
        seeds: in the order in which verdicts are taken.
        seeds_from: the public text that the seeds were drawn from, as
            `papertrial.recipe.draw_seeds` does; None if they were listed.
        labs: how several laboratories are combined; None if the recipe does not say so.
    """

    FORMAT: ClassVar[int] = 3

    method: int
    recipe: str
    recipe_hash: str
    training_hash: str
    versus: tuple[str, ...]
    files: tuple[dict[str, str], ...]
    threads: int = Field(ge=1)
    device: str
    claims: tuple[RegisteredClaim, ...]
    exact: tuple[Claim, ...]
    not_judged: tuple[Claim, ...]
    alpha: float
    statistic: StatisticName
    prior: float
    sd: GivenSd | None
    first_look: int
    horizon: Horizon
    max_diverged: float
    seeds: tuple[int, ...]
    seeds_from: str | None
    maximum: int
    reported_epoch: str
    several_claims: str
    diverged: str
    deterministic: str
    labs: RegisteredLabs | None = None

    @model_validator(mode="after")
    def _check_sides(self) -> Self:
        sides = len(self.versus)
        wrong = [c.versus for c in self.claims if c.versus is not None and c.versus >= sides]
        if wrong or len(self.files) != sides + 1:
            raise ValueError(f"claims or files do not fit the {sides} sides in versus")
        if any(c.judged.has_two_sides != (c.versus is not None) for c in self.claims):
            raise ValueError("a claim has another side in versus exactly if it compares two sides")
        return self

    @property
    def is_program(self) -> bool:
        """Whether seeds run a program, and train no model of papertrial's."""
        return self.reported_epoch == AS_THE_PROGRAM_SAYS

    @property
    def digests(self) -> tuple[str, ...]:
        """The training hash of each side, ours first."""
        return (self.training_hash, *self.versus)

    @property
    def rule(self) -> Rule:
        """How the claims that seeds decide are decided.

        Raises:
            ClaimError: no rule has these numbers.
        """
        return Rule(
            claims=tuple(claim.judged for claim in self.claims),
            seeds=self.seeds,
            alpha=self.alpha,
            statistic=self.statistic,
            prior=self.prior,
            sd=self.sd,
            first_look=self.first_look,
            horizon=self.horizon,
            max_diverged=self.max_diverged,
            is_part=self.labs is not None and self.labs.part is not None,
        )

    def to_bytes(self) -> bytes:
        """Return the bytes of the file, of which the hash is taken; its keys are sorted."""
        plain = json.loads(self.to_json())
        text = json.dumps(plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        return f"{text}\n".encode()

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, as `sha256sum` prints it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @model_serializer(mode="wrap")
    def _without_labs(self, plain: SerializerFunctionWrapHandler) -> dict[str, object]:
        found: dict[str, object] = plain(self)
        if self.labs is None:  # an older papertrial reads it too
            del found["labs"]
        return found

    @field_serializer("exact", "not_judged")
    def _given_keys(self, claims: tuple[Claim, ...]) -> list[dict[str, object]]:
        return [_claim_as_registered(claim) for claim in claims]


class Preregistration(Terms):
    """preregistration.json: everything that is fixed before the first seed starts.

    Attributes:
        registered: when it was written, in ISO 8601, UTC.
        data: for each side, ours first, the fingerprint of each split; empty if nothing is trained
            and no samples are counted.
        rows: for each side the number of samples of each split. It gives the step in which an
            accuracy moves.
        versions: of the libraries that training depends on.
        packages: versions of the packages that the recipes' code imports.
    """

    registered: AwareDatetime
    data: tuple[dict[str, str], ...]
    rows: tuple[dict[str, int], ...]
    versions: dict[str, str | None]
    packages: dict[str, str]

    @model_validator(mode="after")
    def _check_data(self) -> Self:
        if len(self.data) != len(self.versus) + 1 and (self.data or self.claims):
            raise ValueError(f"data do not fit the {len(self.versus)} sides in versus")
        if [one.keys() for one in self.rows] != [one.keys() for one in self.data]:
            raise ValueError("rows and data do not name the same splits")
        return self

    @property
    def rule(self) -> Rule:
        """How the claims that seeds decide are decided, with the steps that the data give.

        Raises:
            ClaimError: no rule has these numbers.
        """
        claims = tuple(replace(one.judged, step=self._step(one)) for one in self.claims)
        return replace(super().rule, claims=claims)

    def _step(self, claim: RegisteredClaim) -> float:
        """Return the step in which a claim's score moves; of two sides, the larger one."""
        if claim.stated.samples is not None:  # of a program, whose data are not known
            return 1 / claim.stated.samples
        sides = [self.rows[0], *([] if claim.versus is None else [self.rows[claim.versus + 1]])]
        # A split that does not exist is an error that the first seed reports.
        # With folds, only the test part has a size: others move by about a sample of the whole.
        sizes = [rows.get(claim.split) or rows.get(ALL) for rows in sides]
        steps = [1 / size for size in sizes if size and moves_in_steps(claim.metric)]
        return max(steps, default=0.0)

    @property
    def terms(self) -> Terms:
        """What the recipe, the threads and the device fix, without when and where."""
        return Terms(**{name: getattr(self, name) for name in Terms.model_fields})


def without_other_side(claim: Claim) -> Claim:
    """Return a claim as preregistration.json has it: without the other side of its difference.

    A registration names that side by its training hash, which does not depend on where it lies.
    """
    return claim.model_copy(update={"versus": None})


def _claim_as_registered(claim: Claim) -> dict[str, object]:
    """Return a stated claim as preregistration.json has it: without the keys that say nothing."""
    plain = claim.model_dump(mode="json", by_alias=True, exclude_none=True)
    # A tolerance of 0 says something, and 0 == False.
    return {key: value for key, value in plain.items() if value is not False}


class ClaimLine(Part):
    """What verification.json and `verify --json` say about a claim; `n` counts our seeds.

    `notes` say what failed seeds may hide, and how many seeds collapsed.
    """

    metric: str
    split: str | None
    kind: ClaimKind
    value: float
    tolerance: float
    n: int
    mean: int | float | None  # a count is whole
    sd: float | None
    low: float | None
    high: float | None
    holds_within: float | None
    verdict: Verdict | None
    why: str
    verdict_median: Verdict | None
    decided_at: int | None
    notes: tuple[str, ...] = ()


class EarlierLook(Part):
    """Another verification that trained some of the same seeds, so that their scores were seen.

    Attributes:
        verification: its folder, as "recipe/name", relative to the folder of runs.
        preregistration: the SHA-256 of its preregistration.json.
        seeds: that ended in it and are registered here.
        alpha: its probability of an error on each side.
        differs: what its rule has otherwise: "claims", "alpha", ...; empty for the same rule.
        counts: whether it adds to the probability of an error. The same rule on the same scores
            gives the same verdict again, and with more seeds its bound holds at any stopping.
    """

    verification: str
    preregistration: str
    seeds: tuple[int, ...] = Field(min_length=1)
    alpha: float
    differs: tuple[str, ...]
    counts: bool


class VerificationState(Record):
    """verification.json: how far a verification is, and its result once it is finished.

    Times are in ISO 8601, UTC. `preregistration` is the SHA-256 of preregistration.json.
    `earlier` are other verifications that trained some of its seeds.
    """

    state: Phase
    recipe: str
    started: str
    preregistration: str
    commands: tuple[str, ...]
    workers: int
    pid: int
    host: str
    earlier: tuple[EarlierLook, ...] = ()
    error: str | None = None
    ended: str | None = None
    seeds: tuple[int, ...] | None = None
    verdict: Verdict | None = None
    deviations: tuple[str, ...] = ()
    headline: str | None = None
    claims: tuple[ClaimLine, ...] | None = None


class SeedRecord(Record):
    """A line of outcomes.jsonl: how a seed ended.

    Attributes:
        scores: for each claim of the rule our score, and for two sides that of the other side; for
            a target the scores at all evaluated points.
        weights: SHA-256 over the weights of its runs; "" for a program, whose weights are unknown.
        attempts: how many times it was started; a seed whose worker died is started once more.
        seconds: how long its last attempt took.
        runs: their folders, relative to the verification: ours, then each other side.
        data: for each run the fingerprint of each split.
        versions: of the libraries that training depends on.
        packages: versions of the packages that the recipe's code imports.
        reads: SHA-256 of the files that the recipe's code read at run time, by path.
    """

    seed: int
    state: SeedState
    scores: tuple[Annotated[tuple[float, ...], Field(min_length=1)], ...] = ()
    weights: str = ""
    error: str = ""
    attempts: int = 1
    worker: int = 0
    seconds: float | None = None
    runs: tuple[str, ...] = ()
    data: tuple[dict[str, str], ...] = ()
    versions: dict[str, str | None] = Field(default_factory=dict)
    packages: dict[str, str] = Field(default_factory=dict)
    reads: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_state(self) -> Self:
        if self.state != "finished" and self.scores:
            raise ValueError(f"a seed that {self.state} has no scores")
        missing = [name for name in ("runs", "versions") if not getattr(self, name)]
        if self.state == "finished" and missing:
            raise ValueError(f"a seed that finished needs {', '.join(missing)}")
        return self

    @property
    def outcome(self) -> SeedOutcome:
        """What a verdict takes from it."""
        return SeedOutcome(self.seed, self.state, self.scores, self.weights, self.error)

    def numbers(self, claims: Sequence[JudgedClaim]) -> tuple[float, ...]:
        """Return the one number for each claim of the rule; none unless the seed finished."""
        # Without scores the seed did not finish.
        return tuple(c.score_of(row) for c, row in zip(claims, self.scores, strict=False))
