"""Train seeds in worker processes, and record how each of them ended."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from papertrial.claims.events import SeedProgress, SeedStarted
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Ended, Lost
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import DivergedError, PapertrialError, RunError
from papertrial.store.verification_folder import LOG, OUTCOMES
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.seed import SeedPosition, SeedTask, TrainedSeed
from papertrial.workers.pool import Died, Done, Failed, Workers, Yielded


@dataclass
class _Attempt:
    """The last attempt at a seed; `seconds` is how long it has run, `result` what it gave."""

    number: int
    worker: int
    began: float
    seconds: float = 0.0
    result: TrainedSeed | None = None


class SeedPool:
    """Worker processes that train seeds, as `run_trial` drives them."""

    def __init__(self, workers: Workers, task: SeedTask) -> None:
        self._workers, self._task, self._log = workers, task, task.folder / LOG
        self._events: deque[SeedStarted] = deque()
        self._attempts: dict[int, _Attempt] = {}

    @property
    def idle(self) -> int:
        """The number of seeds that can start now."""
        return self._workers.idle

    def submit(self, seed: int, attempt: int) -> None:
        """Give a seed to a free worker; attempts count from 1."""
        worker = self._workers.submit(replace(self._task, seed=seed))
        self._attempts[seed] = _Attempt(attempt, worker, time.perf_counter())
        self._events.append(SeedStarted(worker, seed))

    def record(self, outcome: SeedOutcome) -> SeedRecord:
        """Return the line of outcomes.jsonl for a seed that ended."""
        attempt = self._attempts[outcome.seed]
        trained = {} if attempt.result is None else asdict(attempt.result)
        effort = {"attempts": attempt.number, "worker": attempt.worker, "seconds": attempt.seconds}
        return SeedRecord(**{**asdict(outcome), **effort, **trained})

    def wait(self) -> SeedStarted | SeedProgress | Ended | Lost:
        """Return the next event: a seed started, made progress, ended, or lost its worker.

        Raises:
            PapertrialError: the recipe cannot be trained, whatever the seed.
        """
        if self._events:
            return self._events.popleft()
        message = self._workers.wait()
        seed = message.task.seed
        attempt = self._attempts[seed]
        attempt.seconds = time.perf_counter() - attempt.began
        match message:
            case Yielded(worker=worker, value=SeedPosition() as at):
                text = f"{at.part}  {at.text}" if at.part else at.text
                return SeedProgress(worker, seed, at.done, at.total, text)
            case Done(result=TrainedSeed() as trained):
                attempt.result = trained
                return Ended(SeedOutcome(seed, "finished", trained.scores, trained.weights))
            case Failed(error=DivergedError() as error):
                return Ended(SeedOutcome(seed, "diverged", error=str(error)))
            case Failed(error=PapertrialError() as error):
                raise error
            case Failed(error=error):
                notes = "\n".join(getattr(error, "__notes__", ()))
                with suppress(OSError), self._log.open("a", encoding="utf-8") as log:
                    log.write(f"seed {seed}: {type(error).__name__}: {error}\n{notes}\n")
                return Lost(seed, f"{type(error).__name__}: {error} (see {LOG})")
            case Died(why=why):
                return Lost(seed, why)
        raise AssertionError(message)


def check_known(record: SeedRecord, rule: Rule) -> None:
    """Check that a record is one that a trial by this rule can have written.

    Raises:
        RunError: its seed is not in the rule, or its scores do not fit the claims.
    """
    sizes = [2 if claim.kind == "difference" else 1 for claim in rule.claims]
    wanted = sizes if record.state == "finished" else []
    fits = [len(score) for score in record.scores] == wanted
    if record.seed not in rule.seeds or not fits:
        raise RunError(
            f"{OUTCOMES} is damaged: seed {record.seed}, {record.state}, has the scores "
            f"{record.scores}; `papertrial audit` tells more; start a new verification with --again"
        )


def check_alike(record: SeedRecord, first: SeedRecord) -> None:
    """Check that a seed was trained on the same data, libraries and files as the first one.

    Raises:
        RunError: the data, the versions of libraries, or a file that the recipe's code reads at run
            time have changed in between.
    """
    fix = "restore them, or start a new verification with --again"
    compared = (
        ("data", first.data, record.data),
        ("versions of the libraries", first.versions, record.versions),
        ("packages", first.packages, record.packages),
    )
    for what, then, now in compared:
        if then != now:
            raise RunError(
                f"the {what} have changed since seed {first.seed} was trained: {then} then, {now} "
                f"for seed {record.seed}; {fix}"
            )
    for path in first.reads.keys() & record.reads.keys():
        had, has = first.reads[path], record.reads[path]
        if had != has:
            raise RunError(
                f"{path}, which the recipe's code reads at run time, has changed since seed "
                f"{first.seed} was trained: SHA-256 {had[:12]} then, {has[:12]} for seed "
                f"{record.seed}; restore it, or start a new verification with --again"
            )
