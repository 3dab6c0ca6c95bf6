"""Verifications: seed after seed is trained until a recipe's claims are decided."""

from __future__ import annotations

import os
import platform
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import joblib

from papertrial.claims.events import Registered
from papertrial.claims.run_trial import Look
from papertrial.claims.verdict import Verdict
from papertrial.errors import PapertrialError, RunError
from papertrial.judging.conclusion import Conclusion
from papertrial.progress import Step, finish
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.report.report_files import read_report, write_report
from papertrial.store.answers import VerifyAnswer
from papertrial.store.provenance import command_line, utc_now
from papertrial.store.verification_folder import (
    REPORT_HTML,
    VERIFICATION,
    VerificationFolder,
    verification_folders,
)
from papertrial.store.verification_records import ClaimLine, VerificationState
from papertrial.training.device import kind_of, places_of
from papertrial.verification.claim_results import conclude, count_exact
from papertrial.verification.claimed_metrics import check_claimed_metrics
from papertrial.verification.earlier_looks import add_earlier_looks, find_earlier_looks
from papertrial.verification.looks_in_words import notes_on_looks
from papertrial.verification.program_seed import run_program_seed
from papertrial.verification.registered_folder import (
    check_registered,
    find_registered,
    only_verification,
    write_registered,
)
from papertrial.verification.registration import Registration, register
from papertrial.verification.report import verification_report
from papertrial.verification.run_seeds import TrialEvent, run_seeds
from papertrial.verification.sample_results import describe_new_samples
from papertrial.verification.seed import train_seed
from papertrial.verification.seed_task import TrainingPlace
from papertrial.workers.pool import require_main_guard

Event = Step | Registered | TrialEvent


@dataclass(frozen=True)
class Verification:
    """A verification's verdicts, and where everything behind them is kept."""

    path: Path
    recipe: str
    verdict: Verdict
    preregistration: str
    seeds: tuple[int, ...]
    claims: tuple[ClaimLine, ...]
    report: Path
    headline: str = field(repr=False)
    deviations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the values that `papertrial verify --json` prints."""
        return VerifyAnswer(
            recipe=self.recipe,
            verdict=self.verdict,
            report=str(self.report),
            verification=str(self.path),
            preregistration=self.preregistration,
            seeds=self.seeds,
            claims=self.claims,
            headline=self.headline,
            deviations=self.deviations,
            warnings=self.warnings,
        ).to_plain()


def verify(
    recipe: AnyRecipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int = 1,
    again: bool = False,
) -> Verification:
    """Return the `Verification` of a recipe: train seed after seed until its claims are decided.

    The rule is registered before the first seed starts. A verification that was stopped is resumed;
    one that is finished is returned as it is.

    Args:
        recipe: a recipe with claims; its section `verify` has the numbers of the rule.
        runs: folder for run folders.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        workers: number of seeds trained in parallel; None for one per core on a CPU, or one per
            GPU; a program runs alone, or one per GPU. The verdict does not depend on it.
        threads: CPU threads per seed, for any number of workers.
        again: start a new verification, even if this one has started or finished.

    Raises:
        PapertrialError: an error that the user can fix.
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
    recipe: AnyRecipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    threads: int = 1,
    again: bool = False,
) -> Generator[Event, None, Verification]:
    """Do what `verify` does, and yield events while seeds are trained."""
    require_main_guard()
    if workers is not None and workers < 1:
        raise PapertrialError(f"workers >= 1 must hold, got {workers}")
    if threads < 1:
        raise PapertrialError(f"threads >= 1 must hold, got {threads}")
    asked = register(recipe, threads=threads, device=kind_of(device))
    check_claimed_metrics(recipe, asked)
    places = _places(recipe, asked, device, workers, data)
    root = Path(runs)
    with only_verification(root, recipe.name):
        found = None if again else find_registered(root, recipe.name, asked)
        if found is not None and found.is_finished:
            return load_verification(found.path)
        notes = _notes_on_earlier(root, recipe.name, found)
        if found is None:
            folder = yield from write_registered(root, recipe, asked, data)
        else:
            folder = found
            yield from check_registered(folder, recipe, asked, data)
        asked = asked.on_data(folder.registered)
        return (yield from _resume(folder, recipe, asked, places, data, notes))


def _places(
    recipe: AnyRecipe,
    asked: Registration,
    device: str,
    workers: int | None,
    data: str | Path | None,
) -> list[TrainingPlace]:
    """Return where seeds run, one place for each worker.

    Raises:
        PapertrialError: several workers would run programs in one folder at the same time.
    """
    programs = [one.program for one in (recipe, *asked.versus) if isinstance(one, ProgramRecipe)]
    threads = asked.terms.threads
    # How many cores and how much memory a program takes is not known, so it runs alone.
    cores = 1 if programs else max(joblib.cpu_count() // threads, 1)
    if any(program.in_place for program in programs):
        if (workers or 1) > 1:
            raise PapertrialError(
                "program.in_place: seeds that run in one folder at the same time overwrite each "
                f"other's files; use --workers 1, got {workers}"
            )
        workers = 1
    return [
        TrainingPlace(name, threads, None if data is None else str(data))
        for name in places_of(device, workers, cores)
    ]


def load_verification(path: str | Path) -> Verification:
    """Return the `Verification` in a folder, as `verify` returned it when it finished.

    Raises:
        RunError: it is not the folder of a verification, it did not finish, or a file is damaged.
    """
    folder = VerificationFolder.load(Path(path))
    state = folder.state
    if state is None or state.state != "finished":
        now = "not started" if state is None else state.state
        rule = f"the verification {path} is not finished: its state is {now!r}"
        raise RunError(f"{rule}; run the same command again to resume it")
    if state.verdict is None or state.headline is None or None in (state.seeds, state.claims):
        raise RunError(f"{folder.path / VERIFICATION} is damaged: it finished without a verdict")
    return Verification(
        path=folder.path,
        recipe=state.recipe,
        verdict=state.verdict,
        preregistration=state.preregistration,
        seeds=state.seeds or (),
        claims=state.claims or (),
        report=folder.path / REPORT_HTML,
        headline=state.headline,
        deviations=state.deviations,
        warnings=_warnings_of(folder.path),
    )


def _warnings_of(path: Path) -> tuple[str, ...]:
    """Return what the report of a finished verification warns of; () if it cannot be read."""
    try:
        return read_report(path).warnings
    except RunError:
        return ()


def _notes_on_earlier(
    root: Path, recipe: str, resumed: VerificationFolder | None
) -> tuple[str, ...]:
    """Return notes on what `verify` resumes, or on an unfinished verification that it leaves."""
    if resumed is not None:
        try:
            seeds = ", ".join(str(record.seed) for record in resumed.outcomes()) or "none"
        except RunError:  # which is reported where the seeds are taken
            return ()
        return (f"resumes {resumed.path}; seeds that have ended: {seeds}",)
    left = []
    for folder in verification_folders(root, recipe):
        try:
            left += [] if folder.is_finished else [folder.path]
        except RunError:
            continue
    if not left:
        return ()
    differs = "its code, data files, settings or claims differ, or --again was given"
    return (f"a new verification; {left[-1]} is unfinished and is left as it is: {differs}",)


def _resume(
    folder: VerificationFolder,
    recipe: AnyRecipe,
    asked: Registration,
    places: list[TrainingPlace],
    data: str | Path | None,
    notes: tuple[str, ...],
) -> Generator[Event, None, Verification]:
    """Finish what `verify` started: train the seeds that are left, decide, and write the report."""
    folder.repair()
    before, root = folder.state, folder.path.parent.parent
    earlier = find_earlier_looks(root, asked.terms, folder)
    earlier = add_earlier_looks(before.earlier if before else (), earlier)
    state = VerificationState(
        state="running",
        recipe=recipe.name,
        started=before.started if before else utc_now(),
        preregistration=folder.sha256,
        commands=(*(before.commands if before else ()), command_line()),
        workers=len(places),
        pid=os.getpid(),
        host=platform.node(),
        earlier=earlier,
    )
    folder.write_record(VERIFICATION, state)
    try:
        looks = notes_on_looks(earlier, asked.rule.alpha)
        yield Registered(
            folder.path, folder.sha256, (*notes, *looks, *asked.lines, *asked.warnings)
        )
        exact = yield from count_exact(recipe, asked.exact, data)
        job = run_program_seed if isinstance(recipe, ProgramRecipe) else train_seed
        look = yield from run_seeds(folder, asked, places, job)
        earlier = add_earlier_looks(earlier, find_earlier_looks(root, asked.terms, folder))
        state = state.model_copy(update={"earlier": earlier})
        ended, runs = utc_now(), folder.runs_of_seeds()
        new_samples = describe_new_samples(runs, folder.registered, asked, look)
        conclusion = conclude(recipe, asked, look, exact, earlier, new_samples)
        report = verification_report(folder, recipe, asked, look, conclusion, data)
        write_report(folder.path, report)
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        phase = "interrupted" if stopped else "failed"
        unfinished = state.model_copy(update={"state": phase, "error": str(error)})
        folder.write_record(VERIFICATION, unfinished)
        raise
    folder.write_record(VERIFICATION, finished_state(state, ended, recipe, look, conclusion))
    return load_verification(folder.path)


def finished_state(
    running: VerificationState, ended: str, recipe: AnyRecipe, look: Look, conclusion: Conclusion
) -> VerificationState:
    """Return the state that `verify` stores at its end: verdicts, and the time `ended`."""
    result = {
        "state": "finished",
        "ended": ended,
        "seeds": tuple(outcome.seed for outcome in look.outcomes),
        "verdict": conclusion.verdict,
        "deviations": tuple(recipe.deviations),
        "headline": conclusion.headline,
        "claims": conclusion.lines,
    }
    return running.model_copy(update=result)
