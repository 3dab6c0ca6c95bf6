"""`papertrial schema`: print the JSON Schema of recipes or of answers, or the recipe reference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.errors import PapertrialError, did_you_mean

if TYPE_CHECKING:
    from papertrial.record import Part

RECIPE = "recipe"
ANSWERS = (
    "verify", "judge", "combine", "register", "register-labs", "audit", "accept", "accept-show",
    "data-info",
)  # fmt: skip


def schema_command(
    document: Annotated[
        str,
        typer.Argument(
            help=f"{RECIPE}, or the command whose answer with --json is meant: "
            f"{', '.join(ANSWERS)}.",
        ),
    ] = RECIPE,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a reference of all keys as Markdown instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of recipes, for editors, or of a command's answer, for scripts."""
    if document != RECIPE:
        if markdown:
            raise PapertrialError("--markdown is for recipes")
        from papertrial.store.answers import answer_schema

        typer.echo(json.dumps(answer_schema(answer_of(document), document), indent=2))
        return
    if markdown:
        from papertrial.recipe.reference import to_markdown

        typer.echo(to_markdown(), nl=False)
        return
    from papertrial.recipe.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


def answer_of(command: str) -> type[Part]:
    """Return the record that a command prints with --json; PapertrialError for an unknown name."""
    from papertrial.acceptance.acceptance import Acceptance, LedgerSummary
    from papertrial.data.cards.card import DataCard
    from papertrial.store.answers import (
        AuditAnswer,
        CombineAnswer,
        JudgeAnswer,
        RegisterAnswer,
        RegisterLabsAnswer,
        VerifyAnswer,
    )

    answers: tuple[type[Part], ...] = (
        VerifyAnswer, JudgeAnswer, CombineAnswer, RegisterAnswer, RegisterLabsAnswer, AuditAnswer,
        Acceptance, LedgerSummary, DataCard,
    )  # fmt: skip
    known = dict(zip(ANSWERS, answers, strict=True))
    if command not in known:
        wrong = did_you_mean(command, [RECIPE, *ANSWERS])
        raise PapertrialError(f"there is no schema of {command!r}{wrong}")
    return known[command]
