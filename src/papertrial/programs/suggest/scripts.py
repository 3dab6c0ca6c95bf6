"""Which script of a repository trains, and by which command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import list_files
from papertrial.programs.suggest.any_language import INTERPRETERS, MAKEFILES, is_script

_KNOWN = ("train.py", "main.py", "run.py", "train.sh", "run.sh", "experiment.py", "main.sh")
_LIKELY = re.compile(r"train|main|run|experiment|speedrun|fit", re.IGNORECASE)
_UNLIKELY = re.compile(
    r"(?:^|[^A-Za-z])(?:prepar|download|sampl|plot|install|setup|test|bench|convert|export|demo|"
    r"infer|generat|util)",
    re.IGNORECASE,
)
_PYTHON = re.compile(r"python[0-9.]*")
_LARGEST = 2**20  # bytes of a script that is read


@dataclass(frozen=True)
class Script:
    """A script, and the words that run it.

    Attributes:
        name: its path in the folder; "" for a module that `python -m` runs.
        command: with "{python}" for a Python.
        why: where it was found.
        others: other scripts that could be meant.
    """

    name: str
    command: tuple[str, ...]
    why: str
    others: tuple[str, ...]

    @property
    def is_python(self) -> bool:
        """Whether it is a Python script."""
        return self.name.endswith(".py")


def find_script(
    folder: Path, commands: Sequence[Sequence[str]], chosen: str | None = None
) -> Script:
    """Return the script of a repository that most likely trains.

    A command of the README comes first, then well-known names, then other scripts of the folder.

    Args:
        folder: the repository.
        commands: the commands in its README.
        chosen: the path of a script in the folder, if the user names one.

    Raises:
        PapertrialError: the folder has no script.
    """
    files = [name for name in list_files(folder) if is_script(name) or name in MAKEFILES]
    of_readme = [(words, name) for words in commands if (name := script_of(words, files))]
    if chosen is not None:
        words = next((words for words, name in of_readme if name == chosen), None)
        why = "named on the command line"
        return Script(chosen, _command(words or _default(chosen), chosen), why, ())
    names = list(dict.fromkeys(name for _, name in of_readme if not _is_unlikely(name)))
    names.sort(key=lambda name: _LIKELY.search(PurePosixPath(name).name) is None)
    top = [n for n in files if "/" not in n and not _is_unlikely(n) and n not in MAKEFILES]
    known = [name for name in _KNOWN if name in files]
    mains = [name for name in top if not name.endswith(".py") or _has_main(folder / name)]
    every = list(dict.fromkeys([*names, *known, *mains, *top]))
    if not every:
        raise PapertrialError(
            f"{folder} has no script that could train; name the script itself: "
            "--program PATH/OF/SCRIPT"
        )
    first = every[0]
    words = next((words for words, name in of_readme if name == first), None)
    why = "from a command in the README" if words else "by its name"
    return Script(first, _command(words or _default(first), first), why, tuple(every[1:6]))


def script_of(words: Sequence[str], files: Sequence[str]) -> str | None:
    """Return the script of a folder that a command runs; None if it is not among its files."""
    if words[0] == "make":
        return next((name for name in MAKEFILES if name in files), None)
    normal = (word.removeprefix("./") for word in words)
    return next((word for word in normal if word in files), None)


def read_source(path: Path) -> str:
    """Return the text of a script; "" if it is too large or cannot be read."""
    try:
        return "" if path.stat().st_size > _LARGEST else path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _is_unlikely(name: str) -> bool:
    return _UNLIKELY.search(PurePosixPath(name).name) is not None


def _has_main(path: Path) -> bool:
    return "__main__" in read_source(path)


def _default(name: str) -> tuple[str, ...]:
    if name in MAKEFILES:
        return ("make",)
    if name.endswith(".py"):
        return ("{python}", name)
    interpreter = INTERPRETERS.get(PurePosixPath(name).suffix)
    return (f"./{name}",) if interpreter is None else (interpreter, name)


def _command(words: Sequence[str], name: str) -> tuple[str, ...]:
    """Return a README's command as a recipe has it: braces doubled, and our own Python."""
    if words[0] == "{python}":
        return tuple(words)
    escaped = [word.replace("{", "{{").replace("}", "}}") for word in words]
    if _PYTHON.fullmatch(escaped[0]):
        escaped[0] = "{python}"
    if len(escaped) == 1 and escaped[0].removeprefix("./") == name:
        return _default(name)
    return tuple(escaped)
