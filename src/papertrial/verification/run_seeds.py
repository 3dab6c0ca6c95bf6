"""Run the seeds of a verification in worker processes, and record each one as it ends."""

from __future__ import annotations

from collections.abc import Generator

from papertrial.claims.events import Looked, SeedEnded, SeedProgress, SeedRetried, SeedStarted
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Ended, Look, run_trial
from papertrial.errors import RunError
from papertrial.progress import Returning
from papertrial.store.verification_folder import LOG, OUTCOMES, VerificationFolder
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.claim_results import progress_lines
from papertrial.verification.conditions import Conditions, check_same_conditions
from papertrial.verification.pool import SeedPool
from papertrial.verification.registration import Registration, fixed_of, wanted_of
from papertrial.verification.report import named_scores
from papertrial.verification.sample_results import outcome_of
from papertrial.verification.seed_task import SeedTask, TrainingPlace
from papertrial.workers.pool import Job, Workers

TrialEvent = SeedStarted | SeedProgress | SeedEnded | SeedRetried | Looked


def run_seeds(
    folder: VerificationFolder, asked: Registration, places: list[TrainingPlace], job: Job
) -> Generator[TrialEvent, None, Look]:
    """Run the seeds that have not ended yet until the claims are decided; return the last look.

    Args:
        folder: of the verification.
        asked: what is registered.
        places: where seeds run, one for each worker.
        job: what runs a `SeedTask` at a place: trains a model, or runs a program.

    Raises:
        RunError: a record in the folder is damaged, or what trains has changed between two seeds.
    """
    if not asked.stated:
        return Look((), ())
    records, registered = folder.outcomes(), folder.registered
    for record in records:
        _check_fits_rule(record, asked.rule)
    finished = [record for record in records if record.state == "finished"]
    task = SeedTask(folder.path, 0, wanted_of(asked.terms), fixed_of(asked.terms))
    known = [outcome_of(folder.path, record, task.wanted) for record in records]
    with Workers(job, places, log=folder.path / LOG) as workers:
        pool = SeedPool(workers, task)
        with Returning(run_trial(asked.rule, pool, known)) as trial:
            for event in trial:
                if isinstance(event, Ended):
                    record = pool.record(event.outcome)
                    if record.state == "finished":
                        now = Conditions.of(record)
                        check_same_conditions(registered, now, f"seed {record.seed}")
                        _check_same_reads(record, finished[0] if finished else record)
                        finished.append(record)
                    folder.append_record(OUTCOMES, record)
                    yield _ended(asked, record)
                elif isinstance(event, Look):
                    lines = tuple(progress_lines(asked, event))
                    yield Looked(len(event.outcomes), len(asked.rule.seeds), lines)
                else:
                    yield event
        return trial.value


def _ended(asked: Registration, record: SeedRecord) -> SeedEnded:
    """Return the event for a seed that was run and recorded."""
    return SeedEnded(
        worker=record.worker,
        seed=record.seed,
        state=record.state,
        scores=named_scores(asked, record),
        error=record.error,
        seconds=record.seconds or 0.0,
    )


def _check_fits_rule(record: SeedRecord, rule: Rule) -> None:
    """Check, before more seeds are run, that the record of an ended seed fits the rule.

    Raises:
        RunError: its seed is not in the rule, or its scores do not fit the claims.
    """
    if record.seed not in rule.seeds or not record.outcome.fits(rule.claims):
        raise RunError(
            f"{OUTCOMES} is damaged: seed {record.seed}, {record.state}, has the scores "
            f"{record.scores}; `papertrial audit` tells more; start a new verification with --again"
        )


def _check_same_reads(record: SeedRecord, first: SeedRecord) -> None:
    """Check that a seed read the same files as the first one; they are not registered.

    Raises:
        RunError: a file that the recipe's code reads at run time has changed in between.
    """
    for path in first.reads.keys() & record.reads.keys():
        had, has = first.reads[path], record.reads[path]
        if had != has:
            raise RunError(
                f"{path}, which the recipe's code reads at run time, has changed since seed "
                f"{first.seed} was trained: SHA-256 {had[:12]} then, {has[:12]} for seed "
                f"{record.seed}; restore it, or start a new verification with --again"
            )
