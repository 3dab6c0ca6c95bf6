"""Verifications: seed after seed is trained until a recipe's claims are decided."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import filelock
import joblib

from papertrial.claims.events import (
    Looked,
    Registered,
    SeedEnded,
    SeedProgress,
    SeedRetried,
    SeedStarted,
)
from papertrial.claims.rule import to_bytes
from papertrial.claims.run_trial import Ended, Look, run_trial
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import ClaimError, PapertrialError, RunError
from papertrial.progress import Returning, Step, finish
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import portable
from papertrial.recipe.schema import Recipe
from papertrial.report.report_files import write_report
from papertrial.runs import prepare
from papertrial.store import run_folder
from papertrial.store.provenance import command_line, utc_now
from papertrial.store.verification_folder import (
    FILES,
    LOG,
    OUTCOMES,
    PREREGISTRATION,
    REPORT_HTML,
    VERIFICATION,
    VERSUS,
    VerificationFolder,
    verifications,
)
from papertrial.store.verification_records import KeptFiles
from papertrial.training.device import kind_of, places_of
from papertrial.verification import claim_results
from papertrial.verification.pool import SeedPool, check_alike, check_known, outcome_of
from papertrial.verification.registration import Registration, register
from papertrial.verification.report import report as report_of
from papertrial.verification.report import scores_of
from papertrial.verification.seed import SeedTask, TrainingPlace, Wanted, fixed_of, train_seed
from papertrial.workers.pool import Workers, require_main_guard

Event = Step | Registered | SeedStarted | SeedProgress | SeedEnded | SeedRetried | Looked


@dataclass(frozen=True)
class Verification:
    """A verification's verdicts, and where everything behind them is kept."""

    path: Path
    recipe: str
    verdict: str
    preregistration: str
    seeds: tuple[int, ...]
    claims: tuple[dict[str, Any], ...]
    report: Path
    headline: str = field(repr=False)
    deviations: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values: what `papertrial verify --json` ends with."""
        return {
            "recipe": self.recipe,
            "verdict": self.verdict,
            "report": str(self.report),
            "verification": str(self.path),
            "preregistration": self.preregistration,
            "seeds": list(self.seeds),
            "claims": list(self.claims),
            "headline": self.headline,
            "deviations": list(self.deviations),
        }


def verify(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int = 1,
    again: bool = False,
) -> Verification:
    """Train seed after seed until the recipe's claims are decided, and report.

    The rule is registered before the first seed starts. A verification that was stopped is gone on
    with; one that is finished is returned as it is.

    Args:
        recipe: with its claims; its section `verify` has the rule's numbers.
        runs: folder that run folders are made in.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        workers: seeds trained at once; None for one a core on a CPU, one a GPU. The verdict does
            not depend on it.
        threads: CPU threads of each seed, whatever the number of workers.
        again: start anew, whether or not this very verification is finished.

    Raises:
        PapertrialError: whatever is the user's to mend.
    """
    return finish(
        verifying(
            recipe,
            runs=runs,
            data=data,
            device=device,
            workers=workers,
            threads=threads,
            again=again,
        )
    )


def verifying(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int = 1,
    again: bool = False,
) -> Generator[Event, None, Verification]:
    """Do what `verify` does, yielding what happens as it happens."""
    require_main_guard()
    if workers is not None and workers < 1:
        raise PapertrialError(f"workers >= 1 must hold, got {workers}")
    if threads < 1:
        raise PapertrialError(f"threads >= 1 must hold, got {threads}")
    asked = register(recipe, threads=threads, device=kind_of(device))
    check_metrics(recipe, asked)
    root = Path(runs)
    run_folder.check_writable(root / recipe.name)
    lock = filelock.FileLock(root / f".{recipe.name}.verify.lock")
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        rule = f"another verification of {recipe.name} is running in {root}"
        raise RunError(f"{rule}; wait for it, or choose another folder with --runs") from None
    with held:
        folder = _same(root, recipe.name, asked, again=again)
        if folder is not None and folder.state.get("state") == "finished":
            return load_verification(folder.path)
        if folder is None:
            folder = _new_folder(root, recipe, asked)
        places = [
            TrainingPlace(name, threads, None if data is None else str(data))
            for name in places_of(device, workers, max(joblib.cpu_count() // threads, 1))
        ]
        return (yield from _go_on(folder, recipe, asked, places, data))


def check_metrics(recipe: Recipe, asked: Registration) -> None:
    """Refuse claims on metrics that the recipe, or the other side of a difference, lacks.

    Raises:
        ClaimError: naming the first of them.
    """
    for claim, arm in zip(asked.stated, asked.arms, strict=True):
        for side in (recipe, *([] if arm is None else [asked.versus[arm]])):
            computed = prepare.metrics_of(side)
            if claim.metric not in computed:
                other = "" if side is recipe else f", the other side: {side.name}"
                raise ClaimError(
                    f"claims.{recipe.claims.index(claim)}{other}: the recipe does not compute "
                    f"{claim.metric}; it computes {', '.join(computed)}; add it to `metrics`"
                )


def load_verification(path: str | Path) -> Verification:
    """Open a finished verification.

    Raises:
        RunError: the folder is none, or it did not finish.
    """
    folder = VerificationFolder.load(Path(path))
    state = folder.state
    if state.get("state") != "finished":
        rule = f"the verification {path} is not finished: its state is {state.get('state')!r}"
        raise RunError(f"{rule}; the same command goes on with it")
    try:
        return Verification(
            path=folder.path,
            recipe=state["recipe"],
            verdict=state["verdict"],
            preregistration=state["preregistration"],
            seeds=tuple(state["seeds"]),
            claims=tuple(state["claims"]),
            report=folder.path / REPORT_HTML,
            headline=state["headline"],
            deviations=tuple(state["deviations"]),
        )
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.path / VERIFICATION} is damaged: {error!r}") from error


def _same(
    root: Path, recipe: str, asked: Registration, *, again: bool
) -> VerificationFolder | None:
    """Find the newest verification with this very registration, to go on with or to return."""
    if again:
        return None
    for folder in reversed(list(verifications(root, recipe))):
        try:
            if folder.read(PREREGISTRATION) == to_bytes(asked.registered):
                folder.state  # noqa: B018  (raises where it is damaged)
                return folder
        except RunError:
            continue
    return None


def _new_folder(root: Path, recipe: Recipe, asked: Registration) -> VerificationFolder:
    registered = to_bytes(asked.registered)
    places = {
        recipe.claims.index(claim): f"./{VERSUS}/{arm}/{run_folder.RECIPE}"
        for claim, arm in zip(asked.stated, asked.arms, strict=True)
        if arm is not None
    }
    ours = portable(recipe, run_folder.CODE, places)
    sides = [portable(other, run_folder.CODE) for other in asked.versus]
    folder = VerificationFolder.new(root, recipe.name, hashlib.sha256(registered).hexdigest())
    homes = [f"{VERSUS}/{i}/" for i in range(len(sides))]
    for home, copies in (*zip(homes, sides, strict=True), ("", ours)):
        for name, content in copies.files.items():
            folder.write(f"{home}{name}", content)
        folder.write_record(f"{home}{FILES}", KeptFiles(files=copies.dependencies))
        folder.write(f"{home}{run_folder.RECIPE}", copies.text)
    folder.write(PREREGISTRATION, registered)
    return folder


def _go_on(
    folder: VerificationFolder,
    recipe: Recipe,
    asked: Registration,
    places: list[TrainingPlace],
    data: str | Path | None,
) -> Generator[Event, None, Verification]:
    """Train what is left, decide, report."""
    folder.repair()
    _check_untouched(folder, asked)
    before = folder.state
    state = {
        "state": "running",
        "recipe": recipe.name,
        "started": before.get("started", utc_now()),
        "preregistration": folder.sha256,
        "commands": [*before.get("commands", []), command_line()],
        "workers": len(places),
        "pid": os.getpid(),
        "host": platform.node(),
    }
    folder.write_json(VERIFICATION, state)
    try:
        yield Registered(folder.path, folder.sha256, (*asked.lines, *asked.warnings))
        exact = yield from claim_results.exactly(recipe, asked.exact, data)
        look = yield from _trial(folder, asked, places)
        state |= {"seeds": [outcome.seed for outcome in look.outcomes], "ended": utc_now()}
        state |= claim_results.summary(recipe, asked, look, exact)
        write_report(folder.path, report_of(folder, recipe, asked, look, exact, state, data))
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        name = "interrupted" if stopped else "failed"
        folder.write_json(VERIFICATION, {**state, "state": name, "error": str(error)})
        raise
    folder.write_json(VERIFICATION, {**state, "state": "finished"})
    return load_verification(folder.path)


def _check_untouched(folder: VerificationFolder, asked: Registration) -> None:
    """Refuse to go on with recipes that are no longer what was registered."""
    homes = [folder.path, *(folder.path / VERSUS / str(i) for i in range(len(asked.versus)))]
    for home, fixed in zip(homes, fixed_of(asked.registered), strict=True):
        fixed.check(home / run_folder.RECIPE, load_recipe(home / run_folder.RECIPE, check=False))


def _trial(
    folder: VerificationFolder, asked: Registration, places: list[TrainingPlace]
) -> Generator[Event, None, Look]:
    """Run the trial in worker processes, keeping each seed's record as soon as it has ended."""
    if not asked.stated:
        return Look((), ())
    records = folder.outcomes()
    known = [outcome_of(record) for record in records]
    for kept in known:
        check_known(kept, asked.rule)
    finished = [record for record in records if record["state"] == "finished"]
    wanted = tuple(
        Wanted(claim.metric, claim.split, claim.best_epoch_on_test, arm)
        for claim, arm in zip(asked.rule.claims, asked.arms, strict=True)
    )
    task = SeedTask(folder.path, 0, wanted, fixed_of(asked.registered))
    with Workers(train_seed, places, log=folder.path / LOG) as workers:
        pool = SeedPool(workers, task)
        with Returning(run_trial(asked.rule, pool, known)) as trial:
            for event in trial:
                if isinstance(event, Ended):
                    outcome = event.outcome
                    record = {**asdict(outcome), **pool.records.get(outcome.seed, {})}
                    if outcome.state == "finished":
                        check_alike(record, finished[0] if finished else record)
                        finished.append(record)
                    folder.append(OUTCOMES, record)
                    yield _ended(outcome, asked, record)
                elif isinstance(event, Look):
                    lines = tuple(claim_results.lines(asked, event))
                    yield Looked(len(event.outcomes), len(asked.rule.seeds), lines)
                else:
                    yield event
        return trial.value


def _ended(outcome: SeedOutcome, asked: Registration, record: Mapping[str, Any]) -> SeedEnded:
    scores = scores_of(asked, outcome.scores)
    return SeedEnded(
        int(record.get("worker", 0)),
        outcome.seed,
        outcome.state,
        scores,
        outcome.error,
        float(record.get("seconds", 0.0)),
    )


def recipe_of(folder: VerificationFolder) -> Recipe:
    """Return the recipe that a verification trained, from its folder."""
    return load_recipe(folder.path / run_folder.RECIPE, check=False)
