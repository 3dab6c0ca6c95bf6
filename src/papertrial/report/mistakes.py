"""The samples that a run predicts most wrongly, as images, texts or rows of a table."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.column import Dataset, Split
from papertrial.data.files.catalog import CATALOG, state
from papertrial.data.files.data_folder import data_folder
from papertrial.data.tables.layout import Layout
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError, PapertrialError
from papertrial.evaluate.inputs import TableInputs
from papertrial.progress import finish
from papertrial.report.run_results import (
    StoredPredictions,
    judged_split,
    read_predictions,
    read_provenance,
    task_of,
)
from papertrial.runs.build import build_word_split
from papertrial.runs.load_data import cut_splits, load_set, whole_part
from papertrial.runs.run import Run
from papertrial.store.report_record import Mistake
from papertrial.store.run_records import ALL
from papertrial.tasks.classification import Classification
from papertrial.tasks.multilabel import MultilabelClassification
from papertrial.tasks.regression import Regression

_MOST_LETTERS = 600  # of a text
_LARGEST = 192  # pixels of an image's longer side; larger images are reduced


@dataclass(frozen=True)
class _WrongRow:
    """A row of the stored predictions that is wrong; a regression has no confidence."""

    row: int
    truth: float | str
    predicted: float | str
    confidence: float | None


@dataclass(frozen=True)
class _Sample:
    """What a sample is called, and what it looks like: an image as a data URL, or a text."""

    id: str
    image: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class WorstMistakes:
    """The mistakes, worst first, and warnings about samples that cannot be shown."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...] = ()


def mistakes(run: Run, *, data: str | Path | None = None, most: int = 12) -> WorstMistakes:
    """Return a run's worst mistakes on the split that it is judged by.

    For classes these are the wrong answers with the highest probability, for labels the samples
    with the surest wrong label, for numbers the largest residuals. If the data are no longer there
    or have changed, the mistakes have neither image nor text, and a warning says so; nothing is
    downloaded.

    Args:
        run: a finished run.
        data: the data folder; None for the default one.
        most: the largest number of mistakes.

    Raises:
        RunError: a file of the run is absent or damaged.
    """
    split, task = judged_split(run), task_of(run)
    kept = read_predictions(run, split)
    if task.family == "prediction":
        return WorstMistakes(())  # which outputs are wrong, only the metrics know
    if isinstance(task, Classification):
        wrong = _wrong_answers(task, kept, most)
    elif isinstance(task, MultilabelClassification):
        wrong = _wrong_labels(task, kept, most)
    else:
        wrong = _largest_residuals(kept, most, task.several if isinstance(task, Regression) else ())
    if not wrong:
        return WorstMistakes(())
    ids = kept.ids[[one.row for one in wrong]]
    warnings: tuple[str, ...] = ()
    try:
        samples = _samples_of(run, split, data, ids)
    except PapertrialError as error:
        samples = [_Sample(f"row {number}") for number in ids]
        seed = run.recipe.seed
        warnings = (f"the samples that seed {seed} predicts wrongly cannot be shown: {error}",)
    found = tuple(
        Mistake(
            seed=run.recipe.seed,
            split=split,
            row=one.row,
            id=sample.id,
            truth=one.truth,
            predicted=one.predicted,
            confidence=one.confidence,
            image=sample.image,
            text=sample.text,
        )
        for one, sample in zip(wrong, samples, strict=True)
    )
    return WorstMistakes(found, warnings)


def _wrong_answers(task: Classification, kept: StoredPredictions, most: int) -> list[_WrongRow]:
    answer = task.logits(kept.output).argmax(1)
    confidence = task.link(kept.output).gather(1, answer[:, None])[:, 0]
    wrong = (answer != kept.target).nonzero()[:, 0]
    order = confidence[wrong].sort(descending=True, stable=True).indices[:most]
    return [
        _WrongRow(
            row=row,
            truth=task.classes[int(kept.target[row])],
            predicted=task.classes[int(answer[row])],
            confidence=float(confidence[row]),
        )
        for row in wrong[order].tolist()
    ]


def _wrong_labels(
    task: MultilabelClassification, kept: StoredPredictions, most: int
) -> list[_WrongRow]:
    """Return the samples with a wrong label, ordered by the confidence in the worst one."""
    answer = task.answers(kept.output)
    wrong = answer != kept.target
    shares = task.link(kept.output)
    sure = torch.where(answer.bool(), shares, 1 - shares)
    confidence = torch.where(wrong, sure, torch.zeros_like(sure)).amax(1)
    rows = wrong.any(1).nonzero()[:, 0]
    order = confidence[rows].sort(descending=True, stable=True).indices[:most]
    return [
        _WrongRow(
            row=row,
            truth=_labels(task, kept.target[row]),
            predicted=_labels(task, answer[row]),
            confidence=float(confidence[row]),
        )
        for row in rows[order].tolist()
    ]


def _labels(task: MultilabelClassification, values: Tensor) -> str:
    """Return the labels that a wrongly predicted sample has, as text."""
    named = [name for name, has in zip(task.labels, values.tolist(), strict=True) if has]
    return ", ".join(named) or "no label"


def _largest_residuals(
    kept: StoredPredictions, most: int, names: Sequence[str] = ()
) -> list[_WrongRow]:
    output = kept.output.reshape(len(kept.output), -1).double()  # [N, T]
    target = kept.target.reshape(output.shape).double()
    residual = (output - target).abs().amax(1)
    order = residual.sort(descending=True, stable=True).indices[:most]
    return [
        _WrongRow(
            row, _number_or_list(target[row], names), _number_or_list(output[row], names), None
        )
        for row in order.tolist()
        if residual[row] > 0
    ]


def _number_or_list(values: Tensor, names: Sequence[str]) -> float | str:
    """Return the truth or prediction of a mistake: a number, or text for several targets [T]."""
    if len(values) == 1:
        return float(values[0])
    named = zip(names or [""] * len(values), values.tolist(), strict=True)
    return ", ".join(f"{name} {value:g}".lstrip() for name, value in named)


def _samples_of(run: Run, name: str, data: str | Path | None, ids: np.ndarray) -> list[_Sample]:
    """Return the samples that were predicted wrongly, by their ids [n] in a split."""
    inputs = run.models[0].preprocessing.make_inputs(build_word_split(run.recipe))
    layout = inputs.layout if isinstance(inputs, TableInputs) else None
    dataset = _load_again(run, data_folder(data), layout)
    # The test rows of folds are rows of the set before it is cut.
    split = dataset.train if run.has_folds else dataset.splits.get(name)
    had = read_provenance(run).data.get(ALL if run.has_folds else name)
    if split is None or had is None or had.fingerprint != _fingerprint(run, split):
        rule = f"the {name} part of {dataset.name} is not what the run had"
        raise DataError(f"{rule}: its content has changed")
    row_of = {int(own): row for row, own in enumerate(split.ids)}
    return _shown(dataset, split, [row_of[int(one)] for one in ids], layout)


def _fingerprint(run: Run, split: Split) -> str:
    return (whole_part(split) if run.has_folds else split).fingerprint


def _load_again(run: Run, folder: Path, layout: Layout | None) -> Dataset:
    """Load a run's data set again to show its mistakes, split as it was, from files on disk.

    Raises:
        PapertrialError: the data set is not there, or cannot be read.
    """
    source = run.recipe.data.source_name
    if source in CATALOG and state(CATALOG[source], folder) == "absent":
        fetch = f"`papertrial data fetch {source}` downloads it"
        raise DataError(f"{source} is not in the data folder {folder}; {fetch}")
    loaded = finish(load_set(run.recipe, folder, layout)).dataset
    return loaded if run.has_folds else cut_splits(run.recipe, loaded)


def _shown(
    dataset: Dataset, split: Split, rows: Sequence[int], layout: Layout | None
) -> list[_Sample]:
    at, names = torch.tensor(rows), [split.name(row) for row in rows]
    if dataset.kind == "text":
        texts = texts_of(split.x.rows(at))
        return [_Sample(name, text=_cut(text)) for name, text in zip(names, texts, strict=True)]
    if dataset.kind == "tensor":
        return [_Sample(name) for name in names]
    samples = list(zip(names, split.x.take(at), strict=True))
    if dataset.kind == "image":
        return [_Sample(name, image=_png(pixels)) for name, pixels in samples]
    columns = layout or Layout.numeric(dataset.features)
    return [_Sample(name, text=_cells(columns, row.tolist())) for name, row in samples]


def _cut(text: str) -> str:
    """Return the beginning of a wrongly predicted text; its line breaks are kept."""
    text = text.encode(errors="replace").decode().strip()
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1].rstrip()}…"


def _cells(layout: Layout, row: Sequence[float]) -> str:
    """Return a wrongly predicted row of a table as "column: value" lines."""
    lines, at = [], 0
    for feature in layout.features:
        values = row[at : at + len(feature.names)]
        at += len(values)
        if feature.categories is None:
            shown = [] if math.isnan(values[0]) else [f"{values[0]:g}"]
        else:
            shown = [name for name, v in zip(feature.categories, values, strict=True) if v]
        lines.append(f"{feature.name}: {shown[0] if shown else 'missing'}")
    return "\n".join(lines)


def _png(pixels: Tensor) -> str:
    """Return a wrongly predicted image [C, H, W] uint8 as the data URL of a PNG, grey or RGB."""
    array = (pixels[:3] if len(pixels) >= 3 else pixels[:1]).permute(1, 2, 0).numpy()
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    if max(image.size) > _LARGEST:
        image.thumbnail((_LARGEST, _LARGEST))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
