"""The documents of a verification: preregistration.json, verification.json, outcomes.jsonl."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_serializer

from papertrial.recipe.claims import Claim
from papertrial.recipe.dependency import Dependency
from papertrial.record import Part, Record

Verdict = Literal["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"]
VerificationPhase = Literal["running", "finished", "interrupted", "failed"]
SeedState = Literal["finished", "diverged", "crashed"]


class RegisteredClaim(Part):
    """A claim as the tests take it, in the metric's own unit, beside what the recipe states.

    `versus` is the number of the other side in `Preregistration.versus`, for a difference.
    """

    metric: str
    split: str
    kind: str
    value: float
    tolerance: float
    low: float
    high: float
    runs: int | None
    side: Literal["about", "at-least", "at-most"]
    best_epoch_on_test: bool
    stated: Claim
    versus: int | None

    @field_serializer("stated")
    def _stated(self, stated: Claim) -> object:
        return stated_plain(stated)


class Preregistration(Record):
    """preregistration.json: everything that is fixed before the first seed starts."""

    method: int
    recipe: str
    recipe_hash: str
    training_hash: str
    versus: tuple[str, ...]
    files: tuple[dict[str, str], ...]
    threads: int
    device: str
    claims: tuple[RegisteredClaim, ...]
    exact: tuple[Claim, ...]
    not_judged: tuple[Claim, ...]
    alpha: float
    statistic: Literal["mean", "median"]
    prior: float
    first_look: int
    horizon: Literal["anytime", "fixed"]
    max_diverged: float
    seeds: tuple[int, ...]
    maximum: int
    reported_epoch: str
    several_claims: str
    diverged: str
    deterministic: str

    @field_serializer("exact", "not_judged")
    def _listed(self, claims: tuple[Claim, ...]) -> object:
        return [stated_plain(claim) for claim in claims]


def stated_plain(claim: Claim) -> object:
    """Return what a recipe states of a claim as plain values, without what it leaves open.

    The other side of a difference is left out: its training hash stands in `versus`.
    """
    said = claim.model_dump(mode="json", by_alias=True, exclude={"versus"}, exclude_none=True)
    return {
        key: value for key, value in said.items() if value is not False and value not in ([], {})
    }


class ClaimLine(Part):
    """What verification.json and `verify --json` say of a claim; `n` counts our seeds."""

    metric: str
    split: str | None
    kind: str
    value: float
    tolerance: float
    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    holds_within: float | None
    verdict: Verdict | None
    why: str
    verdict_median: Verdict | None
    decided_at: int | None


class VerificationState(Record):
    """verification.json: how far a verification is, and what it came to once it is finished."""

    state: VerificationPhase
    recipe: str
    started: str
    preregistration: str  # SHA-256 of preregistration.json
    commands: tuple[str, ...]
    workers: int
    pid: int
    host: str
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
        scores: for each claim of the rule our score, and for a difference that of the other side.
        weights: SHA-256 over the weights of its runs.
        runs: their folders, relative to the verification: ours, then each other side.
        data: for each run the fingerprint of each split.
    """

    seed: int
    state: SeedState
    scores: tuple[tuple[float, ...], ...] = ()
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


class KeptFiles(Record):
    """files.json: what a verification copied, from where, and what was too large to be copied."""

    files: tuple[Dependency, ...]
