"""The report of a combined verdict, from what laboratories record."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePath

from papertrial.programs.run_program import read_program_run
from papertrial.recipe.program import ProgramRecipe
from papertrial.report.program_parts import parts_of_programs
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.runs.run import load_run
from papertrial.store.laboratory_folders import LABORATORIES
from papertrial.store.laboratory_records import Laboratories
from papertrial.store.registration_files import KeptFiles
from papertrial.store.report_record import HashedRegistration, Report, SeedRow
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import FILES
from papertrial.verification.assemble_report import assemble_report
from papertrial.verification.decide_together import Together
from papertrial.verification.laboratory import Laboratory
from papertrial.verification.registration import Registration
from papertrial.verification.report import named_scores


def combination_report(
    path: Path, made: Together, data: str | Path | None, warnings: Sequence[str] = ()
) -> Report:
    """Return the whole report of a combined verdict, as report.json keeps it.

    Curves, mistakes and the scores of classes are in it if all runs are here.

    Args:
        path: the folder of the combination.
        made: what the laboratories come to.
        data: the data folder, from which mistakes are shown.
        warnings: what a reader must know besides, such as other combinations.

    Raises:
        RunError: a run is damaged.
    """
    labs, found, common = made.labs, made.found, made.common
    finished = [outcome for outcome in made.look.outcomes if outcome.state == "finished"]
    return assemble_report(
        labs[0].recipe,
        made.asked,
        made.look,
        made.conclusion,
        _parts(labs, data) if finished else RunParts(),
        seeds=_seed_rows(labs, found, made.asked),
        preregistration=None
        if common is None
        else HashedRegistration(sha256=common.sha256, registered=common.registration.registered),
        command=_command(path, found),
        path=str(path),
        warnings=[
            *laboratory_warnings(labs, found),
            *_unchecked_recipes(labs, found),
            *warnings,
        ],
        laboratories=found,
    )


def laboratory_warnings(labs: Sequence[Laboratory], found: Laboratories) -> list[str]:
    """Return what a reader must know about the laboratories before the verdict.

    It follows from their records, so that an audit of the copies gives the same.
    """
    warnings = [one.text for one in found.differences if one.found]
    if found.registration is None:
        warnings.append(
            "the laboratories were not registered together, so one may have been left out, or the "
            "others added, because of the scores; the bound on errors holds only if not"
        )
    if found.without:
        warnings.append(
            f"{len(found.without)} of {found.of} registered laboratories "
            f"{'is' if len(found.without) == 1 else 'are'} left out; the bound on errors holds "
            "only if the reason is not in the scores"
        )
    warnings += [
        f"the laboratories read different contents of {name} at run time, which is not registered"
        for name in _differing_reads(labs)
    ]
    warnings += [
        f"{line.name} has not finished ({line.state}): {len(line.seeds)} of its "
        f"{len(line.registered_seeds)} seeds count; combining again with more of them is another "
        "look at these seeds"
        for line, lab in zip(found.lines, labs, strict=True)
        if not lab.is_finished
    ]
    return warnings


def _unchecked_recipes(labs: Sequence[Laboratory], found: Laboratories) -> list[str]:
    """Return a warning if recipes could not be compared with their hash."""
    names = [
        line.name for line, lab in zip(found.lines, labs, strict=True) if not lab.is_recipe_checked
    ]
    if not names:
        return []
    return [
        f"{RECIPE} of {', '.join(names)} could not be compared with its hash, because its code is "
        "not here, so its paper and its deviations may have been edited; send code/ too"
    ]


def _differing_reads(labs: Sequence[Laboratory]) -> list[str]:
    """Return the names of files that the code read at run time, not the same in all laboratories.

    Their folders may differ between machines, so files are compared by name.
    """
    contents = dict[str, set[frozenset[str]]]()
    for lab in labs:
        here = dict[str, set[str]]()
        for record in lab.used:
            for path, digest in record.reads.items():
                here.setdefault(PurePath(path).name, set()).add(digest)
        for name, digests in here.items():
            contents.setdefault(name, set()).add(frozenset(digests))
    return sorted(name for name, found in contents.items() if len(found) > 1)


def _parts(labs: Sequence[Laboratory], data: str | Path | None) -> RunParts:
    """Return what the runs add to the report; nothing unless all runs are here."""
    if not all(lab.has_runs() for lab in labs):
        return RunParts()
    places = {
        record.seed: lab.path / record.runs[0]
        for lab in labs
        for record in lab.used
        if record.state == "finished"
    }
    first = labs[0]
    if isinstance(first.recipe, ProgramRecipe):
        if not (first.path / FILES).is_file():
            return RunParts()
        ran = {seed: read_program_run(place) for seed, place in places.items()}
        kept = first.folder.read_record(FILES, KeptFiles)
        return parts_of_programs(first.recipe, ran, first.registered, kept)
    return parts_of_runs([load_run(place) for place in places.values()], data=data)


def _seed_rows(
    labs: Sequence[Laboratory], found: Laboratories, asked: Registration
) -> list[SeedRow]:
    return [
        SeedRow(
            seed=record.seed,
            state=record.state,
            error=record.error,
            seconds=record.seconds,
            run=None,
            scores=named_scores(asked, record),
            used=True,
            laboratory=line.name,
        )
        for lab, line in zip(labs, found.lines, strict=True)
        for record in lab.used
    ]


def _command(path: Path, found: Laboratories) -> str:
    """Return the command that combines the copies in the folder again."""
    copies = [str(path / LABORATORIES / str(i)) for i in range(1, len(found.lines) + 1)]
    without = [word for number in found.without for word in ("--without", str(number))]
    runs = ["--runs", str(path.parent.parent)]
    return shlex.join(["papertrial", "combine", *copies, *without, *runs])
