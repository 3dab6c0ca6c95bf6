"""Verdicts taken once more from the scores on record, and compared with those that are told."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from papertrial.auditing.check_registration import read_object
from papertrial.auditing.finding import Finding, cut, differing, noted, shown
from papertrial.auditing.record import Kept
from papertrial.claims.judge import judge
from papertrial.claims.labels import label, labels
from papertrial.claims.ruling import Ruling, overall
from papertrial.claims.run_trial import Look, is_over
from papertrial.errors import PapertrialError
from papertrial.progress import Step
from papertrial.store.verification_folder import OUTCOMES, REPORT_JSON, VERIFICATION
from papertrial.verification.claim_results import exactly
from papertrial.verification.verify import recipe_of

# The same sums on another machine may differ in their last bits.
_RELATIVE = 1e-9


def replay(kept: Kept) -> Look:
    """Take the registered seeds in their order, as the trial did, until the claims are decided."""
    ended = {outcome.seed: outcome for outcome in kept.outcomes}
    look = Look((), judge(kept.rule, ()))
    while not is_over(kept.rule, look) and kept.rule.seeds[len(look.outcomes)] in ended:
        outcomes = (*look.outcomes, ended[kept.rule.seeds[len(look.outcomes)]])
        look = Look(outcomes, judge(kept.rule, outcomes))
    return look


def check_verdicts(
    kept: Kept, look: Look, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Compare verdicts, means and intervals with verification.json and report.json."""
    state = kept.folder.state
    if state.get("state") != "finished":
        yield noted("verdicts", f"none to compare: the verification is {state.get('state')!r}")
        return
    messages = []
    if not is_over(kept.rule, look):
        after = kept.rule.seeds[len(look.outcomes)]
        messages.append(f"{OUTCOMES} decides not every claim, and seed {after} is not in it")
    claims = _claims(kept, look)
    exact = yield from _exact(kept, data)
    if isinstance(exact, Finding):
        yield exact
    seeds = [outcome.seed for outcome in look.outcomes]
    if state.get("seeds") != seeds:
        took = shown(state.get("seeds"))
        messages.append(f"{VERIFICATION} took the seeds {took}; taken anew they are {shown(seeds)}")
    messages += _told(VERIFICATION, state.get("claims"), claims)
    others = [c for c in _list(state.get("claims"))[len(claims) :] if c.get("kind") == "exact"]
    others = [claim for claim in others if claim.get("verdict") is not None]
    if not isinstance(exact, Finding):
        messages += _told(VERIFICATION, others, exact)
    verdicts = [claim["verdict"] for claim in [*claims, *others]]
    messages += _overall(VERIFICATION, state, overall(verdicts))
    report = read_object(kept.folder, REPORT_JSON)
    messages += _told(REPORT_JSON, report.get("claims"), _with_scores(claims, look))
    if not isinstance(exact, Finding):
        ours = [{**claim, "ours": claim["mean"]} for claim in exact]
        told = ("metric", "split", "value", "ours", "verdict")
        messages += _told(REPORT_JSON, report.get("exact"), [{k: c[k] for k in told} for c in ours])
    messages += _overall(REPORT_JSON, report, overall(verdicts))
    messages += _listed(kept, report)
    counted = "; ".join(f"{_name(claim)} {claim['verdict']}" for claim in [*claims, *others])
    yield from differing("verdicts", messages, f"taken anew, they are the same: {counted}")


def _claims(kept: Kept, look: Look) -> list[dict[str, Any]]:
    """Return what the scores on record say of each claim."""
    other: Any = "mean" if kept.rule.statistic == "median" else "median"
    beside = judge(replace(kept.rule, statistic=other), look.outcomes)
    return [
        {
            "metric": claim.metric,
            "split": claim.split,
            "label": label(claim),
            "kind": claim.kind,
            "value": claim.value,
            "tolerance": claim.tolerance,
            "n": len(ruling.scores),
            **{name: _finite(getattr(ruling, name)) for name in ("mean", "sd", "low", "high")},
            "holds_within": _finite(ruling.holds_within),
            "verdict": ruling.verdict,
            "verdict_median": (ruling if other == "mean" else second).verdict,
            "decided_at": ruling.decided_at,
        }
        for claim, ruling, second in zip(kept.rule.claims, look.rulings, beside, strict=True)
    ]


def _with_scores(claims: list[dict[str, Any]], look: Look) -> list[dict[str, Any]]:
    """Add what report.json has beside: each score, and the interval after each seed."""
    seeds = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]

    def more(ruling: Ruling) -> dict[str, Any]:
        series = [[n, _finite(low), _finite(high)] for n, low, high in ruling.series]
        pairs = zip(seeds, ruling.scores, strict=True)
        return {"scores": [list(pair) for pair in pairs], "intervals": series}

    return [{**claim, **more(ruling)} for claim, ruling in zip(claims, look.rulings, strict=True)]


def _exact(
    kept: Kept, data: str | Path | None
) -> Generator[Step, None, list[dict[str, Any]] | Finding]:
    """Count parameters and samples once more; a finding where the data are not there."""
    try:
        recipe = recipe_of(kept.folder)
        stated = [c for c in recipe.claims if c.kind == "exact" and c.not_judged is None]
        counted = yield from exactly(recipe, stated, data)
    except PapertrialError as error:
        return noted("verdicts", f"parameters and samples were not counted again: {error}")
    shown = ("metric", "split", "value", "verdict")
    return [{**{key: one[key] for key in shown}, "mean": one["ours"]} for one in counted]


def _told(name: str, told: Any, ours: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where a file tells other numbers of the claims than those found anew."""
    told = _list(told)
    if len(told) < len(ours):
        return [f"{name} tells of {len(told)} claims, {len(ours)} were registered"]
    messages = []
    for number, (said, claim) in enumerate(zip(told, ours, strict=False), 1):
        unlike = [
            _apart(key, said.get(key), claim[key])
            for key in sorted(set(claim) - {"label"}, key=_rank)
            if not _same(said.get(key), claim[key], abs(claim.get("mean") or 0.0))
        ]
        if unlike:
            which = f"claim {number}, " if len(ours) > 1 else ""
            messages.append(cut(f"{name}, {which}{_name(claim)}: {'; '.join(unlike)}"))
    return messages


def _rank(key: str) -> tuple[int, str]:
    """Order what is told of a claim: the verdict, then the scores, then what they give."""
    first = ("verdict", "scores", "mean", "sd", "low", "high")
    return first.index(key) if key in first else len(first), key


def _apart(key: str, told: Any, ours: Any) -> str:
    """Say in what a value differs from that taken anew; of a list, how much of it."""
    if isinstance(told, list) and isinstance(ours, list) and len(told) == len(ours):
        unlike = [one for one, other in zip(told, ours, strict=True) if one != other]
        return f"{len(unlike)} of {len(ours)} {key} are others ({shown(unlike[0], 40)})"
    if isinstance(told, float) and isinstance(ours, float) and f"{told:.6g}" != f"{ours:.6g}":
        return f"{key} is {told:.6g}, taken anew {ours:.6g}"
    return f"{key} is {shown(told, 40)}, taken anew {shown(ours, 40)}"


def _overall(name: str, told: Mapping[str, Any], verdict: str) -> Iterator[str]:
    """Compare the verdict over all claims, and the sentence that begins with it."""
    for key in ("verdict", "headline"):
        said = str(told.get(key))
        begins = said.removeprefix(verdict)[:1] in ("", " ", ":")
        if not said.startswith(verdict) or not begins:
            yield f"{name}: {key} is {shown(said)}; taken anew the verdict is {verdict}"


def _listed(kept: Kept, report: Mapping[str, Any]) -> Iterator[str]:
    """Compare the report's table of seeds with outcomes.jsonl."""
    told = {row.get("seed"): row for row in _list(report.get("seeds"))}
    for record in kept.records:
        row = told.get(record["seed"], {})
        scores = [s[0] - s[1] if len(s) > 1 else s[0] for s in record["scores"]]
        ours = dict(zip(labels(kept.rule.claims), scores, strict=False))
        if (row.get("state"), row.get("scores")) != (record["state"], ours):
            yield f"{REPORT_JSON}: its row of seed {record['seed']} is not what {OUTCOMES} has"
    for seed in set(told) - {record["seed"] for record in kept.records}:
        yield f"{REPORT_JSON} has a row of seed {seed}, which {OUTCOMES} has not"


def _same(one: Any, other: Any, scale: float) -> bool:
    """Compare plain values, floats but for their last bits; `scale` is that of the scores."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _same(a, b, scale) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, float | int) and isinstance(other, float | int):
        near = 1e-3 * _RELATIVE * max(1.0, scale)
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=near)
    return bool(one == other)


def _name(claim: Mapping[str, Any]) -> str:
    if claim.get("label"):
        return str(claim["label"])
    return " ".join(str(claim[key]) for key in ("split", "metric") if claim.get(key) is not None)


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
