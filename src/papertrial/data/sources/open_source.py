"""Every source by its name, and the one function that loads any of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from papertrial.data.sources import (
    cifar10,
    cora,
    embedded,
    etth1,
    hugging_face,
    image_folder,
    image_table,
    imdb,
    python_source,
    rt_polarity,
    table,
    text_folder,
    text_table,
    tiny_shakespeare,
    torchvision_sets,
)
from papertrial.data.sources.spec import LoadedSet, Source, SourceSpec
from papertrial.errors import DataError, did_you_mean
from papertrial.hub import is_on_hub
from papertrial.progress import Steps
from papertrial.vocabulary import OWN_DATA

SOURCES: Mapping[str, Source] = {
    "digits": embedded.load,
    "diabetes": embedded.load,
    "breast-cancer": embedded.load,
    "fashion-mnist": torchvision_sets.load,
    "mnist": torchvision_sets.load,
    "kmnist": torchvision_sets.load,
    "cifar10": cifar10.load,
    "cifar100": torchvision_sets.load,
    "imdb": imdb.load,
    "rt-polarity": rt_polarity.load,
    "tiny-shakespeare": tiny_shakespeare.load,
    "etth1": etth1.load,
    "cora": cora.load,
    "image-folder": image_folder.load,
    "image-table": image_table.load,
    "text-folder": text_folder.load,
    "table": table.load,
    "text-table": text_table.load,
    "dataset-folder": hugging_face.load,
}


def open_source(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Open the source that `spec` describes, whatever its kind, and load its set.

    Args:
        spec: what to load.
        folder: the data folder.

    Raises:
        DataError: there is no such source, or its data are absent or not valid.
    """
    if isinstance(spec.source, str):
        if is_on_hub(spec.source):
            return (yield from hugging_face.load(spec, folder))
        if spec.source not in SOURCES:
            near = did_you_mean(spec.source, SOURCES)
            raise DataError(f"there is no source {spec.source!r}{near}")
        loaded = yield from SOURCES[spec.source](spec, folder)
        if spec.source in OWN_DATA:
            return loaded
    else:
        loaded = yield from python_source.load(spec, folder)
    if spec.table.features:
        return LoadedSet(table.select_features(loaded.dataset, spec.table.features))
    return loaded
