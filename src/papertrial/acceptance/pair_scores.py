"""Which scores of a baseline and of a candidate are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from papertrial.acceptance.score_source import ScoreSource
from papertrial.errors import RunError
from papertrial.numbers import plural
from papertrial.store.ledger import LedgerDecision

Pair = tuple[int, float, float]  # seed, baseline, candidate


@dataclass(frozen=True)
class PairedScores:
    """The scores of both sides for the same seeds.

    Attributes:
        pairs: (seed, baseline, candidate), in the baseline's order.
        notes: which scores were not used, in words.
    """

    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]


def pair_scores(baseline: ScoreSource, candidate: ScoreSource) -> PairedScores:
    """Pair the scores by seed: the first seeds of the baseline, as many as the candidate has.

    The order is the baseline's and no seed is left out, because its scores are known when the
    candidate's seeds are chosen: pairing those seeds on which the baseline was unlucky would make
    any candidate look better. Seeds that the baseline lacks are not used.

    Raises:
        RunError: the candidate lacks a seed but has a later one, or one of its seeds failed; the
            two share no seed, or they are the same.
    """
    order = list(baseline.scores)
    shared = [seed for seed in order if seed in candidate.scores]
    if not shared:
        raise RunError(
            f"{candidate.name} and {baseline.name} share no seed; run the candidate with the "
            f"baseline's seeds: {_listed(order)}"
        )
    ran = {*candidate.scores, *candidate.failed}
    last = max(i for i, seed in enumerate(order) if seed in ran)
    until = order[: last + 1]
    missing = [seed for seed in until if seed not in candidate.scores]
    if missing:
        failed = [seed for seed in missing if seed in candidate.failed]
        why = f"; seeds that failed: {_listed(failed)}" if failed else ""
        raise RunError(
            f"{candidate.name} has no score for {_listed(missing)} among the first "
            f"{plural(len(until), 'seed')} of {baseline.name}{why}; run them: seeds are compared "
            "in the baseline's order, and none may be left out"
        )
    pairs = tuple((seed, baseline.scores[seed], candidate.scores[seed]) for seed in until)
    if baseline.sha256 == candidate.sha256 and all(x == y for _, x, y in pairs):
        raise RunError(
            f"{candidate.name} and {baseline.name} have the same content: a candidate must differ "
            "from its baseline"
        )
    notes = []
    if more := [seed for seed in candidate.scores if seed not in baseline.scores]:
        notes.append(
            f"not used: {_listed(more)}, which only the candidate has; run the baseline with them"
        )
    if baseline.failed:
        notes.append(f"not used: {_listed(list(baseline.failed))}, which failed in the baseline")
    return PairedScores(pairs, tuple(notes))


def find_idea(
    decisions: Sequence[LedgerDecision], pairs: tuple[Pair, ...]
) -> LedgerDecision | None:
    """Return the last decision on the idea that has these scores; None if the idea is new.

    An idea is known by its scores, because names can be changed and files can be overwritten: it is
    the same if the scores of the one begin with those of the other.

    Raises:
        RunError: the same scores were counted before in another order.
    """
    found = None
    for one in decisions:
        shorter, longer = sorted((one.pairs, pairs), key=len)
        if longer[: len(shorter)] == shorter:
            found = one
        elif set(shorter) <= set(longer):
            raise RunError(
                f"the scores of idea {one.idea} are among these in another order: their rows were "
                "sorted or selected after they were seen; restore the order of the baseline's rows"
            )
    return found


def _listed(seeds: Sequence[int]) -> str:
    shown = ", ".join(map(str, seeds[:10]))
    more = f" and {len(seeds) - 10} more" if len(seeds) > 10 else ""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {shown}{more}"
