"""Rows of a report on what is evaluated: averaged weights, units, means, skipped steps."""

from __future__ import annotations

from papertrial.numbers import plural
from papertrial.recipe.schema import Recipe
from papertrial.store.run_records import RunSummary


def scoring_rows(recipe: Recipe, summary: RunSummary) -> dict[str, str]:
    """Return what is special about the weights and the scores of a run, as rows of name and value.

    Args:
        recipe: its recipe.
        summary: its results.
    """
    rows, average, count = dict[str, str](), recipe.average, recipe.mean_of_last
    if average is not None and average.use == "ema":
        rows["evaluated weights"] = (
            f"exponential moving average, decay {average.decay_of_ema:g}, of buffers too"
        )
    elif average is not None:
        rows["evaluated weights"] = (
            "mean over the training (swa); statistics of batch norm are those of the mean on the "
            "training batches"
        )
    if recipe.data.target_transform is not None:
        rows["targets"] = (
            f"the loss is on transformed targets ({recipe.data.target_transform}); all other "
            "metrics are in the original unit"
        )
    if count is not None:
        rows["reported scores"] = (
            f"means over the last {count} evaluations; predictions, confusion matrices and scores "
            "of classes are those of the last one"
        )
    if recipe.precision == "fp16":
        skipped, steps = summary.report.skipped_steps, summary.report.last_step
        rows["skipped steps"] = f"{skipped:,} of {plural(steps, 'step')}: overflow in fp16"
    return rows
