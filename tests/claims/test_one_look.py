"""One look at all scores together, at whatever number of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.threshold import threshold

BOUND = JudgedClaim("loss", "none", "at-most", 0.0, 0.0, 0.0, 0.0, side="at-most")


def one_look(scores: list[float], **rule: object) -> Ruling:
    n = len(scores)
    outcomes = [SeedOutcome(i, "finished", ((x,),)) for i, x in enumerate(scores)]
    fixed = Rule((BOUND,), tuple(range(n)), first_look=n, one_look=True, **rule)  # type: ignore[arg-type]
    return judge(fixed, outcomes)[0]


def test_only_the_last_look_counts() -> None:
    # The first five scores decide a trial that looks after each seed; all seven do not.
    scores = [-1.0, -1.1, -0.9, -1.05, -0.95, 2.0, 1.5]
    seeds = [SeedOutcome(i, "finished", ((x,),)) for i, x in enumerate(scores)]
    assert judge(Rule((BOUND,), tuple(range(7))), seeds)[0].decided_at == 5
    ruling = one_look(scores)
    assert ruling.verdict == "UNDECIDED"
    assert [n for n, _, _ in ruling.series] == [7]


def test_the_fixed_threshold_is_that_of_the_t_test() -> None:
    # e grows with t, so that its quantile is reached where t reaches its own.
    n = 8
    at = threshold(MeanTest(), 0.05, horizon=n, first_look=n, one_look=True)
    critical = stats.t.ppf(0.95, n - 1)
    base = np.arange(n) - (n - 1) / 2
    base /= base.std(ddof=1)
    for factor, verdict in ((0.98, "UNDECIDED"), (1.02, "REPRODUCED")):
        scores = base - factor * critical / np.sqrt(n)
        assert one_look(list(map(float, scores)), horizon="fixed").verdict == verdict
    assert 1 < at < threshold(MeanTest(), 0.05, horizon=n) < 20


@pytest.mark.parametrize("until", [10, 30])
def test_adding_runs_until_it_passes_keeps_the_bound_of_the_anytime_threshold(until: int) -> None:
    # At the edge of the null, whoever stops at the first n that passes errs in at most 5 %.
    draw = np.random.default_rng(0)
    ours, tests = 0, 0
    for _ in range(2_000):
        x = draw.standard_normal(until)
        e = MeanTest().less(Scores(x), 0.0)
        ours += bool((e[4:] >= 20).any())
        p = [stats.ttest_1samp(x[:n], 0.0, alternative="less").pvalue for n in (5, 7, 10)]
        tests += min(p) < 0.05
    assert ours / 2_000 <= 0.05
    assert tests / 2_000 > 0.06  # repeated t-tests do not
