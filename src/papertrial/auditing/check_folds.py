"""Check the folds of each seed's run: their recipes, and that the run's results come from them."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.auditing.finding import Finding, findings_of
from papertrial.auditing.seed_run import UNREADABLE, SeedRun, why_unreadable
from papertrial.recipe.digest import scoring_hash, training_hash
from papertrial.runs.fold_recipes import fold_recipes
from papertrial.runs.fold_results import fold_scores, mean_metrics, out_of_fold
from papertrial.store.run_folder import METRICS, TESTED, RunFolder


def check_folds(sides: list[SeedRun]) -> Iterator[Finding]:
    """Check the folds of the runs that have them; yield nothing if no run has."""
    grouped = [side for side in sides if side.run.has_folds]
    if not grouped:
        return
    messages, count = list[str](), 0
    for side in grouped:
        try:
            messages += _unlike_folds(side)
            count += len(side.models)
        except UNREADABLE as error:
            messages.append(f"{side}: {why_unreadable(error)}")
    agrees = (
        f"{count} folds of {len(grouped)} runs, each with the recipe of its fold; the runs have "
        "their means and their predictions"
    )
    yield from findings_of("folds", messages, agrees)


def _unlike_folds(side: SeedRun) -> Iterator[str]:
    """Say where a run is not what its folds give."""
    run = side.run
    expected = fold_recipes(run.recipe)
    for model, recipe in zip(side.models, expected, strict=True):
        from_ = model.provenance
        if [from_.seed, model.run.recipe.seed] != [recipe.seed] * 2:
            yield f"{model}: it was not trained with the seed of its fold"
        digest = training_hash(recipe)
        if [from_.training_hash, training_hash(model.run.recipe)] != [digest] * 2:
            yield f"{model}: its recipe is not that of the fold"
        elif scoring_hash(model.run.recipe) != scoring_hash(recipe):
            yield f"{model}: its recipe evaluates otherwise than that of the fold"
        if from_.environment.threads != side.provenance.environment.threads:
            yield f"{model}: it was trained with {from_.environment.threads} threads"
    folds, each = run.models, run.recipe.data.splits.folds or 1
    if mean_metrics([fold.metrics for fold in folds]) != run.metrics:
        yield f"{side}: {METRICS} does not have the means over the folds"
    if tuple(fold_scores(one, k, each) for k, one in enumerate(folds)) != run.summary.folds:
        yield f"{side}: {METRICS} does not have the scores of the folds"
    if out_of_fold(folds, each) != RunFolder(run.path).read(TESTED):
        yield f"{side}: {TESTED} does not have the predictions of the folds"
