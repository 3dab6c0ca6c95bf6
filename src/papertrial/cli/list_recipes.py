"""`papertrial list`: list the recipes that come with papertrial."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from papertrial.cli.options import Json
from papertrial.cli.output import print_json
from papertrial.vocabulary import score_name

if TYPE_CHECKING:
    from papertrial.recipe.claims import Claim
    from papertrial.recipe.schema import AnyRecipe


@dataclass(frozen=True)
class ShippedRecipe:
    """A row of the list."""

    name: str
    task: str
    data: str
    model: str
    claims: list[str]


def list_command(as_json: Json = False) -> None:
    """List the shipped recipes: task, data, model and claims."""
    from papertrial.recipe.load import load_recipe, shipped_recipes

    recipes = [load_recipe(name, check=False) for name in shipped_recipes()]
    rows = [_row_of(recipe) for recipe in recipes]
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    from rich.console import Console
    from rich.table import Table

    # Two lines per recipe, so that a terminal of 80 columns breaks no line.
    table = Table("recipe, its task and data", "claims", box=None, padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True  # names are copied, so never cut
    for row in rows:
        table.add_row(f"{row.name}\n  {row.task}, {row.data}", "\n".join(row.claims))
    Console().print(table)


def _row_of(recipe: AnyRecipe) -> ShippedRecipe:
    from papertrial.recipe.program import ProgramRecipe
    from papertrial.recipe.slots import is_file

    claims = [_describe_claim(claim) for claim in recipe.claims]
    if isinstance(recipe, ProgramRecipe):
        command = " ".join(recipe.program.command[:2])
        return ShippedRecipe(recipe.name, "program", command, "", claims)
    model, source = recipe.model.use.rpartition(".")[2], recipe.data.source_name
    data = Path(source).name if is_file(source) else source
    return ShippedRecipe(recipe.name, recipe.task, data, model, claims)


def _describe_claim(claim: Claim) -> str:
    """Return a claim as the list of recipes shows it, such as "test accuracy 0.646 (64.6%)"."""
    name = score_name(None if claim.metric == "parameters" else claim.split, claim.metric)
    kinds = {"at-least": "at least ", "at-most": "at most "}
    bound = kinds.get(claim.judged_side, "")
    better = "better by " if claim.is_gain else ""
    printed = f" ({claim.printed})" if claim.printed else ""
    return f"{name} {better}{bound}{claim.number:,.10g}{printed}"
