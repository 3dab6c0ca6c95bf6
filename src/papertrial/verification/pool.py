"""The pool of worker processes that train the seeds of a verification."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from papertrial.claims.events import SeedProgress, SeedStarted
from papertrial.claims.run_trial import Ended, Lost
from papertrial.claims.seed_outcome import SeedOutcome, SeedState
from papertrial.errors import DivergedError, PapertrialError, ProgramFailedError
from papertrial.store.verification_folder import LOG
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.sample_results import sample_results
from papertrial.verification.seed_task import SeedPosition, SeedTask, TrainedSeed
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
        ended = asdict(outcome)
        del ended["correct"]  # it follows from the stored predictions
        effort = {"attempts": attempt.number, "worker": attempt.worker, "seconds": attempt.seconds}
        return SeedRecord(**{**ended, **effort, **trained})

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
                correct = sample_results(self._task.folder, trained.runs, self._task.wanted)
                scores, weights = trained.scores, trained.weights
                return Ended(SeedOutcome(seed, "finished", scores, weights, correct=correct))
            case Failed(error=DivergedError() | ProgramFailedError() as error):
                # A failure of the seed's own, so that it is not tried again.
                state: SeedState = "diverged" if isinstance(error, DivergedError) else "crashed"
                return Ended(SeedOutcome(seed, state, error=str(error)))
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
