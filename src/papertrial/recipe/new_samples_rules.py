"""Rules for `about: new-samples`: which claims can be judged on new samples of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.recipe.plain_values import value_at
from papertrial.recipe.raw_claim import Broken, RawClaim

_NOISY = ("mean", "single-run", "best-of")
CHOSEN_ON_TEST = "best-on-test"  # the reported epoch whose score is no longer that of new samples
_ELSE = "otherwise omit about; the report shows the interval for new samples as well"


def new_samples_problems(tree: Mapping[str, object], claim: RawClaim) -> Iterator[Broken]:
    """Yield (key, message) for each reason why a claim cannot be about new samples.

    Verdicts on new samples need a score that is a mean over samples that the training never saw,
    and a number without noise: a number from the same test set shares its samples with ours.
    """
    if claim.about != "new-samples":
        return
    kind = claim.kind
    if not claim.facts.is_accuracy:
        yield (
            "about",
            "new-samples is only for accuracy and topN_accuracy, which are means over samples, got "
            f"metric: {claim.metric}; remove it",
        )
    elif kind == "reaches":
        yield (
            "about",
            "new-samples does not fit kind: reaches, because predictions are stored only for the "
            "end of the training; use kind: at-least or at-most, or remove it",
        )
    elif kind in _NOISY or (kind == "difference" and _has_noise(claim)):
        fix = (
            "use side: at-least or at-most without n, or kind: better"
            if kind == "difference"
            else "use kind: expected, at-least or at-most"
        )
        yield (
            "about",
            f"new-samples needs a number without noise, got kind: {kind}, whose runs share the "
            f"test samples with ours; {fix} if the number is one; {_ELSE}",
        )
    if claim.best_epoch_on_test is True:
        yield (
            "about",
            "new-samples does not fit best_epoch_on_test, because the epoch is chosen on these "
            "samples; remove one of the two",
        )
    if claim.split in ("train", "validation"):
        had = "learned" if claim.split == "train" else "been chosen or stopped on"
        yield (
            "about",
            f"new-samples is not for split: {claim.split}, whose samples the model may have {had}; "
            "use split: test",
        )
    if claim.split == "test" and value_at(tree, "report") == CHOSEN_ON_TEST:
        yield (
            "about",
            f"new-samples does not fit report: {CHOSEN_ON_TEST}, which chooses the epoch on the "
            "same samples; use report: last",
        )
    if value_at(tree, "report.mean-of-last") is not None:
        yield (
            "about",
            "new-samples does not fit report: {mean-of-last: N}, because predictions are stored "
            "only for the last evaluation; use report: last, or remove it",
        )
    if value_at(tree, "verify.statistic") == "median":
        yield (
            "about",
            "new-samples is only for verify.statistic: mean, because it adds the error of a mean "
            f"over samples, got median; use mean; {_ELSE}",
        )


def _has_noise(claim: RawClaim) -> bool:
    return claim.n is not None or claim.side in (None, "about")
