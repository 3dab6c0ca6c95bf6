"""How evidence is counted, how much of it is enough, and what it says, in plain words."""

from __future__ import annotations

from papertrial.claims.choose import choose
from papertrial.claims.decision_steps import sentence
from papertrial.claims.error_words import valid_scores
from papertrial.claims.evidence_series import LARGEST, EvidenceSeries
from papertrial.claims.explain_target import counted_of
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import theta_label
from papertrial.claims.new_samples import SEEDS_PART
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling
from papertrial.numbers import as_written, evidence, number, percent, plural


def say_counted(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Return how evidence is counted, and which SD it is counted with."""
    choice = choose(claim, rule)
    about = theta_label(claim, choice.supports)
    more = "how many times more probable our scores are if"
    text = (
        f"Evidence for the claim says {more} the {about} lies in the band than if it lies outside."
    )
    with_sd = _counted_sd(claim, ruling, rule)
    if claim.reach is not None:
        return f"{text} {counted_of(claim.reach)}{with_sd}"
    if choice.opposes is None:
        return (
            f"{text} There is no evidence against this claim: the reported number has noise of its "
            "own, and this test cannot take it into account."
            f"{with_sd}"
        )
    if claim.reference:
        source = "a single run" if claim.reference == 1 else f"a mean of {claim.reference} runs"
        return (
            f"{text} Evidence against it compares two explanations of the reported number: that it "
            f"is {source} of our distribution, whose expected score lies in the band, and that it "
            f"comes from another distribution.{with_sd}"
        )
    text = f"{text} Evidence against it is the same the other way round.{with_sd}"
    if claim.is_about_new_samples:
        text += (
            " Other test samples would give other scores: for each verdict, the edges of the band "
            "are first moved, against the verdict, as far as the choice of the samples may explain."
        )
    return text


def say_enough(claim: JudgedClaim, rule: Rule, series: EvidenceSeries) -> str:
    """Return how much evidence decides, and how often that is wrong."""
    same = series.opposes is None or series.level == series.level_against
    level = percent(series.level) if same else percent(max(series.level, series.level_against))
    if rule.horizon == "fixed":
        at = f"{_threshold(series)}, found by simulation for {_simulated_for(rule)}"
    else:
        part = SEEDS_PART if claim.is_about_new_samples else 1
        at = f"{_threshold(series)} = 1/{percent(series.level * part)}"
        if not same:
            at += f" and 1/{percent(series.level_against * part)}"
    if claim.is_about_new_samples:
        at += (
            f": half of an error of {level}, of which the other half is left to the choice of the "
            "test samples"
        )
    text = (
        f"{at}. Evidence for a false claim ever reaches it with a probability of at most {level} "
        f"for {valid_scores(rule, claim)}, {_however(rule)}, and so does evidence against a true "
        "claim"
    )
    if claim.side == "about":
        text += " (at most twice that if the tolerance is small against the SD)"
    if len(rule.claims) > 1:
        text += (
            f". The {len(rule.claims)} claims of this verification share a probability of error of "
            f"{percent(rule.alpha)} (Holm's procedure)"
        )
    return f"{text}."


def _simulated_for(rule: Rule) -> str:
    """Return for which numbers of seeds a threshold was simulated, so that it is enough there."""
    if rule.one_look:
        return f"one look at {plural(rule.first_look, 'seed')}, a number that was fixed in advance"
    return f"at most {len(rule.seeds)} seeds"


def _however(rule: Rule) -> str:
    """Return what enough evidence allows for: any number of looks, or any reason to stop."""
    if not rule.one_look:
        return "even though we look after each seed"
    if rule.horizon == "fixed":
        return "if the number of seeds did not depend on the scores"
    return "even if the number of seeds was chosen by the scores"


def say_result(ruling: Ruling, rule: Rule, series: EvidenceSeries) -> str:
    """Return what the evidence says, and the verdict that follows."""
    if ruling.withdrawn:
        return _withdrawn(ruling, series)
    n, supports, opposes = series.after[-1]
    if ruling.decided_at is not None:
        _, supports, opposes = series.after[ruling.decided_at - rule.first_look]
        for_it = ruling.verdict == "REPRODUCED"
        found, at = (supports, series.supports) if for_it else (opposes, series.opposes)
        needed = "the threshold" if at is None else evidence(at, "up")
        first = "" if rule.one_look else " for the first time"
        return (
            f"After {plural(ruling.decided_at, 'finished seed')} the evidence "
            f"{'for' if for_it else 'against'} the claim was {_evidence(found)} and reached "
            f"{needed}{first}, so the claim is {ruling.verdict}."
        )
    both = f"the evidence for the claim is {_evidence(supports)}"
    if series.opposes is not None:
        both += f", and the evidence against it {_evidence(opposes)}"
    reason = "This is not enough" if ruling.held else sentence(say_missing(ruling, rule))
    return (
        f"After {plural(n, 'finished seed')} {both}. {reason}, so the claim is UNDECIDED: these "
        "seeds neither confirm nor refute it."
    )


def say_missing(ruling: Ruling, rule: Rule) -> str:
    """Return why there is no evidence before the first look."""
    if not ruling.held:
        return f"more seeds failed than the {percent(rule.max_diverged)} that the rule allows"
    return (
        f"nothing is decided before {rule.first_look} finished seeds, because fewer scores say too "
        f"little; there are {len(ruling.scores)}"
    )


def _withdrawn(ruling: Ruling, series: EvidenceSeries) -> str:
    """Return what happened to a verdict that later seeds contradicted."""
    at = (n for n, found, _ in series.after if series.supports and found >= series.supports)
    first = next(at, None)
    when = "at an earlier look" if first is None else f"after {plural(first, 'finished seed')}"
    return (
        f"The claim was REPRODUCED {when}. The seeds after it scored otherwise: after "
        f"{len(ruling.scores)} no value agrees with all looks. So the scores are not what the test "
        "assumes, and the verdict is withdrawn: the claim is UNDECIDED, and stays so."
    )


def _counted_sd(claim: JudgedClaim, ruling: Ruling, rule: Rule) -> str:
    """Return which SD evidence is counted with, if it is not just that of our scores; else ""."""
    if rule.statistic_of(claim) == "median" or (rule.sd is not None and rule.sd.n is None):
        return ""
    text = ""
    if claim.step > ruling.sd:
        text += (
            f" The score moves in steps of {as_written(claim.step)}, so equal scores do not mean "
            "that seeds do not differ: evidence is counted with the SD that rounding may hide."
        )
    theirs = claim.reported_sd
    if claim.has_noise and theirs is not None and theirs > ruling.sd:
        text += (
            f" The SD that the paper reports, {as_written(theirs)}, is larger than ours, "
            f"{number(ruling.sd, ruling.sd)}: evidence against the claim is counted with it."
        )
    return text


def _threshold(series: EvidenceSeries) -> str:
    """Return the threshold in words, or both if they differ."""
    known = [at for at in (series.supports, series.opposes) if at is not None]
    texts = [evidence(at, "up") for at in known]
    if len(set(texts)) < 2:
        return texts[0]
    return f"{texts[0]} for the claim and {texts[1]} against it"


def _evidence(value: float) -> str:
    return f"{evidence(value)} or more" if value >= LARGEST else evidence(value)
