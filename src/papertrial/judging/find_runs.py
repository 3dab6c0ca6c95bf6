"""The runs in one or two tables of scores: the columns, and the rows that belong together."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.errors import ScoresError
from papertrial.judging.asked import AskedClaim
from papertrial.judging.outcomes import Row, Runs
from papertrial.judging.score_column import column_for, columns_of_metric, scores_in, seeds_in
from papertrial.judging.score_table import UNNAMED, ScoreTable
from papertrial.numbers import plural, sequence

_SEED = "seed"


def find_runs(
    table: ScoreTable,
    other: ScoreTable | None,
    claims: Sequence[AskedClaim],
    *,
    column: str | None,
    versus_column: str | None,
    seed_column: str | None,
    failed: int | None,
) -> Runs:
    """Find the scores of each run for each claim.

    Args:
        table: our scores.
        other: those of the other side; None if both sides are in one table.
        claims: that the scores decide.
        column: of our scores, if its name is not the metric's.
        versus_column: of the other side.
        seed_column: of the seeds; None for one named "seed", if there is one.
        failed: how many runs failed.

    Raises:
        ScoresError: a column is missing, a cell is not a score, or rows do not belong together.
    """
    if len(table) == 0:
        raise ScoresError(f"{table.name} has no rows; give one row for each run")
    if failed is not None and failed < 0:
        raise ScoresError(f"failed must be at least 0, got {failed}")
    if column is not None and len({claim.stated.metric for claim in claims}) > 1:
        raise ScoresError("a column was named, but the claims are about several metrics")
    seeds = _seeds(table, seed_column)
    order = list(range(len(table))) if other is None else _order(table, other, claims, seed_column)
    rows = list[list[Row]]()
    for claim in claims:
        ours = _scores(table, claim, column)
        if not claim.judged.has_two_sides:
            rows.append([(score,) for score in ours])
            continue
        where = table if other is None else other
        theirs = _other_side(where, claim, versus_column, column if other is not None else None)
        rows.append([(ours[i], theirs[order[i]]) for i in range(len(table))])
    places = [table.where(row) for row in range(len(table))]
    return Runs(seeds or list(range(1, len(table) + 1)), rows, places, failed)


def _scores(table: ScoreTable, claim: AskedClaim, column: str | None) -> list[float | None]:
    metric, split = claim.stated.metric, claim.stated.split
    names = [column] if column is not None else list(columns_of_metric(metric, split))
    found = column_for(table, names, what=f"the scores of {metric}")
    return scores_in(table, found, claim.stated.facts, claim.unit)


def _other_side(
    table: ScoreTable, claim: AskedClaim, versus_column: str | None, column: str | None
) -> list[float | None]:
    """Return the scores of the other side; in a table of its own they may have the same column."""
    metric, split = claim.stated.metric, claim.stated.split
    named = versus_column or column
    names = [named] if named is not None else list(columns_of_metric(metric, split))
    found = column_for(table, names, what="the scores of the other side")
    return scores_in(table, found, claim.stated.facts, claim.unit)


def _seeds(table: ScoreTable, column: str | None) -> list[int]:
    """Return the seeds of a table; none if it has no column of them."""
    if column is None:
        column = next((name for name in table.columns if name.lower() == _SEED), None)
        return [] if column is None else seeds_in(table, column)
    found = column_for(table, [column], what="the seeds")
    if found == UNNAMED:
        raise ScoresError(f'{table.name} has one column without a name, and no column "{column}"')
    return seeds_in(table, found)


def _order(
    table: ScoreTable, other: ScoreTable, claims: Sequence[AskedClaim], seed_column: str | None
) -> list[int]:
    """Return for each of our rows that of the other table with the same seed.

    Two samples that are not paired are taken in the order of their rows.
    """
    ours, theirs = _seeds(table, seed_column), _seeds(other, seed_column)
    paired = any(claim.judged.has_two_sides and claim.judged.paired for claim in claims)
    if paired and not (ours and theirs):
        lacking = table.name if not ours else other.name
        raise ScoresError(
            f"{lacking} has no column of seeds, so its rows cannot be paired with those of the "
            "other table; add the seeds, or say pairing: none to compare two samples"
        )
    if paired:
        odd = sorted(set(ours) ^ set(theirs))
        if odd:
            raise ScoresError(
                f"{plural(len(odd), 'seed')} stand in one of the two tables only: "
                f"{sequence(odd)}; give both sides of each seed, or say pairing: none"
            )
        return [theirs.index(seed) for seed in ours]
    if len(table) != len(other):
        raise ScoresError(
            f"the two sides have {len(table)} and {len(other)} scores; two samples must have the "
            "same number of runs"
        )
    return list(range(len(table)))
