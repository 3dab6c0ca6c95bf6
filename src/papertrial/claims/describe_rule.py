"""The rule in words, as it is shown before the first seed starts."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.choose import choose
from papertrial.claims.reach import Reach
from papertrial.claims.rule import Rule
from papertrial.numbers import band, percent


def rule_lines(rule: Rule, texts: Sequence[str]) -> list[str]:
    """Describe a rule in lines, as they are shown before the first seed starts.

    `texts` describe the claims, in the rule's order.
    """
    return [
        *(
            f"claim {i}: {text}; band {band(*claim.band)}{_points(claim.reach)}"
            for i, (claim, text) in enumerate(zip(rule.claims, texts, strict=True), 1)
        ),
        f"statistic: the {rule.statistic} over seeds; each side errs with a probability of at most "
        f"{percent(rule.alpha)}{_several(rule)}",
        *_tests(rule),
        _threshold(rule),
        f"seeds: {_seeds(rule.seeds)}, in this order; at most {len(rule.seeds)}; first look after "
        f"{rule.first_look} finished seeds",
        "failed seeds: diverged if a loss, an output or a claimed metric is not finite, crashed if "
        f"the worker died twice; at most {percent(rule.max_diverged)} of the seeds may fail",
    ]


def _points(reach: Reach | None) -> str:
    """Describe the evaluated points of a target; empty for other claims."""
    if reach is None:
        return ""
    count, every = len(reach.points), reach.points[0]
    grid = f"every {reach.unit if every == 1 else f'{every:,} {reach.unit}s'} and " * (count > 1)
    later = count - reach.index
    return f"; evaluated {grid}at the end, {reach.at(reach.points[-1])}; {later} points count"


def _several(rule: Rule) -> str:
    """Describe how a rule treats several claims; empty for one claim."""
    if len(rule.claims) < 2:
        return ""
    return f"; Holm's procedure over {len(rule.claims)} claims, separately for each verdict"


def _tests(rule: Rule) -> list[str]:
    """Describe the tests of a rule, in a line for each test and the claims that it decides."""
    of: dict[str, list[int]] = {}
    for i, claim in enumerate(rule.claims, 1):
        choice = choose(claim, rule)
        how = choice.supports.method
        if choice.opposes is None:
            how += "; it cannot refute a number that has its own noise"
        elif choice.opposes != choice.supports:
            how += f"; to refute: {choice.opposes.method}"
        of.setdefault(how, []).append(i)
    if len(of) < 2:
        return [f"test: {how}" for how in of]
    return [f"test of claim {', '.join(map(str, numbers))}: {how}" for how, numbers in of.items()]


def _threshold(rule: Rule) -> str:
    """Describe the threshold of a rule."""
    if rule.horizon == "anytime":
        return (
            f"threshold: an e-value of 1/{rule.alpha:g} = {1 / rule.alpha:g}; valid for any number "
            "of seeds, so the trial may stop for any reason"
        )
    return (
        f"threshold: calibrated by simulation for at most {len(rule.seeds)} seeds; this maximum "
        "may not be increased later"
    )


def _seeds(seeds: Sequence[int]) -> str:
    """Describe the seeds of a rule: "0 to 14", or all numbers."""
    if all(seed == seeds[0] + i for i, seed in enumerate(seeds)):
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))
