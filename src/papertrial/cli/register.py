"""`papertrial register`: fix what `papertrial verify` will do, before the first seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import RUNS, Data, Device, Json, Overrides, Recipe, Runs
from papertrial.cli.output import print_result
from papertrial.cli.verify import (
    Alpha,
    Horizon,
    MaxSeeds,
    Seeds,
    SeedsFrom,
    Statistic,
    Threads,
    verify_overrides,
)

if TYPE_CHECKING:
    from papertrial.verification.register_labs import RegisteredLabs
    from papertrial.verification.register_options import Registered


def register_command(
    recipe: Recipe,
    overrides: Overrides = None,
    max_seeds: MaxSeeds = None,
    seeds: Seeds = None,
    seeds_from: SeedsFrom = None,
    alpha: Alpha = None,
    statistic: Statistic = None,
    horizon: Horizon = None,
    labs: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Hand out the seeds to so many laboratories, for `papertrial combine`.",
            show_default=False,
        ),
    ] = None,
    threads: Threads = 1,
    runs: Runs = RUNS,
    data: Data = None,
    device: Device = "auto",
    again: Annotated[
        bool, typer.Option("--again", help="Write a new registration; ignore an earlier one.")
    ] = False,
    git: Annotated[
        bool,
        typer.Option("--git", help="Commit the registration to the git repository around --runs."),
    ] = False,
    ots: Annotated[
        bool,
        typer.Option(
            "--ots", help="Write the SHA-256 to a file, for sha256sum -c and OpenTimestamps."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Register claims, rule, code, data and versions without training, and print the SHA-256.

    `papertrial verify` with the same options then uses this registration. With --labs, each
    laboratory gets a recipe of its own to verify.
    """
    from papertrial.cli.live import follow_steps
    from papertrial.recipe.load import load_recipe
    from papertrial.verification.register_options import RegisterOptions

    wanted = verify_overrides(overrides, max_seeds, seeds, seeds_from, alpha, statistic, horizon)
    loaded = load_recipe(recipe, wanted)
    options = RegisterOptions(runs, data, device, threads, again, git, ots)
    if labs is not None:
        from papertrial.verification.register_labs import registering_labs

        made = follow_steps(registering_labs(loaded, labs, options))
        print_result(_lines_on_labs(made), made.to_json(), as_json=as_json)
        return
    from papertrial.verification.preregister import preregistering

    done = follow_steps(preregistering(loaded, options))
    lines = [*done.lines, *_evidence(done, "preregistration.json", done.preregistration)]
    print_result(lines, done.to_json(), as_json=as_json)


def _evidence(done: Registered, file: str, sha256: str) -> Iterator[str]:
    """Yield the lines on a registration: since when it exists, and what proves that."""
    yield f"registered at {done.registered}{'' if done.is_new else ', found again'} in {done.path}"
    yield f"SHA-256 of {file}: {sha256}"
    if done.commit is not None:
        yield f"git commit: {done.commit}"
    if done.digest is not None:
        yield f"to stamp it: cd {done.path} && ots stamp {file}"


def _lines_on_labs(made: RegisteredLabs) -> list[str]:
    """Return the lines that `papertrial register --labs` prints."""
    lines = [*made.lines, *_evidence(made, "labs.json", made.registration)]
    each = [f"papertrial verify {path}" for path, _ in made.laboratories]
    return [*lines, "send each laboratory its folder; it runs:", *(f"  {one}" for one in each)]
