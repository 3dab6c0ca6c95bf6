"""The report of a verdict on seeds, of one verification or of several laboratories together."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.claims.intervals import divergence_bound
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Look
from papertrial.judging.conclusion import Conclusion
from papertrial.judging.surprising_spreads import surprising_spreads
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.report.run_parts import RunParts
from papertrial.store.laboratory_records import Laboratories
from papertrial.store.report_record import (
    Attempt,
    FailedSeeds,
    HashedRegistration,
    PaperSource,
    Report,
    SeedRow,
)
from papertrial.verification.registration import Registration

_VARIED = (
    "the training seed, and with it everything that is drawn at random: weights, and where the "
    "recipe has them the order of the batches, augmentation and dropout"
)
_VARIED_BY_PROGRAM = (
    "the seed that the program is given, or for a program without a seed whatever differs between "
    "two runs of it"
)
_VARIED_BY_LABORATORIES = "; and the laboratory, with its hardware"


def assemble_report(
    recipe: AnyRecipe,
    asked: Registration,
    look: Look,
    conclusion: Conclusion,
    parts: RunParts,
    *,
    seeds: Sequence[SeedRow],
    preregistration: HashedRegistration | None,
    command: str,
    path: str,
    warnings: Sequence[str] = (),
    attempts: tuple[Attempt, ...] = (),
    laboratories: Laboratories | None = None,
) -> Report:
    """Return the whole report of a verdict, as report.json keeps it.

    Args:
        recipe: what was verified.
        asked: what was registered.
        look: the last one.
        conclusion: the results and the verdict.
        parts: what the runs add.
        seeds: a row for each.
        preregistration: the registration, with its hash.
        command: that gives the verdict again.
        path: the folder of the report.
        warnings: before those on claims, scores and runs.
        attempts: at the same verification.
        laboratories: None for one verification.
    """
    varied = _varied(recipe)
    with_deviations = conclusion.verdict == "REPRODUCED" and recipe.deviations
    return Report(
        kind="verification" if laboratories is None else "combination",
        recipe=recipe.name,
        task="program" if isinstance(recipe, ProgramRecipe) else recipe.task,
        seeded=not isinstance(recipe, ProgramRecipe) or recipe.program.seeded,
        paper=PaperSource(**recipe.paper.model_dump(mode="json")),
        headline=conclusion.headline,
        verdict="REPRODUCED WITH DEVIATIONS" if with_deviations else conclusion.verdict,
        deviations=tuple(recipe.deviations),
        warnings=(
            *warnings,
            *asked.warnings,
            *surprising_spreads(asked.rule, look),
            *parts.warnings,
        ),
        claims=conclusion.claims,
        exact=conclusion.exact,
        seeds=tuple(seeds),
        varied=varied if laboratories is None else f"{varied}{_VARIED_BY_LABORATORIES}",
        fixed=parts.fixed,
        diverged=_failed_seeds(asked.rule, look),
        curves=parts.curves,
        confusion=parts.confusion,
        per_class=parts.per_class,
        mistakes=parts.mistakes,
        metrics=parts.metrics,
        folds=parts.folds,
        provenance=parts.provenance,
        not_covered=parts.not_covered,
        reading=parts.reading,
        attempts=attempts,
        earlier=conclusion.earlier,
        preregistration=preregistration,
        laboratories=laboratories,
        command=command,
        path=path,
    )


def _failed_seeds(rule: Rule, look: Look) -> FailedSeeds:
    """Return how many seeds of a report failed, and how many the rule allows."""
    failed = sum(outcome.state != "finished" for outcome in look.outcomes)
    return FailedSeeds(
        count=failed,
        of=len(look.outcomes),
        upper=divergence_bound(failed, len(look.outcomes)) if look.outcomes else None,
        highest=rule.max_diverged,
        held=all(ruling.held for ruling in look.rulings),
    )


def _varied(recipe: AnyRecipe) -> str:
    """Return in words what differs between the seeds of a recipe."""
    if isinstance(recipe, ProgramRecipe):
        return _VARIED_BY_PROGRAM
    folds = ", separately for each fold" if recipe.data.splits.count else ""
    splits = "; the splits are drawn again" if recipe.data.splits.seed == "each" else ""
    return f"{_VARIED}{folds}{splits}"
