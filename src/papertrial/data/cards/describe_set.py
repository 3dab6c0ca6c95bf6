"""The card of a loaded set: its samples as a training gets them, before preparation."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.cards.card import (
    ColumnCard,
    DataCard,
    DuplicateFacts,
    ImageFacts,
    PartCard,
    SampleCard,
    TensorCard,
)
from papertrial.data.cards.describe_values import (
    most_frequent,
    number_facts,
    shortened,
    spread_rows,
    text_facts,
)
from papertrial.data.column import Dataset, NamedColumns, SampleColumn, Split, chunks
from papertrial.data.duplicates import digests, matches, repeated
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.texts.ragged_column import texts_of
from papertrial.progress import Step, Steps

_SAMPLES = 5
_SIZES = 20
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def describe_set(dataset: Dataset, source: str) -> Steps[DataCard]:
    """Return the card of a loaded set.

    Duplicates of tables and tensors are those whose targets agree too, because rows with few
    distinct values agree by chance.
    """
    parts = {}
    for done, (name, split) in enumerate(dataset.splits.items()):
        yield Step(f"describing {dataset.name}", done, len(dataset.splits), "parts")
        parts[name] = _describe(dataset, split)
    yield Step("looking for duplicates", 0, None, "samples")
    return DataCard(
        name=dataset.name,
        source=source,
        kind=dataset.kind,
        target=dataset.target if dataset.kind in ("table", "text") else None,
        parts=parts,
        duplicates=_duplicates(dataset),
        notes=dataset.notes,
    )


def _describe(dataset: Dataset, split: Split) -> PartCard:
    kind = dataset.kind
    return PartCard(
        rows=len(split),
        nbytes=split.x.nbytes,
        fingerprint=split.fingerprint,
        classes=_class_counts(dataset, split),
        columns=(*(_columns(dataset, split) if kind == "table" else ()), *_numbers(dataset, split)),
        images=_images(split.x) if kind == "image" else None,
        texts=text_facts(texts_of(split.x)) if kind == "text" else None,
        tensors=_tensors(split.x) if kind == "tensor" else None,
        samples=_texts(dataset, split) if kind == "text" else (),
    )


def _class_counts(dataset: Dataset, split: Split) -> dict[str, int] | None:
    y = split.y
    if not isinstance(y, Tensor) or y.is_floating_point():
        return None
    if dataset.targets:
        return dict(zip(dataset.targets, y.long().sum(0).tolist(), strict=True))
    if not dataset.classes:
        return None
    counts = torch.bincount(y.long(), minlength=len(dataset.classes)).tolist()
    return dict(zip(dataset.classes, counts, strict=True))


def _numbers(dataset: Dataset, split: Split) -> list[ColumnCard]:
    """Return the cards of targets that are numbers."""
    y = split.y
    if not isinstance(y, Tensor) or not y.is_floating_point() or y.ndim > 2:
        return []
    if y.ndim == 1:
        return [_column(dataset.target, y)]
    return [_column(name, one) for name, one in zip(dataset.targets, y.unbind(1), strict=False)]


def _columns(dataset: Dataset, split: Split) -> list[ColumnCard]:
    x = torch.cat(list(chunks(split.x)))
    named = zip(dataset.features, x.unbind(1), strict=True)
    return [_column(name, values) for name, values in named]


def _column(name: str, values: Tensor) -> ColumnCard:
    array = values.cpu().numpy()
    present = array[~np.isnan(array)]
    whole = bool(len(present)) and bool((present == np.floor(present)).all())
    return ColumnCard(
        name=name,
        type="whole number" if whole else "number",
        stored=str(values.dtype).removeprefix("torch."),
        missing=len(array) - len(present),
        distinct=len(np.unique(present)),
        numbers=number_facts(present),
    )


def _images(column: SampleColumn) -> ImageFacts:
    if isinstance(column, VaryingImages):
        shapes = [tuple(column.sample(row).shape) for row in range(len(column))]
    else:
        shapes = [tuple(column.shape)] * len(column)
    sizes = Counter(f"{height} x {width}" for _, height, width in shapes)
    modes = Counter(_MODES.get(one[0], f"{one[0]} channels") for one in shapes)
    shown, other = most_frequent(sizes, _SIZES)
    return ImageFacts(sizes=shown, other_sizes=other, modes=most_frequent(modes, _SIZES)[0])


def _tensors(column: SampleColumn) -> dict[str, TensorCard]:
    if isinstance(column, NamedColumns):
        return {name: _tensor(one) for name, one in column.columns.items()}
    return {"x": _tensor(column)}


def _tensor(column: SampleColumn) -> TensorCard:
    dtype = str(column.dtype).removeprefix("torch.")
    values = None
    if not column.dtype.is_complex:
        rows = spread_rows(len(column), 10_000)
        values = number_facts(column.take(torch.tensor(rows)).double().flatten().cpu().numpy())
    return TensorCard(shape=tuple(column.shape), dtype=dtype, numbers=values)


def _texts(dataset: Dataset, split: Split) -> tuple[SampleCard, ...]:
    rows = spread_rows(len(split), _SAMPLES)
    texts = texts_of(split.x, rows)
    return tuple(
        SampleCard(name=split.name(row), label=_label(dataset, split.y, row), text=shortened(text))
        for row, text in zip(rows, texts, strict=True)
    )


def _label(dataset: Dataset, y: Any, row: int) -> str:
    if not isinstance(y, Tensor) or y.ndim > 1:
        return ""
    return dataset.classes[int(y[row])] if dataset.classes else f"{float(y[row]):g}"


def _duplicates(dataset: Dataset) -> DuplicateFacts:
    with_targets = dataset.kind in ("table", "tensor")
    known = {name: digests(split.x) for name, split in dataset.splits.items()}
    y = {name: split.y for name, split in dataset.splits.items()}
    return DuplicateFacts(
        of="samples with their targets" if with_targets else "samples",
        repeated={
            name: repeated(one, y[name], with_targets=with_targets) for name, one in known.items()
        },
        shared={
            f"{one}/{other}": len(
                matches(known[one], y[one], known[other], y[other], with_targets=with_targets)
            )
            for one, other in combinations(known, 2)
        },
    )
