"""Scores by seed, from a file of scores or from the folder of a verification."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from papertrial.errors import RunError, did_you_mean
from papertrial.store.verification_folder import PREREGISTRATION, VerificationFolder
from papertrial.vocabulary import Better

SEED = "seed"


@dataclass(frozen=True)
class ScoreSource:
    """The scores of one side.

    Attributes:
        name: the file or the folder, as it was given.
        source: what it is.
        sha256: of the file, or of the verification's preregistration.json.
        scores: by seed, in the order of the rows, or in the registered order.
        failed: seeds that ended without a score.
        step: what the metric moves in, if a verification says so; otherwise 0.
        better: which values are better, if a verification says so; otherwise None.
    """

    name: str
    source: Literal["scores", "verification"]
    sha256: str
    scores: Mapping[int, float]
    failed: tuple[int, ...] = ()
    step: float = 0.0
    better: Better | None = None


def read_scores(path: Path, metric: str) -> ScoreSource:
    """Read the scores of one metric, by seed.

    Args:
        path: a CSV file with a header, a file of JSON lines, or the folder of a verification.
        metric: the column or the key; for a verification, the metric of one of its claims.

    Raises:
        RunError: the path is none of these, the metric or the seeds are missing, a seed has two
            scores, or a score is not a finite number.
    """
    if path.is_dir():
        return _of_verification(path, metric)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise RunError(
            f"there is no {path}; give a CSV or JSONL file of scores, or a folder of a verification"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read scores from {path}: {error}") from error
    is_json = text.lstrip().startswith("{")
    rows = _json_rows(path, text) if is_json else _csv_rows(path, text, metric)
    scores = _by_seed(path, rows, metric)
    return ScoreSource(str(path), "scores", hashlib.sha256(content).hexdigest(), scores)


def _of_verification(path: Path, metric: str) -> ScoreSource:
    folder = VerificationFolder.load(path)
    registered, sha256 = folder.registered, folder.sha256
    claims = registered.rule.claims
    fitting = [j for j, one in enumerate(claims) if one.metric == metric and not one.has_two_sides]
    fitting = [j for j in fitting if claims[j].reach is None]
    if not fitting:
        names = [one.metric for one in claims]
        raise RunError(
            f"{path / PREREGISTRATION} has no claim on the {metric} of one side"
            f"{did_you_mean(metric, names)}"
        )
    index, ended = fitting[0], {one.seed: one for one in folder.outcomes()}
    in_order = [ended[seed] for seed in registered.seeds if seed in ended]
    return ScoreSource(
        name=str(path),
        source="verification",
        sha256=sha256,
        scores={o.seed: o.scores[index][0] for o in in_order if o.state == "finished"},
        failed=tuple(o.seed for o in in_order if o.state != "finished"),
        step=claims[index].step,
        better=claims[index].facts.direction,
    )


def _csv_rows(path: Path, text: str, metric: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the rows of a CSV file with their lines."""
    reader = csv.DictReader(io.StringIO(text))
    names = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = names
    for needed in (SEED, metric):
        if names.count(needed) != 1:
            count = "no column" if needed not in names else "two columns"
            raise RunError(f'{path} has {count} "{needed}"{did_you_mean(needed, names)}')
    for row in reader:
        yield reader.line_num, row


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield the objects of a file of JSON lines with their lines."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise RunError(f"{path} line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise RunError(f"{path} line {number} is not a JSON object: one is needed for each run")
        yield number, row


def _by_seed(
    path: Path, rows: Iterable[tuple[int, Mapping[str, object]]], metric: str
) -> dict[int, float]:
    scores = dict[int, float]()
    for line, row in rows:
        where = f"{path} line {line}"
        for key in (SEED, metric):
            if row.get(key) in (None, ""):
                raise RunError(f'{where} has no "{key}"{did_you_mean(key, map(str, row))}')
        seed, score = _whole(row[SEED]), _number(row[metric])
        if seed is None:
            raise RunError(f'{where}: "{SEED}" must be a whole number, got {row[SEED]!r}')
        if score is None:
            raise RunError(f'{where}: "{metric}" must be a finite number, got {row[metric]!r}')
        if seed in scores:
            raise RunError(f"{where}: seed {seed} has two scores; each seed counts once")
        scores[seed] = score
    if not scores:
        raise RunError(f"{path} has no scores")
    return scores


def _whole(value: object) -> int | None:
    """Return a seed, whose digits a float may not hold: 7, "7" and 7.0 are the same."""
    try:
        return int(str(value))
    except ValueError:
        number = _number(value)
        return int(number) if number is not None and number.is_integer() else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
