"""Which columns of a table are features, as a recipe chooses them."""

from __future__ import annotations

from collections.abc import Sequence

from papertrial.data.sources.spec import TableOptions
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError


def feature_columns(table: TableFile, options: TableOptions) -> list[str]:
    """Return the names of the columns to learn from, in order.

    Raises:
        DataError: a column that the recipe names does not exist, the target is among the features,
            or there are none.
    """
    targets, features = options.targets, options.features
    if features is not None:
        check_choice(features)
        check_has_columns(table, features, "data.table.features")
        names = list(features)
    else:
        check_has_columns(table, options.exclude, "data.table.exclude")
        left_out = {*targets, *options.exclude, options.group}
        names = [name for name in table.columns if name not in left_out]
    encoding = options.encoding
    encoded = {
        "categorical": encoding.categorical,
        "codes": encoding.codes,
        "dates": encoding.dates,
    }
    for key, columns in {"features": names, **encoded}.items():
        for target in targets:
            if target in columns:
                what = "the target" if len(targets) == 1 else "a target"
                raise DataError(
                    f"data.table.{key}: {target} is {what}, so the model must not see it; remove it"
                )
    if not names:
        rest = ", ".join(targets)
        raise DataError(f"{table.path} has no column but the target {rest}; add features")
    for key, columns in encoded.items():
        check_has_columns(table, columns, f"data.table.{key}")
        unused = [name for name in columns if name not in names]
        if unused:
            raise DataError(
                f"data.table.{key}: {unused[0]} is not in data.table.features; add it there, or "
                "remove it here"
            )
    return names


def check_choice(features: Sequence[str]) -> None:
    """Raise DataError unless data.table.features names at least one column, each once."""
    twice = sorted({name for name in features if list(features).count(name) > 1})
    if twice:
        raise DataError(f"data.table.features names {twice[0]!r} more than once; name it once")
    if not features:
        raise DataError("data.table.features is empty; name at least one column, or remove the key")
