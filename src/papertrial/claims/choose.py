"""The choice of the test statistics for a claim. This is the only place that knows all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from papertrial.claims.best_of_test import BestOfTest
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import Rule
from papertrial.claims.scores import Scores
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.two_sample_test import TwoSampleTest

PAIRED = "paired by seed"


@dataclass(frozen=True)
class StatisticChoice:
    """The statistics of one claim.

    Attributes:
        supports: decides REPRODUCED, and gives the interval that is shown.
        opposes: decides NOT REPRODUCED; None if no test can refute the claim.
        pairing: for a difference, how the two sides are compared; otherwise empty.
    """

    supports: Statistic
    opposes: Statistic | None
    pairing: str = ""


def choose(claim: JudgedClaim, rule: Rule, scores: Scores | None = None) -> StatisticChoice:
    """Choose the test statistics that decide a claim under a rule.

    `scores` matter only for a difference, whose sides are compared as two samples if pairing would
    not help. Without scores, sides are paired.
    """
    pairing = PAIRED if claim.kind == "difference" else ""
    if rule.statistic == "median":
        sign = SignTest(claim.best_of or 1)
        # A mean of few runs says too little about the median to refute it.
        return StatisticChoice(sign, None if claim.reference else sign, pairing)
    if claim.best_of:
        best = BestOfTest(claim.best_of, rule.prior)
        return StatisticChoice(best, best, pairing)
    mean = MeanTest(rule.prior)
    if claim.reference and claim.kind == "difference":
        return StatisticChoice(mean, ReportedDifferenceTest(claim.reference), pairing)
    if claim.reference:
        return StatisticChoice(mean, ReportedMeanTest(claim.reference))
    if claim.kind == "difference" and scores is not None:
        return _by_correlation(rule, scores)
    return StatisticChoice(mean, mean, pairing)


def _by_correlation(rule: Rule, scores: Scores) -> StatisticChoice:
    """Choose the statistics of a difference by the correlation of its sides at the first look.

    Paired if the correlation over the first seeds is positive; otherwise as two samples, which have
    more degrees of freedom. The choice keeps the error rates at 5 % for correlations of -.3 and
    more (4.0 % there; 5.8 % at -.5: `benchmarks/verdict_rates.py`).
    """
    mean, apart = MeanTest(rule.prior), TwoSampleTest(rule.prior)
    if scores.sides is None or scores.values.shape[-1] < rule.first_look:
        return StatisticChoice(mean, mean, PAIRED)
    first = np.stack(scores.sides, -1)[: rule.first_look]
    if not np.ptp(first, axis=0).all():  # pooling an SD of 0 with the other side's would halve it
        return StatisticChoice(mean, mean, f"{PAIRED} (one side does not vary)")
    correlation = float(np.asarray(np.corrcoef(first.T))[0, 1])
    if correlation > 0:
        return StatisticChoice(mean, mean, f"{PAIRED} (correlation {correlation:+.2f})")
    pairing = f"two samples (correlation {correlation:+.2f}, pairing would not help)"
    return StatisticChoice(apart, apart, pairing)
