"""The runs in one or two tables of scores: the columns, and the rows that belong together."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.errors import ScoresError
from papertrial.judging.asked import AskedClaim
from papertrial.judging.outcomes import Row, Runs
from papertrial.numbers import plural, sequence
from papertrial.recipe.plain_values import is_whole_number
from papertrial.score_tables.score_column import (
    column_for,
    columns_of_metric,
    named_column,
    scores_in,
    seeds_in,
)
from papertrial.score_tables.score_table import ScoreTable

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
    if failed is not None and not is_whole_number(failed, 0):
        raise ScoresError(f"failed must be a whole number, at least 0, got {failed!r}")
    if (versus_column is not None or other is not None) and not any(
        claim.judged.has_two_sides for claim in claims
    ):
        raise ScoresError(
            "scores of another side were given, but no claim compares two sides; use kind: better "
            "or kind: difference"
        )
    if column is not None and len({claim.stated.metric for claim in claims}) > 1:
        raise ScoresError("a column was named, but the claims are about several metrics")
    seeds = _seeds(table, seed_column)
    order = list(range(len(table))) if other is None else _order(table, other, claims, seed_column)
    rows = list[list[Row]]()
    for claim in claims:
        our_column = _column(table, claim, column, what=f"the scores of {claim.stated.metric}")
        ours = scores_in(table, our_column, claim.stated.facts, claim.unit)
        if not claim.judged.has_two_sides:
            rows.append([(score,) for score in ours])
            continue
        where, named = table if other is None else other, versus_column
        if named is None and where is not table and not where.is_unnamed:
            named = column  # the other table may have the same columns
        their_column = _column(where, claim, named, what="the scores of the other side")
        if other is None and their_column == our_column:
            raise ScoresError(
                f'both sides are the column "{our_column}" of {table.name}; name two columns'
            )
        theirs = scores_in(where, their_column, claim.stated.facts, claim.unit)
        rows.append([(ours[i], theirs[order[i]]) for i in range(len(table))])
    places = [table.where(row) for row in range(len(table))]
    return Runs(seeds or list(range(1, len(table) + 1)), rows, places, failed)


def _column(table: ScoreTable, claim: AskedClaim, named: str | None, *, what: str) -> str:
    """Return the column that was named, or the one that has the metric's name."""
    if named is not None:
        return named_column(table, named, what=what)
    names = list(columns_of_metric(claim.stated.metric, claim.stated.split))
    return column_for(table, names, what=what)


def _seeds(table: ScoreTable, column: str | None) -> list[int]:
    """Return the seeds of a table; none if it has no column of them."""
    if column is None:
        column = next((name for name in table.columns if name.lower() == _SEED), None)
        return [] if column is None else seeds_in(table, column)
    return seeds_in(table, named_column(table, column, what="the seeds"))


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
            verb = "stands" if len(odd) == 1 else "stand"
            raise ScoresError(
                f"{plural(len(odd), 'seed')} {verb} in one of the two tables only: "
                f"{sequence(odd)}; give both sides of each seed, or say pairing: none"
            )
        return [theirs.index(seed) for seed in ours]
    if len(table) != len(other):
        raise ScoresError(
            f"the two sides have {len(table)} and {len(other)} scores; two samples must have the "
            "same number of runs"
        )
    return list(range(len(table)))
