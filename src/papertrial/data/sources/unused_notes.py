"""Notes on columns and splits of a user's set that nothing is learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from papertrial.reading_note import ReadingNote

_SHOWN = 5


def unused_columns(columns: Iterable[str], used: Sequence[str | None]) -> list[ReadingNote]:
    """Return a note on the columns of a table that are neither samples nor targets nor groups."""
    unused = [name for name in columns if name not in used]
    if not unused:
        return []
    return [
        ReadingNote(
            action="left out",
            what="that data.table does not name",
            count=len(unused),
            unit="column",
            example=_listed(unused),
            change="name other columns in data.table",
        )
    ]


def unused_splits(splits: Iterable[str], used: Iterable[str]) -> list[ReadingNote]:
    """Return a note on the splits of a set that are no part of it."""
    unused = sorted({*splits} - {*used})
    if not unused:
        return []
    return [
        ReadingNote(
            action="left out",
            what="that data.parts does not name",
            count=len(unused),
            unit="split",
            example=_listed(unused),
            change="name them in data.parts",
        )
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
