"""`papertrial plan`: estimate how many seeds a decision needs, and what they can detect."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.options import Json, Overrides, Recipe
from papertrial.cli.output import print_json
from papertrial.cli.verify import MaxSeeds, settings
from papertrial.errors import ClaimError

if TYPE_CHECKING:
    from papertrial.claims.plan import Row


def plan(
    recipe: Recipe,
    overrides: Overrides = None,
    max_seeds: MaxSeeds = None,
    spread: Annotated[
        list[float] | None,
        typer.Option(
            help="Standard deviation between seeds, in the metric's unit; may be repeated.",
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

    loaded = load_recipe(recipe, settings(overrides, max_seeds), check=False)  # without torch
    asked = register(loaded, threads=1, device="cpu")
    plans: list[dict[str, Any]] = []
    for claim, stated in zip(asked.rule.claims, asked.stated, strict=True):
        rows = _rows(asked.rule, claim, _spreads(stated, spread))
        plans.append({"claim": describe(stated), "rows": rows, "alone": len(asked.stated) == 1})
        _print_plan(plans[-1], len(asked.rule.seeds), to_stderr=as_json)
    for text in asked.warnings:
        typer.echo(f"warning: {text}", err=True)
    for stated in asked.exact:
        typer.echo(f"{describe(stated)}: decided without training", err=as_json)
    if as_json:
        listed = [{**p, "rows": [asdict(row) for row in p["rows"]]} for p in plans]
        answer = {"recipe": loaded.name, "maximum": len(asked.rule.seeds), "claims": listed}
        print_json(answer)


def _spreads(stated: Any, given: list[float] | None) -> list[float] | None:
    """Return the given spreads, or else the one that the paper reports; None if it reports none."""
    if given:
        if not all(0 < number < math.inf for number in given):
            got = ", ".join(f"{number:g}" for number in given)
            raise ClaimError(f"--spread must be a positive number, the SD between seeds, got {got}")
        return given
    size, kind = stated.plus_minus_number, stated.plus_minus and stated.plus_minus.is_
    runs = stated.runs
    if not size or kind == "unknown" or (kind != "sd" and not runs):
        return None
    if kind == "sd":
        return [size]
    if kind == "se":
        return [size * runs**0.5]
    from scipy import stats

    if runs < 2:
        return None
    level = stated.plus_minus.level
    return [float(size / stats.t.ppf((1 + level) / 2, runs - 1) * runs**0.5)]


def _rows(rule: Any, claim: Any, spreads: list[float] | None) -> list[Row]:
    """Simulate a claim; one of several is tested at the level of Holm's first, strictest step.

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


def _print_plan(planned: dict[str, Any], maximum: int, *, to_stderr: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=to_stderr, markup=False, emoji=False)
    if not planned["rows"]:
        console.print(
            f"{planned['claim']}\nwithout a tolerance, there is no typical spread; "
            "give the SD in the metric's unit, for example --spread 0.003"
        )
        return
    how = "simulated with normal scores around the claimed value"
    title = f"{planned['claim']}\nat most {maximum} seeds; {how}"
    table = Table(title=title, title_justify="left")
    for name in (
        "SD between\nseeds", "chance of\nREPRODUCED", "seeds:\nmedian", "seeds:\n90 %",
        "detects\n(80 %)",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for row in planned["rows"]:
        table.add_row(
            f"{row.spread:.3g}",
            f"{row.decided:.0%}",
            f"{row.median}" if row.median else f"over {maximum}",
            f"{row.most}" if row.most else f"over {maximum}",
            f"{row.detects:.3g} off" if row.detects is not None else "nothing",
        )
    console.print(table)
    if not planned["alone"]:
        console.print("several claims: each at the level of Holm's first, strictest step")
