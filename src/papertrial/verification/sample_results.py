"""What seeds scored on each test sample, read from the stored predictions of their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from papertrial.claims.describe_new_samples import BothIntervals, both_intervals
from papertrial.claims.new_samples import correct_of
from papertrial.claims.run_trial import Look
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import ClaimError, RunError
from papertrial.evaluate.metrics import correct
from papertrial.recipe.new_samples_rules import CHOSEN_ON_TEST
from papertrial.recipe.reported_scores import MEAN_OF_LAST
from papertrial.record import finite_or_none
from papertrial.report.run_results import read_predictions, task_of
from papertrial.runs.run import Run, load_run
from papertrial.store.new_samples import NewSamples
from papertrial.store.run_folder import PREDICTIONS
from papertrial.store.verification_records import Preregistration, SeedRecord, Terms
from papertrial.verification.registration import Registration, Wanted, wanted_of
from papertrial.vocabulary import is_accuracy


def outcome_of(folder: Path, record: SeedRecord, wanted: Sequence[Wanted]) -> SeedOutcome:
    """Return the outcome of a recorded seed, with results for the claims about new samples.

    Args:
        folder: of the verification.
        record: of the seed.
        wanted: the score that each claim is about.

    Raises:
        RunError: predictions are absent or damaged, or two sides have other samples.
    """
    if record.state != "finished":
        return record.outcome
    results = sample_results(folder, record.runs, wanted)
    return replace(record.outcome, correct=results)


def sample_results(
    folder: Path, runs: Sequence[str], wanted: Sequence[Wanted]
) -> tuple[bytes | None, ...]:
    """Return what a seed scored on each sample, for each claim about new samples; () if none is.

    Args:
        folder: of the verification.
        runs: of the seed, relative to it: ours, then each other side.
        wanted: the score that each claim is about.

    Raises:
        RunError: predictions are absent or damaged, or two sides have other samples.
    """
    if not any(one.new_samples for one in wanted):
        return ()
    places = [folder / run for run in runs]
    return tuple(_results(places, one) if one.new_samples else None for one in wanted)


def describe_new_samples(
    runs: Mapping[int, Sequence[Path]], registered: Preregistration, asked: Registration, look: Look
) -> tuple[NewSamples | None, ...]:
    """Return for each claim our expected score on this test set and on new samples.

    None for a metric that is not a mean over samples, for samples that the training or the choice
    of the epoch has used, for a difference of sides with other samples, and before the first look.

    Args:
        runs: the folders of the runs of each seed that finished: ours, then each other side.
        registered: the conditions of the seeds.
        asked: what is registered.
        look: the last one.

    Raises:
        RunError: predictions are absent or damaged.
    """
    finished = [outcome for outcome in look.outcomes if outcome.state == "finished"]
    if not finished:
        return (None,) * len(asked.rule.claims)
    described = list[NewSamples | None]()
    for j, (wanted, ruling) in enumerate(zip(wanted_of(asked.terms), look.rulings, strict=True)):
        if not _can_describe(registered, wanted):
            described.append(None)
            continue
        results = [_results(runs[outcome.seed], wanted) for outcome in finished]
        level = ruling.level or asked.rule.alpha / len(asked.rule.claims)
        both = both_intervals(asked.rule, j, finished, results, level)
        described.append(None if both is None else _record(both))
    return tuple(described)


def check_same_samples(terms: Terms, data: Sequence[dict[str, str]]) -> None:
    """Check that both sides of each difference on new samples have the same samples.

    Args:
        terms: what is registered.
        data: for each side, ours first, the fingerprint of each split.

    Raises:
        ClaimError: they have other samples.
    """
    for wanted in wanted_of(terms):
        if wanted.new_samples and not _has_same_samples(data, wanted):
            raise ClaimError(
                f"claims: about: new-samples compares both sides sample by sample, but the two "
                f"sides have different {wanted.split} samples; use the same data and splits on "
                "both sides, or about: test-set"
            )


def _can_describe(registered: Preregistration, wanted: Wanted) -> bool:
    return (
        is_accuracy(wanted.metric)
        and not wanted.best_epoch
        and wanted.reach is None  # predictions are those of the end
        and wanted.split == "test"
        and registered.data[0].get(wanted.split, "")
        != ""  # not one that differs between folds or seeds
        and registered.reported_epoch != CHOSEN_ON_TEST
        and not registered.reported_epoch.startswith(MEAN_OF_LAST)  # not what predictions give
        and _has_same_samples(registered.data, wanted)
    )


def _has_same_samples(data: Sequence[dict[str, str]], wanted: Wanted) -> bool:
    if wanted.arm is None:
        return True
    return data[0].get(wanted.split) == data[wanted.arm + 1].get(wanted.split)


def _results(runs: Sequence[Path], wanted: Wanted) -> bytes:
    """Return what a seed scored on each sample of one claim, from the folders of its runs."""
    ours, ids = _correct(load_run(runs[0]), wanted)
    if wanted.arm is None:
        return correct_of(ours)
    theirs, other = _correct(load_run(runs[wanted.arm + 1]), wanted)
    if not np.array_equal(ids, other):
        raise RunError(
            f"{runs[0]} and {runs[wanted.arm + 1]} have other {wanted.split} samples, so that they "
            "cannot be compared sample by sample"
        )
    return correct_of(ours, theirs)


def _correct(run: Run, wanted: Wanted) -> tuple[NDArray[np.bool_], NDArray[np.generic]]:
    """Return whether each sample of a run's split was right [N], and the ids of the samples."""
    kept = read_predictions(run, wanted.split)
    try:
        right = correct(wanted.metric, task_of(run), kept.output, kept.target)
    except (RuntimeError, IndexError, ValueError) as error:
        file = run.path / PREDICTIONS / f"{wanted.split}.safetensors"
        raise RunError(f"{file} is damaged ({error}); train the run again") from error
    return right.numpy(), kept.ids


def _record(both: BothIntervals) -> NewSamples:
    return NewSamples(
        on_test_set=_open(both.on_test_set),
        on_new_samples=_open(both.on_new_samples),
        seeds=both.seeds,
        samples=both.samples,
        level=both.level,
    )


def _open(interval: tuple[float, float]) -> tuple[float | None, float | None]:
    return finite_or_none(interval[0]), finite_or_none(interval[1])
