"""Read the scores of a program from its output and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from papertrial.errors import DivergedError, ProgramFailedError
from papertrial.programs.found import Found
from papertrial.programs.program_run import ReadScore
from papertrial.programs.read_csv import find_in_csv
from papertrial.programs.read_json import find_in_json
from papertrial.programs.read_pattern import compile_pattern
from papertrial.programs.read_tensorboard import find_in_events, require_tensorboard
from papertrial.programs.search_pattern import search_pattern
from papertrial.programs.seed_folder import STDERR, STDOUT
from papertrial.programs.series import Series
from papertrial.programs.spec import (
    CsvScore,
    JsonScore,
    PatternScore,
    ScoreSource,
    TensorboardScore,
)


def read_scores(
    sources: Mapping[str, ScoreSource],
    home: Path,
    places: Mapping[str, Path],
    problems: Mapping[str, str],
) -> dict[str, ReadScore]:
    """Read all scores of a seed; the problems of all are reported together.

    Args:
        sources: where each score is.
        home: the seed's folder, with the program's output in stdout.txt and stderr.txt.
        places: the file or TensorBoard folder, in `home`, of each score that is in one.
        problems: why a score has no file.

    Raises:
        ProgramFailedError: a score cannot be read, or is not usable.
        DivergedError: a score is infinite or NaN.
    """
    scores, failed, diverged = {}, [], False
    for name, source in sources.items():
        try:
            if name in problems:
                raise ProgramFailedError(problems[name])
            scores[name] = read_score(source, home, places.get(name))
        except (ProgramFailedError, DivergedError) as error:
            failed.append(f"{name}: {error}")
            diverged |= isinstance(error, DivergedError)
    if failed:
        raise (DivergedError if diverged else ProgramFailedError)("\n".join(failed))
    return scores


def check_source(source: ScoreSource) -> None:
    """Check what can be checked of a score before its program runs.

    Raises:
        PapertrialError: its pattern is wrong, or the package tensorboard is not installed.
    """
    match source:
        case PatternScore(pattern=pattern):
            compile_pattern(pattern)
        case TensorboardScore():
            require_tensorboard()


def read_score(source: ScoreSource, home: Path, place: Path | None) -> ReadScore:
    """Read one score.

    Args:
        source: where it is.
        home: the seed's folder.
        place: its file or TensorBoard folder; None if it is in the program's output.

    Raises:
        ProgramFailedError: it cannot be read, or is not usable.
        DivergedError: it is infinite or NaN.
    """
    places = [home / STDOUT, home / STDERR] if place is None else [place]
    for path in places:
        series = Series(source)
        for found in _found(source, path):
            series.add(found)
        if len(series):
            return series.score(path.relative_to(home).as_posix())
        if series.seen:
            break
    raise ProgramFailedError(_nothing(source, seen=series.seen))


def _found(source: ScoreSource, path: Path) -> Iterator[Found]:
    match source:
        case PatternScore(pattern=pattern):
            return search_pattern(pattern, path)
        case JsonScore(key=key, step=step):
            return find_in_json(path, key, step)
        case CsvScore(column=column, step=step):
            return find_in_csv(path, column, step)
        case TensorboardScore(tag=tag):
            return find_in_events(path, tag)
    raise AssertionError(f"no reader for {type(source).__name__}")


def _nothing(source: ScoreSource, *, seen: int) -> str:
    if seen:
        return f"none of the {seen} values is at a registered point of the curve"
    if isinstance(source, PatternScore):
        return f'no line of the output matches the pattern "{source.pattern}"'
    return "no value was found: it is empty in every row"
