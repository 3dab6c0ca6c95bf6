"""How a table is read, as a recipe says it."""

from __future__ import annotations

from papertrial.data.sources.spec import TableOptions
from papertrial.data.tables.learn_layout import Encoding
from papertrial.data.tables.table_format import TableFormat
from papertrial.recipe.data_section import Data
from papertrial.recipe.table_section import Columns


def table_options(data: Data, form: TableFormat | None = None) -> TableOptions:
    """Return how the table of a recipe is read.

    Args:
        data: the section of the recipe.
        form: how the cells are written; None for what the recipe says.
    """
    columns = data.table or Columns()
    return TableOptions(
        targets=columns.targets,
        text=columns.text or "",
        image=columns.image or "",
        part=columns.part or "",
        features=columns.features,
        exclude=columns.exclude,
        encoding=Encoding(
            categorical=columns.categorical,
            codes=columns.codes,
            dates=columns.date_parts,
            unseen=columns.unseen,
        ),
        missing=columns.missing,
        missing_target=columns.missing_target,
        form=form or _form(columns),
        group=data.splits.group,
    )


def _form(columns: Columns) -> TableFormat:
    return TableFormat(
        delimiter=columns.delimiter,
        encoding=columns.encoding,
        decimal=columns.decimal,
        thousands=columns.thousands,
        strip=columns.strip,
        header=columns.header,
        names=columns.names,
        na_values=columns.na_values,
    )
