"""Tables as they are loaded from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from papertrial.data.sources import table
from papertrial.data.sources.spec import LoadedSet, SourceSpec, TableOptions
from papertrial.progress import finish

LoadTable = Callable[..., LoadedSet]


@pytest.fixture
def load_table(tmp_path: Path) -> LoadTable:
    """Return what writes columns to a CSV file and loads it; the target is the column y."""

    def load(
        columns: Mapping[str, Sequence[Any]],
        *,
        numbers: bool = False,
        categorical: Sequence[str] = (),
        features: Sequence[str] | None = None,
    ) -> LoadedSet:
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(lines) + "\n")
        chosen = None if features is None else tuple(features)
        options = TableOptions(("y",), categorical=tuple(categorical), features=chosen)
        targets: Any = "numbers" if numbers else "classes"
        return finish(table.load(SourceSpec("table", path, targets=targets, table=options), path))

    return load
