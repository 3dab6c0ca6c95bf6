"""Run seeds until every claim is decided or no seed is left.

Verdicts are taken in seed order: a look at a seed waits until all its predecessors have ended. So
verdicts do not depend on how many seeds are trained in parallel, nor on which one ends first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from papertrial.claims.events import SeedRetried
from papertrial.claims.judge import is_deterministic, judge
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.seed_outcome import SeedOutcome

_TRIES = 2  # a seed whose worker died is tried once more


@dataclass(frozen=True)
class Ended:
    """A seed ended: it finished, or it failed for a reason of its own."""

    outcome: SeedOutcome


@dataclass(frozen=True)
class Lost:
    """The worker of a seed died, or failed for a reason that is not the recipe's."""

    seed: int
    why: str


class Pool(Protocol):
    """What trains seeds, in parallel."""

    @property
    def idle(self) -> int:
        """The number of seeds that can start now."""

    def submit(self, seed: int, attempt: int) -> None:
        """Start a seed; attempts count from 1."""

    def wait(self) -> Any:
        """Return the next Ended or Lost, or any other event, which is passed on."""


@dataclass(frozen=True)
class Look:
    """The rulings after a seed all of whose predecessors have ended."""

    outcomes: tuple[SeedOutcome, ...]
    rulings: tuple[Ruling, ...]


def run_trial(
    rule: Rule, pool: Pool, known: Iterable[SeedOutcome] = ()
) -> Generator[Any, None, Look]:
    """Run a trial: train seeds in the rule's order until the claims are decided.

    Args:
        rule: the registered rule.
        pool: what trains the seeds.
        known: outcomes of an earlier, interrupted trial; these seeds are not trained again.

    Yields:
        Ended for each seed, Look for each look, SeedRetried, and any other event of the pool.

    Returns:
        the last look, with the outcomes in seed order.
    """
    ended = {outcome.seed: outcome for outcome in known}
    waiting = deque(seed for seed in rule.seeds if seed not in ended)
    tries = dict.fromkeys(waiting, 0)
    look = Look((), judge(rule, ()))
    while True:
        while not is_over(rule, look) and rule.seeds[len(look.outcomes)] in ended:
            outcomes = (*look.outcomes, ended[rule.seeds[len(look.outcomes)]])
            look = Look(outcomes, judge(rule, outcomes))
            yield look
        if is_over(rule, look):
            return look
        while pool.idle and waiting:
            seed = waiting.popleft()
            tries[seed] += 1
            pool.submit(seed, tries[seed])
        event = pool.wait()
        if isinstance(event, Lost) and tries[event.seed] < _TRIES:
            waiting.appendleft(event.seed)
            yield SeedRetried(event.seed, event.why)
            continue
        if isinstance(event, Lost):
            event = Ended(SeedOutcome(event.seed, "crashed", error=event.why))
        if isinstance(event, Ended):
            ended[event.outcome.seed] = event.outcome
        yield event


def replay_trial(rule: Rule, known: Iterable[SeedOutcome]) -> Look:
    """Return the last look of a trial at seeds that ended, which no further seed may follow.

    Args:
        rule: the registered rule.
        known: how seeds ended, in any order. The look is at those that `run_trial` looks at: up to
            the end of the trial, or to the first seed that did not end.
    """
    ended = {outcome.seed: outcome for outcome in known}
    look = Look((), judge(rule, ()))
    while not is_over(rule, look) and rule.seeds[len(look.outcomes)] in ended:
        outcomes = (*look.outcomes, ended[rule.seeds[len(look.outcomes)]])
        look = Look(outcomes, judge(rule, outcomes))
    return look


def is_over(rule: Rule, look: Look) -> bool:
    """Tell whether a trial is over: no further seed can change an open verdict."""
    count = len(look.outcomes)
    failed = sum(outcome.state != "finished" for outcome in look.outcomes)
    finished = [outcome for outcome in look.outcomes if outcome.state == "finished"]
    if count == len(rule.seeds) or (is_deterministic(finished) and look.rulings[0].held):
        return True
    if not rule.is_part:
        if not rule.allows_failures(failed, len(rule.seeds)):
            return True  # too many failed, even if all remaining seeds finish
        if len(rule.seeds) - failed < rule.first_look:
            return True
    return all(ruling.verdict != "UNDECIDED" or ruling.withdrawn for ruling in look.rulings)
