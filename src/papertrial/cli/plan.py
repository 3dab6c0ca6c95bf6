"""`papertrial plan`: estimate how many seeds a decision needs under each rule, and how long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import RUNS, Json, Overrides, Recipe, Runs
from papertrial.cli.output import print_json
from papertrial.cli.plan_table import ClaimPlan, print_legend, print_plan
from papertrial.cli.seed_time import describe_time, seed_time
from papertrial.cli.spread import spreads_of
from papertrial.cli.verify import MaxSeeds, verify_overrides

if TYPE_CHECKING:
    from papertrial.claims.compare_rules import Comparison
    from papertrial.claims.judged_claim import JudgedClaim
    from papertrial.claims.rule import Rule
    from papertrial.recipe.claims import Claim

_ON_NEW_SAMPLES = (
    "about new samples: simulated at half of the error level. The error of the test set is not in "
    "the table, because its size is known only with the data: it takes more seeds, or is larger "
    "than the tolerance. The report of a verification shows it."
)


def plan_command(
    recipe: Recipe,
    overrides: Overrides = None,
    max_seeds: MaxSeeds = None,
    spread: Annotated[
        list[str] | None,
        typer.Option(
            help='Standard deviation between seeds, in the metric\'s unit or as "0.3 points"; '
            "may be repeated.",
            show_default="a range around the tolerance, and the paper's",
        ),
    ] = None,
    seconds_per_seed: Annotated[
        float | None,
        typer.Option(
            help="How long a seed trains, with the other side of a difference.",
            show_default="the median of earlier runs",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of seeds that will train in parallel.",
            show_default="one per core; one if the earlier runs were on a GPU",
        ),
    ] = None,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> None:
    """Estimate by simulation how many seeds and hours each claim needs, before any training.

    The table compares the rules that a recipe can register: anytime and a fixed horizon, with and
    without a known SD between seeds. The SD is not known yet, so it shows a range of it.
    """
    from papertrial.recipe.claim_words import describe
    from papertrial.recipe.load import load_recipe
    from papertrial.verification.registration import register

    wanted = verify_overrides(overrides, max_seeds)
    loaded = load_recipe(recipe, wanted, check=False)  # without torch
    asked = register(loaded, threads=1, device="cpu")
    maximum = len(asked.rule.seeds)
    given = spreads_of(asked.stated, spread or [])
    if asked.terms.is_program and workers is None:
        workers = 1  # as `verify` does, because a program may take all cores
    time = seed_time(asked.terms.digests, runs, seconds_per_seed, workers)
    plans: list[ClaimPlan] = []
    for claim, stated, spreads in zip(asked.rule.claims, asked.stated, given, strict=True):
        compared = _compare(asked.rule, claim, stated, spreads)
        plans.append(
            ClaimPlan(
                describe(stated), compared.rows, compared.left_out, alone=len(asked.stated) == 1
            )
        )
        example = "0.003"
        if any(one.in_percent for one in asked.stated):  # a number alone would be ambiguous
            points = '"0.3 points"'
            example = points if stated.facts.is_fraction else f"{points} --spread 0.003"
        print_plan(plans[-1], maximum, time, example, to_stderr=as_json)
        if claim.is_about_new_samples:
            typer.echo(_ON_NEW_SAMPLES, err=as_json)
    rows = [row for planned in plans for row in planned.rows]
    if rows:
        print_legend(rows, describe_time(time, recipe, runs), to_stderr=as_json)
    for text in asked.warnings:
        typer.echo(f"warning: {text}", err=True)
    for stated in asked.exact:
        typer.echo(f"{describe(stated)}: decided without training", err=as_json)
    if as_json:
        answer = {
            "recipe": loaded.name,
            "maximum": maximum,
            "time": None if time is None else asdict(time),
            "claims": [planned.to_json(time) for planned in plans],
        }
        print_json(answer)


def _compare(rule: Rule, claim: JudgedClaim, stated: Claim, given: Sequence[float]) -> Comparison:
    """Compare the rules for a claim over the typical SDs, and those that are given or reported.

    A bound without a tolerance suggests no SD, so nothing is compared unless an SD is given,
    reported or registered.
    """
    from papertrial.claims.compare_rules import compare_rules
    from papertrial.claims.plan import typical_spreads

    spreads = typical_spreads(claim)
    more = list(given) or ([] if claim.reported_sd is None else [claim.reported_sd])
    for one in [*more, *([] if rule.sd is None else [rule.sd.value])]:
        # The exact number replaces one that differs from it by rounding, so that it is recognized.
        spreads = [other for other in spreads if not math.isclose(one, other)] + [one]
    return compare_rules(claim, rule, spreads, runs=stated.runs)
