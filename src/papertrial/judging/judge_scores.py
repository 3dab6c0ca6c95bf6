"""Judge scores that exist: a verdict on claims, marked as not registered in advance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.claims.labels import label
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Look
from papertrial.claims.trivial import too_fine
from papertrial.claims.verdict import overall
from papertrial.errors import ClaimError
from papertrial.judging.asked import (
    VERIFY_KEYS,
    AskedOfScores,
    asked_by_keys,
    asked_by_recipe,
)
from papertrial.judging.claim_results import claim_results, not_judged_result
from papertrial.judging.conclusion import Conclusion
from papertrial.judging.find_runs import find_runs
from papertrial.judging.judgement import Judgement
from papertrial.judging.outcomes import look_at, rule_of
from papertrial.judging.scores_report import scores_report
from papertrial.judging.surprising_spreads import surprising_spreads
from papertrial.judging.words import headline_on_scores
from papertrial.numbers import as_written
from papertrial.recipe.claim_warnings import warnings_on_claims
from papertrial.recipe.claims import Claim
from papertrial.recipe.rule_warnings import warnings_on_rule
from papertrial.score_tables.read_table import read_table
from papertrial.score_tables.score_table import ScoreTable, table_from_python
from papertrial.vocabulary import moves_in_steps

Claims = Mapping[str, object] | Sequence[Mapping[str, object]]


def judge(
    scores: object,
    claim: Claims | None = None,
    *,
    recipe: str | Path | None = None,
    column: str | None = None,
    versus_column: str | None = None,
    versus_scores: object = None,
    seed_column: str | None = None,
    failed: int | None = None,
    sequential: bool = False,
    out: str | Path | None = None,
    command: str = "",
    **keys: object,
) -> Judgement:
    """Return the `Judgement` of claims by scores that exist, one for each run.

    By default all scores are judged together, once: their order does not matter. The verdict is
    marked as not registered in advance.

    Args:
        scores: a list of numbers, an array, a mapping or data frame with columns, a list of
            mappings, or the path of a CSV or JSON file ("-" is standard input).
        claim: a mapping with the keys of a recipe's claim, or a list of such; its `unit` may also
            be "percent". Instead, the keys may be given as arguments: metric="loss", value=3.28,
            kind="at-most".
        recipe: the name or the path of a recipe, whose claims are judged; `unit` and `samples` may
            be given beside it.
        column: the column of the scores, if its name is not the metric's.
        versus_column: the column of the other side, for kinds "difference" and "better".
        versus_scores: the scores of the other side, if they are in another table.
        seed_column: the column of the seeds. If omitted, one named "seed" if there is one.
        failed: how many runs failed, with those that have no row. Rows without a score are refused
            otherwise.
        sequential: judge after each run, in the order of the rows, which must be the order in which
            they were run.
        out: a folder to write the report to.
        command: that repeats it, for the report.
        keys: of a claim, and of a recipe's section `verify`: alpha, statistic, prior, horizon, sd
            and max_diverged.

    Raises:
        ScoresError: the scores cannot be read, or are too few.
        ClaimError: the claim is invalid.
    """
    verify = {key: keys.pop(key) for key in VERIFY_KEYS if keys.get(key) is not None}
    keys = {key: value for key, value in keys.items() if value is not None}
    other = None if versus_scores is None else _table(versus_scores)
    has_other = versus_column or (other.name if other is not None else None)
    if recipe is not None:
        unit, samples = keys.pop("unit", None), keys.pop("samples", None)
        if claim is not None or keys:
            got = "claim" if claim is not None else next(iter(keys))
            raise ClaimError(f"a recipe has its own claims; leave out {got}, or the recipe")
        asked = asked_by_recipe(str(recipe), verify, has_other, unit=unit, samples=samples)
    else:
        asked = asked_by_keys(_claims(claim, keys), verify, has_other)
    table = _table(scores)
    runs = find_runs(
        table,
        other,
        asked.claims,
        column=column,
        versus_column=versus_column,
        seed_column=seed_column,
        failed=failed,
    )
    outcomes = runs.outcomes()
    rule = rule_of(asked, outcomes, sequential=sequential)
    look = look_at(rule, outcomes, asked.claims)
    judgement = _conclude(table, asked, rule, look, order=runs.seeds, command=command)
    if out is None:
        return judgement
    judgement.write(out)
    return replace(judgement, folder=Path(out))


def _claims(claim: Claims | None, keys: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the plain claims, given as mappings or as keys."""
    if claim is None or isinstance(claim, Mapping):
        return [{**(claim or {}), **keys}]
    if keys:
        raise ClaimError(f"{next(iter(keys))} must be in one of the claims, as there is a list")
    return list(claim)


def _table(scores: object) -> ScoreTable:
    if isinstance(scores, str | Path):
        return read_table(str(scores))
    return table_from_python(scores)


def _conclude(
    table: ScoreTable,
    asked: AskedOfScores,
    rule: Rule,
    look: Look,
    *,
    order: Sequence[int],
    command: str,
) -> Judgement:
    """Return the judgement that follows from the rulings of a look."""
    stated = tuple(claim.stated for claim in asked.claims)
    results = claim_results(_Asked(rule, stated), look, ())
    verdict = overall([ruling.verdict for ruling in look.rulings])
    finished = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]
    headline = headline_on_scores(
        asked.recipe or table.name,
        verdict,
        rule,
        len(finished),
        deviations=asked.deviations,
        not_judged=len(asked.not_judged),
    )
    others = map(not_judged_result, asked.not_judged)
    conclusion = Conclusion(verdict, headline, (*results, *others), ())
    warnings, used = _warnings(asked, rule, look), set(finished)
    report = scores_report(
        table, asked, rule, look, conclusion, order=order, warnings=warnings, command=command
    )
    return Judgement(
        verdict=verdict,
        headline=headline,
        claims=conclusion.lines,
        seeds=tuple(seed for seed in order if seed in used),
        scores=table.name,
        recipe=asked.recipe,
        warnings=tuple(warnings),
        report=report,
        deviations=asked.deviations,
    )


@dataclass(frozen=True)
class _Asked:
    """The claims of results, and how they are decided."""

    rule: Rule
    stated: tuple[Claim, ...]


def _warnings(asked: AskedOfScores, rule: Rule, look: Look) -> list[str]:
    """Return what a reader should know about the claims and the scores."""
    pairs = [(claim.stated, claim.judged) for claim in asked.claims]
    found = [
        *warnings_on_claims([stated for stated, _ in pairs]),
        *warnings_on_rule(asked.verify, pairs),
        *surprising_spreads(rule, look),
    ]
    for i, (claim, ruling) in enumerate(zip(rule.claims, look.rulings, strict=True), 1):
        name = f"claim {i} ({label(claim)} {as_written(claim.value)})"
        if why := too_fine(claim):
            found.append(f"{name}: {why}")
        if len(set(ruling.scores)) == 1:
            found.append(
                f"{name}: all {len(ruling.scores)} scores are equal; if the seed changes nothing, "
                "they are one run and not several, and the verdict says nothing about others"
            )
        is_tied = len(set(ruling.scores)) < len(ruling.scores)
        if is_tied and moves_in_steps(claim.metric) and claim.step == 0:
            found.append(
                f"{name}: some scores are equal; the {claim.metric} moves in steps of 1/N on N "
                "samples: give samples: N, so that ties by chance are allowed for"
            )
    return found
