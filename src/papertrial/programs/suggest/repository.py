"""Read the repository of a program, and suggest its command, parameters and scores."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import list_files
from papertrial.programs.suggest.any_language import (
    MAKEFILES,
    is_script,
    options_in_text,
    printed_in_text,
    seed_position,
    variables_in_text,
)
from papertrial.programs.suggest.ask_help import ask_help, takes_help
from papertrial.programs.suggest.command_words import Words
from papertrial.programs.suggest.options import (
    ScriptOption,
    merged,
    options_in_help,
    options_in_source,
    positional_in_source,
    variables_in_source,
)
from papertrial.programs.suggest.print_templates import LOG_MARK, printed_lines
from papertrial.programs.suggest.readme import (
    ReportedNumber,
    commands_in,
    read_readme,
    reported_numbers,
)
from papertrial.programs.suggest.score_files import (
    is_events,
    result_files,
    scores_in_events,
    scores_in_file,
)
from papertrial.programs.suggest.score_lines import SuggestedScore, rank_of, suggest_scores
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
    "default_root_dir", "outf", "workdir", "run_dir", "model_dir",
)  # fmt: skip
_DATA = ("data_dir", "data_root", "data_path", "dataroot", "dataset_dir", "data_folder")
_DEVICE = ("device",)
_SEEDING = re.compile(
    r"(?:manual_seed|random\.seed|default_rng|set_seed|seed_everything|seed_all|set_random_seed)\s*\("
)
_SEED_KEY = re.compile(rf"^(?P<key>{'|'.join(_SEEDS)})\s*:", re.MULTILINE)
_MOST_CONFIGS, _MOST_CALLED = 50, 5


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
        options = merged(options, options_in_text(source))
    words = Words(found.command, options)
    has_seed = words.fill(_SEEDS, "{seed}")
    parameters = words.fill_length(_LENGTHS)
    out = words.option(_OUTS)
    words.fill(_OUTS, "{out}")
    words.fill(_DATA, "{data}")
    words.fill(_DEVICE, "{device}")
    if any("hydra.main" in one for one in sources):
        if not has_seed and (key := _seed_key(folder)):
            has_seed = words.fill_place(len(words.words), f"{key}={{seed}}")
        words.fill_place(len(words.words), "hydra.run.dir={out}")
    if not has_seed and at is not None and (position := seed_position(source)) is not None:
        has_seed = words.fill_place(at + position, "{seed}")
    environment = {}
    if not has_seed and (variable := _seed_variable(found, sources)):
        if found.name in MAKEFILES:  # a variable of the command goes before one that it sets
            has_seed = words.fill_place(len(words.words), f"{variable}={{seed}}")
        else:
            environment = {variable: "{seed}"}
    positional = tuple(name for one in sources for name in positional_in_source(one))
    is_given = at is not None and any(not w.startswith("-") for w in found.command[at + 1 :])
    called = [] if found.is_python else _called(folder, source)
    scores, from_source, has_events = _scores(folder, [*sources, *called], output, out)
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


def _seed_key(folder: Path) -> str | None:
    """Return the key of the seed in a folder's YAML files, as Hydra reads them, if any."""
    files = [name for name in list_files(folder) if name.endswith((".yaml", ".yml"))]
    found = (_SEED_KEY.search(read_source(folder / name)) for name in files[:_MOST_CONFIGS])
    return next((match["key"] for match in found if match), None)


def _seed_variable(script: Script, sources: Sequence[str]) -> str | None:
    """Return the environment variable that a script reads its seed from; None without one."""
    read = variables_in_source if script.is_python else variables_in_text
    return next((name for one in sources for name in read(one) if _is_seed(name)), None)


def _is_seed(variable: str) -> bool:
    return "SEED" in variable.upper().split("_") and variable != "PYTHONHASHSEED"


def _seeding_line(name: str, source: str) -> str:
    for number, line in enumerate(source.splitlines(), 1):
        if _SEEDING.search(line):
            return f"{name} line {number}: {line.strip()}"
    return ""


def _called(folder: Path, source: str) -> list[str]:
    """Return the sources of the scripts that a shell script or a Makefile names."""
    names = [name for name in list_files(folder) if is_script(name) and name in source]
    return [read_source(folder / name) for name in names[:_MOST_CALLED]]


def _scores(
    folder: Path, sources: Sequence[str], output: str | None, out: ScriptOption | None
) -> tuple[tuple[SuggestedScore, ...], bool, bool]:
    """Return the scores, whether they are from the source, and whether there are event files."""
    found = {score.name: score for score in suggest_scores((output or "").splitlines())}
    listed, root = "\n".join(sources), folder.resolve()
    events = []
    for path in result_files(root, output or ""):
        if is_events(path):
            events.append(path)
        elif path.name in (output or "") or path.name in listed:
            for score in scores_in_file(path, _name_in_run(path, root, out)):
                found.setdefault(score.name, score)
    if events:
        last = max(events, key=lambda path: path.stat().st_mtime_ns)
        for score in scores_in_events(last, _folder_in_run(last, root, out)):
            found.setdefault(score.name, score)
    has_events = bool(events) or any("SummaryWriter" in one for one in sources)
    if found:
        return tuple(sorted(found.values(), key=lambda one: rank_of(one.name))), False, has_events
    lines = [line for one in sources for line in printed_lines(one) or printed_in_text(one)]
    # How often a line is printed is not in the source.
    scores = [
        replace(one, several=True, seen=one.seen.partition(": ")[2].removeprefix(LOG_MARK))
        for one in suggest_scores(lines)
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


def _folder_in_run(path: Path, folder: Path, out: ScriptOption | None) -> str:
    """Return a folder that has the event files of a run, whatever the time in its name."""
    name = path.relative_to(folder)
    if out is not None:
        return "{out}"
    return name.parts[0] if len(name.parts) > 1 else "."
