"""Descriptions of loaded sets: shapes, counts, ranges, fingerprints."""

from __future__ import annotations

from itertools import islice

import torch

from papertrial.data.cards.card import DataCard
from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.files.facts import FileFacts, SetFacts
from papertrial.data.texts.ragged_column import texts_of
from papertrial.progress import Step, Steps
from papertrial.record import Part

_SHOWN = 4  # samples of a text set
_CHARACTERS = 120  # of each sample
_QUANTILES = {"min": 0.0, "5%": 0.05, "median": 0.5, "mean": None, "95%": 0.95, "max": 1.0}


class ColumnRange(Part):
    """The range and the mean of a column of a table."""

    min: float
    mean: float
    max: float


class TextSample(Part):
    """A text, shortened, with its name and its class or target."""

    name: str
    label: str | float
    text: str


class SplitDescription(Part):
    """A description of a split; what does not apply to its kind of samples is None.

    `shape` and `dtype` are those of a sample. `classes` counts the samples of each class, `words`
    has the mean and quantiles of the lengths of texts.
    """

    rows: int
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    fingerprint: str
    classes: dict[str, int] | None = None
    words: dict[str, float] | None = None
    samples: tuple[TextSample, ...] | None = None
    columns: dict[str, ColumnRange] | None = None


class SetDescription(SetFacts):
    """The facts of a named set, of its files and of its splits.

    `folder` is None for a set that comes with papertrial; `sheet` is the file of sample images, and
    `card` the data card, None for word vectors.
    """

    folder: str | None
    files: tuple[FileFacts, ...]
    splits: dict[str, SplitDescription]
    sheet: str | None = None
    card: DataCard | None = None


def describe(dataset: Dataset) -> Steps[dict[str, SplitDescription]]:
    """Return a description of each split of a loaded set, by name."""
    splits = {}
    for done, (name, split) in enumerate(dataset.splits.items()):
        yield Step(f"describing {dataset.name}", done, len(dataset.splits), "splits")
        is_text = dataset.kind == "text"
        splits[name] = SplitDescription(
            rows=len(split),
            shape=tuple(split.x.shape),
            dtype=str(split.x.dtype).removeprefix("torch."),
            nbytes=split.x.nbytes,
            fingerprint=split.fingerprint,
            classes=_class_counts(dataset, split) if dataset.classes else None,
            words=_word_counts(split) if is_text else None,
            samples=_text_samples(dataset, split) if is_text else None,
            columns=_columns(dataset, split) if dataset.kind == "table" else None,
        )
    return splits


def _class_counts(dataset: Dataset, split: Split) -> dict[str, int]:
    counts = torch.bincount(split.y, minlength=len(dataset.classes)).tolist()
    return dict(zip(dataset.classes, counts, strict=True))


def _word_counts(split: Split) -> dict[str, float]:
    words = torch.tensor([len(text.split()) for text in texts_of(split.x)], dtype=torch.float64)
    return {
        name: round(float(words.mean() if at is None else words.quantile(at)), 1)
        for name, at in _QUANTILES.items()
    }


def _text_samples(dataset: Dataset, split: Split) -> tuple[TextSample, ...]:
    # Spread over the split, so that they are not all of the first class.
    places = torch.linspace(0, len(split) - 1, min(_SHOWN, len(split))).long()
    texts = islice(texts_of(split.rows(places).x), _SHOWN)
    return tuple(
        TextSample(name=split.name(row), label=_label(dataset, split, row), text=_short(text))
        for row, text in zip(places.tolist(), texts, strict=True)
    )


def _columns(dataset: Dataset, split: Split) -> dict[str, ColumnRange]:
    x = torch.cat(list(chunks(split.x))).double()
    values = dict(zip(dataset.features, x.unbind(1), strict=True))
    if not dataset.classes and split.y.ndim == 1:
        values[dataset.target] = split.y.double()
    return {
        name: ColumnRange(min=float(v.min()), mean=float(v.mean()), max=float(v.max()))
        for name, v in values.items()
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARACTERS else f"{line[: _CHARACTERS - 1]}…"


def _label(dataset: Dataset, split: Split, row: int) -> str | float:
    return dataset.classes[int(split.y[row])] if dataset.classes else float(split.y[row])
