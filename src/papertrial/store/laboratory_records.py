"""The documents of several laboratories: labs.json and combination.json."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from papertrial.claims.rule import Combine
from papertrial.claims.verdict import Verdict
from papertrial.record import Part, Record
from papertrial.store.verification_records import ClaimLine, Preregistration

Seeds = tuple[int, ...]


class LabsRegistration(Record):
    """labs.json: the common registration of several laboratories, before the first seed.

    Attributes:
        registered: the claims, the rule with all seeds, the data and the versions.
        combine: how the laboratories are combined.
        laboratories: the seeds of each, in the order in which they count.
    """

    registered: Preregistration
    combine: Combine
    laboratories: tuple[Seeds, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check_seeds(self) -> Self:
        if tuple(seed for lab in self.laboratories for seed in lab) != self.registered.seeds:
            raise ValueError("the seeds of the laboratories are not the registered ones, in order")
        return self


class LabScores(Part):
    """What one laboratory scored for a claim: its mean, and the interval by its seeds alone.

    A bound that is None is open. `verdict` is that of its seeds alone.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    verdict: Verdict


class LaboratoryLine(Part):
    """A laboratory of a combination.

    Attributes:
        name: "laboratory 1".
        folder: from which its files were read.
        preregistration: the SHA-256 of its preregistration.json.
        registered: when that was written, in ISO 8601, UTC.
        state: how far its verification is.
        registered_seeds: all of its seeds; `seeds` are those that count, in order.
        failed: how many of these did not finish.
        device: the kind of device; `hardware` names it and the machine where the runs are here.
        threads: CPU threads for each seed.
        host: the name of the machine.
        verdict: of its seeds alone.
        scores: for each claim that seeds decide.
    """

    name: str
    folder: str
    preregistration: str
    registered: str
    state: str
    registered_seeds: Seeds
    seeds: Seeds
    failed: int
    device: str
    hardware: tuple[str, ...]
    threads: int
    host: str | None
    verdict: Verdict
    scores: tuple[LabScores, ...]


class LabDifference(Part):
    """Whether laboratories differ in the mean of a claim's scores, and `text` in words.

    `evidence` must reach `needed`; evidence above 1,000,000 is not distinguished.
    """

    evidence: float
    needed: float
    found: bool
    text: str


class Laboratories(Part):
    """The laboratories of a combination.

    Attributes:
        combine: how they are combined.
        registration: the SHA-256 of labs.json; None if they were not registered together.
        of: how many were registered; as many as are here if they were not registered together.
        without: the numbers of those that were left out.
        lines: the laboratories, in the order in which their seeds count.
        differences: for each claim that seeds decide.
    """

    combine: Combine
    registration: str | None
    of: int
    without: tuple[int, ...]
    lines: tuple[LaboratoryLine, ...]
    differences: tuple[LabDifference, ...]


class CombinationState(Record):
    """combination.json: the verdict from several laboratories.

    `combined` is the time, in ISO 8601, UTC. `seeds` are those that the verdict rests on.
    """

    recipe: str
    combined: str
    command: str
    laboratories: Laboratories
    seeds: Seeds
    verdict: Verdict
    deviations: tuple[str, ...]
    headline: str
    claims: tuple[ClaimLine, ...]
