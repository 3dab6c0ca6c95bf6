"""The report on scores that were judged."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from papertrial.claims.error_words import valid_scores
from papertrial.claims.intervals import divergence_bound
from papertrial.claims.labels import labels
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Look
from papertrial.judging.asked import AskedOfScores
from papertrial.judging.conclusion import Conclusion
from papertrial.judging.words import rule_in_lines, what_it_rests_on
from papertrial.score_tables.score_table import ScoreTable
from papertrial.store.report_record import (
    FailedSeeds,
    PaperSource,
    Report,
    SeedRow,
    Spread,
)
from papertrial.store.unregistered_rule import UnregisteredRule
from papertrial.version import __version__


def scores_report(
    table: ScoreTable,
    asked: AskedOfScores,
    rule: Rule,
    look: Look,
    conclusion: Conclusion,
    *,
    order: Sequence[int],
    warnings: Sequence[str],
    command: str,
) -> Report:
    """Return the report on scores, as report.json stores it.

    Args:
        table: of the scores.
        asked: the claims.
        rule: by which they were judged.
        look: the last one.
        conclusion: the results and the verdict.
        order: the seeds in the order of the table.
        warnings: about the claims and the scores.
        command: that repeats it; "" if there is none.
    """
    failed = sum(outcome.state != "finished" for outcome in look.outcomes)
    with_deviations = conclusion.verdict == "REPRODUCED" and asked.deviations
    digest = [("SHA-256", table.sha256)] if table.sha256 else []
    return Report(
        kind="scores",
        recipe=asked.recipe or table.name,
        task="not registered in advance",
        paper=PaperSource(**asked.paper.model_dump(mode="json")),
        headline=conclusion.headline,
        verdict="REPRODUCED WITH DEVIATIONS" if with_deviations else conclusion.verdict,
        deviations=asked.deviations,
        warnings=tuple(warnings),
        claims=conclusion.claims,
        exact=(),
        seeds=_rows(rule, look, order),
        varied=None,
        fixed=(),
        diverged=FailedSeeds(
            count=failed,
            of=len(look.outcomes),
            upper=divergence_bound(failed, len(look.outcomes)),
            highest=rule.max_diverged,
            held=all(ruling.held for ruling in look.rulings),
        ),
        curves=(),
        confusion=None,
        per_class=(),
        mistakes=(),
        metrics=_spreads(rule, look),
        provenance=(("scores", table.name), *digest, ("papertrial", __version__)),
        attempts=(),
        preregistration=None,
        unregistered=UnregisteredRule(
            text=what_it_rests_on(rule),
            lines=rule_in_lines(rule, [claim.stated for claim in asked.claims]),
            scores=valid_scores(rule),
            one_look=rule.one_look,
        ),
        command=command,
        path="",
    )


def _rows(rule: Rule, look: Look, order: Sequence[int]) -> tuple[SeedRow, ...]:
    """Return the runs in the order of the table; those without a row are last."""
    names, places = labels(rule.claims), {seed: i for i, seed in enumerate(order)}
    rows = [
        SeedRow(
            seed=outcome.seed,
            state=outcome.state,
            error=outcome.error,
            seconds=None,
            run=None,
            scores={
                name: claim.score_of(scores)
                for name, claim, scores in zip(names, rule.claims, outcome.scores, strict=False)
            },
            used=True,
        )
        for outcome in look.outcomes
    ]
    return tuple(sorted(rows, key=lambda row: places.get(row.seed, len(places))))


def _spreads(rule: Rule, look: Look) -> dict[str, dict[str, Spread]]:
    """Return the spread of each side's scores."""
    found: dict[str, dict[str, Spread]] = {}
    finished = [outcome for outcome in look.outcomes if outcome.state == "finished"]
    for j, claim in enumerate(rule.claims):
        sides = zip(*(outcome.scores[j] for outcome in finished), strict=True)
        for name, scores in zip(
            (claim.metric, f"{claim.metric} of the other side"), sides, strict=False
        ):
            found.setdefault(claim.split, {})[name] = Spread(
                mean=mean(scores), sd=stdev(scores), low=min(scores), high=max(scores)
            )
    return found
