"""Rules for the section `program`: its placeholders, its folder, and where its scores are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from papertrial.errors import PapertrialError, did_you_mean
from papertrial.programs.placeholders import BUILT_IN, placeholders_in
from papertrial.programs.read_pattern import compile_pattern
from papertrial.recipe.plain_values import list_at, value_at
from papertrial.recipe.program import WAYS
from papertrial.recipe.raw_claim import Broken
from papertrial.recipe.value_types import SCORE_NAME
from papertrial.vocabulary import COUNTS, Metric

_NEEDS = {"json": "key", "csv": "column", "tensorboard": "tag"}  # beside the place of a score
_STEPPED = ("json", "csv")  # where the key `step` names the step of a value


def broken_program(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield (key path, message) for each rule for programs that a plain recipe breaks.

    Values of the wrong type are skipped: the schema reports them.
    """
    program = tree.get("program")
    if not isinstance(program, Mapping):
        return
    yield from _place_problems(program)
    yield from _placeholder_problems(program)
    yield from _seed_problems(program)
    yield from _keep_problems(program)
    scores = program.get("scores")
    for name, score in scores.items() if isinstance(scores, Mapping) else ():
        for key, message in _score_problems(str(name), score):
            yield f"program.scores.{name}{key}", message


def folder_problems(tree: Mapping[str, object]) -> Iterator[Broken]:
    """Yield a problem if the folder of a program does not exist; paths are absolute."""
    folder = value_at(tree, "program.folder")
    if not isinstance(folder, str):
        return
    what = "is a file" if Path(folder).is_file() else "does not exist"
    if not Path(folder).is_dir():
        yield (
            "program.folder",
            f"must be a folder, but {folder!r} {what}; a path in a recipe is relative to the "
            "folder of the recipe",
        )


def _place_problems(program: Mapping[str, object]) -> Iterator[Broken]:
    folder, git = program.get("folder"), program.get("git")
    if folder is not None and git is not None:
        yield "program.git", "give folder or git, not both"
    if folder is None and git is None:
        yield (
            "program.folder",
            "is missing: give the folder of the program, such as `.` for the folder of the recipe, "
            "or git: {url: ..., commit: ...}",
        )
    if git is not None and program.get("in_place") is True:
        yield "program.in_place", "is only for a folder; a commit always runs in a copy"


def _placeholder_problems(program: Mapping[str, object]) -> Iterator[Broken]:
    """Report unknown placeholders, and parameters that nothing uses."""
    parameters = program.get("parameters")
    names = tuple(map(str, parameters)) if isinstance(parameters, Mapping) else ()
    for name in names:
        if name in BUILT_IN:
            rule = f"{{{name}}} has a meaning of its own; choose another name"
            yield f"program.parameters.{name}", rule
    known, used = (*BUILT_IN, *names), set[str]()
    for where, text in _texts(program):
        try:
            found = placeholders_in(text)
        except PapertrialError as error:
            yield where, f"has {error}"
            continue
        used |= set(found)
        for name in (one for one in found if one not in known):
            hint = did_you_mean(name, known) or f"; known are {', '.join(known)}"
            braces = "; for braces, write {{ and }}"
            yield where, f"unknown placeholder {{{name}}}{hint}{braces}, got {text!r}"
    for name in names:
        if name not in used and name not in BUILT_IN:
            yield (
                f"program.parameters.{name}",
                f"has no effect, because {{{name}}} is not in the command or the environment; add "
                "it there, or remove the parameter",
            )


def _texts(program: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield (key path, text) of each text in which placeholders are filled."""
    for i, word in enumerate(list_at(program, "command")):
        if isinstance(word, str):
            yield f"program.command.{i}", word
    variables, scores = program.get("environment"), program.get("scores")
    for name, value in variables.items() if isinstance(variables, Mapping) else ():
        if isinstance(value, str):
            yield f"program.environment.{name}", value
    for name, score in scores.items() if isinstance(scores, Mapping) else ():
        for way in WAYS[1:]:  # in a pattern, braces count repetitions
            if isinstance(path := value_at(score, way), str):
                yield f"program.scores.{name}.{way}", path


def _seed_problems(program: Mapping[str, object]) -> Iterator[Broken]:
    given = [
        where
        for where, text in _texts(program)
        if not where.startswith("program.scores") and _takes_seed(text)
    ]
    seeded = program.get("seeded", True)
    if seeded is True and not given and list_at(program, "command"):
        yield (
            "program.command",
            "has no {seed}, so every run would be the same; add it to the command or to an "
            "environment variable, or say seeded: false if runs differ by themselves",
        )
    if seeded is False and given:
        yield "program.seeded", f"is false, but {given[0]} has {{seed}}; remove one of the two"


def _keep_problems(program: Mapping[str, object]) -> Iterator[Broken]:
    for i, pattern in enumerate(list_at(program, "keep")):
        if not isinstance(pattern, str):
            continue
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            yield (
                f"program.keep.{i}",
                "must be a glob pattern inside {out} or the program's folder, such as "
                f"checkpoints/*.pt, got {pattern!r}",
            )
        elif "{" in pattern:
            yield (
                f"program.keep.{i}",
                "has no placeholders: it is relative to {out} and to the program's folder, got "
                f"{pattern!r}",
            )


def _takes_seed(text: str) -> bool:
    """Return whether a text has {seed}; `{{seed}}` is a text with braces."""
    try:
        return "seed" in placeholders_in(text)
    except PapertrialError:  # which `_placeholder_problems` reports
        return "{seed}" in text


def _score_problems(name: str, score: object) -> Iterator[Broken]:
    """Yield (key, message) for each rule that the source of a score breaks."""
    if not re.match(SCORE_NAME, name):
        yield "", "must be a name of letters, digits, '_', '.', '-' and '/'"
    if name in COUNTS:
        yield "", f"{name} is the name of a count; choose another name"
    if not isinstance(score, Mapping):
        return
    ways = [way for way in WAYS if score.get(way) is not None]
    if len(ways) != 1:
        got = " and ".join(ways) or "none"
        yield "", f"give one of {', '.join(WAYS)}; got {got}"
        return
    way = ways[0]
    needed = _NEEDS.get(way)
    if needed and score.get(needed) is None:
        yield f".{needed}", f"is missing: {way} needs {needed}"
    for key in ("key", "column", "tag"):
        if score.get(key) is not None and key != needed:
            owner = next(one for one, its in _NEEDS.items() if its == key)
            yield f".{key}", f"is only for {owner}, got {way}"
    if score.get("step") is not None and way not in _STEPPED:
        own = "a group (?P<step>...) in the pattern" if way == "pattern" else "the event files"
        yield ".step", f"is only for json and csv; the step comes from {own}"
    if way == "pattern":
        yield from _pattern_problems(score.get("pattern"))
    yield from _choice_problems(name, score, way)


def _pattern_problems(pattern: object) -> Iterator[Broken]:
    if not isinstance(pattern, str):
        return
    try:
        compile_pattern(pattern)
    except PapertrialError as error:
        yield ".pattern", str(error)


def _choice_problems(name: str, score: Mapping[str, object], way: str) -> Iterator[Broken]:
    which, curve = score.get("which", "only"), score.get("curve")
    facts = Metric(name, better=score.get("better"))  # type: ignore[arg-type]
    if which == "best" and facts.direction is None:
        yield ".better", "is missing: which: best needs to know which values are better"
    if curve is None:
        return
    has_step = {
        "pattern": "(?P<step>" in str(score.get("pattern")),
        "tensorboard": True,
    }.get(way, score.get("step") is not None)
    if not has_step:
        add = "a group (?P<step>[0-9]+) in the pattern" if way == "pattern" else "step"
        yield ".curve", f"needs the step of each value; add {add}"
    if which == "only":
        yield ".which", "must say which value of the curve is the score, such as which: last"
