"""Read the repository of a program, and suggest its command, parameters and scores."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.programs.suggest.ask_help import ask_help, takes_help
from papertrial.programs.suggest.options import (
    ScriptOption,
    merged,
    options_in_help,
    options_in_source,
    positional_in_source,
    variables_in_source,
)
from papertrial.programs.suggest.print_templates import printed_lines
from papertrial.programs.suggest.readme import (
    ReportedNumber,
    commands_in,
    read_readme,
    reported_numbers,
)
from papertrial.programs.suggest.score_files import result_files, scores_in_file
from papertrial.programs.suggest.score_lines import SuggestedScore, suggest_scores
from papertrial.programs.suggest.scripts import Script, find_script, read_source

_SEEDS = (
    "seed", "random_seed", "rng_seed", "manual_seed", "manualseed", "global_seed", "train_seed",
    "data_seed",
)  # fmt: skip
_LENGTHS = (
    "epochs", "num_epochs", "n_epochs", "nepochs", "max_epochs", "num_train_epochs",
    "train_epochs", "epoch", "steps", "max_steps", "num_steps", "n_steps", "max_iters", "iters",
    "iterations", "num_iterations",
)  # fmt: skip
_OUTS = (
    "out", "out_dir", "output", "output_dir", "outdir", "output_path", "save_dir", "save_path",
    "result_dir", "results_dir", "log_dir", "logdir", "exp_dir", "work_dir", "checkpoint_dir",
    "default_root_dir", "outf",
)  # fmt: skip
_DATA = ("data_dir", "data_root", "data_path", "dataroot", "dataset_dir", "data_folder")
_DEVICE = ("device",)
_SEEDING = re.compile(
    r"(?:manual_seed|random\.seed|default_rng|set_seed|seed_everything|seed_all|set_random_seed)\s*\("
)


@dataclass(frozen=True)
class Suggestion:
    """What a repository seems to need in a recipe.

    Attributes:
        script: what is run.
        command: all words, with placeholders.
        parameters: the default of each parameter.
        environment: variables to set.
        has_seed: whether a flag or a variable for the seed was found.
        seeding: a line of the script that seeds a generator, for a comment.
        needs: arguments that the script needs, and whose values are not known.
        scores: where scores are.
        from_source: whether the scores were taken from the script's source, not from an output.
        has_events: whether there are event files of TensorBoard.
        reported: numbers in the README.
        asked: whether the script was asked for its help.
    """

    script: Script
    command: tuple[str, ...]
    parameters: dict[str, str]
    environment: dict[str, str]
    has_seed: bool
    seeding: str
    needs: tuple[str, ...]
    scores: tuple[SuggestedScore, ...]
    from_source: bool
    has_events: bool
    reported: tuple[ReportedNumber, ...]
    asked: bool


def read_repository(
    folder: Path, *, script: str | None = None, output: str | None = None, run: bool = True
) -> Suggestion:
    """Read a repository, and suggest a recipe for its program.

    Args:
        folder: the repository.
        script: the path of the script in it; None to find it.
        output: what the program printed when it last ran; None if that is not known.
        run: whether the script may be asked for its help, which runs it with --help in a copy.

    Raises:
        PapertrialError: there is no such folder, or no script.
    """
    file, readme = read_readme(folder)
    found = find_script(folder, commands_in(readme), script)
    path = folder / found.name
    source = read_source(path)
    sources = [source, *_imported(folder, path, source)] if found.is_python else [source]
    at = _place_of(found)
    help_text = None
    if run and any(map(takes_help, sources)) and at is not None:
        help_text = ask_help(folder, found.command[: at + 1])
    options = merged(options_in_help(help_text or ""), *(options_in_source(one) for one in sources))
    if not found.is_python:
        flags = dict.fromkeys(re.findall(r"(--[a-z][\w-]*)[)|]", source))
        options = merged(options, [ScriptOption(flag, takes_value=True) for flag in flags])
    words = _Words(found.command, options)
    parameters: dict[str, str] = {}
    has_seed = words.fill(_SEEDS, "{seed}") is not None
    length = words.option(_LENGTHS)
    if length is not None and (value := words.value(length) or length.default) is not None:
        parameters[length.key] = value
        words.fill((length.key,), f"{{{length.key}}}")
    out = words.fill(_OUTS, "{out}")
    words.fill(_DATA, "{data}")
    words.fill(_DEVICE, "{device}")
    environment = {}
    if not has_seed:
        variable = next((v for one in sources for v in variables_in_source(one) if _is_seed(v)), "")
        environment = {variable: "{seed}"} if variable else {}
    positional = tuple(name for one in sources for name in positional_in_source(one))
    is_given = at is not None and any(not w.startswith("-") for w in found.command[at + 1 :])
    scores, from_source, has_events = _scores(folder, sources, output, out)
    return Suggestion(
        script=found,
        command=tuple(words.words),
        parameters=parameters,
        environment=environment,
        has_seed=has_seed or bool(environment),
        seeding=_seeding_line(found.name, source),
        needs=(*words.missing(), *(() if is_given else positional)),
        scores=scores,
        from_source=from_source,
        has_events=has_events,
        reported=reported_numbers(file, readme),
        asked=help_text is not None,
    )


class _Words:
    """The words of a command, into which options are filled."""

    def __init__(self, words: Sequence[str], options: Sequence[ScriptOption]) -> None:
        self.words = list(words)
        self._options = [one for one in options if one.takes_value]

    def option(self, names: Sequence[str]) -> ScriptOption | None:
        """Return the first option with one of the names, in their order."""
        by_key = {option.key: option for option in reversed(self._options)}
        return next((by_key[name] for name in names if name in by_key), None)

    def fill(self, names: Sequence[str], value: str) -> ScriptOption | None:
        """Set the first option with one of the names to a value; return it."""
        option = self.option(names)
        if option is None:
            return None
        for at, word in enumerate(self.words):
            if word.startswith(f"{option.flag}="):
                self.words[at] = f"{option.flag}={value}"
                return option
            if word == option.flag and at + 1 < len(self.words):
                self.words[at + 1] = value
                return option
        self.words += [option.flag, value]
        return option

    def value(self, option: ScriptOption) -> str | None:
        """Return the value that the command has for an option."""
        for at, word in enumerate(self.words):
            if word.startswith(f"{option.flag}="):
                return word.partition("=")[2]
            if word == option.flag and at + 1 < len(self.words):
                return self.words[at + 1]
        return None

    def missing(self) -> tuple[str, ...]:
        """Return the flags that the script needs and the command lacks."""
        return tuple(
            option.flag
            for option in self._options
            if option.required and self.value(option) is None
        )


def _place_of(script: Script) -> int | None:
    words = [word.removeprefix("./") for word in script.command]
    return words.index(script.name) if script.name in words else None


def _imported(folder: Path, path: Path, source: str) -> list[str]:
    """Return the sources of the modules of the repository that a script imports."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names[node.module] = None
            names.update((f"{node.module}.{alias.name}", None) for alias in node.names)
    files = [
        root / f"{name.replace('.', '/')}.py" for name in names for root in (path.parent, folder)
    ]
    return [read_source(file) for file in dict.fromkeys(files) if file.is_file()]


def _is_seed(variable: str) -> bool:
    return "SEED" in variable.upper().split("_") and variable != "PYTHONHASHSEED"


def _seeding_line(name: str, source: str) -> str:
    for number, line in enumerate(source.splitlines(), 1):
        if _SEEDING.search(line):
            return f"{name} line {number}: {line.strip()}"
    return ""


def _scores(
    folder: Path, sources: Sequence[str], output: str | None, out: ScriptOption | None
) -> tuple[tuple[SuggestedScore, ...], bool, bool]:
    """Return the scores, whether they are from the source, and whether there are event files."""
    found = {score.name: score for score in suggest_scores((output or "").splitlines())}
    has_events = any("SummaryWriter" in one for one in sources)
    listed = "\n".join(sources)
    for path in result_files(folder.resolve(), output or ""):
        if "tfevents" in path.name:
            has_events = True
        elif path.name in (output or "") or path.name in listed:
            name = _name_in_run(path, folder.resolve(), out)
            for score in scores_in_file(path, name):
                found.setdefault(score.name, score)
    if found:
        return tuple(found.values()), False, has_events
    lines = [line for one in sources for line in printed_lines(one)]
    # How often a line is printed is not in the source.
    scores = [
        SuggestedScore(s.name, s.source, s.better, s.unit, True, s.seen.partition(": ")[2])
        for s in suggest_scores(lines)
    ]
    return tuple(scores), bool(scores), has_events


def _name_in_run(path: Path, folder: Path, out: ScriptOption | None) -> str:
    """Return how a recipe names a file that the program wrote into its folder."""
    if not path.is_relative_to(folder):
        raise PapertrialError(f"{path} is not in {folder}")
    name = path.relative_to(folder)
    if out is None:
        return name.as_posix()
    default = Path(out.default or "")
    inside = out.default and name.is_relative_to(default)
    return f"{{out}}/{name.relative_to(default).as_posix() if inside else name.name}"
