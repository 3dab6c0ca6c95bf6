"""Rulings as they are told, kept with a verification, and reported."""

from __future__ import annotations

import math
import shlex
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from papertrial import experiment
from papertrial.claims import words
from papertrial.claims.claim import Claim
from papertrial.claims.intervals import divergence_bound, prediction
from papertrial.claims.judge import Ruling, judge
from papertrial.claims.rule import Rule
from papertrial.claims.trial import Look
from papertrial.data.sources import data_folder
from papertrial.data.steps import Step
from papertrial.errors import ClaimError, RunError
from papertrial.recipe.claims import Claim as Stated
from papertrial.recipe.schema import Recipe
from papertrial.registration import Registration, describe
from papertrial.reporting import parts_of_runs
from papertrial.run import load_run
from papertrial.runs.store import RECIPE
from papertrial.runs.verifications import VerificationFolder, verifications
from papertrial.training.device import on_device

# What `verify --json` and verification.json tell of each claim, in this order.
_TOLD = (
    "metric", "split", "kind", "value", "tolerance", "n", "mean", "sd", "low", "high",
    "holds_within", "verdict", "why", "verdict_median", "decided_at",
)  # fmt: skip


def exactly(
    recipe: Recipe, claims: Sequence[Stated], data: str | Path | None
) -> Generator[Step, None, list[dict[str, Any]]]:
    """Decide the claims on numbers that no seed changes, without training: by equality.

    Of a number printed in short, 0.27M, every number that it may stand for is equal to it.

    Raises:
        ClaimError: a claim is about a split that there is not.
    """
    if not claims:
        return []
    with on_device("cpu", 1) as device:
        parts = yield from experiment.prepare(recipe, data_folder(data), device)
    decided = []
    splits = parts.samples.dataset.splits
    for claim in claims:
        if claim.metric == "samples" and claim.split not in splits:
            rule = f"claims: there is no {claim.split} split to count the samples of"
            raise ClaimError(f"{rule}; the data have {', '.join(splits)}")
        ours = (
            len(splits[claim.split])
            if claim.metric == "samples"
            else sum(p.numel() for p in parts.train.model.parameters())
        )
        low, high = claim.printed_interval
        decided.append(
            {
                "metric": claim.metric,
                "split": None if claim.metric == "parameters" else claim.split,
                "value": claim.number,
                "ours": ours,
                "verdict": "REPRODUCED" if low <= ours <= high else "NOT REPRODUCED",
                "where": claim.where,
                "url": claim.url,
            }
        )
    return decided


def lines(asked: Registration, look: Look) -> list[str]:
    """Say in a line a claim how it stands."""
    said = []
    for claim, ruling in zip(asked.rule.claims, look.rulings, strict=True):
        value = words.number(claim.value, ruling.sd)
        text = f"{claim.split} {claim.metric} {value} reported; ours "
        if ruling.scores:
            text += words.number(ruling.mean, ruling.sd)
            sd = words.number(ruling.sd, ruling.sd)
            text += f" (SD {sd}, n = {len(ruling.scores)})" if len(ruling.scores) > 1 else ""
            if math.isfinite(ruling.low) and math.isfinite(ruling.high):
                text += f", interval {words.between(ruling.low, ruling.high, ruling.sd)}"
        else:
            text += "not known yet"
        said.append(f"{text}: {ruling.verdict}")
    return said


def summary(
    recipe: Recipe, asked: Registration, look: Look, exact: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what verification.json keeps of the verdicts."""
    claims = _claims(asked, look)
    short = [{key: claim[key] for key in _TOLD} for claim in claims]
    short += [
        {
            **dict.fromkeys(_TOLD),
            **{key: decided[key] for key in ("metric", "split", "value", "verdict")},
            "kind": "exact",
            "tolerance": 0,
            "n": 0,
            "mean": decided["ours"],
            "why": f"counted without training: {decided['ours']:,}",
        }
        for decided in exact
    ]
    verdict = words.overall([claim["verdict"] for claim in short])
    seeds = sum(outcome.state == "finished" for outcome in look.outcomes)
    return {
        "verdict": verdict,
        "headline": words.headline(recipe.name, verdict, len(short), seeds, recipe.deviations),
        "claims": short,
    }


def report(
    folder: VerificationFolder,
    recipe: Recipe,
    asked: Registration,
    look: Look,
    exact: Sequence[Mapping[str, Any]],
    state: Mapping[str, Any],
    data: str | Path | None,
) -> dict[str, Any]:
    """Return the whole report of a verification, as report.json keeps it."""
    used = {outcome.seed for outcome in look.outcomes}
    records = {record["seed"]: record for record in folder.outcomes()}
    finished = [o for o in look.outcomes if o.state == "finished"]
    runs = [load_run(folder.path / records[o.seed]["runs"][0]) for o in finished]
    parts = parts_of_runs(runs, data=data) if runs else {}
    failed = len(look.outcomes) - len(finished)
    with_deviations = state["verdict"] == "REPRODUCED" and recipe.deviations
    names = [f"{claim.split} {claim.metric}" for claim in asked.rule.claims]
    return {
        "kind": "verification",
        "recipe": recipe.name,
        "task": recipe.task,
        "paper": recipe.paper.model_dump(mode="json"),
        "headline": state["headline"],
        "verdict": "REPRODUCED WITH DEVIATIONS" if with_deviations else state["verdict"],
        "deviations": list(recipe.deviations),
        "warnings": [*asked.warnings, *parts.pop("warnings", [])],
        "claims": _claims(asked, look) + [_not_judged(claim) for claim in asked.not_judged],
        "exact": [dict(decided) for decided in exact],
        "seeds": [
            {
                "seed": seed,
                "state": record["state"],
                "error": record["error"],
                "seconds": record.get("seconds"),
                "run": (record.get("runs") or [None])[0],
                "scores": {
                    name: score[0] for name, score in zip(names, record["scores"], strict=False)
                },
                "used": seed in used,
            }
            for seed, record in sorted(records.items(), key=lambda item: _order(asked, item[0]))
        ],
        "varied": "the training seed: weights, order of the batches, augmentation and dropout "
        "are drawn anew by each",
        "diverged": {
            "count": failed,
            "of": len(look.outcomes),
            "upper": divergence_bound(failed, len(look.outcomes)) if look.outcomes else None,
            "highest": asked.rule.max_diverged,
            "held": all(ruling.held for ruling in look.rulings),
        },
        "attempts": attempts(folder, recipe.name, state),
        "preregistration": {"sha256": folder.sha256, "registered": asked.registered},
        "command": _rerun(folder, asked),
        "path": str(folder.path),
        **{"fixed": [], "curves": [], "confusion": None, "per_class": [], "mistakes": []},
        **{"metrics": {}, "provenance": []},
        **parts,
    }


def _rerun(folder: VerificationFolder, asked: Registration) -> str:
    """Return the command that verifies the same again, with as many threads on such a device."""
    words = ["papertrial", "verify", str(folder.path / RECIPE), "--again"]
    given = asked.registered
    return shlex.join(
        [*words, "--threads", str(given["threads"]), "--device", str(given["device"])]
    )


def attempts(
    this: VerificationFolder, recipe: str, state: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """List every verification of a recipe that the folder of runs knows of, oldest first."""
    found = []
    for folder in verifications(this.path.parent.parent, recipe):
        mine = folder.path == this.path
        try:
            known = dict(state) if mine else folder.state
            sha, ended = folder.sha256, folder.outcomes()
        except RunError as error:
            known, sha, ended = {"state": f"damaged: {error}"}, "", []
        found.append(
            {
                "path": str(folder.path),
                "preregistration": sha,
                "started": known.get("started"),
                "state": "finished" if mine else known.get("state", "not started"),
                "verdict": known.get("verdict"),
                "n": sum(record.get("state") == "finished" for record in ended),
                "this": mine,
            }
        )
    return found


def _order(asked: Registration, seed: int) -> int:
    seeds = asked.rule.seeds
    return seeds.index(seed) if seed in seeds else len(seeds)


def _claims(asked: Registration, look: Look) -> list[dict[str, Any]]:
    """Return each judged claim with all that is reported of it."""
    other: Rule = replace(
        asked.rule, statistic="mean" if asked.rule.statistic == "median" else "median"
    )
    beside = judge(other, look.outcomes)
    seeds = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]
    return [
        _claim(asked.rule, claim, stated, ruling, second, seeds)
        for claim, stated, ruling, second in zip(
            asked.rule.claims, asked.stated, look.rulings, beside, strict=True
        )
    ]


def _claim(
    rule: Rule, claim: Claim, stated: Stated, ruling: Ruling, beside: Ruling, seeds: Sequence[int]
) -> dict[str, Any]:
    median = ruling if rule.statistic == "median" else beside
    return {
        **_reported(stated),
        "side": claim.side,
        "tolerance": claim.tolerance,
        "band": [_finite(edge) for edge in claim.band],
        "n": len(ruling.scores),
        "mean": _finite(ruling.mean),
        "sd": _finite(ruling.sd),
        "low": _finite(ruling.low),
        "high": _finite(ruling.high),
        "level": ruling.level,
        "holds_within": _finite(ruling.holds_within),
        "verdict": ruling.verdict,
        "verdict_median": median.verdict,
        "statistic": rule.statistic,
        "decided_at": ruling.decided_at,
        "deterministic": ruling.deterministic,
        "why": words.why(claim, ruling, rule),
        "runs": claim.runs,
        "prediction": _prediction(ruling),
        "place": _place(claim, ruling),
        "scores": [list(pair) for pair in zip(seeds, ruling.scores, strict=True)],
        "intervals": [[n, _finite(low), _finite(high)] for n, low, high in ruling.series],
        "pairing": ruling.pairing or None,
    }


def _reported(stated: Stated) -> dict[str, Any]:
    spread, size = stated.plus_minus, stated.plus_minus_number
    kinds = {
        "sd": "standard deviation", "se": "standard error", "ci": "confidence interval",
        "unknown": "of what kind, the paper does not say",
    }  # fmt: skip
    return {
        "metric": stated.metric,
        "split": stated.split,
        "kind": stated.kind,
        "value": stated.number,
        "printed": stated.printed,
        "reported": describe(stated)
        .partition("; tolerance")[0]
        .removeprefix(f"{stated.split} ")
        .removeprefix(f"{stated.metric} "),
        "where": stated.where,
        "url": stated.url,
        "unverified": stated.unverified,
        "optimistic": stated.best_epoch_on_test,
        "not_judged": stated.not_judged,
        "plus_minus": None if spread is None else f"±{size:g} ({kinds[spread.is_]})",
    }


def _not_judged(stated: Stated) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(
        ("mean", "sd", "low", "high", "holds_within", "verdict", "verdict_median", "decided_at",
         "prediction", "place", "pairing", "runs")
    )  # fmt: skip
    return {
        **_reported(stated),
        **nothing,
        "side": "about",
        "tolerance": stated.allowed,
        "band": [None, None],
        "n": 0,
        "level": None,
        "why": f"not judged: {stated.not_judged}",
        "scores": [],
        "intervals": [],
    }


def _prediction(ruling: Ruling) -> list[float] | None:
    """Where one more run would fall; shown, and decides nothing."""
    if len(ruling.scores) < 2 or ruling.deterministic:
        return None
    return [float(edge) for edge in prediction(list(ruling.scores))]


def _place(claim: Claim, ruling: Ruling) -> dict[str, Any] | None:
    """Where the reported number falls among our scores."""
    if not ruling.scores:
        return None
    spread = ruling.sd
    known = math.isfinite(spread) and spread > 0
    return {
        "below": sum(score < claim.value for score in ruling.scores),
        "above": sum(score > claim.value for score in ruling.scores),
        "equal": sum(score == claim.value for score in ruling.scores),
        "z": (claim.value - ruling.mean) / spread if known else None,
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
