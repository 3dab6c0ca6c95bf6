"""`papertrial data info SOURCE`: describe a named set, a file, a folder, or a recipe's data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import Data, Json
from papertrial.cli.output import print_json

if TYPE_CHECKING:
    from PIL.Image import Image

    from papertrial.data.cards.card import DataCard
    from papertrial.data.column import Dataset

_RECIPES = (".yaml", ".yml")


def data_info_command(
    source: Annotated[
        str,
        typer.Argument(
            help="A file or folder of data, a recipe, or the name of a data set.",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of a table that is predicted.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of a table that holds texts.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the card as a page to this file.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a sheet of sample images to this PNG file.")
    ] = None,
) -> None:
    """Describe a data set: counts, types, ranges, missing values, classes, duplicates, samples.

    SOURCE is a table, a folder of tables, images or texts, a file of tensors, a saved set of
    Hugging Face, a recipe, whose data section is loaded, or a named set on disk. Nothing of a file
    is an error if it can be read: what a recipe would refuse is described. Downloads nothing for a
    named set.
    """
    from papertrial.data.files.catalog import CATALOG
    from papertrial.errors import DataError
    from papertrial.recipe.load import shipped_recipes

    if sheet is not None and sheet.suffix.lower() != ".png":
        raise DataError(f"--sheet must name a PNG file, got {sheet}")
    is_recipe = source.lower().endswith(_RECIPES) or source in shipped_recipes()
    by_path = Path(source).exists() and source not in CATALOG and not is_recipe
    if not by_path and (target is not None or text is not None):
        raise DataError("--target and --text name columns of a table, but this is none; omit them")
    if by_path:
        card, picture = _card_of_path(Path(source), target, text, wants_sheet=bool(html or sheet))
        _finish(card, picture, html, sheet, as_json=as_json)
    elif is_recipe:
        dataset, card = _card_of_recipe(source, data)
        picture = _picture(dataset) if html or sheet else None
        _finish(card, picture, html, sheet, as_json=as_json)
    else:
        _describe_named(source, data, html, sheet, as_json=as_json)


def _card_of_path(
    path: Path, target: str | None, text: str | None, *, wants_sheet: bool
) -> tuple[DataCard, Image | None]:
    from papertrial.cli.live import follow_steps
    from papertrial.data.cards.open_card import describe_path

    card = follow_steps(describe_path(path, target=target, text=text))
    if card.kind != "image" or not wants_sheet:
        return card, None
    from papertrial.data.cards.card_sheet import sheet_of_folder

    return card, sheet_of_folder(path)


def _card_of_recipe(source: str, data: Path | None) -> tuple[Dataset, DataCard]:
    import torch

    from papertrial.cli.live import follow_steps
    from papertrial.data.cards.describe_set import describe_set
    from papertrial.data.files.data_folder import data_folder
    from papertrial.recipe.load import load_recipe, require_model
    from papertrial.runs.init_from import read_start_run
    from papertrial.runs.load_data import load_data, load_whole

    recipe, folder = require_model(load_recipe(source)), data_folder(data)
    start = read_start_run(recipe)
    if recipe.data.splits.count:  # the folds are cut from one part
        dataset = follow_steps(load_whole(recipe, folder, start)).dataset
    else:
        dataset = follow_steps(load_data(recipe, folder, torch.device("cpu"), start)).original
    return dataset, follow_steps(describe_set(dataset, source))


def _picture(dataset: Dataset) -> Image | None:
    """Return the sample sheet of a set of images of one size; None for another set."""
    if dataset.kind != "image" or 0 in dataset.train.x.shape:
        return None
    from papertrial.data.cards.card_sheet import sheet_of_set

    return sheet_of_set(dataset)


def _describe_named(
    name: str, data: Path | None, html: Path | None, sheet: Path | None, *, as_json: bool
) -> None:
    from papertrial.cli.live import follow_steps
    from papertrial.cli.named_set_lines import print_named_set
    from papertrial.data.describe import SetDescription, describe
    from papertrial.data.files.catalog import entry_of, state
    from papertrial.data.files.data_folder import data_folder
    from papertrial.data.files.facts import SetFacts, files_of
    from papertrial.data.files.fetch import absent
    from papertrial.errors import DataError

    entry, folder = entry_of(name), data_folder(data)
    if state(entry, folder) == "absent":
        raise absent(name, folder)
    if sheet is not None and entry.kind != "image":
        raise DataError(f"--sheet needs a data set of images; {name} has the kind {entry.kind}")
    if html is not None and entry.kind == "vectors":
        raise DataError(f"--html needs a data set of samples; {name} has word vectors")
    about = SetDescription(
        **dict(SetFacts.of(entry, folder)),
        folder=str(folder) if entry.files else None,
        files=follow_steps(files_of(entry, folder)),
        splits={},
    )
    if entry.kind != "vectors":
        from papertrial.data.cards.describe_set import describe_set
        from papertrial.data.sources.named_sets import loading

        dataset = follow_steps(loading(name, folder, download=False))
        card = follow_steps(describe_set(dataset, name)).model_copy(
            update={"licence": entry.licence, "homepage": entry.homepage}
        )
        picture = _picture(dataset) if html or sheet else None
        card = _write(card, picture, html, sheet)
        splits = follow_steps(describe(dataset))
        about = about.model_copy(update={"splits": splits, "card": card, "sheet": card.sheet})
    if as_json:
        print_json(about.to_plain())
    else:
        print_named_set(about)


def _finish(
    card: DataCard, picture: Image | None, html: Path | None, sheet: Path | None, *, as_json: bool
) -> None:
    """Write the page and the sheet, and print the card."""
    from papertrial.cli.data_card_lines import print_card

    card = _write(card, picture, html, sheet)
    if as_json:
        print_json(card.to_plain())
    else:
        print_card(card)
        for file in filter(None, (html, sheet)):
            typer.echo(f"wrote {file}")


def _write(
    card: DataCard, picture: Image | None, html: Path | None, sheet: Path | None
) -> DataCard:
    """Write the page and the sheet of a card; return the card that names its sheet."""
    from papertrial.errors import DataError

    if sheet is not None:
        if picture is None:
            raise DataError(f"--sheet needs images of one size; {card.name} has none")
        _save(sheet, picture.save)
        card = card.model_copy(update={"sheet": str(sheet)})
    if html is not None:
        from papertrial.report.render.data_card import render_data_card

        page = render_data_card(card, picture)
        _save(html, lambda path: path.write_text(page, encoding="utf-8"))
    return card


def _save(path: Path, write: Callable[[Path], object]) -> None:
    from papertrial.errors import DataError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error
