"""The lines that `papertrial data info` prints of a named set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from papertrial.cli.size_and_duration import size

if TYPE_CHECKING:
    from papertrial.data.describe import SetDescription, SplitDescription

_MAX_COUNTS = 12  # the counts of more classes are only in --json


def print_named_set(about: SetDescription) -> None:
    """Print the facts of a named set, of its files and of its splits."""
    typer.echo(f"{about.name}: {about.title}")
    typer.echo(f"kind      {about.kind}, {about.task}")
    typer.echo(f"licence   {about.licence}")
    typer.echo(f"homepage  {about.homepage}")
    typer.echo(f"folder    {about.folder or 'scikit-learn, which comes with papertrial'}")
    for file in about.files:
        typer.echo(f"  {file.file}  {size(file.nbytes)}, {file.state}")
    for name, split in about.splits.items():
        shape = " x ".join(map(str, split.shape))
        each = f"samples, each {shape} {split.dtype}" if shape else "texts"
        typer.echo(f"{name}: {split.rows:,} {each}, {size(split.nbytes)}")
        typer.echo(f"  fingerprint {split.fingerprint}")
        _print_content(split)
    if about.card is not None:
        found = about.card.duplicates
        for name, count in [*found.repeated.items(), *found.shared.items()]:
            if count:
                typer.echo(f"duplicates ({found.of}) in {name}: {count:,}")
        for note in about.card.notes:
            typer.echo(note.text)
    if about.sheet is not None:
        typer.echo(f"sample sheet: {about.sheet}")


def _print_content(split: SplitDescription) -> None:
    counts = split.classes or {}
    if len(set(counts.values())) == 1 and len(counts) > _MAX_COUNTS:
        typer.echo(f"  {len(counts)} classes, {next(iter(counts.values())):,} samples each")
    elif len(counts) > _MAX_COUNTS:
        few, many = min(counts.values()), max(counts.values())
        typer.echo(f"  {len(counts)} classes, {few:,} to {many:,} samples each")
    elif counts:
        typer.echo("  " + ", ".join(f"{name}: {count:,}" for name, count in counts.items()))
    for name, column in (split.columns or {}).items():
        typer.echo(f"  {name:12}" + "".join(f"  {k} {v:<10.5g}" for k, v in column))
    if split.words is not None:
        typer.echo("  words: " + ", ".join(f"{k} {v:,.5g}" for k, v in split.words.items()))
    for sample in split.samples or ():
        typer.echo(f"  {sample.name} ({sample.label}): {sample.text}")
