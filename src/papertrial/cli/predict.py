"""`papertrial predict`: answers for new inputs from a run alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Device, Json
from papertrial.numbers import number

if TYPE_CHECKING:
    from papertrial.evaluate.predictor import Answer


def predict(
    run: Annotated[Path, typer.Argument(help="The run's folder.", show_default=False)],
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Image files or folders of them; tables such as CSV files; texts, or text files "
            "and folders of them.",
            show_default=False,
        ),
    ],
    top: Annotated[
        int | None, typer.Option(min=1, help="How many classes to show.", show_default=False)
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Predict from a run, with the preparation and the class names that it was trained with."""
    from papertrial.runs.run import load_run

    answers = load_run(run, device=device).predict(inputs)
    if as_json:
        typer.echo(json.dumps([answer.to_json(top) for answer in answers], allow_nan=False))
    else:
        _table(answers, top or 1)


def _table(answers: list[Answer], top: int) -> None:
    from rich.console import Console
    from rich.table import Table

    classes = any(answer.probabilities for answer in answers)
    converted = any(answer.converted for answer in answers)
    table = Table(
        "input",
        "prediction",
        *(["probability"] if classes else []),
        *(["converted"] if converted else []),
    )
    for column in table.columns:
        column.overflow = "fold"
    for answer in answers:
        likeliest = list(answer.probabilities.items())[:top]
        shown = (
            ["\n".join(name for name, _ in likeliest), "\n".join(f"{p:.2%}" for _, p in likeliest)]
            if classes
            else [number(float(answer.prediction))]
        )
        table.add_row(answer.input, *shown, *([answer.converted] if converted else []))
    Console(markup=False, emoji=False).print(table)  # texts are shown as they are
