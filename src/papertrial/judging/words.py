"""What is said of scores that were judged: the headline, and what a verdict on them rests on."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.describe_rule import decision_lines
from papertrial.claims.headline import tolerance_words
from papertrial.claims.rule import Rule
from papertrial.claims.verdict import Verdict
from papertrial.numbers import percent, plural
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim

NOT_REGISTERED = "not registered in advance: these scores existed before the rule"
_COST = (
    "The bound on errors holds only if the claim, its tolerance, the rule and the rows were not "
    "chosen by the scores: all runs that were made are in the table, and this is the first and "
    "only rule that was tried on them. Nothing here can show that."
)


def headline_on_scores(
    name: str,
    verdict: Verdict,
    rule: Rule,
    n: int,
    *,
    deviations: Sequence[str],
    not_judged: int,
) -> str:
    """Return the headline of a verdict on scores.

    Args:
        name: of the table.
        verdict: on all claims together.
        rule: by which they were judged.
        n: number of runs that finished.
        deviations: in what their recipe deviates from the paper.
        not_judged: number of claims that scores cannot decide.
    """
    count, runs = len(rule.claims), f"{plural(n, 'run')} of {name}"
    tolerances = [claim.tolerance for claim in rule.claims if claim.has_tolerance]
    allowed = tolerance_words(tolerances, count)
    errs, mark = f"(alpha {percent(rule.alpha)})", " WITH DEVIATIONS" * bool(deviations)
    if verdict == "REPRODUCED":
        claims = "the claim holds" if count == 1 else f"all {count} claims hold"
        text = f"REPRODUCED{mark}: {claims}{allowed} on {runs} {errs}"
    elif verdict == "NOT REPRODUCED":
        fails = "the claim fails" if count == 1 else f"at least one of {count} claims fails"
        number = "the reported number" if count == 1 else "every reported number"
        what = f"{runs} do not give {number}{allowed}"
        text = f"NOT REPRODUCED: {what}: {fails} {errs}"
    else:
        which = "the claim" if count == 1 else f"some of {count} claims"
        text = f"UNDECIDED: {runs} neither confirm nor refute {which}{allowed} {errs}"
    others = "is" if not_judged == 1 else "are"
    left = f" {plural(not_judged, 'other claim')} {others} not judged." if not_judged else ""
    return f"{text}; {NOT_REGISTERED}.{left}"


def what_it_rests_on(rule: Rule) -> tuple[str, ...]:
    """Return what a verdict on scores takes for granted: what nobody can check, and the order."""
    return (_COST, _order(rule))


def rule_in_lines(rule: Rule, stated: Sequence[Claim]) -> tuple[str, ...]:
    """Return the rule by which scores are judged, in lines."""
    look = (
        f"look: one, at all {plural(rule.first_look, 'finished run')} together"
        if rule.one_look
        else f"looks: after each run in the order of the rows, from {rule.first_look} on"
    )
    failed = f"failed runs: at most {percent(rule.max_diverged)} of the runs may fail"
    return (*decision_lines(rule, [describe(claim) for claim in stated]), look, failed)


def _order(rule: Rule) -> str:
    if not rule.one_look:
        return (
            "The claims were judged after each run, in the order of the rows, and a verdict is "
            "final at its first crossing: the rows must be in the order in which they were run."
        )
    if rule.horizon == "fixed":
        return (
            "All runs were judged together, once, so the order of the rows does not matter. The "
            "number of runs must have been fixed before the first one: with runs that were added "
            "until a test passed, errors are more frequent."
        )
    return (
        "All runs were judged together, once, so the order of the rows does not matter. The bound "
        "also holds if runs were added until the result was clear, as long as none was left out."
    )
