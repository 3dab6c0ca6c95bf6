"""Rulings in plain values: as they are told, kept with a verification, and reported."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from papertrial.claims.explain import explain
from papertrial.claims.headline import headline
from papertrial.claims.intervals import prediction
from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.labels import label
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Ruling, overall
from papertrial.claims.run_trial import Look
from papertrial.data.files.catalog import data_folder
from papertrial.errors import ClaimError
from papertrial.numbers import as_written, between, number
from papertrial.progress import Step
from papertrial.recipe.claim_words import describe, versus_of
from papertrial.recipe.claims import Claim as Stated
from papertrial.recipe.schema import Recipe
from papertrial.runs import prepare
from papertrial.training.device import on_device
from papertrial.verification.registration import Registration

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
        parts = yield from prepare.prepare(recipe, data_folder(data), device)
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
                "why": f"counted without training: {ours:,}",
                "where": claim.where,
                "url": claim.url,
            }
        )
    return decided


def lines(asked: Registration, look: Look) -> list[str]:
    """Say in a line a claim how it stands."""
    said = []
    several = len(asked.rule.claims) > 1
    for i, (claim, ruling) in enumerate(zip(asked.rule.claims, look.rulings, strict=True), 1):
        side = {"at-least": "at least ", "at-most": "at most "}.get(claim.side, "")
        best = f", best of {claim.best_of}" if claim.best_of else ""
        value = f"{side}{as_written(claim.value)}{best}"
        text = f"{f'claim {i}, ' if several else ''}{label(claim)}: {value} reported; ours "
        if ruling.scores:
            middle = ruling.median if asked.rule.statistic == "median" else ruling.mean
            text += number(middle, ruling.sd)
            sd = number(ruling.sd, ruling.sd)
            text += f" (SD {sd}, n = {len(ruling.scores)})" if len(ruling.scores) > 1 else ""
            if math.isfinite(ruling.low) and math.isfinite(ruling.high):
                what = f" of the best of {claim.best_of}" if claim.best_of else ""
                text += f", interval{what} {between(ruling.low, ruling.high, ruling.sd)}"
        else:
            text += "not known yet"
        said.append(f"{text}: {ruling.verdict}")
    return said


def summary(
    recipe: Recipe, asked: Registration, look: Look, exact: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what verification.json keeps of the verdicts."""
    claims = claims_of(asked, look)
    short = [{key: claim[key] for key in _TOLD} for claim in claims]
    short += [
        {
            **dict.fromkeys(_TOLD),
            **{key: decided[key] for key in ("metric", "split", "value", "verdict")},
            "kind": "exact",
            "tolerance": 0,
            "n": 0,
            "mean": decided["ours"],
            "why": decided["why"],
        }
        for decided in exact
    ]
    verdict = overall([claim["verdict"] for claim in short])
    seeds = sum(outcome.state == "finished" for outcome in look.outcomes)
    sentence = headline(recipe.name, verdict, len(short), seeds, recipe.deviations)
    if asked.not_judged:
        count = len(asked.not_judged)
        is_ = "is" if count == 1 else "are"
        sentence += f" {count} of its {len(short) + count} claims {is_} not judged."
        short += [{key: not_judged(claim)[key] for key in _TOLD} for claim in asked.not_judged]
    return {
        "verdict": verdict,
        "deviations": list(recipe.deviations),
        "headline": sentence,
        "claims": short,
    }


def claims_of(asked: Registration, look: Look) -> list[dict[str, Any]]:
    """Return each judged claim with all that is reported of it."""
    other: Rule = replace(
        asked.rule, statistic="mean" if asked.rule.statistic == "median" else "median"
    )
    beside = judge(other, look.outcomes)
    seeds = [outcome.seed for outcome in look.outcomes if outcome.state == "finished"]
    return [
        _claim(asked.rule, claim, stated, ruling, second, seeds) | {"arms": _arms(claim, i, look)}
        for i, (claim, stated, ruling, second) in enumerate(
            zip(asked.rule.claims, asked.stated, look.rulings, beside, strict=True)
        )
    ]


def _arms(claim: JudgedClaim, index: int, look: Look) -> dict[str, Any] | None:
    """Return mean and SD of each side of a difference; None for other claims."""
    pairs = [o.scores[index] for o in look.outcomes if o.state == "finished"]
    if claim.kind != "difference" or not pairs:
        return None
    sides = zip(("ours", "theirs"), zip(*pairs, strict=True), strict=True)
    return {
        name: {"mean": mean(scores), "sd": stdev(scores) if len(scores) > 1 else None}
        for name, scores in sides
    }


def _claim(
    rule: Rule,
    claim: JudgedClaim,
    stated: Stated,
    ruling: Ruling,
    beside: Ruling,
    seeds: Sequence[int],
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
        "level": None if ruling.deterministic else ruling.level,  # one value, which is exact
        "holds_within": _finite(ruling.holds_within),
        "verdict": ruling.verdict,
        "verdict_median": median.verdict,
        "statistic": rule.statistic,
        "decided_at": ruling.decided_at,
        "deterministic": ruling.deterministic,
        "why": explain(claim, ruling, rule),
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
        "versus": versus_of(stated) or None,
        "not_judged": stated.not_judged,
        "plus_minus": None if spread is None else f"±{size:g} ({kinds[spread.is_]})",
    }


def not_judged(stated: Stated) -> dict[str, Any]:
    """Return a claim that is not judged, in the form of those that are."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("mean", "sd", "low", "high", "holds_within", "verdict", "verdict_median", "decided_at",
         "prediction", "place", "pairing", "runs", "arms")
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


def _place(claim: JudgedClaim, ruling: Ruling) -> dict[str, Any] | None:
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
