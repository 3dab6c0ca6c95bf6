"""`papertrial plan`: estimate how many seeds a decision needs, and what they can detect."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Json, Overrides, Recipe
from papertrial.cli.output import print_json
from papertrial.cli.spread import spreads_of
from papertrial.cli.verify import MaxSeeds, verify_overrides
from papertrial.numbers import percent

if TYPE_CHECKING:
    from papertrial.claims.judged_claim import JudgedClaim
    from papertrial.claims.plan import PlanRow
    from papertrial.claims.rule import Rule

_ON_NEW_SAMPLES = (
    "about new samples: simulated at half of the error level. The error of the test set is not in "
    "the table, because its size is known only with the data: it takes more seeds, or is larger "
    "than the tolerance. The report of a verification shows it."
)


@dataclass(frozen=True)
class ClaimPlan:
    """The plan of one claim; `alone` says that the recipe has no other claim."""

    claim: str
    rows: list[PlanRow]
    alone: bool


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
    as_json: Json = False,
) -> None:
    """Estimate by simulation how many seeds each claim needs, before any training.

    The spread between seeds is not known yet, so the table shows a range of it.
    """
    from papertrial.recipe.claim_words import describe
    from papertrial.recipe.load import load_recipe
    from papertrial.verification.registration import register

    wanted = verify_overrides(overrides, max_seeds)
    loaded = load_recipe(recipe, wanted, check=False)  # without torch
    asked = register(loaded, threads=1, device="cpu")
    plans: list[ClaimPlan] = []
    given = spreads_of(asked.stated, spread or [])
    for claim, stated, spreads in zip(asked.rule.claims, asked.stated, given, strict=True):
        rows = _rows(asked.rule, claim, spreads or _reported(claim))
        plans.append(ClaimPlan(describe(stated), rows, alone=len(asked.stated) == 1))
        example = '"0.3 points"' if stated.in_percent else "0.003"
        _print_plan(plans[-1], len(asked.rule.seeds), example, to_stderr=as_json)
        if claim.is_about_new_samples:
            typer.echo(_ON_NEW_SAMPLES, err=as_json)
    for text in asked.warnings:
        typer.echo(f"warning: {text}", err=True)
    for stated in asked.exact:
        typer.echo(f"{describe(stated)}: decided without training", err=as_json)
    if as_json:
        listed = [asdict(one) for one in plans]
        answer = {"recipe": loaded.name, "maximum": len(asked.rule.seeds), "claims": listed}
        print_json(answer)


def _reported(claim: JudgedClaim) -> list[float] | None:
    """Return the spread that `papertrial plan` takes from the paper; None if it is unknown."""
    return None if claim.reported_sd is None else [claim.reported_sd]


def _rows(rule: Rule, claim: JudgedClaim, spreads: list[float] | None) -> list[PlanRow]:
    """Return the rows of a claim in the table of `papertrial plan`, by simulation.

    One of several claims is tested at the level of Holm's first, strictest step.
    A bound without a tolerance suggests no spread, so it has no rows unless spreads are given.
    """
    from dataclasses import replace

    from papertrial.claims.plan import RATIOS
    from papertrial.claims.plan import plan as simulate

    alone = replace(rule, claims=(claim,), alpha=rule.alpha / len(rule.claims))
    rows = []
    if claim.tolerance > 0 or (claim.side == "about" and claim.low < claim.high):
        rows = simulate(claim, alone, RATIOS)
    if not rows and not spreads:
        return []
    shown = [row.spread for row in rows]
    new = [one for one in spreads or () if not any(math.isclose(one, other) for other in shown)]
    if new:
        rows += simulate(claim, alone, spreads=new)
    return sorted(rows, key=lambda row: row.spread)


def _print_plan(planned: ClaimPlan, maximum: int, example: str, *, to_stderr: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=to_stderr, markup=False, emoji=False)
    if not planned.rows:
        console.print(
            f"{planned.claim}\nwithout a tolerance, there is no typical spread; give the SD in "
            f"the metric's unit, for example --spread {example}"
        )
        return
    how = "simulated with normal scores around the claimed value"
    title = f"{planned.claim}\nat most {maximum} seeds; {how}"
    table = Table(title=title, title_justify="left")
    for name in (
        "SD between\nseeds", "chance of\nREPRODUCED", "seeds:\nmedian", "seeds:\n90 %",
        "detects\n(80 %)",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for row in planned.rows:
        table.add_row(
            f"{row.spread:.3g}",
            percent(row.decided),
            f"{row.median}" if row.median else f"over {maximum}",
            f"{row.most}" if row.most else f"over {maximum}",
            f"{row.detects:.3g} off" if row.detects is not None else "nothing",
        )
    console.print(table)
    if not planned.alone:
        console.print("several claims: each at the level of Holm's first, strictest step")
