"""Verdicts and rules in words that a person would say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from papertrial.claims.claim import Claim
from papertrial.claims.judge import Ruling, Verdict, is_inside
from papertrial.claims.plan import seeds_needed
from papertrial.claims.rule import Rule

_DIGITS = 6  # of a score at most
_LARGE, _SMALL = 9, 4  # powers of ten beyond which a score is written with an exponent
_MANY = 100_000  # seeds beyond which no number is told


def number(value: float, spread: float | None = None) -> str:
    """Write a score with as many digits as its spread makes sense of."""
    if not math.isfinite(value):
        return "-inf" if value < 0 else "inf" if value > 0 else "nan"
    if spread is None or not math.isfinite(spread) or spread <= 0:
        return f"{value:.6g}"
    decimals = 1 - math.floor(math.log10(spread))  # less than 0: not even whole numbers
    first = math.floor(math.log10(abs(value))) if value else 0  # place of the first digit
    if first >= _LARGE or (first < -_SMALL and decimals > _DIGITS):
        return f"{value:.{min(max(decimals + first, 0), _DIGITS - 1)}e}"
    return f"{value:z.{max(min(decimals, _DIGITS - 1 - first), 0)}f}"


def percent(share: float) -> str:
    """Write a share as it is said: .05 is "5 %", .025 is "2.5 %"."""
    return f"{100 * share:.3g} %"


def between(low: float, high: float, spread: float | None = None) -> str:
    """Write an interval, open sides in words."""
    if low == -math.inf and high == math.inf:
        return "any value"
    if low == -math.inf:
        return f"at most {number(high, spread)}"
    if high == math.inf:
        return f"at least {number(low, spread)}"
    return f"{number(low, spread)} to {number(high, spread)}"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict for several claims: all reproduced, else one not, else undecided."""
    if "NOT REPRODUCED" in verdicts:
        return "NOT REPRODUCED"
    return "REPRODUCED" if verdicts and set(verdicts) == {"REPRODUCED"} else "UNDECIDED"


def headline(recipe: str, verdict: Verdict, count: int, n: int, deviations: Sequence[str]) -> str:
    """Return the sentence that a report begins with: about the recipe, not about the paper."""
    claims = "the claim" if count == 1 else f"all {count} claims"
    seeds = f"{n} seed{'s'[: n != 1]}"
    on = f"on {seeds}" if n else "without training"
    if verdict == "REPRODUCED":
        with_ = " WITH DEVIATIONS" if deviations else ""
        also = f" It departs from the paper in {len(deviations)} respect" if deviations else ""
        also += f"{'s'[: len(deviations) != 1]}." if deviations else ""
        held = "holds" if count == 1 else "hold"
        return f"REPRODUCED{with_}: {claims} of {recipe} {held}, as written here, {on}.{also}"
    if verdict == "NOT REPRODUCED":
        which = "the claim" if count == 1 else f"at least one of {count} claims"
        gives = f"{'trained ' if n else ''}as written here, {recipe} does not give"
        return f"NOT REPRODUCED: {gives} the reported number; {which} fails, {on}."
    which = "the claim" if count == 1 else f"some of {count} claims"
    if n == 0:
        return f"UNDECIDED: no seed of {recipe} finished; nothing can be said of {which}."
    confirm = "neither confirms nor refutes" if n == 1 else "neither confirm nor refute"
    return f"UNDECIDED: {seeds} of {recipe} {confirm} {which}."


def label(claim: Claim) -> str:
    """Return what a claim is about: "test accuracy", "difference in test accuracy"."""
    return f"{_score(claim)}, best epoch" if claim.best_epoch_on_test else _score(claim)


def _score(claim: Claim) -> str:
    name = f"{claim.split} {claim.metric}"
    return f"difference in {name}" if claim.kind == "difference" else name


def labels(claims: Sequence[Claim]) -> list[str]:
    """Return what each claim is about; differences of the same metric are numbered."""
    plain = [label(claim) for claim in claims]
    names = []
    for i, claim in enumerate(claims):
        alike = claim.kind == "difference" and plain.count(plain[i]) > 1
        names.append(f"{plain[i]} ({plain[: i + 1].count(plain[i])})" if alike else plain[i])
    return names


def why(claim: Claim, ruling: Ruling, rule: Rule) -> str:
    """Return what decided a claim, or what would."""
    name, sd = _score(claim), ruling.sd
    low, high = claim.band
    band = between(low, high, sd)
    what = f"best of {claim.best_of} runs' {name}" if claim.best_of else f"expected {name}"
    if rule.statistic == "median":
        what = what.replace("expected", "median")
    if ruling.deterministic:
        side = "inside" if is_inside(claim, ruling.low) else "outside"
        return (
            f"other seeds give the same weights, so one value decides: {number(ruling.low)} is "
            f"{side} the band, {between(low, high)}"
        )
    if not ruling.held and ruling.verdict == "UNDECIDED":  # what was decided before stands
        allowed = percent(rule.max_diverged)
        return f"more seeds failed than the {allowed} that were allowed beforehand"
    is_ = "may be" if ruling.low == -math.inf and ruling.high == math.inf else "is"
    ours = f"{is_} {between(ruling.low, ruling.high, sd)} after {len(ruling.scores)} seeds"
    if ruling.low > ruling.high:
        ours += " (no value is left that all looks allow: the scores are not alike over the seeds)"
    if ruling.verdict == "REPRODUCED":
        return f"the {what} {ours}, inside the band, {band}"
    if ruling.verdict == "NOT REPRODUCED":
        if claim.reference:
            runs = "a single run" if claim.reference == 1 else f"a mean of {claim.reference} runs"
            return (
                f"the {what} {ours}; {runs} from the same distribution would not lie so far "
                f"off, {band} being allowed"
            )
        return f"the {what} {ours}, outside the band, {band}"
    return _undecided(claim, ruling, rule, f"the {what} {ours}, the band is {band}")


def _undecided(claim: Claim, ruling: Ruling, rule: Rule, so_far: str) -> str:
    n = len(ruling.scores)
    if n < rule.first_look:
        return f"{n} finished seeds; nothing is decided before {rule.first_look}"
    said = [so_far]
    place = claim.low - ruling.mean if ruling.mean < claim.low else ruling.mean - claim.high
    low, high = claim.band
    if claim.reference and (ruling.low > high or ruling.high < low):
        runs = "a single run" if claim.reference == 1 else f"a mean of {claim.reference} runs"
        said.append(f"that is outside, but the noise of {runs} may explain the reported number")
    elif claim.reference == 1 and place <= 2 * ruling.sd:
        said.append("the reported number is compatible with one run")
    width, if_ = _distance(claim, ruling.mean)
    if width > 0 and ruling.sd > 0:
        level = max(ruling.level, 1e-9)
        needed = seeds_needed(width / ruling.sd, threshold=1 / level, prior=rule.prior)
        if rule.statistic == "median":  # the sign test's efficiency for normal scores is 2/pi
            needed = math.ceil(needed * math.pi / 2)
        if needed > n:
            count = f"about {needed:,}" if needed <= _MANY else f"more than {_MANY:,}"
            said.append(
                f"with a spread of {number(ruling.sd, ruling.sd)} between seeds it would take "
                f"{count} seeds to tell, if {if_}"
            )
    elif width == 0:
        said.append(
            "without a tolerance no number of seeds can show that a number is exactly right"
            if claim.side == "about"
            else "no number of seeds can tell of a mean that lies on the bound itself"
        )
    return "; ".join(said)


def _distance(claim: Claim, mean: float) -> tuple[float, str]:
    """Return how far from the band's edge the mean would be, and what is assumed of it."""
    low, high = claim.band
    if claim.side == "about":
        return (high - low) / 2, "the claim is exactly right"
    edge = low if claim.side == "at-least" else high
    return abs(mean - edge), "the mean stays where it is"


def rule_lines(rule: Rule, texts: Sequence[str]) -> list[str]:
    """Say what is fixed before the first seed; texts describe the claims, in the rule's order."""
    at, horizon = (
        (
            f"an e-value of 1/{rule.alpha:g} = {1 / rule.alpha:g}",
            "valid at any number of seeds, so that stopping for any reason is harmless",
        )
        if rule.horizon == "anytime"
        else (
            f"an e-value that chance reaches as rarely in {len(rule.seeds)} seeds, by simulation",
            f"valid for at most {len(rule.seeds)} seeds, which may not be extended",
        )
    )
    prior = (
        f"prior on (mean - edge)/SD: normal with precision {rule.prior:g}"
        if rule.statistic == "mean"
        else "the sign test, in uniform mixture over the shares of scores beyond the edge"
    )
    several = (
        ""
        if len(rule.claims) < 2
        else (f"; Holm's procedure over {len(rule.claims)} claims, for each verdict apart")
    )
    return [
        *(
            f"claim {i}: {text}; band {between(*claim.band)}"
            for i, (claim, text) in enumerate(zip(rule.claims, texts, strict=True), 1)
        ),
        f"statistic: the {rule.statistic} over seeds; each side errs with a chance of at most "
        f"{percent(rule.alpha)} ({at}){several}",
        f"{prior}; {horizon}",
        f"seeds: {_seeds(rule.seeds)}, in this order; first look after {rule.first_look} finished "
        f"ones, at most {len(rule.seeds)}",
        "diverged: a loss, an output or a claimed metric that is no finite number; crashed: the "
        f"worker died twice; at most {percent(rule.max_diverged)} of the seeds may be either",
    ]


def _seeds(seeds: Sequence[int]) -> str:
    if all(seed == seeds[0] + i for i, seed in enumerate(seeds)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
