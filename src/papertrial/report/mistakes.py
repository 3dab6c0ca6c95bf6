"""The samples that a run is most wrong about, shown: images, texts, rows of tables."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.column import Dataset, Split
from papertrial.data.files.catalog import CATALOG, data_folder, state
from papertrial.data.tables.layout import Layout
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError, PapertrialError
from papertrial.evaluate.inputs import TableInputs
from papertrial.progress import finish
from papertrial.report.run_results import Stored, judged_split, provenance, stored, task_of
from papertrial.runs.run import Run
from papertrial.runs.samples import cut_splits, load_source
from papertrial.tasks.classification import Classification

_MOST_LETTERS = 600  # of a text
_LARGEST = 192  # pixels of an image's longer side; larger ones are reduced


def mistakes(
    run: Run, *, data: str | Path | None = None, most: int = 12
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a run's worst mistakes on the split that it is judged by, and what could not be shown.

    Of classes, the wrong answers with the highest probability; of numbers, the largest residuals,
    which have no confidence. Each is {"seed", "split", "row", "id", "truth", "predicted",
    "confidence", "image", "text"}: `row` is the place in the stored predictions, `id` what the
    sample is called, such as its file.

    Args:
        run: a finished run.
        data: the data folder; None for the usual one.
        most: how many.

    Returns:
        the mistakes, worst first, and warnings. Where the data are no longer there, or are others,
        image and text are None and a warning says so; nothing is downloaded.
    """
    split, task = judged_split(run), task_of(run)
    kept = stored(run, split)
    found = _classes(task, kept, most) if isinstance(task, Classification) else _numbers(kept, most)
    for one in found:
        one |= {"seed": run.recipe.seed, "split": split, "id": f"row {kept.ids[one['row']]}"}
    if not found:
        return [], []
    try:
        shown = _shown(run, split, data, kept.ids[[one["row"] for one in found]])
    except PapertrialError as error:
        return [_ordered({**one, "image": None, "text": None}) for one in found], [
            f"the samples that seed {run.recipe.seed} is wrong about cannot be shown: {error}"
        ]
    return [_ordered({**one, **told}) for one, told in zip(found, shown, strict=True)], []


def _ordered(one: dict[str, Any]) -> dict[str, Any]:
    keys = ("seed", "split", "row", "id", "truth", "predicted", "confidence", "image", "text")
    return {key: one[key] for key in keys}


def _classes(task: Classification, kept: Stored, most: int) -> list[dict[str, Any]]:
    answer = task.logits(kept.output).argmax(1)
    confidence = task.link(kept.output).gather(1, answer[:, None])[:, 0]
    wrong = (answer != kept.target).nonzero()[:, 0]
    order = confidence[wrong].sort(descending=True, stable=True).indices[:most]
    return [
        {
            "row": row,
            "truth": task.classes[int(kept.target[row])],
            "predicted": task.classes[int(answer[row])],
            "confidence": float(confidence[row]),
        }
        for row in wrong[order].tolist()
    ]


def _numbers(kept: Stored, most: int) -> list[dict[str, Any]]:
    output = kept.output.reshape(len(kept.output), -1).double()  # [N, T]
    target = kept.target.reshape(output.shape).double()
    residual = (output - target).abs().amax(1)
    order = residual.sort(descending=True, stable=True).indices[:most]
    return [
        {
            "row": row,
            "truth": _plain(target[row]),
            "predicted": _plain(output[row]),
            "confidence": None,
        }
        for row in order.tolist()
        if residual[row] > 0
    ]


def _plain(values: Tensor) -> float | str:
    """Return the number of one target; of T of them, as a text."""
    if len(values) == 1:
        return float(values[0])
    return ", ".join(f"{value:g}" for value in values.tolist())


def _shown(
    run: Run, name: str, data: str | Path | None, ids: np.ndarray
) -> list[dict[str, str | None]]:
    """Return {"id", "image", "text"} of the samples with these ids [n], in their order."""
    inputs = run.preprocessing.make_inputs()
    layout = inputs.layout if isinstance(inputs, TableInputs) else None
    dataset = _own_data(run, data_folder(data), layout)
    split = dataset.splits.get(name)
    had = provenance(run).data.get(name)
    if split is None or had is None or split.fingerprint != had.fingerprint:
        rule = f"the {name} part of {dataset.name} is not what the run had"
        raise DataError(f"{rule}: its content has changed")
    places = {int(own): row for row, own in enumerate(split.ids)}
    rows = [places[int(one)] for one in ids]
    shown = _samples(dataset, split, rows, layout)
    return [{"id": split.name(row), **one} for row, one in zip(rows, shown, strict=True)]


def _own_data(run: Run, folder: Path, layout: Layout | None) -> Dataset:
    """Load the run's own set, cut as it was, from what lies on this machine.

    Raises:
        PapertrialError: it is not there, or cannot be read.
    """
    source = run.recipe.data.source
    if source in CATALOG and state(CATALOG[source], folder) == "absent":
        fetch = f"`papertrial data fetch {source}` brings it there"
        raise DataError(f"{source} is not in the data folder {folder}; {fetch}")
    loaded, _ = finish(load_source(run.recipe, folder, layout))
    return cut_splits(run.recipe, loaded)


def _samples(
    dataset: Dataset, split: Split, rows: Sequence[int], layout: Layout | None
) -> list[dict[str, str | None]]:
    at = torch.tensor(rows)
    if dataset.kind == "text":
        return [{"image": None, "text": _cut(text)} for text in texts_of(split.x.rows(at))]
    samples = split.x.take(at)
    if dataset.kind == "image":
        return [{"image": _png(pixels), "text": None} for pixels in samples]
    columns = layout or Layout.numeric(dataset.features)
    return [{"image": None, "text": _cells(columns, row.tolist())} for row in samples]


def _cut(text: str) -> str:
    """Return the beginning of a text, on one line for each of its own, whole characters alone."""
    text = text.encode(errors="replace").decode().strip()
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1].rstrip()}…"


def _cells(layout: Layout, row: Sequence[float]) -> str:
    """Return a row as "column: value" lines, categories by their names."""
    lines, at = [], 0
    for feature in layout.features:
        values = row[at : at + len(feature.names)]
        at += len(values)
        if feature.categories is None:
            told = [] if math.isnan(values[0]) else [f"{values[0]:g}"]
        else:
            told = [name for name, v in zip(feature.categories, values, strict=True) if v]
        lines.append(f"{feature.name}: {told[0] if told else 'missing'}")
    return "\n".join(lines)


def _png(pixels: Tensor) -> str:
    """Return an image [C, H, W] uint8 as the data URI of a PNG, grey or RGB."""
    array = (pixels[:3] if len(pixels) >= 3 else pixels[:1]).permute(1, 2, 0).numpy()
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    if max(image.size) > _LARGEST:
        image.thumbnail((_LARGEST, _LARGEST))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
