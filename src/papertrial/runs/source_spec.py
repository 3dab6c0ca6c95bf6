"""What to load, from the keys of a recipe: its source, and how samples are read from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from papertrial.data.sources.spec import (
    Arguments,
    SourceSpec,
    WindowOptions,
)
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_format import TableFormat
from papertrial.recipe.build import call_of_slot
from papertrial.recipe.data_section import PathParts, Window
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_function
from papertrial.runs.build import build_image_options
from papertrial.runs.fold_recipes import split_seed
from papertrial.runs.table_options import table_options
from papertrial.tasks.make_task import TASKS


def source_spec(
    recipe: Recipe,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
    form: TableFormat | None = None,
    *,
    download: bool = True,
) -> SourceSpec:
    """Return what to load for a recipe.

    Args:
        recipe: names the set.
        layout: the layout of a table; None to learn it.
        classes: the classes of a table; None to find them.
        form: how the cells of a table are written; None for what the recipe says.
        download: whether files of a named set may be downloaded.

    Raises:
        RecipeError: the function of the source cannot be imported, or a nested slot fails.
    """
    data = recipe.data
    window = data.window or Window()
    source, arguments = _source(recipe)
    files = (
        {part: Path(file) for part, file in data.path.by_part.items()}
        if isinstance(data.path, PathParts)
        else None
    )
    return SourceSpec(
        source,
        path=Path(data.paths[0] if data.paths else ""),
        files=files,
        arguments=arguments,
        parts=data.parts.by_part if data.parts else None,
        targets=TASKS[recipe.task].targets,
        kinds=TASKS[recipe.task].kinds,
        images=build_image_options(recipe),
        table=table_options(data, form),
        window=WindowOptions(window.length, window.horizon),
        layout=layout,
        classes=None if classes is None else tuple(classes),
        seed=split_seed(recipe),
        keeps_empty=data.text is not None and data.text.empty == "drop",
        download=download,
    )


def _source(recipe: Recipe) -> tuple[str | Callable[..., object], Arguments]:
    """Return the recipe's source, its name or its function, and the arguments of a function.

    Raises:
        RecipeError: the function cannot be imported, or a nested slot fails.
    """
    source = recipe.data.source
    if isinstance(source, str):
        return (resolve(source) if is_function(source) else source), Arguments()
    call = call_of_slot("data.source", source.use, source.args, source.kwargs)
    return call.target, Arguments(tuple(call.args), call.kwargs)
