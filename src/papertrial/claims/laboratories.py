"""Verdicts from several laboratories: the seeds of each, in the registered order, under one rule.

There are three ways to combine them, one of which is registered in advance:

- "same-setup": all seeds in one sequence, in the registered order of the laboratories. This is the
  ordinary `judge`. A laboratory may stop for any reason that does not depend on later ones.
- "own-sd": equal means, but each laboratory has an SD of its own. The e-values of the laboratories
  at their ends are independent, so their product is an e-value. Products of running maxima are not:
  they err in 3.4, 5.5 and 7.4 % of trials with 2, 4 and 8 laboratories at an alpha of 5 %.
- "lab-means": each laboratory's mean is one score. It allows for effects of laboratories, and needs
  at least 5.

A reported number with the noise of a few runs is the same for all laboratories, so their e-values
against it are not independent: only "same-setup" can judge it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from papertrial.claims.choose import choose
from papertrial.claims.heterogeneity import Heterogeneity, heterogeneity
from papertrial.claims.judge import is_deterministic, judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.multiply_evidence import LabProduct
from papertrial.claims.rule import FIRST_LOOK, Combine, Rule
from papertrial.claims.ruling import Ruling, holds_within
from papertrial.claims.run_trial import Look
from papertrial.claims.scores import Scores
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.verdict import Verdict
from papertrial.errors import ClaimError

LEAST_LABS = FIRST_LOOK  # laboratories whose means are scores
Labs = Sequence[Sequence[SeedOutcome]]  # the outcomes of each laboratory, in the registered order


def check_combine(rule: Rule, combine: Combine) -> None:
    """Check that a way to combine laboratories suits the claims of a rule.

    Raises:
        ClaimError: it does not.
    """
    if combine == "same-setup":
        return
    key = f"verify.labs.combine: {combine}"
    if rule.horizon == "fixed":
        raise ClaimError(
            f"{key} does not go with verify.horizon: fixed, whose threshold is for one sequence of "
            "seeds; use horizon: anytime or combine: same-setup"
        )
    if rule.sd is not None:
        raise ClaimError(
            f"{key} does not go with verify.sd, which says that all seeds have one SD; remove one"
        )
    for i, claim in enumerate(rule.claims):
        why = _unsuitable(claim, combine)
        if why:
            raise ClaimError(
                f"{key} does not suit claims.{i}, kind: {claim.kind}: {why}; use same-setup"
            )


def judge_laboratories(rule: Rule, labs: Labs, combine: Combine = "same-setup") -> Look:
    """Judge each claim by the seeds of several laboratories.

    Args:
        rule: with the seeds of all laboratories, in their registered order.
        labs: how the seeds of each laboratory ended, up to its end, in the same order.
        combine: how laboratories are combined.

    Returns:
        the outcomes of all laboratories with the ruling on each claim.

    Raises:
        ClaimError: the way to combine does not suit the claims or the number of laboratories, or
            a laboratory's training is deterministic although that of all is not.
    """
    check_combine(rule, combine)
    outcomes = tuple(outcome for lab in labs for outcome in lab)
    finished = _finished(outcomes)
    if not is_deterministic(finished):
        _check_not_deterministic(labs)
        if combine == "own-sd":
            return Look(outcomes, _by_products(rule, labs, outcomes))
        if combine == "lab-means":
            return Look(outcomes, _by_means(rule, labs, outcomes))
    return Look(outcomes, _in_one_sequence(rule, outcomes))


def differences_of_laboratories(rule: Rule, labs: Labs) -> tuple[Heterogeneity, ...]:
    """Return for each claim whether laboratories differ in the mean of its scores.

    Over all claims together, an error has a probability of at most alpha.
    """
    needed = len(rule.claims) / rule.alpha
    return tuple(
        Heterogeneity(
            heterogeneity(
                [_numbers(claim, j, lab) for lab in labs], prior=rule.prior, step=claim.step
            ),
            needed,
        )
        for j, claim in enumerate(rule.claims)
    )


def _unsuitable(claim: JudgedClaim, combine: Combine) -> str:
    if claim.has_noise:
        return "the noise of the reported number is the same for all laboratories"
    if claim.is_about_new_samples:
        return "the choice of the test samples is the same for all laboratories"
    each_seed = claim.reach is not None and claim.reach.reading == "each-seed"
    if combine == "lab-means" and each_seed:
        return "reading: each-seed is about single seeds, not about means"
    return ""


def _finished(outcomes: Sequence[SeedOutcome]) -> list[SeedOutcome]:
    return [outcome for outcome in outcomes if outcome.state == "finished"]


def _numbers(claim: JudgedClaim, index: int, lab: Sequence[SeedOutcome]) -> list[float]:
    return [claim.score_of(outcome.scores[index]) for outcome in _finished(lab)]


def _in_one_sequence(rule: Rule, outcomes: Sequence[SeedOutcome]) -> tuple[Ruling, ...]:
    """Judge all seeds as one sequence; a verdict also needs few enough failures among all of them.

    A trial ends at its verdict, but here laboratories follow that may have failed.
    """
    return tuple(
        one if one.held else replace(one, verdict="UNDECIDED", decided_at=None)
        for one in judge(rule, outcomes)
    )


def _check_not_deterministic(labs: Labs) -> None:
    for number, lab in enumerate(labs, 1):
        if is_deterministic(_finished(lab)):
            raise ClaimError(
                f"all seeds of laboratory {number} give the same weights, so its scores are one "
                "score, repeated; the other laboratories have other weights, so what varies is the "
                "laboratory and not the seed: there is no combined verdict"
            )


def _by_products(rule: Rule, labs: Labs, outcomes: Sequence[SeedOutcome]) -> tuple[Ruling, ...]:
    """Judge by the product of the laboratories' e-values, by Holm's procedure at the end."""
    products = [_product(rule, j, labs) for j in range(len(rule.claims))]
    supported, left_for = _holm([one.supports for one in products], rule.alpha)
    opposed, left_against = _holm([one.opposes for one in products], rule.alpha)
    total = len(_finished(outcomes))
    held = rule.allows_failures(len(outcomes) - total, len(outcomes))
    rulings = []
    for j, (claim, product) in enumerate(zip(rule.claims, products, strict=True)):
        levels = supported.get(j, left_for), opposed.get(j, left_against)
        verdict: Verdict = "UNDECIDED"
        if held and (j in supported or j in opposed):
            verdict = "REPRODUCED" if j in supported else "NOT REPRODUCED"
        level = min(levels) if verdict == "UNDECIDED" else levels[verdict != "REPRODUCED"]
        low, high = product.interval(1 / level)
        ends = (low, high) if level == levels[0] else product.interval(1 / levels[0])
        needed = holds_within(claim, *ends)
        withdrawn = verdict == "REPRODUCED" and low > high  # laboratories contradict each other
        if withdrawn:
            verdict, needed = "UNDECIDED", math.inf
        rulings.append(
            _ruling(
                claim,
                j,
                outcomes,
                verdict,
                (low, high),
                level,
                levels,
                needed,
                held=held,
                withdrawn=withdrawn,
            )
        )
    return tuple(rulings)


def _product(rule: Rule, index: int, labs: Labs) -> LabProduct:
    """Return the product of the evidence on a claim, of the laboratories with enough seeds.

    The others count with an e-value of 1, which their scores cannot change.
    """
    claim = rule.claims[index]
    rows = [[outcome.scores[index] for outcome in _finished(lab)] for lab in labs]
    enough = [Scores.of_claim(claim, one) for one in rows if len(one) >= rule.first_look]
    return LabProduct(choose(claim, rule).supports, claim, tuple(enough))


def _holm(log_e: Sequence[float], alpha: float) -> tuple[dict[int, float], float]:
    """Judge claims by Holm's procedure on logarithms of e-values; return as `judge._holm` does."""
    left, rejected = set(range(len(log_e))), dict[int, float]()
    while left:
        level = alpha / len(left)
        strongest = max(left, key=lambda j: (log_e[j], -j))
        if log_e[strongest] < -math.log(level):
            return rejected, level
        rejected[strongest] = level
        left.remove(strongest)
    return rejected, alpha


def _by_means(rule: Rule, labs: Labs, outcomes: Sequence[SeedOutcome]) -> tuple[Ruling, ...]:
    """Judge by the mean of each laboratory, as `judge` does by the score of each seed."""
    if len(labs) < LEAST_LABS:
        raise ClaimError(
            f"verify.labs.combine: lab-means needs at least {LEAST_LABS} laboratories, got "
            f"{len(labs)}"
        )
    units = [_mean_of(number, lab) for number, lab in enumerate(labs, 1)]
    seeds = tuple(unit.seed for unit in units)
    found = judge(replace(rule, seeds=seeds, first_look=FIRST_LOOK), units)
    held = rule.allows_failures(len(outcomes) - len(_finished(outcomes)), len(outcomes))
    return tuple(
        _ruling(
            claim,
            j,
            outcomes,
            one.verdict if held else "UNDECIDED",
            (one.low, one.high),
            one.level,
            one.levels,
            one.holds_within,
            held=held and one.held,
            withdrawn=one.withdrawn,
        )
        for j, (claim, one) in enumerate(zip(rule.claims, found, strict=True))
    )


def _mean_of(number: int, lab: Sequence[SeedOutcome]) -> SeedOutcome:
    """Return the mean of a laboratory's scores in the form of one seed's outcome."""
    finished = _finished(lab)
    if not finished:
        return SeedOutcome(number, "crashed", error="no seed finished")
    columns = zip(*(outcome.scores for outcome in finished), strict=True)
    means = tuple(tuple(map(float, np.mean(rows, axis=0))) for rows in columns)
    return SeedOutcome(number, "finished", means)


def _ruling(
    claim: JudgedClaim,
    index: int,
    outcomes: Sequence[SeedOutcome],
    verdict: Verdict,
    bounds: tuple[float, float],
    level: float,
    levels: tuple[float, float],
    needed: float,
    *,
    held: bool,
    withdrawn: bool = False,
) -> Ruling:
    scores = tuple(_numbers(claim, index, outcomes))
    return Ruling(
        verdict=verdict,
        decided_at=None if verdict == "UNDECIDED" else len(scores),
        scores=scores,
        low=bounds[0],
        high=bounds[1],
        level=level,
        series=(),
        holds_within=needed,
        held=held,
        withdrawn=withdrawn,
        levels=levels,
    )
