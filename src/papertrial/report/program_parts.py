"""The parts of a report that finished seeds of a program give: curves, spread, provenance."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev

from papertrial.numbers import number, plural
from papertrial.programs.placeholders import placeholders_in
from papertrial.programs.program_run import ProgramRun
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_claims import claimed_in_hundreds
from papertrial.report.curves import curve_over_seeds
from papertrial.report.run_parts import RunParts
from papertrial.store.registration_files import KeptFiles
from papertrial.store.report_record import Curve, Spread
from papertrial.store.verification_records import Preregistration

NOT_SEEN = (
    "papertrial sees what the program prints, the files that scores are read from, and the files "
    "of its folder. It does not see the data that the program reads, what it fetches from the "
    "network, the environment variables that it inherits, what earlier runs left outside its "
    "folder, what a launcher such as bash or uv runs, containers and jobs that it starts "
    "elsewhere, or whether it uses its seed for all that is random."
)
DATA_NOT_SEEN = (
    "The program is given the data folder, by {data}. Nothing of what it contains is registered or "
    "compared between seeds."
)


def parts_of_programs(
    recipe: ProgramRecipe,
    runs: Mapping[int, ProgramRun],
    registered: Preregistration,
    kept: KeptFiles,
) -> RunParts:
    """Return the parts of a report that the finished seeds of a program give.

    Args:
        recipe: what ran.
        runs: the record of each finished seed, by seed.
        registered: preregistration.json, with the versions of what ran.
        kept: files.json, with the commit of the program.
    """
    ran = list(runs.values())
    return RunParts(
        curves=tuple(_curves(recipe, ran)),
        metrics={"none": _spreads(ran)} if ran else {},
        fixed=tuple(_fixed(recipe, registered)),
        provenance=tuple(_rows(recipe, ran, registered, kept)),
        not_covered=(NOT_SEEN, *([DATA_NOT_SEEN] if _reads_data(recipe) else [])),
        warnings=tuple(_warnings(recipe, runs)),
    )


def _reads_data(recipe: ProgramRecipe) -> bool:
    """Whether the data folder is passed to the program."""
    program = recipe.program
    texts = (*program.command, *program.environment.values())
    return any("data" in placeholders_in(text) for text in texts)


def _curves(recipe: ProgramRecipe, ran: Sequence[ProgramRun]) -> Iterator[Curve]:
    """Yield the curve of each score that has several values with steps in all seeds."""
    for name, score in recipe.program.scores.items():
        series = [
            {step: value for step, value in run.scores[name].curve if step is not None}
            for run in ran
        ]
        if series and min(map(len, series)) > 1:
            unit = "step" if score.curve is None else score.curve.unit
            yield curve_over_seeds("none", name, unit, series)


def _spreads(ran: Sequence[ProgramRun]) -> dict[str, Spread]:
    found = {}
    for name in ran[0].scores:
        values = [run.scores[name].value for run in ran]
        found[name] = (
            Spread(value=values[0])
            if len(values) == 1
            else Spread(mean=mean(values), sd=stdev(values), low=min(values), high=max(values))
        )
    return found


def _fixed(recipe: ProgramRecipe, registered: Preregistration) -> Iterator[str]:
    program = recipe.program
    yield f"command: {shlex.join(program.command)}"
    for name, value in program.parameters.items():
        yield f"{name}: {value}"
    count = len(registered.files[0])
    yield f"{plural(count, 'file')} of the program, as registered"
    for name, version in registered.versions.items():
        yield f"{name}: {version}"


def _rows(
    recipe: ProgramRecipe,
    ran: Sequence[ProgramRun],
    registered: Preregistration,
    kept: KeptFiles,
) -> Iterator[tuple[str, str]]:
    for name, version in registered.versions.items():
        yield name, str(version)
    yield "device", registered.device
    if kept.commit is not None:
        changed = f", with changes in {', '.join(kept.changed)}" if kept.changed else ""
        yield "git commit", f"{kept.commit}{changed}"
    yield "training hash", registered.training_hash
    for name, value in recipe.program.environment.items():
        yield f"environment {name}", value
    if ran:
        yield "largest memory of a seed", f"{max(run.peak_memory for run in ran) / 1e6:,.0f} MB"
        yield "CPU seconds of all seeds", f"{sum(run.cpu_seconds for run in ran):,.1f}"
    files, packages = len(registered.files[0]), len(registered.packages)
    count = f"{plural(files, 'file')}, {plural(packages, 'package')} of the interpreter"
    yield "listed under pre-registration", count


def _warnings(recipe: ProgramRecipe, runs: Mapping[int, ProgramRun]) -> Iterator[str]:
    for seed, run in runs.items():
        yield from (f"seed {seed}: {note}" for note in run.notes)
    for name in recipe.program.scores if runs else ():
        scores = [run.scores[name] for run in runs.values()]
        middle = mean(score.value for score in scores)
        stated = claimed_in_hundreds(recipe, name, middle)
        if stated is not None and scores[0].unit == "none":
            yield (
                f"the mean of {name} is {number(middle)}, and the claim says {number(stated)}; if "
                f"one of them is a percentage, say so in program.scores.{name}.unit"
            )
    if len(runs) < 2:
        return
    first = next(iter(runs.values()))
    same = [
        name
        for name, score in first.scores.items()
        if all(run.scores[name].value == score.value for run in runs.values())
    ]
    if len(same) == len(first.scores):
        why = (
            "if the program does not use its seed, these are not several runs, but one run repeated"
            if recipe.program.seeded
            else "so they do not differ by themselves, and these are one run repeated"
        )
        yield f"all {len(runs)} seeds gave exactly the same scores; {why}"
