"""`papertrial predict`: predict new inputs with a saved run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Device, Json, Run
from papertrial.cli.output import print_json
from papertrial.numbers import number, plural, probability

if TYPE_CHECKING:
    from papertrial.evaluate.predictor import Answer

_MOST_NAMES, _MOST_COUNTS = 100, 8  # classes of positions that are shown


_HINTS = 10


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
    device: Device = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the predictions to a .csv file, a row for each input. With task: "
            "prediction, write the outputs: a folder, which gets a .npy file for each, and a .png "
            "file if it is an image; or one .npy file.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict new inputs with a saved run, prepared as they were for its training."""
    from papertrial.runs.run import load_run

    opened = load_run(run, device=device)
    answers = opened.predict(inputs)
    if output is not None and output.suffix.lower() == ".csv":
        from papertrial.cli.predictions_csv import write_predictions

        write_predictions(answers, output)
        if as_json:
            print_json([str(output)])
        else:
            typer.echo(f"wrote {plural(len(answers), 'prediction')} to {output}")
    elif output is not None:
        from papertrial.evaluate.write_outputs import write_outputs

        written = write_outputs(answers, output, opened.predictor.task.position_classes)
        if as_json:
            print_json([str(path) for path in written])
        else:
            typer.echo(f"wrote {len(written)} files to {output}")
    elif as_json:
        print_json([answer.to_json(top) for answer in answers])
    else:
        _print_answers(answers, top)
    for line in [] if as_json else _hint_lines(answers):
        typer.echo(line)


def _hint_lines(answers: list[Answer]) -> list[str]:
    """Return how inputs differ from the training samples, a line for each of the first ones."""
    lines = [f"hint: {answer.input}: {answer.hint}" for answer in answers if answer.hint]
    more = len(lines) - _HINTS
    return lines[:_HINTS] + ([f"hint: and {more:,} more inputs differ"] if more > 0 else [])


def _shown(prediction: object) -> str:
    """Return a prediction as text: a number, several by name, or some values of a large one."""
    if isinstance(prediction, dict):
        return "\n".join(f"{name} {number(float(value))}" for name, value in prediction.items())
    if not isinstance(prediction, list):
        return number(float(str(prediction)))
    shape, row = [len(prediction)], prediction
    while row and isinstance(row[0], list):
        row = row[0]
        shape.append(len(row))
    if isinstance(row[0], str):  # classes of positions
        if len(shape) == 1:
            return " ".join(row[:_MOST_NAMES]) + (" ..." if len(row) > _MOST_NAMES else "")
        counts = Counter(_flat(prediction)).most_common(_MOST_COUNTS)
        return f"{shape}: " + ", ".join(f"{name} {count:,}" for name, count in counts)
    values = ", ".join(number(float(one)) for one in row[:4])
    return f"{shape}: {values}{', ...' if shape != [len(row[:4])] else ''}"


def _flat(nested: object) -> Iterator[object]:
    """Yield the entries of nested lists."""
    if not isinstance(nested, list):
        yield nested
        return
    for one in nested:
        yield from _flat(one)


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
