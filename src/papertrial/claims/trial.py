"""Seeds started, ended and looked at in order, until every claim is decided or no seed is left.

Verdicts are taken in seed order: after each seed all of whose predecessors have ended. So they do
not depend on how many seeds are trained at once, nor on which of them is done first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from papertrial.claims.judge import Ruling, is_deterministic, is_held, judge
from papertrial.claims.outcome import Outcome
from papertrial.claims.rule import Rule
from papertrial.claims.told import SeedRetried

_TRIES = 2  # a seed whose worker died is tried once more


@dataclass(frozen=True)
class Ended:
    """A seed ended, well or not."""

    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """A seed's worker died, or failed for a reason that is not the recipe's."""

    seed: int
    why: str


class Pool(Protocol):
    """What trains seeds."""

    @property
    def idle(self) -> int:
        """How many seeds could start now."""

    def submit(self, seed: int, attempt: int) -> None:
        """Start a seed; attempt counts from 1."""

    def wait(self) -> Any:
        """Return the next Ended or Lost, or anything else that is to be told."""


@dataclass(frozen=True)
class Look:
    """The claims as they stand after a seed, its predecessors all ended."""

    outcomes: tuple[Outcome, ...]
    rulings: tuple[Ruling, ...]


def run_trial(rule: Rule, pool: Pool, known: Iterable[Outcome] = ()) -> Generator[Any, None, Look]:
    """Train seeds in the rule's order until the claims are decided.

    Args:
        rule: what was registered.
        pool: what trains.
        known: outcomes of an earlier, interrupted trial: these seeds are not trained again.

    Yields:
        Ended for each seed, Look for each look, SeedRetried, and what else the pool tells.

    Returns:
        the last look: the outcomes in seed order, and the rulings.
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
        told = pool.wait()
        if isinstance(told, Lost) and tries[told.seed] < _TRIES:
            waiting.appendleft(told.seed)
            yield SeedRetried(told.seed, told.why)
            continue
        if isinstance(told, Lost):
            told = Ended(Outcome(told.seed, "crashed", error=told.why))
        if isinstance(told, Ended):
            ended[told.outcome.seed] = told.outcome
        yield told


def is_over(rule: Rule, look: Look) -> bool:
    """Tell whether no further seed can change a verdict that is open."""
    count = len(look.outcomes)
    failed = sum(outcome.state != "finished" for outcome in look.outcomes)
    finished = [outcome for outcome in look.outcomes if outcome.state == "finished"]
    if count == len(rule.seeds) or (is_deterministic(finished) and look.rulings[0].held):
        return True
    if not is_held(rule, failed, len(rule.seeds)):
        return True  # more than the highest rate, whatever the remaining seeds give
    if len(rule.seeds) - failed < rule.first_look:
        return True
    return all(ruling.verdict != "UNDECIDED" for ruling in look.rulings)
