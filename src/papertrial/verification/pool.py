"""Worker processes as a trial asks of them, and what is kept of each seed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from math import isfinite
from typing import Any, get_args

from papertrial.claims.events import SeedProgress, SeedStarted
from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Ended, Lost
from papertrial.claims.seed_outcome import SeedOutcome, State
from papertrial.errors import DivergedError, PapertrialError, RunError
from papertrial.store.verification_folder import LOG, OUTCOMES
from papertrial.verification.seed import At, Task
from papertrial.workers.pool import Died, Done, Failed, Told, Workers


class SeedPool:
    """Worker processes as a trial asks of them."""

    def __init__(self, workers: Workers, task: Task) -> None:
        self._workers, self._task, self._log = workers, task, task.folder / LOG
        self._told: deque[Any] = deque()
        self._began: dict[int, float] = {}
        self.records: dict[int, dict[str, Any]] = {}

    @property
    def idle(self) -> int:
        """How many seeds could start now."""
        return self._workers.idle

    def submit(self, seed: int, attempt: int) -> None:
        """Give a seed to a free worker; attempt counts from 1."""
        worker = self._workers.submit(replace(self._task, seed=seed))
        self.records[seed] = {"attempts": attempt, "worker": worker}
        self._began[seed] = time.perf_counter()
        self._told.append(SeedStarted(worker, seed, ""))

    def wait(self) -> Any:
        """Return what is told next: Ended or Lost, or how far a seed is.

        Raises:
            PapertrialError: the recipe cannot be trained; that is no seed's failure.
        """
        if self._told:
            return self._told.popleft()
        message = self._workers.wait()
        seed = message.task.seed
        self.records[seed]["seconds"] = time.perf_counter() - self._began[seed]
        match message:
            case Told(worker=worker, value=At() as at):
                text = f"{at.part}  {at.text}" if at.part else at.text
                return SeedProgress(worker, seed, at.done, at.total, text)
            case Done(result=result):
                self.records[seed] |= result
                scores = tuple(tuple(score) for score in result["scores"])
                return Ended(SeedOutcome(seed, "finished", scores, result["weights"]))
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


def outcome_of(record: Mapping[str, Any]) -> SeedOutcome:
    """Return what a record of outcomes.jsonl keeps of a seed.

    Raises:
        RunError: it is none.
    """
    try:
        scores = tuple(tuple(map(float, score)) for score in record["scores"])
        if type(record["seed"]) is not int:
            raise TypeError(f"a seed is a whole number, not {record['seed']!r}")
        if record["state"] not in get_args(State):
            raise ValueError(f"no such state: {record['state']!r}")
        return SeedOutcome(
            record["seed"], record["state"], scores, record["weights"], record["error"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{OUTCOMES} is damaged: {error!r} in {record}") from error


def check_known(outcome: SeedOutcome, rule: Rule) -> None:
    """Refuse a kept outcome that a trial by this rule cannot have had.

    Raises:
        RunError: its seed is not one of the rule's, or it has not the scores of the rule's claims.
    """
    sizes = [2 if claim.kind == "difference" else 1 for claim in rule.claims]
    wanted = sizes if outcome.state == "finished" else []
    fits = [len(score) for score in outcome.scores] == wanted
    if outcome.seed not in rule.seeds or not fits or not all(map(isfinite, chain(*outcome.scores))):
        raise RunError(
            f"{OUTCOMES} is damaged: seed {outcome.seed}, {outcome.state}, has the scores "
            f"{outcome.scores}; `papertrial audit` tells more; start anew with --again"
        )


def check_alike(record: Mapping[str, Any], first: Mapping[str, Any]) -> None:
    """Refuse a seed that was not trained on what the first one was.

    Raises:
        RunError: the data, the versions of what trains, or a file that its code reads at run time
            have changed in between.
    """
    again = "put back what was there, or start again with --again"
    kinds = {"data": "data", "versions": "versions of what trains", "packages": "packages"}
    for key, what in kinds.items():
        was, is_ = first.get(key), record.get(key)
        if was != is_ and was is not None:
            raise RunError(
                f"the {what} have changed since seed {first['seed']} was trained: {was} then, "
                f"{is_} for seed {record['seed']}; {again}"
            )
    had, has = first.get("reads", {}), record.get("reads", {})
    for path in had.keys() & has.keys():
        if had[path] != has[path]:
            raise RunError(
                f"{path}, which the recipe's code reads at run time, has changed since seed "
                f"{first['seed']} was trained: SHA-256 {had[path][:12]} then, {has[path][:12]} for "
                f"seed {record['seed']}; {again}"
            )
