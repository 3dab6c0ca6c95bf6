"""Decide whether a candidate replaces a baseline, and write the decision to a ledger."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from papertrial.acceptance.acceptance import Acceptance
from papertrial.acceptance.check_ledger import check_decisions
from papertrial.acceptance.pair_scores import Pair, find_idea, pair_scores
from papertrial.acceptance.score_source import ScoreSource, read_scores
from papertrial.acceptance.terms import AskedTerms, agree_on_metric, new_terms
from papertrial.claims.gain import decide, weigh_gain
from papertrial.claims.lattice import common_step
from papertrial.claims.online_budget import OnlineBudget
from papertrial.record import finite_or_none
from papertrial.store.ledger import (
    Ledger,
    LedgerContent,
    LedgerDecision,
    LedgerSide,
)
from papertrial.vocabulary import Better


def accept(
    ledger: str | Path,
    baseline: str | Path,
    candidate: str | Path,
    *,
    metric: str | None = None,
    better: Better | None = None,
    at_least_by: float | None = None,
    alpha: float | None = None,
    ideas: int | None = None,
    samples: int | None = None,
    unit: Literal["percent"] | None = None,
) -> Acceptance:
    """Decide whether a candidate is better than a baseline, under the error budget of a ledger.

    A ledger is opened by the first decision, which fixes the metric, its direction, the minimum
    gain, alpha and the number of ideas. Later calls may omit them.

    Each idea has a number and a share of alpha from its first decision on (e-LOND, see
    `papertrial.claims.online_budget`). It is accepted if its e-value reaches 1/level. An idea that
    is not accepted keeps its share: with more seeds it is judged again, at the level that holds
    then. The same scores are not counted twice.

    Args:
        ledger: the file; it is created if it does not exist.
        baseline, candidate: files of scores with a column `seed`, as `judge` reads them, or folders
            of verifications. Scores are paired by seed.
        metric: the column, or the metric of a claim.
        better: which values are better; None for what the metric's name or a verification says.
        at_least_by: the minimum gain, in the metric's unit; None for 0.
        alpha: the error budget; None for 0.05.
        ideas: how many ideas are expected; None for 100.
        samples: for a metric that moves in steps, such as an accuracy, the number of samples.
        unit: "percent" if files have the scores of a fraction as 93.1.

    Raises:
        PapertrialError: an error that the user can fix; nothing was written.
    """
    file = Ledger(Path(ledger))
    asked = AskedTerms(metric, better, at_least_by, alpha, ideas, samples)
    with file.locked():
        content = file.read()
        is_new = content is None
        known = None if content is None else content.terms
        name = agree_on_metric(asked, known, file.path)
        base, other = (read_scores(Path(side), name, unit) for side in (baseline, candidate))
        terms = known or new_terms(asked, name, base.better or other.better)
        content = content or LedgerContent.of(terms)
        check_decisions(content, file.path)
        paired = pair_scores(base, other)
        earlier = find_idea(content.decisions, paired.pairs)
        if earlier is not None and _stands(earlier, paired.pairs, content):
            return Acceptance.of(file.path, content, earlier, paired.notes, is_new=False)
        decision = _decide(content, base, other, paired.pairs, earlier)
        if is_new:
            file.append(terms)
        head = file.append(decision)
    content = LedgerContent(terms, (*content.decisions, decision), head)
    return Acceptance.of(file.path, content, decision, paired.notes, is_new=True)


def _stands(earlier: LedgerDecision, pairs: tuple[Pair, ...], content: LedgerContent) -> bool:
    """Tell whether an earlier decision on an idea stands: it is final, or nothing is new.

    Fewer seeds than before are not judged again: choosing the number of seeds by their scores would
    choose the largest of many e-values, which is not an e-value. With the same seeds, the level may
    have grown by other acceptances.
    """
    if earlier.decision == "ACCEPTED" or len(pairs) < earlier.n:
        return True
    return len(pairs) == earlier.n and content.accepted == earlier.accepted_before


def _decide(
    content: LedgerContent,
    baseline: ScoreSource,
    candidate: ScoreSource,
    pairs: tuple[Pair, ...],
    earlier: LedgerDecision | None,
) -> LedgerDecision:
    terms = content.terms
    budget = OnlineBudget(terms.alpha, terms.ideas)
    idea = content.ideas + 1 if earlier is None else earlier.idea
    level = budget.level(idea, content.accepted)
    seeds, theirs, ours = zip(*pairs, strict=True)
    step = max(
        baseline.step,
        candidate.step,
        1 / terms.samples if terms.samples else 0.0,
        common_step((*theirs, *ours)),
    )
    gain = weigh_gain(
        theirs,
        ours,
        lower_is_better=terms.better == "lower",
        at_least_by=terms.at_least_by,
        level=level,
        step=step,
    )
    decision = decide(gain.e_value, gain.e_against, level, terms.alpha)
    return LedgerDecision(
        previous=content.head,
        decided=datetime.datetime.now(datetime.UTC),
        idea=idea,
        baseline=_side(baseline, theirs),
        candidate=_side(candidate, ours),
        seeds=seeds,
        n=gain.n,
        step=step,
        gain=gain.mean,
        sd=gain.sd,
        low=finite_or_none(gain.low),
        high=finite_or_none(gain.high),
        e_value=gain.e_value,
        e_against=gain.e_against,
        accepted_before=content.accepted,
        level=level,
        decision=decision,
        more_seeds=gain.more_seeds,
        budget_left=budget.left(max(content.ideas, idea)),
    )


def _side(source: ScoreSource, scores: tuple[float, ...]) -> LedgerSide:
    return LedgerSide(
        name=source.name, source=source.source, sha256=source.sha256, scores=tuple(scores)
    )
