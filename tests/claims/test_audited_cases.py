"""Cases that an audit of the verdicts found, from the scores of the seeds to the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from papertrial.claims.explain_ruling import explain_ruling
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Ended, Look, run_trial
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.progress import finish


def claim(value: float, tolerance: float, **more: Any) -> JudgedClaim:
    return JudgedClaim("accuracy", "test", "expected", value, tolerance, value, value, **more)


class Trainer:
    """A pool of one worker; the scores of a seed are a row of a table."""

    idle = 1

    def __init__(self, rows: Sequence[tuple[float, ...]]) -> None:
        self.rows, self.seed = rows, -1

    def submit(self, seed: int, attempt: int) -> None:
        self.seed, self.idle = seed, 0

    def wait(self) -> Ended:
        self.idle = 1
        scores = tuple((score,) for score in self.rows[self.seed])
        return Ended(SeedOutcome(self.seed, "finished", scores, f"w{self.seed}"))


def test_equal_scores_on_100_samples_do_not_refute_a_claim_between_their_steps() -> None:
    ends = [SeedOutcome(i, "finished", ((0.95,),), f"w{i}") for i in range(6)]
    for step, verdict in ((1 / 100, "UNDECIDED"), (0.0, "NOT REPRODUCED")):
        rule = Rule((claim(0.952, 0.001, step=step),), tuple(range(15)))
        assert judge(rule, ends)[0].verdict == verdict


def test_nine_of_fifteen_seeds_that_collapse_after_an_early_verdict_withdraw_it() -> None:
    good = (0.930, 0.931, 0.929, 0.930, 0.931, 0.929)
    never_sure = 0.5 + 0.02 * np.tile([1.0, -1.0], 8)[:15]  # keeps the trial going
    first = (*good, *[0.1] * 9)
    rule = Rule((claim(0.93, 0.01), claim(0.5, 0.001, step=0.0)), tuple(range(15)))
    rows = list(zip(first, map(float, never_sure), strict=True))

    early = judge(rule, [SeedOutcome(i, "finished", ((a,), (b,)), f"w{i}")
                         for i, (a, b) in enumerate(rows[:6])])  # fmt: skip
    assert [ruling.verdict for ruling in early] == ["REPRODUCED", "UNDECIDED"]

    last: Look = finish(run_trial(rule, Trainer(rows)))
    ruling = last.rulings[0]
    assert len(last.outcomes) == 15
    assert (ruling.verdict, ruling.withdrawn, ruling.decided_at) == ("UNDECIDED", True, None)
    reason = explain_ruling(rule.claims[0], ruling, rule)
    assert "withdrawn" in reason
    assert "REPRODUCED at an earlier look" in reason
