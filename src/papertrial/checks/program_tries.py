"""What the tries of a program say about its scores, its seed, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertrial.checks.check_result import CheckResult
from papertrial.checks.program_code_problems import named
from papertrial.checks.program_facts import RunFacts, ScoreFacts, SeedFacts
from papertrial.checks.score_problems import score_problems, unit_problems
from papertrial.claims.rule import FIRST_LOOK, FIRST_LOOK_OF_KNOWN_SD
from papertrial.diagnose.diagnosis import Diagnosis, Severity
from papertrial.numbers import number, plural
from papertrial.programs.failures import duration
from papertrial.programs.new_files import NewFiles
from papertrial.programs.program_run import ReadScore
from papertrial.programs.try_seeds import Tried, Try
from papertrial.recipe.program import MeanOfLast, Program, ProgramRecipe, ProgramScore

_LISTED = 20  # files of a folder
_QUICK = "--quick program.parameters.NAME=VALUE"


def add_tries(
    tried: Tried,
    recipe: ProgramRecipe,
    program: Program,
    result: CheckResult,
    *,
    quick: tuple[str, ...],
    time_limit: float,
) -> None:
    """Add to a result what the tries showed.

    Args:
        tried: the tries.
        recipe: the recipe.
        program: its program as it was tried.
        result: where problems and facts are added.
        quick: the overrides of the tries.
        time_limit: seconds after which a run was stopped.
    """
    facts, first = result.facts.program, tried.first
    assert facts is not None
    facts.run = _run_facts(first, recipe, quick)
    facts.scores = {
        name: _score_facts(attempt.read, program.scores[name])
        for name, attempt in first.attempts.items()
        if attempt.read is not None
    }
    if first.ok:
        facts.seed = SeedFacts(
            tried=tuple(one.seed for one in tried.tries),
            scores=tuple(
                {name: score.value for name, score in one.run.scores.items()} for one in tried.tries
            ),
            deterministic=tried.is_deterministic,
            differ=tried.seeds_differ,
            taken=recipe.program.seeded,
        )
    facts.written = {
        str(found.root): found.files[:_LISTED] for found in tried.written if found.files
    } or None
    result.problems += _failures(tried, program, time_limit=time_limit, is_quick=bool(quick))
    result.problems += unit_problems(recipe, first.attempts)
    result.problems += _seed_problems(tried, recipe, is_quick=bool(quick))
    result.problems += _leftovers(tried, recipe)


def _run_facts(first: Try, recipe: ProgramRecipe, quick: tuple[str, ...]) -> RunFacts:
    run, rule = first.run, recipe.verify
    known = rule.sd is not None and rule.sd.needs_no_scores
    seeds = (FIRST_LOOK_OF_KNOWN_SD if known else FIRST_LOOK, rule.max_seeds)
    others = {repr(claim.versus) for claim in recipe.claims if claim.versus is not None}
    each = None if quick or run.timed_out else run.seconds * (1 + len(others))
    return RunFacts(
        seconds=run.seconds,
        peak_memory=run.peak_memory,
        stopped=run.timed_out,
        quick=quick,
        produced_files=run.produced_count,
        produced_bytes=run.produced_bytes,
        least_seconds=None if each is None else each * seeds[0],
        most_seconds=None if each is None else each * seeds[1],
        seeds=seeds,
    )


def _score_facts(read: ReadScore, score: ProgramScore) -> ScoreFacts:
    which = score.which
    return ScoreFacts(
        value=read.value,
        unit=read.unit,
        file=read.source,
        line=read.place.line,
        text=read.place.text,
        matches=read.points,
        which=f"mean of last {which.mean_of_last}" if isinstance(which, MeanOfLast) else which,
    )


def _failures(
    tried: Tried, program: Program, *, time_limit: float, is_quick: bool
) -> Iterator[Diagnosis]:
    """Yield why a run has no scores."""
    first = tried.first
    if first.run.timed_out:
        own = program.timeout is not None and program.timeout <= time_limit
        if own:
            message = f"{_name(first, program)} did not end within its timeout of "
            fix = "raise program.timeout, or lower a parameter"
            yield Diagnosis(
                "error", "program.timeout", message + duration(program.timeout or 0), fix
            )
        else:
            lower = "raise it" if is_quick else f"let the check run less, with {_QUICK}"
            yield Diagnosis(
                "warning",
                "program",
                f"{_name(first, program)} was stopped at the time limit of the check, "
                f"{duration(time_limit)}; whether {_tried_by(program)} was not tried",
                f"{lower}, or with a longer --time-limit",
            )
        yield from score_problems(first.attempts, program.scores, "warning")
        return
    for one in tried.tries:
        if one.ok:
            continue
        is_again = one is tried.again
        if one.run.failure in ("score", "diverged"):
            yield from score_problems(one.attempts, program.scores, "error")
            return
        if one.run.timed_out:
            limit = duration(min(time_limit, program.timeout or time_limit))
            yield Diagnosis(
                "warning",
                "program",
                f"seed {one.seed} was stopped at {limit}, and seed {first.seed} took "
                f"{duration(first.run.seconds)}",
                "set a longer --time-limit and, if it is shorter, program.timeout",
            )
            return
        what = " the second time" if is_again else ""
        yield Diagnosis(
            "error",
            "program.command",
            f"{_name(one, program)} failed{what}: {one.run.error}",
            "run the command by hand in a copy of the folder: " + " ".join(one.run.command),
        )


def _name(one: Try, program: Program) -> str:
    return f"seed {one.seed}" if program.seeded else "a run"


def _tried_by(program: Program) -> str:
    return "it uses its seed" if program.seeded else "runs differ"


def _seed_problems(tried: Tried, recipe: ProgramRecipe, *, is_quick: bool) -> Iterator[Diagnosis]:
    """Yield what keeps several seeds from being several runs.

    After quick runs this is a warning: they may be too short for seeds to differ.
    """
    seeds = [one.seed for one in tried.tries if one.ok]
    judged = [claim for claim in recipe.claims if claim.not_judged is None]
    severity: Severity = "error" if judged and not is_quick else "warning"
    said = "so that the claim of several seeds says nothing"
    if not recipe.program.seeded:
        if tried.is_deterministic:
            yield Diagnosis(
                severity,
                "program.seeded",
                f"is false, but two runs gave the same scores, {said}",
                "pass a seed to the program by {seed} and remove seeded: false",
            )
        return
    if tried.seeds_differ is False:
        if len(set(seeds)) < 3:
            return  # a third seed failed, which is reported
        listed = ", ".join(map(str, dict.fromkeys(seeds)))
        yield Diagnosis(
            severity,
            "program.command",
            f"the seeds {listed} gave the same scores, {said}: the program may not use its seed",
            "let the program seed everything that it draws from with {seed}; if the scores are "
            "rounded, let it print more digits",
        )
    elif tried.is_deterministic is False:
        yield Diagnosis(
            "warning",
            "program",
            f"the same seed, {tried.first.seed}, gave different scores in two runs: "
            f"{_difference(tried)}; so it is not known whether the seed makes a difference, and an "
            "audit cannot repeat a seed",
            "where you can, set deterministic algorithms and the seeds of all generators; the "
            "verdict takes such differences for those between seeds",
        )


def _difference(tried: Tried) -> str:
    assert tried.again is not None
    first, again = tried.first.run.scores, tried.again.run.scores
    parts = [
        f"{name} {number(first[name].value)} and {number(again[name].value)}"
        for name in first
        if first[name].value != again[name].value
    ]
    return ", ".join(parts) or "the curves differ"


def _leftovers(tried: Tried, recipe: ProgramRecipe) -> Iterator[Diagnosis]:
    """Yield what the runs left behind, and what they wrote outside their folders."""
    run = tried.first.run
    if run.leftovers:
        yield Diagnosis(
            "warning",
            "program.command",
            f"it left processes running, which were ended: {'; '.join(run.leftovers)}",
            "let the program wait for the processes that it starts",
        )
    if run.needed_sigkill and not run.timed_out:
        yield Diagnosis(
            "warning",
            "program.command",
            "its processes did not end on SIGTERM, and were killed",
            "let the program end its processes before it exits",
        )
    changes = run.source_changes
    touched = changes.files
    if touched:
        later = (
            f"in which later {_runs_of(recipe)} run" if recipe.program.in_place else "in its copy"
        )
        yield Diagnosis(
            "warning",
            "program.folder",
            f"it changes its own files, {later}: {named(touched)}",
            "let it write to {out}",
        )
    if tried.temporary.files:
        yield Diagnosis(
            "warning",
            "program",
            f"it left {plural(len(tried.temporary.files), 'file')} in the folder for temporary "
            f"files, $TMPDIR: {named(tried.temporary.files)}",
            "let it delete them, or write to {out}",
        )
    for found in tried.written:
        if found.root == Path.home().resolve():
            continue  # any process may write there, so that this is a fact and not a warning
        if found.root != Path(run.source).resolve():
            yield from _written(found, str(found.root), recipe)
        elif tried.source_changed:
            yield Diagnosis(
                "error",
                "program.folder",
                f"{found.root} changed while {_name(tried.first, recipe.program)} ran, so that "
                f"other {_runs_of(recipe)} would not run the same code: {named(found.files)}",
                "let the program write to {out} or to its working directory, and change no file "
                "while it runs",
            )
        elif not recipe.program.in_place:
            yield from _written(found, "the program's folder, not in its copy", recipe)


def _runs_of(recipe: ProgramRecipe) -> str:
    return "seeds" if recipe.program.seeded else "runs"


def _written(found: NewFiles, where: str, recipe: ProgramRecipe) -> Iterator[Diagnosis]:
    """Yield a warning for files that were written outside the folders of the runs."""
    if not found.files:
        return
    yield Diagnosis(
        "warning",
        "program",
        f"{plural(len(found.files), 'file')} in {where}, changed while it ran: "
        f"{named(found.files)}; later {_runs_of(recipe)} could read what earlier ones wrote",
        "if the program wrote them, let it write to {out}; another process may have done it",
    )
