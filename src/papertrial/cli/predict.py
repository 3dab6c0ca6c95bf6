"""`papertrial predict`: predict new inputs with a saved run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Device, Json, Run
from papertrial.cli.output import print_json
from papertrial.numbers import number, plural, probability

if TYPE_CHECKING:
    from papertrial.evaluate.predictor import Answer


def predict_command(
    run: Run,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Images or folders of images; tables, such as CSV files; texts, text files or "
            "folders of text files; .npy, .npz or .safetensors files.",
            show_default=False,
        ),
    ],
    top: Annotated[
        int | None, typer.Option(min=1, help="Number of classes to show.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the predictions to this CSV file, a row for each input.", show_default=False
        ),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Predict new inputs with a saved run, prepared as they were for its training."""
    from papertrial.runs.run import load_run

    answers = load_run(run, device=device).predict(inputs)
    if output is not None:
        from papertrial.cli.predictions_csv import write_predictions

        write_predictions(answers, output)
        if not as_json:
            typer.echo(f"{plural(len(answers), 'prediction')}: {output}")
            return
    if as_json:
        print_json([answer.to_json(top) for answer in answers])
    else:
        _print_answers(answers, top)


def _shown(prediction: object) -> str:
    """Return numbers as text: one, several by name, or the shape of more and the first of them."""
    if isinstance(prediction, dict):
        return "\n".join(f"{name} {number(float(value))}" for name, value in prediction.items())
    if not isinstance(prediction, list):
        return number(float(str(prediction)))
    shape, row = [len(prediction)], prediction
    while row and isinstance(row[0], list):
        row = row[0]
        shape.append(len(row))
    values = ", ".join(number(float(one)) for one in row[:4])
    return f"{shape}: {values}{', ...' if shape != [len(row[:4])] else ''}"


def _likeliest(answer: Answer, top: int | None) -> dict[str, float]:
    """Return the `top` most likely classes; if it is None, those that are predicted."""
    if top is None and isinstance(answer.prediction, list) and answer.probabilities:  # labels
        return {name: answer.probabilities[name] for name in answer.prediction} or {"-": math.nan}
    return dict(list(answer.probabilities.items())[: top or 1])


def _print_answers(answers: list[Answer], top: int | None) -> None:
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
        likeliest = _likeliest(answer, top)
        shown = (
            [
                "\n".join(likeliest),
                "\n".join("" if math.isnan(p) else probability(p) for p in likeliest.values()),
            ]
            if classes
            else [_shown(answer.prediction)]
        )
        table.add_row(answer.input, *shown, *([answer.converted] if converted else []))
    Console(markup=False, emoji=False).print(table)  # texts may look like markup
