"""A user's own images with a table of their paths and their classes, labels or numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from papertrial.data.column import Dataset
from papertrial.data.files.folder_walk import LeftOut, Reason
from papertrial.data.images.cache import open_decoded
from papertrial.data.images.decode_set import ImageFile, ImageSet, printable
from papertrial.data.images.find_named import NamedImages
from papertrial.data.sources.image_folder import column_of_part, skipped_notes
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.table_parts import Tables, make_splits, reading_parts, with_targets
from papertrial.data.sources.table_targets import read_targets
from papertrial.data.tables.table_file import TableFile, check_has_columns, table_ending
from papertrial.errors import DataError
from papertrial.progress import Steps

_SHOWN = 5
_BESIDE = Reason(
    "name images that lie with the table, not in data.image.folder",
    "table",
    "remove data.image.folder",
    "guessed",
)
_ABSENT = Reason("name an image that does not exist", "row", "restore the files")


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load images uint8 [N, C, H, W], decoded as those of a folder; y as `read_targets` returns it.

    `spec.path` is a table, or a folder with a table for each part. The column `spec.table.image`
    has the paths of the images, relative to `spec.images.folder`, or else to the folder of the
    table, and may omit their endings. A single table may have a column `spec.table.part` with the
    part of each row.

    Raises:
        DataError: the tables, the columns or the cells are not valid; an image does not exist and
            is not to be skipped; images cannot be decoded, or have several sizes or modes.
    """
    options, path = spec.table, spec.path
    tables: Tables = yield from reading_parts(path, options.form)
    notes = [note for table in tables.values() for note in table.notes]
    if options.part:
        tables = _by_part(tables, options.part)
    for table in tables.values():
        check_has_columns(table, [options.image], "data.table.image")
        check_has_columns(table, options.targets, "data.table.target")
    tables, dropped = with_targets(
        tables, options.targets, options.missing_target, classes=spec.targets == "classes"
    )
    tables, images = _find(spec, tables)
    decoded = yield from open_decoded(images, folder / "cache")
    skipped = decoded.meta.skipped
    if skipped:
        tables = {
            part: _without(table, images.parts[part], skipped) for part, table in tables.items()
        }
    found = read_targets(tables, options.targets, spec.targets, spec.classes)
    columns = {part: column_of_part(decoded, part) for part in tables}
    dataset = Dataset.from_splits(
        path.name or str(path),
        "image",
        make_splits(tables, columns, found.y, options.group),
        classes=found.classes,
        target=options.targets[0],
        targets=found.columns,
        notes=(*notes, *dropped, *decoded.notes, *skipped_notes(skipped)),
    )
    return LoadedSet(dataset)


def is_image_table(path: Path) -> bool:
    """Return whether a path is a table, or a folder with one for each part, not one of images."""
    if not path.is_dir():
        return table_ending(path) != ""
    return any(table_ending(file) and part_meant(file.stem) for file in path.iterdir())


def _by_part(tables: Tables, column: str) -> dict[str, TableFile]:
    """Return the table of each part that the cells of a column name."""
    if len(tables) > 1:
        rule = "data.table.part is for a single table"
        raise DataError(f"{rule}, but there is one for each part; remove the key")
    (table,) = tables.values()
    check_has_columns(table, [column], "data.table.part")
    cells = table.texts(column)
    parts = [None if cell is None else part_meant(cell) for cell in cells]
    if None in parts:
        row = parts.index(None)
        raise DataError(
            f"data.table.part: {table.where(row)}: {column} must be train, validation or test, got "
            f"{table.written(column, row)!r}"
        )
    if "train" not in parts:
        raise DataError(f"data.table.part: {table.path}: no row of {column} is for train")
    named = np.array(parts)
    return {part: table.keep(named == part) for part in PARTS if part in parts}


def _find(spec: SourceSpec, tables: Tables) -> tuple[dict[str, TableFile], ImageSet]:
    """Return the tables without rows whose image is skipped, and the images of the others."""
    options, column = spec.images, spec.table.image
    left = LeftOut()
    base = _base(spec, tables["train"], left)
    named = NamedImages(base, left)
    kept, parts, absent = {}, {}, []
    for part, table in tables.items():
        files: list[ImageFile] = []
        rows = np.zeros(len(table), dtype=bool)
        for row, cell in enumerate(table.texts(column)):
            found = "is missing" if cell is None else named.find(cell, table.position(row))
            if isinstance(found, str):
                absent.append((table, row, cell, found))
            else:
                files.append(found)
                rows[row] = True
        kept[part], parts[part] = table.keep(rows), files
    if absent and (options.corrupt == "error" or not all(parts.values())):
        raise _no_images(base, column, named, absent, sum(map(len, tables.values())))
    for table, row, cell, _ in absent:
        left.add(_ABSENT, f"{cell or ''!r} ({table.position(row)})")
    named.count_others()
    images = ImageSet(
        base,
        ("image",),
        parts,
        options.size,
        options.mode,
        options.corrupt,
        options.grey_range,
        chosen_by=str(spec.path.resolve()),
        notes=left.notes(),
    )
    return kept, images


def _base(spec: SourceSpec, table: TableFile, left: LeftOut) -> Path:
    """Return the folder that paths are relative to: the given one, or that of the table.

    A table of other images than those of the given folder may lie with its images.
    """
    beside = spec.path if spec.path.is_dir() else spec.path.parent
    given = spec.images.folder
    if given is None:
        return beside
    if not given.is_dir():
        raise DataError(
            f"data.image.folder: {given} is not a folder; name the folder of the images"
        )
    first = next((cell for cell in table.texts(spec.table.image) if cell is not None), None)
    if first is None or not isinstance(NamedImages(given, LeftOut()).find(first, ""), str):
        return given
    if isinstance(NamedImages(beside, LeftOut()).find(first, ""), str):
        return given
    left.add(_BESIDE, str(spec.path))
    return beside


def _no_images(
    base: Path,
    column: str,
    named: NamedImages,
    absent: list[tuple[TableFile, int, str | None, str]],
    rows: int,
) -> DataError:
    lines = [
        f"  {table.where(row)}: {cell!r} {why}"
        if cell is not None
        else f"  {table.where(row)}: {why}"
        for table, row, cell, why in absent[:_SHOWN]
    ]
    lines += [f"  and {len(absent) - _SHOWN:,} more"] * (len(absent) > _SHOWN)
    cells = [cell for _, _, cell, why in absent if cell and why == "does not exist"]
    elsewhere = named.where_else(cells[0]) if cells else ""
    advice = (
        f"{cells[0]} lies in {elsewhere}: set data.image.folder: {elsewhere}"
        if elsewhere
        else "correct the table, or set data.image.folder to the folder to which the paths are "
        "relative; data.image.corrupt: skip leaves such rows out"
    )
    return DataError(
        f"data.table.image: {len(absent):,} of {rows:,} rows name no image in {base}\n"
        + "\n".join(lines)
        + f"\n{advice}"
    )


def _without(table: TableFile, files: list[ImageFile], skipped: dict[str, str]) -> TableFile:
    """Return a table without the rows of the images that cannot be decoded."""
    return table.keep(np.array([printable(file.name) not in skipped for file in files], dtype=bool))
