"""The answers of `papertrial accept`: one decision, or all decisions of a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from papertrial.claims.gain import GainDecision
from papertrial.claims.online_budget import OnlineBudget
from papertrial.numbers import as_written, between, evidence, number, plural
from papertrial.record import Part
from papertrial.store.ledger import LedgerContent, LedgerDecision
from papertrial.vocabulary import Better


class Acceptance(Part):
    """A decision on an idea, as `papertrial accept --json` prints it.

    Attributes:
        decision: ACCEPTED, REJECTED or UNDECIDED.
        headline: the decision in a sentence.
        new: whether it was written now; false if an earlier decision on these scores stands.
        ledger: the file.
        idea: the number of the idea.
        baseline, candidate: as they were given when the decision was taken.
        metric, better, at_least_by: the terms of the ledger.
        seeds: those that were compared.
        n: their number.
        gain, sd: mean and SD of the gains, in the metric's unit; positive if the candidate is
            better.
        low, high: the interval of the expected gain at this level; null where it is open.
        e_value: the evidence for a gain of more than the minimum.
        e_needed: what it must reach, 1/level.
        level: the level of this idea.
        more_seeds: about how many more seeds are needed; 0 if accepted, null if none would help.
        alpha: the error budget.
        budget_left: the part of alpha that later ideas have.
        ideas: how many ideas have a number so far.
        accepted: how many of them were accepted.
        head: the SHA-256 of the ledger's last line.
        notes: which scores were not used.
    """

    decision: GainDecision
    headline: str
    new: bool
    ledger: str
    idea: int
    baseline: str
    candidate: str
    metric: str
    better: Better
    at_least_by: float
    seeds: tuple[int, ...]
    n: int
    gain: float
    sd: float
    low: float | None
    high: float | None
    e_value: float
    e_needed: float
    level: float
    more_seeds: int | None
    alpha: float
    budget_left: float
    ideas: int
    accepted: int
    head: str
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        ledger: Path,
        content: LedgerContent,
        one: LedgerDecision,
        notes: tuple[str, ...],
        *,
        is_new: bool,
    ) -> Self:
        """Return the answer on a decision of a ledger."""
        if not is_new:
            final = one.decision == "ACCEPTED"
            then = "an accepted idea is final" if final else "use new seeds: more of both sides"
            when = f"decided before, on {one.decided:%Y-%m-%d %H:%M:%S} UTC, on these scores"
            notes = (f"{when}, so nothing was written; {then}", *notes)
        terms = content.terms
        return cls(
            decision=one.decision,
            headline=describe_decision(one, content),
            new=is_new,
            ledger=str(ledger),
            idea=one.idea,
            baseline=one.baseline.name,
            candidate=one.candidate.name,
            metric=terms.metric,
            better=terms.better,
            at_least_by=terms.at_least_by,
            seeds=one.seeds,
            n=one.n,
            gain=one.gain,
            sd=one.sd,
            low=one.low,
            high=one.high,
            e_value=one.e_value,
            e_needed=1 / one.level,
            level=one.level,
            more_seeds=one.more_seeds,
            alpha=terms.alpha,
            budget_left=_left(content),
            ideas=content.ideas,
            accepted=content.accepted,
            head=content.head,
            notes=notes,
        )


class LedgerSummary(Part):
    """A ledger, as `papertrial accept --show --json` prints it.

    Attributes:
        ledger: the file.
        metric, better, at_least_by, alpha: its terms.
        expected_ideas: how many ideas were expected when it was opened.
        ideas: how many ideas have a number.
        accepted: how many of them were accepted.
        budget_left: the part of alpha that later ideas have.
        next_level: the level of the next idea.
        head: the SHA-256 of the last line.
        decisions: all decisions, oldest first.
    """

    ledger: str
    metric: str
    better: Better
    at_least_by: float
    alpha: float
    expected_ideas: int
    ideas: int
    accepted: int
    budget_left: float
    next_level: float
    head: str
    decisions: tuple[LedgerDecision, ...]

    @classmethod
    def of(cls, ledger: Path, content: LedgerContent) -> Self:
        """Return the summary of a ledger."""
        terms = content.terms
        budget = OnlineBudget(terms.alpha, terms.ideas)
        return cls(
            ledger=str(ledger),
            metric=terms.metric,
            better=terms.better,
            at_least_by=terms.at_least_by,
            alpha=terms.alpha,
            expected_ideas=terms.ideas,
            ideas=content.ideas,
            accepted=content.accepted,
            budget_left=_left(content),
            next_level=budget.level(content.ideas + 1, content.accepted),
            head=content.head,
            decisions=content.decisions,
        )


def describe_decision(one: LedgerDecision, content: LedgerContent) -> str:
    """Return the sentence on a decision: what was decided, on what evidence, and what to do."""
    terms = content.terms
    least = f"more than {as_written(terms.at_least_by)} better" if terms.at_least_by else "better"
    gain = f"gain {number(one.gain, one.sd)}"
    if one.low is not None or one.high is not None:
        gain += f", expected gain {between(one.low, one.high, one.sd)}"
    shown = f"{gain}; {plural(one.n, 'seed')}"
    known = f"e-value {evidence(one.e_value)}"
    needed = f"{evidence(1 / one.level, 'up')} at the level {one.level:.3g}"
    if one.decision == "ACCEPTED":
        return (
            f"ACCEPTED: the expected {terms.metric} of {one.candidate.name} is {least} than that "
            f"of {one.baseline.name} ({shown}; {known}, needed {needed})."
        )
    if one.decision == "REJECTED":
        return (
            f"REJECTED: the expected {terms.metric} of {one.candidate.name} is not {least} than "
            f"that of {one.baseline.name} ({shown}; e-value against it "
            f"{evidence(one.e_against)}, needed {evidence(1 / terms.alpha, 'up')})."
        )
    more = (
        "with this gain, no number of seeds is enough"
        if one.more_seeds is None
        else f"about {plural(one.more_seeds, 'more seed')} may be enough"
    )
    return (
        f"UNDECIDED: {one.candidate.name} may or may not be {least} than {one.baseline.name} "
        f"({shown}; {known}, needed {needed}); {more}."
    )


def _left(content: LedgerContent) -> float:
    return OnlineBudget(content.terms.alpha, content.terms.ideas).left(content.ideas)
