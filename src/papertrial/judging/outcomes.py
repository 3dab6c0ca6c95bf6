"""From a table of scores to the outcomes of runs, as the tests take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from papertrial.claims.judge import judge
from papertrial.claims.rule import FIRST_LOOK, FIRST_LOOK_OF_KNOWN_SD, MOST_FIXED, Rule
from papertrial.claims.run_trial import Look
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import ScoresError
from papertrial.judging.asked import AskedClaim, AskedOfScores
from papertrial.numbers import percent, plural
from papertrial.recipe.judged_claim import to_given_sd

Row = tuple[float | None, ...]  # the scores of one run for one claim


@dataclass(frozen=True)
class Runs:
    """The runs of a table, in its order.

    Attributes:
        seeds: a number for each run, from the table or counted from 1.
        rows: [claims][runs], what each run scored for each claim.
        places: where each run is, for messages.
        failed: how many runs failed, with those that have no row; None if nobody said so.
    """

    seeds: Sequence[int]
    rows: Sequence[Sequence[Row]]
    places: Sequence[str]
    failed: int | None

    @property
    def without_score(self) -> list[int]:
        """The runs that lack a score for some claim."""
        return [i for i in range(len(self.seeds)) if any(None in rows[i] for rows in self.rows)]

    def outcomes(self) -> tuple[SeedOutcome, ...]:
        """Return how each run ended, in the order of the table; those without a row come first.

        Raises:
            ScoresError: a run has no score, and nobody said how many failed.
        """
        lacking = self.without_score
        is_lacking = set(lacking)
        self._require_failed(lacking)
        unseen = (self.failed or 0) - len(lacking)
        first = max(self.seeds, default=0) + 1
        missing = [
            SeedOutcome(first + i, "crashed", error="no row in the table") for i in range(unseen)
        ]
        return (
            *missing,
            *(self._outcome(i, failed=i in is_lacking) for i in range(len(self.seeds))),
        )

    def _outcome(self, run: int, *, failed: bool) -> SeedOutcome:
        if failed:
            error = f"{self.places[run]} has no score"
            return SeedOutcome(self.seeds[run], "diverged", error=error)
        scores = tuple(
            tuple(score for score in rows[run] if score is not None) for rows in self.rows
        )
        return SeedOutcome(self.seeds[run], "finished", scores)

    def _require_failed(self, lacking: Sequence[int]) -> None:
        """Check that every run without a score was counted as failed."""
        if len(lacking) <= (self.failed or 0):
            return
        runs, where = plural(len(lacking), "run"), self.places[lacking[0]]
        if self.failed is not None:
            raise ScoresError(
                f"failed is {self.failed}, but {runs} in the table have no score, the first in "
                f"{where}; count all runs that failed"
            )
        raise ScoresError(
            f"{runs} without a finite score, the first in {where}: leaving them out would favour "
            f"the runs that went well; if they failed (diverged, crashed), say failed: "
            f"{len(lacking)}, or more if others have no row; the verdict is then about runs that "
            "finish, and the report says what the failed ones may hide"
        )


def rule_of(asked: AskedOfScores, outcomes: Sequence[SeedOutcome], *, sequential: bool) -> Rule:
    """Return the rule by which scores are judged.

    Raises:
        ScoresError: there are too few scores, or too many for a fixed horizon.
    """
    how, finished = asked.verify, sum(one.state == "finished" for one in outcomes)
    needs_none = how.sd is not None and how.sd.needs_no_scores
    first = FIRST_LOOK_OF_KNOWN_SD if needs_none else FIRST_LOOK
    if finished < first:
        known = "" if needs_none else "; fewer are enough (2) only if the SD between runs is known"
        raise ScoresError(
            f"{plural(finished, 'score')} of finished runs, and at least {first} are needed: with "
            f"fewer, no test can decide with at most {percent(how.alpha)} errors{known}"
        )
    if how.horizon == "fixed" and len(outcomes) > MOST_FIXED:
        raise ScoresError(
            f"horizon: fixed simulates at most {MOST_FIXED} runs, got {len(outcomes)}; use "
            "horizon: anytime"
        )
    return Rule(
        claims=tuple(claim.judged for claim in asked.claims),
        seeds=tuple(outcome.seed for outcome in outcomes),
        alpha=how.alpha,
        statistic=how.statistic,
        prior=float(how.prior),
        sd=to_given_sd(how.sd, [claim.stated for claim in asked.claims]),
        first_look=first if sequential else finished,
        horizon=how.horizon,
        max_diverged=how.max_diverged,
        one_look=not sequential,
    )


def look_at(rule: Rule, outcomes: Sequence[SeedOutcome], asked: Sequence[AskedClaim]) -> Look:
    """Return the rulings on outcomes.

    One look at all of them is taken in an order of its own, so that the order of the rows changes
    nothing, not even a last digit; runs that failed come first, as the look counts them too.
    """
    if not rule.one_look:
        return Look(tuple(outcomes), judge(rule, outcomes))
    failed = [outcome for outcome in outcomes if outcome.state != "finished"]
    finished = [outcome for outcome in outcomes if outcome.state == "finished"]
    columns = [
        _ordered([outcome.scores[j] for outcome in finished], paired=claim.judged.paired)
        for j, claim in enumerate(asked)
    ]
    ordered = [
        replace(outcome, scores=tuple(column[i] for column in columns))
        for i, outcome in enumerate(finished)
    ]
    rulings = judge(rule, [*failed, *ordered])
    shown = [
        replace(ruling, scores=tuple(claim.judged.score_of(one.scores[j]) for one in finished))
        for j, (claim, ruling) in enumerate(zip(asked, rulings, strict=True))
    ]
    return Look((*failed, *finished), tuple(shown))


def _ordered(rows: Sequence[tuple[float, ...]], *, paired: bool) -> list[tuple[float, ...]]:
    """Return the scores of runs in growing order; each side apart if they are not paired."""
    if paired:
        return sorted(rows)
    return list(zip(*(sorted(side) for side in zip(*rows, strict=True)), strict=True))
