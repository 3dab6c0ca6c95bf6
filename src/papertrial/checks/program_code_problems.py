"""Problems of a program's code and interpreter that are seen before it runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from papertrial.checks.program_facts import CodeFacts, InterpreterFacts
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.numbers import plural

_ENVIRONMENTS = (".venv", "venv", "env")
_NAMED = 5


def code_problems(folder: Path, files: Collection[str], code: CodeFacts) -> Iterator[Diagnosis]:
    """Yield what is wrong with the files of a program."""
    if not files:
        yield Diagnosis(
            "error",
            "program.folder",
            f"{folder} has no files that a seed could run: it is empty, or Git ignores all of it",
            "name the folder that has the program",
        )
    elif code.changed:
        yield Diagnosis(
            "warning",
            "program.folder",
            f"{plural(len(code.changed), 'file')} in {folder} differ from commit "
            f"{code.commit and code.commit[:12]}: {named(code.changed)}; the verdict will be about "
            "code that has no commit",
            "commit them, so that others can get this code",
        )


def interpreter_problems(folder: Path, found: InterpreterFacts) -> Iterator[Diagnosis]:
    """Yield a warning if the folder of a program has an environment that it does not use."""
    if found.kind != "python":
        return
    for name in _ENVIRONMENTS:
        own = folder / name / "bin" / "python"
        if own.exists() and not Path(found.path).is_relative_to((folder / name).absolute()):
            yield Diagnosis(
                "warning",
                "program.command",
                f"the program's folder has an environment of its own, {name}, and the command uses "
                f"{found.path}",
                f"if the program needs that one, write {own.absolute()}",
            )


def named(names: Collection[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - _NAMED
    first = ", ".join(list(names)[:_NAMED])
    return first + (f" and {more} more" if more > 0 else "")
