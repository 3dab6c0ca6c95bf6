"""Check a recipe that runs a program: its interpreter, its code, its scores and its seed."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from papertrial.checks.check_result import CheckResult
from papertrial.checks.program_code_problems import code_problems, interpreter_problems
from papertrial.checks.program_facts import CodeFacts, InterpreterFacts, ProgramFacts
from papertrial.checks.program_tries import add_tries
from papertrial.checks.reporting import reporting
from papertrial.data.files.data_folder import data_folder
from papertrial.errors import PapertrialError
from papertrial.programs.code_files import file_hashes, require_copyable
from papertrial.programs.git import git_state, work_tree
from papertrial.programs.interpreter import describe_interpreter, image_digest
from papertrial.programs.placeholders import fill
from papertrial.programs.seed_values import device_variables, placeholder_values
from papertrial.programs.try_seeds import Tried, try_seeds
from papertrial.progress import Step
from papertrial.recipe.program import Program, ProgramRecipe
from papertrial.recipe.program_code import code_folder
from papertrial.recipe.program_spec import to_program_spec

NOT_SEEN = (
    "a check cannot see what a program reads (data, the network, results of earlier runs), and "
    "which process wrote a file outside its folder"
)
_TRIED = 3  # seeds


def checking_program(
    recipe: ProgramRecipe,
    tried: Program,
    result: CheckResult,
    *,
    data: str | Path | None,
    device: str,
    run: bool,
    quick: tuple[str, ...],
    time_limit: float,
) -> Generator[Step, None, None]:
    """Add what is found in a program to a result, and yield progress.

    Args:
        recipe: the recipe.
        tried: its program, with quick overrides.
        result: where problems and facts are added.
        data: data folder; None for the default.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        run: whether to run the program.
        quick: the quick overrides, for the facts.
        time_limit: seconds after which a run is stopped.
    """
    facts = result.facts.program = ProgramFacts()
    program, home = recipe.program, data_folder(data)
    result.facts.device = device = _device(device)
    values = placeholder_values(recipe.seed, device, 1, home)
    folder = None
    where, fix = "program.folder", "name the folder of the program"
    if program.git is not None:
        where, fix = "program.git", "name a repository that git can clone, and one of its commits"
    with reporting(result, where, fix):
        folder = code_folder(program)
        hashes = file_hashes(folder)
        if not program.in_place:
            require_copyable(folder, hashes)
        facts.code = _describe_code(folder, hashes)
        result.problems += code_problems(folder, hashes, facts.code)
    if folder is None or facts.code is None:
        return
    with reporting(result, "program.command", "fix the first word of the command"):
        facts.interpreter = _describe_interpreter(program, folder, values)
        result.problems += interpreter_problems(folder, facts.interpreter)
    if facts.interpreter is None or not run or not result.ok:
        return
    spec = to_program_spec(tried)
    spec = replace(
        spec,
        environment={**device_variables(device), **spec.environment},
        timeout=min(time_limit, spec.timeout or time_limit),
    )
    done: Tried | None = None
    with reporting(result, "program", "fix the part of the program that the message names"):
        done = yield from try_seeds(
            spec,
            values,
            source=folder,
            hashes=hashes,
            seeds=seeds_to_try(recipe),
            seeded=program.seeded,
            watched=_watched(folder),
        )
    if done is not None:
        partly = [str(found.root) for found in done.written if not found.complete]
        unseen = f"; new files in {', '.join(partly)} were looked for near the top only"
        two = any(claim.versus is not None for claim in recipe.claims)
        other = "; the other side of a difference was not run" if two else ""
        facts.not_seen = NOT_SEEN + (unseen if partly else "") + other
        add_tries(done, recipe, tried, result, quick=quick, time_limit=time_limit)


def seeds_to_try(recipe: ProgramRecipe) -> tuple[int, ...]:
    """Return three seeds that the verification will not use, so that none is seen in advance."""
    asked = recipe.verify
    named = asked.seeds if isinstance(asked.seeds, tuple) else ()
    first = max([recipe.seed + asked.max_seeds, *(seed + 1 for seed in named)])
    return tuple(range(first, first + _TRIED))


def _device(device: str) -> str:
    """Return the device to try; "auto" is found without torch."""
    if device != "auto":
        kind, _, index = device.partition(":")
        if kind not in ("cpu", "mps", "cuda") or (index and not index.isdigit()):
            raise PapertrialError(f"a device is auto, cpu, mps, cuda or cuda:N, got {device!r}")
        return device
    if Path("/dev/nvidiactl").exists():
        return "cuda"
    return "mps" if sys.platform == "darwin" and os.uname().machine == "arm64" else "cpu"


def _describe_code(folder: Path, hashes: dict[str, str]) -> CodeFacts:
    state = git_state(folder)
    return CodeFacts(
        folder=str(folder),
        files=len(hashes),
        commit=None if state is None else state.commit,
        changed=() if state is None else state.changed,
    )


def _describe_interpreter(
    program: Program, folder: Path, values: dict[str, str]
) -> InterpreterFacts:
    filled = {**program.parameters, **values, "out": str(folder)}
    variables = {name: fill(text, filled) for name, text in program.environment.items()}
    first = fill(program.command[0], filled)
    found = describe_interpreter(first, folder, {**os.environ, **variables})
    return InterpreterFacts(
        path=found.path,
        kind=found.kind,
        version=found.version,
        packages=len(found.packages),
        image=None if program.image is None else image_digest(first, program.image),
    )


def _watched(folder: Path) -> list[Path]:
    """Return the folders in which to look for new files, the inner before the outer ones."""
    found = [folder, work_tree(folder), Path.cwd(), Path.home()]
    unique = dict.fromkeys(path.resolve() for path in found if path is not None)
    return sorted(unique, key=lambda path: len(path.parts), reverse=True)
