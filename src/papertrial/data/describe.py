"""What is in a loaded set, as plain values: shapes, counts, ranges, fingerprints."""

from __future__ import annotations

from itertools import islice
from typing import Any

import torch

from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.texts.ragged_column import texts_of
from papertrial.progress import Step, Steps

_SHOWN = 4  # samples of a text set
_LETTERS = 120  # of each
_QUANTILES = {"min": 0.0, "5%": 0.05, "median": 0.5, "mean": None, "95%": 0.95, "max": 1.0}


def describe(dataset: Dataset) -> Steps[dict[str, Any]]:
    """Return what is in each split: rows, shape, dtype, bytes, fingerprint, class counts.

    Texts also have their lengths in words and a few samples; tables the range of each column.
    """
    splits = {}
    for done, (name, split) in enumerate(dataset.splits.items()):
        yield Step(f"looking at {dataset.name}", done, len(dataset.splits), "splits")
        about: dict[str, Any] = {
            "rows": len(split),
            "shape": list(split.x.shape),
            "dtype": str(split.x.dtype).removeprefix("torch."),
            "nbytes": split.x.nbytes,
            "fingerprint": split.fingerprint,
        }
        if dataset.classes:
            counts = torch.bincount(split.y, minlength=len(dataset.classes)).tolist()
            about["classes"] = dict(zip(dataset.classes, counts, strict=True))
        if dataset.kind == "text":
            about |= _texts(dataset, split)
        if dataset.kind == "table":
            about["columns"] = _columns(dataset, split)
        splits[name] = about
    return splits


def _texts(dataset: Dataset, split: Split) -> dict[str, Any]:
    words = torch.tensor([len(text.split()) for text in texts_of(split.x)], dtype=torch.float64)
    lengths = {
        name: round(float(words.mean() if at is None else words.quantile(at)), 1)
        for name, at in _QUANTILES.items()
    }
    # Evenly over the split, so that not all are of the first class.
    places = torch.linspace(0, len(split) - 1, min(_SHOWN, len(split))).long()
    texts = islice(texts_of(split.rows(places).x), _SHOWN)
    samples = [
        {"name": split.name(row), "label": _label(dataset, split, row), "text": _short(text)}
        for row, text in zip(places.tolist(), texts, strict=True)
    ]
    return {"words": lengths, "samples": samples}


def _columns(dataset: Dataset, split: Split) -> dict[str, dict[str, float]]:
    x = torch.cat(list(chunks(split.x))).double()
    values = dict(zip(dataset.features, x.unbind(1), strict=True))
    if not dataset.classes and split.y.ndim == 1:
        values[dataset.target] = split.y.double()
    return {
        name: {"min": float(v.min()), "mean": float(v.mean()), "max": float(v.max())}
        for name, v in values.items()
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…"


def _label(dataset: Dataset, split: Split, row: int) -> str | float:
    return dataset.classes[int(split.y[row])] if dataset.classes else float(split.y[row])
