"""Predictions as a CSV file, a row for each input."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from papertrial.errors import PapertrialError

if TYPE_CHECKING:
    from papertrial.evaluate.predictor import Answer


def write_predictions(answers: Sequence[Answer], path: Path) -> None:
    """Write predictions to a CSV file, in the order of the inputs.

    Its columns are `input`, then `prediction`, or for several targets one for each target, then
    `probability of CLASS` for each class or label, sorted by name. Several labels are separated by
    a space, and numbers of more dimensions are written as JSON.

    Raises:
        PapertrialError: the file cannot be written.
    """
    first = answers[0] if answers else None
    targets = list(first.prediction) if first and isinstance(first.prediction, dict) else None
    classes = sorted(first.probabilities) if first else []
    header = ["input", *(targets or ["prediction"]), *(f"probability of {one}" for one in classes)]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for answer in answers:
                shares = [answer.probabilities[name] for name in classes]
                writer.writerow([answer.input, *_cells(answer.prediction), *shares])
    except OSError as error:
        raise PapertrialError(f"cannot write {path}: {error.strerror}") from error


def _cells(prediction: object) -> list[object]:
    """Return the cells of a prediction: one, or one for each of several targets."""
    if isinstance(prediction, dict):
        return list(prediction.values())
    if isinstance(prediction, list):
        is_labels = all(isinstance(one, str) for one in prediction)
        return [" ".join(prediction) if is_labels else json.dumps(prediction)]
    return [prediction]
