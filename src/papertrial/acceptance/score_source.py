"""Scores by seed, from a file of scores or from the folder of a verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from papertrial.errors import RunError, ScoresError, did_you_mean
from papertrial.score_tables.read_table import read_table
from papertrial.score_tables.score_column import Unit, named_column, scores_in, seeds_in
from papertrial.store.verification_folder import PREREGISTRATION, VerificationFolder
from papertrial.vocabulary import Better, Metric

_SEED = "seed"


@dataclass(frozen=True)
class ScoreSource:
    """The scores of one side.

    Attributes:
        name: the file or the folder, as it was given.
        source: what it is.
        sha256: of the file's bytes, or of the verification's preregistration.json.
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


def read_scores(path: Path, metric: str, unit: Literal["percent"] | None = None) -> ScoreSource:
    """Read the scores of one metric, by seed.

    Args:
        path: a file of scores with a column of seeds, as `papertrial judge` reads it, or the folder
            of a verification.
        metric: the column; for a verification, the metric of one of its claims.
        unit: "percent" for the scores of a fraction that a file has as 93.1.

    Raises:
        ScoresError: the file has no such column, a seed has two scores, or a score does not fit the
            metric.
        RunError: the folder is not one of a verification, or has no claim on the metric.
    """
    if path.is_dir():
        return _of_verification(path, metric)
    table = read_table(str(path))
    seeds = seeds_in(table, named_column(table, _SEED, what="the seeds"))
    column = named_column(table, metric, what="the scores")
    facts = Metric(metric)
    scores = scores_in(table, column, facts, _unit(facts, unit))
    assert table.sha256 is not None, "a file has a hash"
    rows = list(zip(seeds, scores, strict=True))
    if all(score is None for score in scores):
        raise ScoresError(f"{path} has no scores")
    return ScoreSource(
        name=str(path),
        source="scores",
        sha256=table.sha256,
        scores={seed: score for seed, score in rows if score is not None},
        failed=tuple(seed for seed, score in rows if score is None),
    )


def _unit(metric: Metric, unit: Literal["percent"] | None) -> Unit:
    if unit is None:
        return "fraction" if metric.is_fraction else "none"
    if not metric.is_fraction:
        raise ScoresError(
            f"{metric.name} is not known to be a fraction, so its scores cannot be in percent; "
            "leave out the unit, and give the minimum gain as the scores are written"
        )
    return unit


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
