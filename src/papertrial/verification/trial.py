"""Run the trial of a verification in worker processes, and record each seed as it ends."""

from __future__ import annotations

from collections.abc import Generator

from papertrial.claims.events import Looked, SeedEnded, SeedProgress, SeedRetried, SeedStarted
from papertrial.claims.run_trial import Ended, Look, run_trial
from papertrial.progress import Returning
from papertrial.store.verification_folder import LOG, OUTCOMES, VerificationFolder
from papertrial.store.verification_records import Preregistration, SeedRecord
from papertrial.verification.claim_results import progress_lines
from papertrial.verification.pool import SeedPool, check_alike, check_known
from papertrial.verification.registration import Registration
from papertrial.verification.report import named_scores
from papertrial.verification.seed import SeedTask, TrainingPlace, Wanted, fixed_of, train_seed
from papertrial.workers.pool import Workers

TrialEvent = SeedStarted | SeedProgress | SeedEnded | SeedRetried | Looked


def wanted_of(registered: Preregistration) -> tuple[Wanted, ...]:
    """Return the score that each claim of a pre-registration is about."""
    return tuple(
        Wanted(claim.metric, claim.split, claim.best_epoch_on_test, claim.versus)
        for claim in registered.claims
    )


def run_seeds(
    folder: VerificationFolder, asked: Registration, places: list[TrainingPlace]
) -> Generator[TrialEvent, None, Look]:
    """Train the seeds that have not ended yet until the claims are decided; return the last look.

    Raises:
        RunError: a record in the folder is damaged, or what trains has changed between two seeds.
    """
    if not asked.stated:
        return Look((), ())
    records = folder.outcomes()
    for record in records:
        check_known(record, asked.rule)
    finished = [record for record in records if record.state == "finished"]
    task = SeedTask(folder.path, 0, wanted_of(asked.registered), fixed_of(asked.registered))
    with Workers(train_seed, places, log=folder.path / LOG) as workers:
        pool = SeedPool(workers, task)
        with Returning(run_trial(asked.rule, pool, [one.outcome for one in records])) as trial:
            for event in trial:
                if isinstance(event, Ended):
                    record = pool.record(event.outcome)
                    if record.state == "finished":
                        check_alike(record, finished[0] if finished else record)
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
    return SeedEnded(
        worker=record.worker,
        seed=record.seed,
        state=record.state,
        scores=named_scores(asked, record.gains),
        error=record.error,
        seconds=record.seconds or 0.0,
    )
