"""The report of a single run: the same parts as that of a verification, but no verdict."""

from __future__ import annotations

import math
from pathlib import Path

from papertrial.numbers import number
from papertrial.recipe.claims import Claim
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.record import finite_or_none
from papertrial.report.provenance_rows import train_again
from papertrial.report.run_parts import parts_of_runs
from papertrial.report.run_results import judged_split, read_provenance, task_of
from papertrial.report.use_of_test_split import use_of_test_split
from papertrial.runs.run import Run
from papertrial.store.report_record import ClaimResult, ExactResult, PaperSource, Report


def run_report(run: Run, *, data: str | Path | None = None) -> Report:
    """Return the report of a single run.

    Args:
        run: a finished run.
        data: the data folder; None for the default one.

    Raises:
        RunError: a file of the run is absent or damaged.
    """
    recipe, parts = run.recipe, parts_of_runs([run], data=data)
    claims = list(zip(recipe.claims, run.summary.claims, strict=False))
    return Report(
        kind="run",
        recipe=recipe.name,
        task=recipe.task,
        paper=PaperSource(**recipe.paper.model_dump()),
        headline=_headline(run),
        verdict=None,
        deviations=recipe.deviations,
        warnings=(*use_of_test_split(run.summary), *parts.warnings),
        claims=tuple(
            _claim_result(run, claim, kept.ours) for claim, kept in claims if claim.kind != "exact"
        ),
        exact=tuple(
            _exact_result(claim, kept.ours) for claim, kept in claims if claim.kind == "exact"
        ),
        seeds=(),
        varied=None,
        fixed=parts.fixed,
        diverged=None,
        curves=parts.curves,
        confusion=parts.confusion,
        per_class=parts.per_class,
        mistakes=parts.mistakes,
        metrics=parts.metrics,
        folds=parts.folds,
        provenance=parts.provenance,
        not_covered=parts.not_covered,
        reading=parts.reading,
        attempts=(),
        preregistration=None,
        command=train_again(run.path, read_provenance(run)),
        path=str(run.path),
    )


def _headline(run: Run) -> str:
    """Return the headline of a run's report: the score of its first claim, or else of its task."""
    claims = zip(run.recipe.claims, run.summary.claims, strict=False)
    judged = [
        (claim, kept) for claim, kept in claims if claim.kind != "exact" and not kept.not_judged
    ]
    scored = [kept for _, kept in judged if kept.ours is not None]
    split = judged_split(run)
    metric = next(
        (name for name in (task_of(run).headline, *run.metrics[split])
         if isinstance(run.metrics[split].get(name), int | float)),
        None,
    )  # fmt: skip
    if scored:
        split, metric = scored[0].split, scored[0].metric
    found = run.metrics[split][metric] if metric else None
    score = f": {split} {metric} {number(found)}" if isinstance(found, int | float) else ""
    mark = " (optimistic)" if run.summary.report.optimistic and split == "test" else ""
    can_be_verified = scored or any(claim.is_gain for claim, _ in judged)
    end = "; `papertrial verify` gives one." if can_be_verified else "."
    name = f"{run.recipe.name}, one run (seed {run.recipe.seed})"
    return f"{name}{score}{mark}. One run is not a verdict{end}"


def _claim_result(run: Run, claim: Claim, ours: float | None) -> ClaimResult:
    """Return a claim in the report of a single run: beside its score, without verdict."""
    low, high = -math.inf, math.inf
    if claim.not_judged is None:
        low, high = to_judged_claim(claim, run.recipe).band
    return ClaimResult.beside(
        claim,
        side=claim.judged_side,
        tolerance=claim.allowed,
        band=(finite_or_none(low), finite_or_none(high)),
        runs=claim.runs,
        optimistic=claim.best_epoch_on_test and ours is not None,
        not_judged=claim.not_judged,
        n=0 if ours is None else 1,
        mean=ours,
        why="needs the other side: `papertrial verify`" if claim.is_gain else "",
        scores=() if ours is None else ((run.recipe.seed, ours),),
    )


def _exact_result(claim: Claim, ours: float | None) -> ExactResult:
    """Return an exact claim in the report of a single run: beside its count, without verdict."""
    why = "" if claim.not_judged is None else f"not judged: {claim.not_judged}"
    return ExactResult.of(claim, ours, None, why)
