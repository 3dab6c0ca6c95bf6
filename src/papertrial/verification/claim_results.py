"""What the scores say about each claim, as it is printed, stored and reported."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from pathlib import Path

from papertrial.claims.explain_without_seeds import explain_exact
from papertrial.claims.headline import headline
from papertrial.claims.labels import label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.run_trial import Look
from papertrial.claims.verdict import Verdict, overall
from papertrial.data.files.data_folder import data_folder
from papertrial.errors import ClaimError
from papertrial.judging.claim_results import claim_results, not_judged_result
from papertrial.judging.conclusion import Conclusion
from papertrial.numbers import as_written, between, number
from papertrial.progress import Step
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.recipe.load import require_model
from papertrial.recipe.schema import AnyRecipe
from papertrial.runs import prepare
from papertrial.runs.fold_recipes import fold_recipes
from papertrial.store.new_samples import NewSamples
from papertrial.store.report_record import ExactResult
from papertrial.store.verification_records import EarlierLook
from papertrial.training.device import on_device
from papertrial.verification.looks_in_words import headline_on_looks, looks_at
from papertrial.verification.registration import Registration


def count_exact(
    recipe: AnyRecipe, claims: Sequence[Claim], data: str | Path | None
) -> Generator[Step, None, list[ExactResult]]:
    """Return the results of exact claims: parameters and samples, counted without training.

    A number that is printed in short, 0.27M, equals every number that it may stand for.

    Raises:
        ClaimError: a claim is about a split that does not exist.
    """
    if not claims:
        return []
    with on_device("cpu", 1) as device:
        first = next(iter(fold_recipes(require_model(recipe))), require_model(recipe))
        parts = yield from prepare.prepare(first, data_folder(data), device)
    results = []
    splits = parts.samples.dataset.splits
    for claim in claims:
        if claim.metric == "samples" and claim.split not in splits:
            rule = f"claims: there is no {claim.split} split to count the samples of"
            raise ClaimError(f"{rule}; the data have {', '.join(splits)}")
        ours = (
            len(splits[claim.split])
            if claim.metric == "samples"
            else sum(p.numel() for p in parts.train.model.parameters())
        )
        low, high = claim.printed_interval
        verdict: Verdict = "REPRODUCED" if low <= ours <= high else "NOT REPRODUCED"
        why = f"counted without training: {ours:,}"
        steps = explain_exact(describe(claim), low, high, ours, verdict)
        results.append(ExactResult.of(claim, ours, verdict, why, steps))
    return results


def progress_lines(asked: Registration, look: Look) -> list[str]:
    """Return a line for each claim with its result so far, to show while seeds are running."""
    lines = []
    several = len(asked.rule.claims) > 1
    for i, (claim, ruling) in enumerate(zip(asked.rule.claims, look.rulings, strict=True), 1):
        side = {"at-least": "at least ", "at-most": "at most "}.get(claim.side, "")
        best = f", best of {claim.best_of}" if claim.best_of else ""
        value = f"{side}{as_written(claim.value)}{best}"
        text = f"{f'claim {i}, ' if several else ''}{label(claim)}: {value} reported; ours "
        if ruling.scores:
            middle = ruling.median if asked.rule.statistic_of(claim) == "median" else ruling.mean
            text += number(middle, ruling.sd)
            sd = number(ruling.sd, ruling.sd)
            text += f" (SD {sd}, n = {len(ruling.scores)})" if len(ruling.scores) > 1 else ""
            if math.isfinite(ruling.low) and math.isfinite(ruling.high):
                what = f" of the best of {claim.best_of}" if claim.best_of else ""
                what += " on new test samples" if claim.is_about_new_samples else ""
                text += f", interval{what} {between(ruling.low, ruling.high, ruling.sd)}"
        else:
            text += "not known yet"
        lines.append(f"{text}: {_so_far(ruling, asked.rule)}")
    return lines


def _so_far(ruling: Ruling, rule: Rule) -> str:
    """Return the verdict after a look; before the first look nothing is decided."""
    if ruling.verdict == "UNDECIDED" and len(ruling.scores) < rule.first_look:
        return f"no look yet, the first is after {rule.first_look} finished seeds"
    return ruling.verdict


def conclude(
    recipe: AnyRecipe,
    asked: Registration,
    look: Look,
    exact: Sequence[ExactResult],
    earlier: Sequence[EarlierLook] = (),
    new_samples: Sequence[NewSamples | None] = (),
) -> Conclusion:
    """Return the conclusion of a verification: the verdict and the results of all claims.

    Claims that are not judged do not count for the verdict.

    Args:
        recipe: what was verified.
        asked: what was registered.
        look: the last one.
        exact: the claims that were counted.
        earlier: other verifications that trained registered seeds. The verdict does not change with
            them, but its bound does.
        new_samples: for each claim that seeds decide, our score on new samples; () if unknown.
    """
    judged = claim_results(asked, look, new_samples)
    verdicts = [*(claim.verdict for claim in judged), *(claim.verdict for claim in exact)]
    verdict = overall([one for one in verdicts if one is not None])
    seeds = sum(outcome.state == "finished" for outcome in look.outcomes)
    certain = all(ruling.is_certain for ruling in look.rulings)
    sentence = headline(
        recipe.name,
        verdict,
        len(verdicts),
        seeds,
        recipe.deviations,
        tolerances=[one.tolerance for one in asked.rule.claims if one.has_tolerance],
        alpha=None if certain else asked.rule.alpha,
    )
    if asked.not_judged:
        count = len(asked.not_judged)
        is_ = "is" if count == 1 else "are"
        sentence += f" {count} of its {len(verdicts) + count} claims {is_} not judged."
    looks = looks_at([outcome.seed for outcome in look.outcomes], earlier)
    if not certain:  # else chance plays no part
        sentence += f" {headline_on_looks(looks, asked.rule.alpha)}".rstrip()
    others = map(not_judged_result, asked.not_judged)
    return Conclusion(verdict, sentence, (*judged, *others), tuple(exact), looks)
