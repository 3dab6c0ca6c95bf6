"""Rules over the keys of data.table."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.hub import FORM
from papertrial.recipe.plain_values import value_at
from papertrial.recipe.raw_claim import Broken

DATASETS = ("dataset-folder", FORM)  # in the format of Hugging Face
_TABLES = ("table", *DATASETS)
_FILES = ("table", "text-table", "image-table")
# The sources that a key of data.table is for; `features` also applies to named data sets.
_SOURCES = {
    "target": (*_FILES, *DATASETS),
    "text": ("text-table", *DATASETS),
    "image": ("image-table", *DATASETS),
    "part": ("image-table",),
    "exclude": _TABLES,
    "categorical": _TABLES,
    "codes": _TABLES,
    "unseen": _TABLES,
    "dates": _TABLES,
    "missing": _TABLES,
    "missing_target": (*_FILES, *DATASETS),
    "na_values": _FILES,
    "delimiter": _FILES,
    "encoding": _FILES,
    "decimal": _FILES,
    "thousands": _FILES,
    "strip": _FILES,
    "header": _FILES,
    "names": _FILES,
}
_DEFAULTS: tuple[object, ...] = (None, (), [], {}, "error", True)  # which are not reported


def broken_tables(columns: object, source: str) -> Iterator[Broken]:
    """Yield (key path, message) for each rule that data.table breaks, for a source."""
    for key, sources in _SOURCES.items():
        if source not in sources and value_at(columns, key) not in _DEFAULTS:
            yield f"data.table.{key}", f"is only for source: {' or '.join(sources)}, got {source}"
    if value_at(columns, "exclude") and value_at(columns, "features") is not None:
        rule = "does not go with data.table.features, which names the input columns"
        yield "data.table.exclude", f"{rule}; remove one of them"
    if value_at(columns, "names") and value_at(columns, "header") is not False:
        rule = "is for a file without a header; set data.table.header: false, or remove it"
        yield "data.table.names", rule
    decimal, thousands = value_at(columns, "decimal"), value_at(columns, "thousands")
    if thousands is not None and thousands == decimal:
        yield "data.table.thousands", f"must differ from data.table.decimal, both are {decimal!r}"
    seen: dict[object, str] = {}
    for key in ("categorical", "codes", "dates", "exclude"):
        listed = value_at(columns, key)
        for name in listed if isinstance(listed, list | tuple | dict) else ():
            if name in seen:
                rule = f"lists {name!r}, which data.table.{seen[name]} lists too"
                yield f"data.table.{key}", f"{rule}; remove it from one of them"
            seen[name] = key
