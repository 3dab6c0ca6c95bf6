"""How a claim was decided, step by step, for a reader who knows no statistics."""

from __future__ import annotations

import math

from papertrial.claims.choose import choose
from papertrial.claims.evidence_series import LARGEST, EvidenceSeries
from papertrial.claims.explain_ruling import explain_cost
from papertrial.claims.explain_target import (
    counted_of,
    explain_target,
    measured_of,
    other_targets,
)
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import score_label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, is_inside
from papertrial.claims.verdict import Verdict
from papertrial.numbers import (
    as_written,
    band,
    between,
    evidence,
    margin,
    number,
    percent,
    plural,
    whole,
)

Steps = tuple[tuple[str, str], ...]  # (question, answer)

CLAIMED = "What was claimed"
ALLOWED = "What counts as the same"
MEASURED = "What was measured"
COUNTED = "How evidence is counted"
ENOUGH = "How much evidence is enough"
RESULT = "What the evidence says"
INTERVAL = "Where our number lies"
DECIDED = "The result"
CHANGE = "What would have changed it"


def explain_decision(
    claim: JudgedClaim, ruling: Ruling, rule: Rule, series: EvidenceSeries | None
) -> Steps:
    """Explain how a claim was decided: questions with their answers, in plain words.

    Args:
        claim: the claim.
        ruling: on it.
        rule: that it was decided by.
        series: its evidence; None before the first look and for a deterministic training.
    """
    steps = [(CLAIMED, _claimed(claim)), (ALLOWED, _allowed(claim))]
    if ruling.deterministic:
        return (*steps, *_deterministic(claim, ruling, rule))
    steps.append((MEASURED, _measured(claim, ruling, rule)))
    if series is None:
        text = f"{_sentence(_missing(ruling, rule))}, so the claim is UNDECIDED."
        change = f"At least {rule.first_look} finished seeds."
        return (*steps, (DECIDED, text), (CHANGE, change))
    return (
        *steps,
        (COUNTED, _counted(claim, rule)),
        (ENOUGH, _enough(claim, rule, series)),
        (RESULT, _result(ruling, rule, series)),
        (INTERVAL, _interval(claim, ruling, rule)),
        (CHANGE, _change(claim, ruling, rule, series)),
    )


def explain_exact(what: str, low: float, high: float, ours: float, verdict: Verdict) -> Steps:
    """Explain how an exact claim was decided: a count is compared, without training.

    Args:
        what: the claim in words: "parameters: 4,810".
        low, high: the counts that the reported number may stand for.
        ours: our count.
        verdict: on it.
    """
    exactly = low == high
    allowed = (
        f"Exactly {whole(low)}."
        if exactly
        else f"{whole(low)} to {whole(high)}: every number that the printed digits may stand for."
    )
    inside = "equals it" if exactly else "is one of them"
    outside = "is another number" if exactly else "is outside"
    result = f"Our count {inside if low <= ours <= high else outside}: {verdict}."
    return (
        (CLAIMED, f"{_sentence(what)}."),
        (ALLOWED, allowed),
        (MEASURED, f"Counted without training: {whole(ours)}. Chance plays no part in it."),
        (DECIDED, result),
        (CHANGE, "Only another count: there is no tolerance, and seeds do not change it."),
    )


def explain_not_judged(what: str, reason: str) -> Steps:
    """Explain why a claim is not judged.

    Args:
        what: the claim in words.
        reason: why it is not judged.
    """
    return (
        (CLAIMED, f"{_sentence(what)}."),
        (DECIDED, f"Not judged: {reason.rstrip('.')}. The claim has no verdict."),
        (CHANGE, "A verification with the setting that the claim is about."),
    )


def _claimed(claim: JudgedClaim) -> str:
    score, value = score_label(claim), as_written(claim.value)
    if claim.reach is not None:
        return explain_target(claim, claim.reach)
    chosen = " It is from the epoch that was best on the test split." * claim.best_epoch_on_test
    if claim.side != "about":
        return f"The {score} is {claim.side.replace('-', ' ')} {value}.{chosen}"
    if claim.best_of:
        return f"The best of {plural(claim.best_of, 'run')} has a {score} of {value}.{chosen}"
    if claim.kind == "single-run":
        return f"A single run has a {score} of {value}.{chosen}"
    if claim.reference:
        return f"The mean {score} of {plural(claim.reference, 'run')} is {value}.{chosen}"
    return f"The expected {score}, the mean over very many runs, is {value}.{chosen}"


def _allowed(claim: JudgedClaim) -> str:
    if claim.reach is not None:
        return f"{_sentence(band(*claim.band))}. These numbers are the band of the claim."
    width = f"the tolerance is {as_written(claim.tolerance)}"
    if claim.low != claim.high:
        width += f", and the printed digits may stand for {band(claim.low, claim.high)}"
    return f"{_sentence(band(*claim.band))}: {width}. These numbers are the band of the claim."


def _measured(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    n = len(ruling.scores)
    if n == 0:
        return "No seed finished, so there is no score."
    what = "difference" if claim.has_two_sides else "score"
    if claim.reach is not None:
        what = measured_of(claim.reach)
    subject = "both sides were" if claim.has_two_sides else "the recipe was"
    trained = f"With {plural(n, 'seed')} {subject} trained to the end"
    if n == 1:
        return f"{trained}: the {what} is {number(ruling.mean)}."
    middle = f"the mean {what} is {number(ruling.mean, ruling.sd)}"
    if rule.statistic_of(claim) == "median":
        middle = f"the median {what} is {number(ruling.median, ruling.sd)}, {middle}"
    return (
        f"{trained}: {middle}, and the standard deviation (SD), which says how much seeds differ, "
        f"is {number(ruling.sd, ruling.sd)}."
    )


def _missing(ruling: Ruling, rule: Rule) -> str:
    """Say why there is no evidence before the first look."""
    if not ruling.held:
        return f"more seeds failed than the {percent(rule.max_diverged)} that the rule allows"
    return (
        f"nothing is decided before {rule.first_look} finished seeds, because fewer scores say too "
        f"little; there are {len(ruling.scores)}"
    )


def _counted(claim: JudgedClaim, rule: Rule) -> str:
    choice = choose(claim, rule)
    about = choice.supports.about(score_label(claim))
    more = "how many times more probable our scores are if"
    text = (
        f"Evidence for the claim says {more} the {about} lies in the band than if it lies outside."
    )
    if claim.reach is not None:
        return f"{text} {counted_of(claim.reach)}"
    if choice.opposes is None:
        return (
            f"{text} There is no evidence against this claim: the reported number has noise of its "
            "own, and this test cannot take it into account."
        )
    if claim.reference:
        source = "a single run" if claim.reference == 1 else f"a mean of {claim.reference} runs"
        return (
            f"{text} Evidence against it says {more} they come from another distribution than the "
            f"reported number than if {source} like ours gave a number in the band."
        )
    return f"{text} Evidence against it is the same the other way round."


def _enough(claim: JudgedClaim, rule: Rule, series: EvidenceSeries) -> str:
    level = percent(series.level)
    if rule.horizon == "fixed":
        at = f"{_threshold(series)}, found by simulation for at most {len(rule.seeds)} seeds"
    else:
        at = f"{_threshold(series)} = 1/{level}"
    text = (
        f"{at}. Evidence for a false claim ever reaches it with a probability of at most {level} "
        f"for {_scores_of(claim, rule)}, even though we look after each seed, and so does evidence "
        "against a true claim"
    )
    if claim.side == "about":
        text += " (at most twice that if the tolerance is small against the SD)"
    if len(rule.claims) > 1:
        text += (
            f". The {len(rule.claims)} claims of this verification share a probability of error of "
            f"{percent(rule.alpha)} (Holm's procedure)"
        )
    return f"{text}."


def _scores_of(claim: JudgedClaim, rule: Rule) -> str:
    """Return in words the scores that the rule's tests are valid for."""
    return (
        "scores of any continuous distribution"
        if rule.statistic_of(claim) == "median"
        else "normal scores"
    )


def _threshold(series: EvidenceSeries) -> str:
    """Return the threshold in words, or both if they differ."""
    known = [at for at in (series.supports, series.opposes) if at is not None]
    texts = [evidence(at, "up") for at in known]
    if len(set(texts)) < 2:
        return texts[0]
    return f"{texts[0]} for the claim and {texts[1]} against it"


def _result(ruling: Ruling, rule: Rule, series: EvidenceSeries) -> str:
    n, supports, opposes = series.after[-1]
    if ruling.decided_at is not None:
        _, supports, opposes = series.after[ruling.decided_at - rule.first_look]
        for_it = ruling.verdict == "REPRODUCED"
        found, at = (supports, series.supports) if for_it else (opposes, series.opposes)
        needed = "the threshold" if at is None else evidence(at, "up")
        return (
            f"After {plural(ruling.decided_at, 'finished seed')} the evidence "
            f"{'for' if for_it else 'against'} the claim was {_evidence(found)} and reached "
            f"{needed} for the first time, so the claim is {ruling.verdict}."
        )
    both = f"the evidence for the claim is {_evidence(supports)}"
    if series.opposes is not None:
        both += f", and the evidence against it {_evidence(opposes)}"
    reason = "This is not enough" if ruling.held else _sentence(_missing(ruling, rule))
    return (
        f"After {plural(n, 'finished seed')} {both}. {reason}, so the claim is UNDECIDED: these "
        "seeds neither confirm nor refute it."
    )


def _evidence(value: float) -> str:
    return f"{evidence(value)} or more" if value >= LARGEST else evidence(value)


def _interval(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    about = choose(claim, rule).supports.about(score_label(claim))
    if ruling.low > ruling.high:
        return (
            f"No {about} agrees with the scores at all looks: they changed in the course of the "
            "seeds."
        )
    if math.isinf(ruling.low) and math.isinf(ruling.high):
        return f"The scores do not yet limit the {about} on either side."
    low, high = claim.band
    inside = low <= ruling.low and ruling.high <= high
    outside = ruling.high < low or ruling.low > high
    where = "inside" if inside else "outside" if outside else "partly inside"
    return (
        f"The {about} is {between(ruling.low, ruling.high, ruling.sd)}, {where} the band. For "
        f"{_scores_of(claim, rule)}, each side of this interval is wrong with a probability of at "
        f"most {percent(ruling.level)}."
    )


def _change(claim: JudgedClaim, ruling: Ruling, rule: Rule, series: EvidenceSeries) -> str:
    texts = [_tolerances(ruling, series)]
    if claim.reach is not None:
        texts = [other_targets(claim, ruling)]
    if ruling.verdict == "UNDECIDED":
        if not ruling.held:
            allowed = percent(rule.max_diverged)
            texts.append(f"At most {allowed} of the seeds may fail for a claim to be decided.")
        cost = explain_cost(claim, ruling, rule)
        if cost:
            texts.append(f"{_sentence(cost)}; there are {len(ruling.scores)}.")
    return " ".join(texts)


def _tolerances(ruling: Ruling, series: EvidenceSeries) -> str:
    """Return a sentence on the verdicts that other tolerances would have given on these scores."""
    within, against = ruling.holds_within, series.refuted_within
    if within == 0:
        return "On these scores, the claim is REPRODUCED with every tolerance, even with 0."
    least, most = margin(within, ruling.sd), margin(against, ruling.sd, "down")
    if math.isinf(within):
        if against is None:
            return "On these scores, no tolerance decides the claim."
        return (
            f"On these scores, the claim is NOT REPRODUCED with a tolerance of less than {most}, "
            "and UNDECIDED with more."
        )
    if against is None:
        return (
            f"On these scores, the claim is REPRODUCED with a tolerance of {least} or more, and "
            "UNDECIDED with less."
        )
    return (
        f"On these scores, the claim is REPRODUCED with a tolerance of {least} or more, NOT "
        f"REPRODUCED with less than {most}, and UNDECIDED in between."
    )


def _sentence(text: str) -> str:
    """Return a text with a capital at its beginning, whose other letters stay as they are."""
    return f"{text[:1].upper()}{text[1:]}"


def _deterministic(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> Steps:
    """Explain a ruling on a deterministic training, from what was measured on."""
    value = number(ruling.low)
    inside = is_inside(claim, ruling.low)
    where = f"The score {value} is {'inside' if inside else 'outside'} the band"
    verdict = f"{where}: {ruling.verdict}. No test is needed, because chance plays no part in it."
    if ruling.verdict == "UNDECIDED":
        verdict = f"{where}, but {_missing(ruling, rule)}: UNDECIDED."
    least = as_written(ruling.holds_within)
    change = (
        f"With a tolerance of {least} or more the claim is REPRODUCED, otherwise NOT REPRODUCED. "
        "More seeds do not change the score."
    )
    return (
        (MEASURED, f"Different seeds give the same weights, bit for bit, so each scores {value}."),
        (DECIDED, verdict),
        (CHANGE, change),
    )
