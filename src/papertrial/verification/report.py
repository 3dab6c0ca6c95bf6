"""The report of a verification: its runs, its rulings, and every attempt on its recipe."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from papertrial.claims.intervals import divergence_bound
from papertrial.claims.labels import labels
from papertrial.claims.run_trial import Look
from papertrial.errors import RunError
from papertrial.recipe.schema import Recipe
from papertrial.report.run_parts import parts_of_runs
from papertrial.runs.run import load_run
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import VerificationFolder, verifications
from papertrial.verification import claim_results
from papertrial.verification.registration import Registration


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
    return {
        "kind": "verification",
        "recipe": recipe.name,
        "task": recipe.task,
        "paper": recipe.paper.model_dump(mode="json"),
        "headline": state["headline"],
        "verdict": "REPRODUCED WITH DEVIATIONS" if with_deviations else state["verdict"],
        "deviations": list(recipe.deviations),
        "warnings": [*asked.warnings, *parts.pop("warnings", [])],
        "claims": [
            *claim_results.claims_of(asked, look),
            *(claim_results.not_judged(claim) for claim in asked.not_judged),
        ],
        "exact": [dict(decided) for decided in exact],
        "seeds": [
            {
                "seed": seed,
                "state": record["state"],
                "error": record["error"],
                "seconds": record.get("seconds"),
                "run": (record.get("runs") or [None])[0],
                "scores": scores_of(asked, record["scores"]),
                "used": seed in used,
            }
            for seed, record in sorted(records.items(), key=lambda item: _order(asked, item[0]))
        ],
        "varied": "the training seed, and with it all that is drawn at random: weights, and where "
        "the recipe has them the order of the batches, augmentation and dropout",
        "diverged": {
            "count": failed,
            "of": len(look.outcomes),
            "upper": divergence_bound(failed, len(look.outcomes)) if look.outcomes else None,
            "highest": asked.rule.max_diverged,
            "held": all(ruling.held for ruling in look.rulings),
        },
        "attempts": attempts(folder, recipe.name, state),
        "preregistration": {"sha256": folder.sha256, "registered": asked.registered},
        "command": _rerun(folder, asked, data),
        "path": str(folder.path),
        **{"fixed": [], "curves": [], "confusion": None, "per_class": [], "mistakes": []},
        **{"metrics": {}, "provenance": [], "not_covered": []},
        **parts,
    }


def scores_of(asked: Registration, scores: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return a seed's scores by what they are of; of a difference, the difference."""
    return {
        label: score[0] - score[1] if len(score) > 1 else score[0]
        for label, score in zip(labels(asked.rule.claims), scores, strict=False)
    }


def _rerun(folder: VerificationFolder, asked: Registration, data: str | Path | None) -> str:
    """Return the command that verifies the same again, with as many threads on such a device."""
    given = asked.registered
    command = ["papertrial", "verify", str(folder.path / RECIPE), "--again"]
    command += ["--threads", str(given["threads"]), "--device", str(given["device"])]
    command += ["--runs", str(folder.path.parent.parent)]
    return shlex.join(command if data is None else [*command, "--data", str(data)])


def attempts(
    this: VerificationFolder, recipe: str, state: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """List every verification of a recipe that the folder of runs knows of, oldest first."""
    found = []
    for folder in verifications(this.path.parent.parent, recipe):
        mine = folder.path == this.path
        try:
            known = dict(state) if mine else folder.state
            sha, ended, rule = folder.sha256, folder.outcomes(), _rule(folder.registered)
        except (AttributeError, KeyError, RunError, TypeError, ValueError) as error:
            known, sha, ended, rule = {"state": f"damaged: {error}"}, "", [], ""
        found.append(
            {
                "path": str(folder.path),
                "preregistration": sha,
                "started": known.get("started"),
                "state": "finished" if mine else known.get("state", "not started"),
                "verdict": known.get("verdict"),
                "n": sum(record.get("state") == "finished" for record in ended),
                "rule": rule,
                "this": mine,
            }
        )
    return found


def _rule(registered: Mapping[str, Any]) -> str:
    """Say in a line what a registration claims and how it decides."""
    claims = [
        f"{claim.get('split')} {claim.get('metric')} {claim.get('kind')} {claim.get('value'):g} "
        f"tolerance {claim.get('tolerance'):g}"
        for claim in registered.get("claims", ())
    ]
    how = (
        f"{registered.get('statistic')}, {registered.get('horizon')}, at most "
        f"{registered.get('maximum')} seeds, alpha {registered.get('alpha')}"
    )
    others = {"exact": "counted", "not_judged": "not judged"}
    more = [f"{len(registered[key])} {said}" for key, said in others.items() if registered.get(key)]
    return "; ".join([*claims, how, *more])


def _order(asked: Registration, seed: int) -> int:
    seeds = asked.rule.seeds
    return seeds.index(seed) if seed in seeds else len(seeds)
