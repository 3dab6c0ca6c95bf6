"""The choice of the test statistics for a claim. This is the only place that knows all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from papertrial.claims.best_of_test import BestOfTest
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.known_sd_test import KnownSdTest
from papertrial.claims.mean_test import MeanTest
from papertrial.claims.reach import Reach
from papertrial.claims.reported_best_test import ReportedBestTest
from papertrial.claims.reported_difference_test import ReportedDifferenceTest
from papertrial.claims.reported_mean_test import ReportedMeanTest
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.sign_test import SignTest
from papertrial.claims.statistic import Statistic
from papertrial.claims.two_sample_test import TwoSampleTest
from papertrial.claims.worst_point_test import WorstPointTest
from papertrial.errors import ClaimError

PAIRED = "paired by seed"
UNPAIRED = "two samples, as the recipe says"


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


def choose(claim: JudgedClaim, rule: Rule) -> StatisticChoice:
    """Choose the test statistics that decide a claim under a rule.

    They are fixed before the first seed. Two sides are compared seed by seed unless the recipe says
    otherwise in advance: choosing by the correlation of the first seeds, and then testing the same
    scores, gives up to 11.6 % false verdicts at an alpha of 5 %.

    Raises:
        ClaimError: the SD that the rule gives is of no use for this claim.
    """
    if claim.reach is not None:
        return _of_curve(claim, claim.reach, rule)
    pairing = ""
    if claim.has_two_sides:
        pairing = PAIRED if claim.paired else UNPAIRED
    if rule.sd is not None:
        return _with_given_sd(claim, rule, rule.sd)
    if rule.statistic == "median":
        sign = SignTest(claim.best_of or 1)
        # A reported number of few runs says too little about the median to refute it.
        return StatisticChoice(sign, None if claim.has_noise else sign, pairing)
    ours = SdEstimate(claim.step)
    theirs = SdEstimate(claim.step, least=claim.reported_sd or 0.0)
    if claim.best_of:
        best = BestOfTest(claim.best_of, rule.prior, ours)
        return StatisticChoice(best, ReportedBestTest(claim.best_of, sd=theirs))
    mean = MeanTest(rule.prior, ours) if claim.paired else TwoSampleTest(rule.prior, ours)
    if claim.reference is None:
        return StatisticChoice(mean, mean, pairing)
    of_reported = ReportedDifferenceTest if claim.has_two_sides else ReportedMeanTest
    return StatisticChoice(mean, of_reported(claim.reference, sd=theirs), pairing)


def _of_curve(claim: JudgedClaim, reach: Reach, rule: Rule) -> StatisticChoice:
    """Choose the test statistics of a target: of each point's scores, or of each seed's curve."""
    if reach.reading == "each-seed":
        if rule.sd is not None:
            raise ClaimError("verify.sd is of no use for reading: each-seed, which needs no SD")
        sign = SignTest()
        return StatisticChoice(sign, sign)
    if rule.sd is not None and rule.sd.n is not None:
        raise ClaimError("verify.sd of a paper is of one step, but kind: reaches is about several")
    assert claim.side != "about", "a target is a bound"
    at_a_point = choose(replace(claim, reach=None), rule).supports
    worst = WorstPointTest(at_a_point, claim.side)
    return StatisticChoice(worst, worst)


def _with_given_sd(claim: JudgedClaim, rule: Rule, given: GivenSd) -> StatisticChoice:
    """Choose the test statistics where more than our scores tell the SD between seeds."""
    if rule.statistic == "median":
        raise ClaimError("verify.sd is of no use for the median, which needs no SD")
    if claim.has_two_sides or claim.best_of:
        raise ClaimError(
            f"verify.sd is of no use for kind: {claim.kind}, whose test needs the SD of our scores"
        )
    if given.n is None:
        known = KnownSdTest(given.value, rule.prior)
        if claim.reference is None:
            return StatisticChoice(known, known)
        largest = max(given.value, claim.reported_sd or 0.0)
        return StatisticChoice(known, KnownSdTest.of_reported(largest, claim.reference))
    pooled = SdEstimate(claim.step, pooled=given.value, freedom=given.n - 1)
    mean = MeanTest(rule.prior, pooled)
    if claim.reference is None:
        return StatisticChoice(mean, mean)
    cautious = SdEstimate(claim.step, least=max(given.value, claim.reported_sd or 0.0))
    return StatisticChoice(mean, ReportedMeanTest(claim.reference, sd=cautious))
