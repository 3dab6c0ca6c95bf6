"""What a seed that has ended shows of each score: its value, or why it has none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import PapertrialError, did_you_mean
from papertrial.programs.near_lines import NearLine, matches_without_case, near_lines
from papertrial.programs.placeholders import fill
from papertrial.programs.program_run import ProducedFile, ReadScore
from papertrial.programs.read_scores import read_score
from papertrial.programs.search_pattern import search_pattern
from papertrial.programs.seed_folder import EVENTS, KEPT, OUT, STDERR, STDOUT, score_files_path
from papertrial.programs.spec import PatternScore, ProgramSpec, ScoreSource, TensorboardScore


@dataclass(frozen=True)
class Attempt:
    """What reading one score gave.

    Attributes:
        read: the score; None if it cannot be read.
        problem: why.
        near: lines of the output that its pattern may have meant.
        ignores_case: whether the pattern would match one of them in other letters.
        has_percent_sign: whether a % sign follows the value.
    """

    read: ReadScore | None
    problem: str = ""
    near: tuple[NearLine, ...] = ()
    ignores_case: bool = False
    has_percent_sign: bool = False


def attempt_scores(
    spec: ProgramSpec,
    values: Mapping[str, str],
    *,
    home: Path,
    work: Path,
    produced: Sequence[ProducedFile],
) -> dict[str, Attempt]:
    """Read each score of a seed that has ended, however it ended.

    Args:
        spec: the program.
        values: of the placeholders of this seed, apart from `out`.
        home: the seed's folder.
        work: the folder that the program ran in.
        produced: what the program wrote.
    """
    home = home.resolve()
    filled = {**spec.parameters, **values, "out": str(home / OUT)}
    return {
        name: _attempt(source, filled, home, work, produced) for name, source in spec.scores.items()
    }


def _attempt(
    source: ScoreSource,
    values: Mapping[str, str],
    home: Path,
    work: Path,
    produced: Sequence[ProducedFile],
) -> Attempt:
    template, place = score_files_path(source), None
    try:
        if template is not None:
            path = fill(template, values)
            place = _kept_place(source, Path(os.path.normpath(work / path)), home, work)
            if place is None:
                return Attempt(None, _no_file(source, path, home, produced))
        read = read_score(source, home, place)
    except PapertrialError as error:
        problem = str(error).replace(f"{home}/", "")
        if not isinstance(source, PatternScore) or _matches(source.pattern, home):
            return Attempt(None, problem)
        near = near_lines(source.pattern, home / STDOUT, home / STDERR)
        return Attempt(None, problem, near, matches_without_case(source.pattern, near, home))
    return Attempt(read, has_percent_sign=_has_sign(source, home, read))


def _kept_place(source: ScoreSource, path: Path, home: Path, work: Path) -> Path | None:
    """Return where a score file, or TensorBoard's folder, is kept; None if there is none."""
    place = path if path.is_relative_to(home / OUT) else home / KEPT / os.path.relpath(path, work)
    if isinstance(source, TensorboardScore):
        return place if any(place.rglob(EVENTS)) else None
    if place.is_file():
        return place
    found = sorted(place.parent.glob(place.name)) if place.parent.is_dir() else []
    return found[0] if len(found) == 1 else None


def _no_file(source: ScoreSource, path: str, home: Path, produced: Sequence[ProducedFile]) -> str:
    shown = path.replace(f"{home / OUT}", "{out}")
    names = {Path(file.path).name: file.path for file in produced}
    if isinstance(source, TensorboardScore):
        return f"the program wrote no event file of TensorBoard into {shown}"
    hint = did_you_mean(Path(path).name, names)
    wrote = hint or (f"; it wrote {len(names)} files" if names else "; it wrote no file at all")
    return f"the program wrote no file {shown}{wrote}"


def _matches(pattern: str, home: Path) -> bool:
    """Whether a pattern matches a line of the output, also if what it finds is not usable."""
    try:
        return any(True for file in (STDOUT, STDERR) for _ in search_pattern(pattern, home / file))
    except PapertrialError:
        return True


def _has_sign(source: ScoreSource, home: Path, read: ReadScore) -> bool:
    """Whether a % sign follows the value in the program's output."""
    if not isinstance(source, PatternScore):
        return False
    found = search_pattern(source.pattern, home / read.source)
    return any(one.has_percent_sign for one in found if one.line == read.place.line)
