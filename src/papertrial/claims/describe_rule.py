"""The rule in words, as it is shown before the first seed starts."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.choose import choose
from papertrial.claims.error_words import errs_at_most, taken_as_given
from papertrial.claims.reach import Reach
from papertrial.claims.rule import Rule
from papertrial.numbers import band, percent, sequence


def rule_lines(rule: Rule, texts: Sequence[str], failure: str) -> list[str]:
    """Describe a rule in lines, as they are shown before the first seed starts.

    Args:
        rule: the rule.
        texts: descriptions of the claims, in the rule's order.
        failure: when a seed has failed.
    """
    return [
        *decision_lines(rule, texts),
        f"seeds: {sequence(rule.seeds)}, in this order; nothing is decided before "
        f"{rule.first_look} have finished",
        f"failed seeds: a seed fails if {failure}; at most {percent(rule.max_diverged)} of the "
        "seeds may fail",
    ]


def decision_lines(rule: Rule, texts: Sequence[str]) -> list[str]:
    """Describe the claims of a rule, in the words of `texts`, and how it decides them."""
    given = taken_as_given(rule.sd)
    return [
        *(
            f"claim {i}: {text}; band {band(*claim.band)}{_points(claim.reach)}"
            for i, (claim, text) in enumerate(zip(rule.claims, texts, strict=True), 1)
        ),
        f"about: the {rule.statistic} over all seeds that could be trained; "
        f"{errs_at_most(rule)}{_several(rule)}",
        *([f"SD: {given}"] if given else []),
        *_tests(rule),
        _threshold(rule),
        *_new_samples(rule),
    ]


def _points(reach: Reach | None) -> str:
    """Describe the evaluated points of a target; empty for other claims."""
    if reach is None:
        return ""
    count, every = len(reach.points), reach.points[0]
    grid = f"every {reach.unit if every == 1 else f'{every:,} {reach.unit}s'} and " * (count > 1)
    later = count - reach.index
    counts = "1 point counts" if later == 1 else f"{later:,} points count"
    return f"; evaluated {grid}at the end, {reach.at(reach.points[-1])}; {counts}"


def _several(rule: Rule) -> str:
    """Describe how a rule treats several claims; empty for one claim."""
    return f", for all {len(rule.claims)} claims together" if len(rule.claims) > 1 else ""


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
        several = len(rule.claims) > 1
        first = (
            f" ({len(rule.claims) / rule.alpha:g} for the first claim that is decided)"
            if several
            else ""
        )
        return (
            f"evidence: a claim is decided when the scores are {1 / rule.alpha:g} times more "
            f"probable one way than the other{first}; the trial may stop at any number of seeds"
        )
    seeds = f"at most {len(rule.seeds)} seeds, a maximum that may not be increased later"
    if rule.one_look:
        seeds = f"one look at {rule.first_look} seeds, a number that was fixed in advance"
    return (
        f"evidence: the threshold is simulated for {seeds}; a false NOT REPRODUCED is within twice "
        f"{percent(rule.alpha)} for a tolerance near 0"
    )


def _new_samples(rule: Rule) -> list[str]:
    """Describe how a rule treats its claims about new test samples; nothing without any."""
    which = [str(i) for i, claim in enumerate(rule.claims, 1) if claim.is_about_new_samples]
    if not which:
        return []
    of = (
        f"claim{'s' if len(which) > 1 else ''} {', '.join(which)}: " if len(rule.claims) > 1 else ""
    )
    return [
        f"new test samples: {of}half of the error for the seeds, so twice the threshold, and half "
        "for the choice of the test samples, by which the edges of the band are moved"
    ]
