"""Any source, by its name: a set that is known, files of one's own, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from papertrial.data.column import Dataset
from papertrial.data.sources import (
    image_folder,
    named_sets,
    python_source,
    table,
    text_folder,
    text_table,
)
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.data.tables.layout import Layout
from papertrial.progress import Step, Steps


def open_source(
    source: str | Callable[..., object],
    folder: Path,
    *,
    classify: bool,
    path: Path | None = None,
    size: tuple[int, int] | None = None,
    mode: Literal["L", "RGB"] | None = None,
    corrupt: Literal["error", "skip"] = "error",
    target: str = "",
    text: str = "",
    features: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    missing: Literal["error", "drop", "mean", "median"] = "error",
    delimiter: str | None = None,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> Steps[tuple[Dataset, Layout | None]]:
    """Load a set, and for a table file say what its columns are.

    Args:
        source: a set's name; image-folder, text-folder, table or text-table; or a function.
        folder: the data folder.
        classify: whether targets are classes.
        path: of one's own files.
        size: [H, W] that images of one's own are resized to.
        mode: that they are converted to.
        corrupt: what becomes of images that cannot be read.
        target: column to predict.
        text: column of texts.
        features: columns to learn from, None for all.
        categorical: those of them that are categories.
        missing: what becomes of missing cells.
        delimiter: of a CSV file, None for the usual one.
        layout: of a table's columns, where it is known already.
        classes: of a table's target, where they are known already.
        seed: what a function of one's own may draw from is put here, whatever the training's is.

    Raises:
        DataError: whatever is wrong with the data.
    """
    own = path or Path()
    if source == "image-folder":
        cache = folder / "cache"
        loaded = image_folder.load(own, cache, size=size, mode=mode, corrupt=corrupt)
        return (yield from loaded), None
    if source == "text-folder":
        return (yield from text_folder.load(own)), None
    yield Step(f"reading {path or getattr(source, '__name__', source)}", 0, None, "rows")
    if source == "text-table":
        return text_table.load(own, text=text, target=target, delimiter=delimiter), None
    if source == "table":
        return table.load(
            own,
            target=target,
            classify=classify,
            features=features,
            categorical=categorical,
            missing=missing,
            delimiter=delimiter,
            layout=layout,
            classes=classes,
        )
    if isinstance(source, str):
        dataset = yield from named_sets.loading(source, folder)
    else:
        cpu, name = torch.device("cpu"), getattr(source, "__name__", "function")
        with generators_kept(cpu):
            seed_all(cpu, derive(seed, "source"))
            dataset = python_source.load(source, name, classify)
    return table.select(dataset, features) if features else dataset, None
