"""Seeds in any order of ending give the same looks, and none is trained that is not needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from papertrial.claims.events import SeedRetried
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Ended, Look, Lost, is_over, replay_trial, run_trial
from papertrial.claims.seed_outcome import SeedOutcome

CLAIM = JudgedClaim("accuracy", "test", "mean", 0.9, 0.015, 0.9, 0.9)
SEEDS = (7, 3, 11, 0, 5, 2, 9, 1, 4, 6, 8, 10, 12, 13, 14)
RULE = Rule((CLAIM,), SEEDS)


def outcome(seed: int) -> SeedOutcome:
    score = float(np.random.default_rng(seed).normal(0.9, 0.01))
    return SeedOutcome(seed, "finished", ((score,),), f"w{seed}")


class FakePool:
    """Ends its running seeds in an order of its own; `ends` says how a seed's attempt ends."""

    def __init__(self, workers: int, order: int = 0, ends: Any = None) -> None:
        self.workers, self.draw = workers, np.random.default_rng(order)
        self.running: list[tuple[int, int]] = []
        self.submitted: list[tuple[int, int]] = []
        self.ends = ends or (lambda seed, attempt: outcome(seed))

    @property
    def idle(self) -> int:
        return self.workers - len(self.running)

    def submit(self, seed: int, attempt: int) -> None:
        assert self.idle
        self.running.append((seed, attempt))
        self.submitted.append((seed, attempt))

    def wait(self) -> Any:
        seed, attempt = self.running.pop(int(self.draw.integers(len(self.running))))
        told = self.ends(seed, attempt)
        return Ended(told) if isinstance(told, SeedOutcome) else told


def run(
    pool: FakePool, rule: Rule = RULE, known: Iterable[SeedOutcome] = ()
) -> tuple[Look, list[Any]]:
    told, trial = [], run_trial(rule, pool, known)
    while True:
        try:
            told.append(next(trial))
        except StopIteration as end:
            return end.value, told


def looks(told: list[Any]) -> list[Look]:
    return [one for one in told if isinstance(one, Look)]


def test_the_order_in_which_seeds_end_changes_no_look() -> None:
    last, told = run(FakePool(1))
    assert last.rulings[0].verdict == "REPRODUCED"
    assert last.rulings[0].decided_at == len(last.outcomes) == 7
    assert [o.seed for o in last.outcomes] == list(SEEDS[:7])
    for workers, order in ((2, 0), (4, 1), (4, 2), (15, 3), (15, 4)):
        pool = FakePool(workers, order)
        other, also = run(pool)
        assert other == last
        assert looks(also) == looks(told)
        assert [seed for seed, _ in pool.submitted] == list(SEEDS[: len(pool.submitted)])


def test_seeds_beyond_the_decision_are_not_used() -> None:
    pool = FakePool(15, 5)
    last, told = run(pool)
    ended = [one.outcome.seed for one in told if isinstance(one, Ended)]
    assert len(ended) > len(last.outcomes) == 7
    assert last.rulings[0].scores == tuple(o.scores[0][0] for o in last.outcomes)


def test_a_lost_seed_is_tried_once_more() -> None:
    def ends(seed: int, attempt: int) -> SeedOutcome | Lost:
        return Lost(seed, "killed by signal 9") if (seed, attempt) == (3, 1) else outcome(seed)

    pool = FakePool(2, ends=ends)
    last, told = run(pool)
    assert [one for one in told if isinstance(one, SeedRetried)] == [
        SeedRetried(3, "killed by signal 9")
    ]
    assert pool.submitted.count((3, 1)) == pool.submitted.count((3, 2)) == 1
    assert last == run(FakePool(1))[0]


def test_a_seed_lost_twice_is_reported_and_takes_nothing_else_down() -> None:
    def ends(seed: int, attempt: int) -> SeedOutcome | Lost:
        return Lost(seed, f"lost {attempt}") if seed == 3 else outcome(seed)

    last, told = run(FakePool(4, 2, ends))
    assert [one.seed for one in told if isinstance(one, SeedRetried)] == [3]
    assert last.outcomes[1] == SeedOutcome(3, "crashed", error="lost 2")
    assert last.rulings[0].held
    assert last.rulings[0].verdict == "REPRODUCED"
    assert len(last.rulings[0].scores) == len(last.outcomes) - 1


@pytest.mark.parametrize("count", [1, 4, 6])
def test_what_is_known_is_not_trained_again_and_decides_the_same(count: int) -> None:
    whole, told = run(FakePool(1))
    pool = FakePool(3, count)
    last, also = run(pool, known=[outcome(seed) for seed in SEEDS[:count]])
    assert last == whole
    assert looks(also) == looks(told)
    assert not {seed for seed, _ in pool.submitted} & set(SEEDS[:count])
    # What had ended ahead of its turn is kept too.
    pool = FakePool(1)
    assert run(pool, known=[outcome(SEEDS[2]), outcome(SEEDS[5])])[0] == whole
    assert [seed for seed, _ in pool.submitted] == [7, 3, 0, 5, 9]


def test_nothing_is_trained_where_all_is_known() -> None:
    pool = FakePool(4)
    last, told = run(pool, known=[outcome(seed) for seed in reversed(SEEDS)])
    assert pool.submitted == []
    assert len(last.outcomes) == len(looks(told)) == 7


def test_other_things_that_a_pool_tells_are_passed_on() -> None:
    class Talking(FakePool):
        talked = False

        def wait(self) -> Any:
            if not self.talked:
                self.talked = True
                return "half an epoch"
            return super().wait()

    assert "half an epoch" in run(Talking(1))[1]


def test_it_ends_at_the_maximum() -> None:
    hard = Rule((JudgedClaim("accuracy", "test", "mean", 0.9, 0.001, 0.9, 0.9),), SEEDS[:8])
    last, told = run(FakePool(3, 1), hard)
    assert len(last.outcomes) == len(looks(told)) == 8
    assert last.rulings[0].verdict == "UNDECIDED"


def test_it_goes_on_until_every_claim_is_decided() -> None:
    def two(seed: int, attempt: int) -> SeedOutcome:
        score = outcome(seed).scores[0][0]
        return SeedOutcome(seed, "finished", ((score,), (score,)), f"w{seed}")

    far = JudgedClaim("accuracy", "test", "mean", 0.5, 0.01, 0.5, 0.5)
    last, _ = run(FakePool(1, ends=two), Rule((CLAIM, far), SEEDS))
    assert [r.verdict for r in last.rulings] == ["REPRODUCED", "NOT REPRODUCED"]
    assert [r.decided_at for r in last.rulings] == [len(last.outcomes), 5]
    assert len(last.outcomes) > 7  # two claims share the error


def test_it_ends_early_where_too_many_failed() -> None:
    def ends(seed: int, attempt: int) -> SeedOutcome:
        bad = SEEDS.index(seed) % 2 == 0
        return SeedOutcome(seed, "diverged", error="loss is nan") if bad else outcome(seed)

    last, _ = run(FakePool(2, ends=ends))
    assert [o.state for o in last.outcomes] == ["diverged", "finished"] * 3 + ["diverged"]
    assert not last.rulings[0].held  # 4 of 15 are more than a fifth, whatever the others give
    assert last.rulings[0].verdict == "UNDECIDED"


def test_it_ends_early_where_five_cannot_finish_any_more() -> None:
    lenient = Rule((CLAIM,), SEEDS[:6], max_diverged=0.9)

    def ends(seed: int, attempt: int) -> SeedOutcome:
        return outcome(seed) if SEEDS.index(seed) < 3 else SeedOutcome(seed, "diverged")

    last, _ = run(FakePool(1, ends=ends), lenient)
    assert len(last.outcomes) == 5
    assert last.rulings[0].held
    assert last.rulings[0].verdict == "UNDECIDED"


def test_a_deterministic_training_takes_two_seeds() -> None:
    def ends(seed: int, attempt: int) -> SeedOutcome:
        return SeedOutcome(seed, "finished", ((0.9,),), "the same")

    pool = FakePool(1, ends=ends)
    last, _ = run(pool)
    assert [seed for seed, _ in pool.submitted] == [7, 3]
    assert last.rulings[0].deterministic
    assert last.rulings[0].verdict == "REPRODUCED"

    def first_fails(seed: int, attempt: int) -> SeedOutcome:
        return SeedOutcome(seed, "diverged") if seed == 7 else ends(seed, attempt)

    late, _ = run(FakePool(1, ends=first_fails))
    assert len(late.outcomes) == 5  # then 1 of 5 failed, which is few enough
    assert (late.rulings[0].verdict, late.rulings[0].decided_at) == ("REPRODUCED", 4)


def test_a_rule_without_claims_is_over_at_once() -> None:
    assert is_over(Rule((), SEEDS), Look((), ()))
    assert run(FakePool(1), Rule((), SEEDS)) == (Look((), ()), [])


def test_a_trial_is_replayed_from_how_its_seeds_ended() -> None:
    last, _ = run(FakePool(1))
    every = [outcome(seed) for seed in reversed(SEEDS)]
    assert replay_trial(RULE, every) == last
    assert replay_trial(RULE, [one for one in every if one.seed != SEEDS[2]]).outcomes == tuple(
        map(outcome, SEEDS[:2])
    )


def test_a_part_goes_on_although_it_cannot_be_decided_alone() -> None:
    def ends(seed: int, attempt: int) -> SeedOutcome:
        return SeedOutcome(seed, "diverged") if seed in SEEDS[:2] else outcome(seed)

    five = Rule((CLAIM,), SEEDS[:5])
    assert len(run(FakePool(1, ends=ends), five)[0].outcomes) == 1
    part, _ = run(FakePool(1, ends=ends), replace(five, is_part=True))
    assert len(part.outcomes) == 5
    assert part.rulings[0].verdict == "UNDECIDED"
