"""Decide again from the recorded scores, and compare with the verdicts that are stored."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from papertrial.auditing.compare_json import ROUNDING, Tolerance, alike
from papertrial.auditing.finding import Finding, cut_message, findings_of, noted, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.claims.evidence_series import evidence_series
from papertrial.claims.judge import judge
from papertrial.claims.labels import label, labels
from papertrial.claims.run_trial import Look, is_over, replay_trial
from papertrial.claims.verdict import Verdict, overall
from papertrial.errors import PapertrialError
from papertrial.judging.target_curves import target_curves
from papertrial.progress import Step
from papertrial.record import finite_or_none
from papertrial.report.report_files import read_report
from papertrial.store.report_record import Evidence, ExactResult, Report
from papertrial.store.verification_folder import OUTCOMES, REPORT_JSON, VERIFICATION
from papertrial.store.verification_records import ClaimLine, VerificationState
from papertrial.verification.claim_results import count_exact
from papertrial.verification.sample_results import outcome_of
from papertrial.vocabulary import score_name

Values = dict[str, object]  # of one claim, as JSON
_EXACT = ("metric", "split", "value", "verdict")
_FIRST = ("verdict", "scores", "mean", "sd", "low", "high")  # in the order that messages list


def decide_again(recorded: Recorded) -> Look:
    """Decide the verdicts again from the recorded seeds in their order, as the trial did.

    Claims about new samples take what each sample scored from the stored predictions.

    Raises:
        RunError: these predictions are absent or damaged.
        ClaimError: they are not for the same samples.
    """
    rule, path = recorded.rule, recorded.folder.path
    outcomes = [outcome_of(path, record, recorded.wanted) for record in recorded.records]
    return replay_trial(rule, outcomes)


def check_verdicts(
    recorded: Recorded, look: Look, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Compare verdicts decided again with those in verification.json and report.json.

    Raises:
        RunError: report.json is absent or damaged.
    """
    state = recorded.state
    if state is None or not recorded.is_finished:
        now = "not started" if state is None else state.state
        yield noted("verdicts", f"there are none to compare: the verification is {now!r}")
        return
    messages = []
    if not is_over(recorded.rule, look):
        after = recorded.rule.seeds[len(look.outcomes)]
        messages.append(f"{OUTCOMES} does not decide every claim, and seed {after} is not in it")
    names, claims = [label(claim) for claim in recorded.rule.claims], _claims_again(recorded, look)
    exact = yield from _exact_again(recorded, data)
    if isinstance(exact, Finding):
        yield exact
    messages += _unlike_state(state, look, names, claims, exact)
    stored = state.claims or ()
    counted = [c for c in stored[len(claims) :] if c.kind == "exact" and c.verdict is not None]
    verdicts = [ruling.verdict for ruling in look.rulings]
    verdicts += [line.verdict for line in counted if line.verdict is not None]
    verdict = overall(verdicts)
    report = read_report(recorded.folder.path)
    messages += _unlike_verdict(VERIFICATION, state.verdict, state.headline, verdict)
    messages += _unlike_report(recorded, report, look, names, claims, exact)
    messages += _unlike_verdict(REPORT_JSON, report.verdict, report.headline, verdict)
    messages += _unlike_seeds(recorded, report)
    shown = zip([*names, *map(_exact_name, counted)], verdicts, strict=True)
    listed = "; ".join(f"{name} {one}" for name, one in shown)
    yield from findings_of("verdicts", messages, f"decided again, they are the same: {listed}")


def check_unused_seeds(recorded: Recorded, look: Look) -> Iterator[Finding]:
    """Note registered seeds that ended, but that no verdict rests on."""
    used = {outcome.seed for outcome in look.outcomes}
    for seed in dict.fromkeys(outcome.seed for outcome in recorded.outcomes):
        if seed in recorded.rule.seeds and seed not in used:
            yield noted("seeds", f"seed {seed} ended, but no verdict rests on it")


def _claims_again(recorded: Recorded, look: Look) -> list[Values]:
    """Return the verdict and the numbers of each claim, decided again from the recorded scores."""
    medians = judge(recorded.rule.by_median, look.outcomes)
    rows = zip(recorded.rule.claims, look.rulings, medians, strict=True)
    return [
        {
            "metric": claim.metric,
            "split": claim.split,
            "kind": claim.kind,
            "value": claim.value,
            "tolerance": claim.tolerance,
            "n": len(ruling.scores),
            "mean": finite_or_none(ruling.mean),
            "sd": finite_or_none(ruling.sd),
            "low": finite_or_none(ruling.low),
            "high": finite_or_none(ruling.high),
            "holds_within": finite_or_none(ruling.holds_within),
            "verdict": ruling.verdict,
            "verdict_median": median.verdict,
            "decided_at": ruling.decided_at,
        }
        for claim, ruling, median in rows
    ]


def _exact_again(
    recorded: Recorded, data: str | Path | None
) -> Generator[Step, None, list[ExactResult] | Finding]:
    """Decide exact claims again by counting; return a finding if that is not possible here."""
    try:
        recipe = recorded.recipe()
        stated = [c for c in recipe.claims if c.kind == "exact" and c.not_judged is None]
        return (yield from count_exact(recipe, stated, data))
    except PapertrialError as error:
        return noted("verdicts", f"parameters and samples were not counted again: {error}")


def _unlike_state(
    state: VerificationState,
    look: Look,
    names: list[str],
    claims: list[Values],
    exact: list[ExactResult] | Finding,
) -> Iterator[str]:
    """Say where verification.json differs from what was decided again."""
    seeds = tuple(outcome.seed for outcome in look.outcomes)
    if state.seeds != seeds:
        took = f"{VERIFICATION} took the seeds {shortened(list(state.seeds or ()))}"
        yield f"{took}; decided again, they are {shortened(list(seeds))}"
    stored = [line.to_plain() for line in state.claims or ()]
    yield from _unlike_claims(VERIFICATION, stored, names, claims)
    if not isinstance(exact, Finding):
        others = [c for c in stored[len(claims) :] if c["kind"] == "exact" and c["verdict"]]
        ours: list[Values] = [{**_exact_values(one, _EXACT), "mean": one.ours} for one in exact]
        yield from _unlike_claims(VERIFICATION, others, list(map(_exact_name, exact)), ours)


def _unlike_report(
    recorded: Recorded,
    report: Report,
    look: Look,
    names: list[str],
    claims: list[Values],
    exact: list[ExactResult] | Finding,
) -> Iterator[str]:
    """Say where the claims in report.json differ from what was decided again."""
    seeds = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]
    evidence = evidence_series(recorded.rule, look.outcomes, look.rulings)
    curves = target_curves(recorded.rule, look)
    ours: list[Values] = [
        {
            **claim,
            "evidence": None if series is None else Evidence(**asdict(series)).to_plain(),
            "curve": None if curve is None else curve.to_plain(),
            "scores": [list(pair) for pair in zip(seeds, ruling.scores, strict=True)],
            "intervals": [
                [n, finite_or_none(low), finite_or_none(high)] for n, low, high in ruling.series
            ],
        }
        for claim, ruling, series, curve in zip(claims, look.rulings, evidence, curves, strict=True)
    ]
    yield from _unlike_claims(REPORT_JSON, [c.to_plain() for c in report.claims], names, ours)
    if not isinstance(exact, Finding):
        counted = [_exact_values(one, (*_EXACT, "ours")) for one in exact]
        stored = [one.to_plain() for one in report.exact]
        yield from _unlike_claims(REPORT_JSON, stored, list(map(_exact_name, exact)), counted)


def _exact_values(result: ExactResult, keys: Sequence[str]) -> Values:
    return {key: getattr(result, key) for key in keys}


def _unlike_claims(
    file: str, stored: Sequence[Values], names: Sequence[str], ours: Sequence[Values]
) -> Iterator[str]:
    """Say where the claims in a file differ from those that were decided again."""
    if len(stored) < len(ours):
        yield f"{file} has {len(stored)} claims, but {len(ours)} were registered"
        return
    for number, (name, had, has) in enumerate(zip(names, stored, ours, strict=False), 1):
        mean = has.get("mean")
        scale = abs(mean) if isinstance(mean, float) else 0.0
        near = Tolerance(ROUNDING.relative, ROUNDING.absolute * max(1.0, scale))
        changed = [key for key in has if not alike(had[key], has[key], near)]
        if changed:
            which = f"claim {number}, " if len(ours) > 1 else ""
            listed = "; ".join(
                _unlike_value(key, had[key], has[key]) for key in sorted(changed, key=_rank)
            )
            yield cut_message(f"{file}, {which}{name}: {listed}")


def _rank(key: str) -> tuple[int, str]:
    """Sort values that differ from those decided again: the verdict, the scores, then the rest."""
    return _FIRST.index(key) if key in _FIRST else len(_FIRST), key


def _unlike_value(key: str, had: object, has: object) -> str:
    """Say how a stored value of a claim differs from the one decided again."""
    if isinstance(had, list) and isinstance(has, list) and len(had) == len(has):
        unlike = [one for one, other in zip(had, has, strict=True) if one != other]
        return f"{len(unlike)} of {len(has)} {key} differ ({shortened(unlike[0], 40)})"
    if isinstance(had, float) and isinstance(has, float) and f"{had:.6g}" != f"{has:.6g}":
        return f"{key} is {had:.6g}, decided again {has:.6g}"
    return f"{key} is {shortened(had, 40)}, decided again {shortened(has, 40)}"


def _unlike_verdict(
    file: str, stored: str | None, headline: str | None, verdict: Verdict
) -> Iterator[str]:
    """Compare the overall verdict decided again with the stored one and with the headline."""
    for key, value in (("verdict", stored), ("headline", headline)):
        text = str(value)
        begins = text.removeprefix(verdict)[:1] in ("", " ", ":")
        if not text.startswith(verdict) or not begins:
            yield f"{file}: {key} is {shortened(text)}; decided again, the verdict is {verdict}"


def _unlike_seeds(recorded: Recorded, report: Report) -> Iterator[str]:
    """Say which seeds in report.json do not have the recorded scores, which decide the verdicts."""
    rows, claims = {row.seed: row for row in report.seeds}, recorded.rule.claims
    for record in recorded.records:
        row = rows.get(record.seed)
        scores = dict(zip(labels(claims), record.numbers(claims), strict=False))
        if row is None or (row.state, row.scores) != (record.state, scores):
            yield f"{REPORT_JSON}: its row of seed {record.seed} is not what {OUTCOMES} has"
    for seed in rows.keys() - {record.seed for record in recorded.records}:
        yield f"{REPORT_JSON} has a row of seed {seed}, but {OUTCOMES} does not"


def _exact_name(claim: ClaimLine | ExactResult) -> str:
    """Return the name of an exact claim, as the list of verdicts shows it."""
    return score_name(claim.split, claim.metric)
