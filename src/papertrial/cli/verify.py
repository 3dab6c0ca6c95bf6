"""`papertrial verify`: does the reported number hold?"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.options import Data, Device, Json, Overrides, Recipe
from papertrial.numbers import as_written, whole

if TYPE_CHECKING:
    from papertrial.verification.verify import Verification

# 1 and 3 tell of verdicts, so that a verification can be a step of anyone's CI.
EXIT_CODES = {"REPRODUCED": 0, "NOT REPRODUCED": 1, "UNDECIDED": 3}

MaxSeeds = Annotated[
    int | None, typer.Option(help="Seeds at most; at least 5.", show_default="verify.max_seeds: 15")
]


def settings(
    overrides: list[str] | None,
    max_seeds: int | None,
    seeds: str | None = None,
    alpha: float | None = None,
    statistic: str | None = None,
    horizon: str | None = None,
) -> list[str]:
    """Return the options as overrides of the recipe's section `verify`, after those given."""
    from papertrial.claims.rule import FIRST_LOOK

    if seeds is not None and max_seeds is None:
        max_seeds = max(seeds.count(",") + 1, FIRST_LOOK)  # those that were named, all of them
    options = {
        "max_seeds": max_seeds,
        "seeds": None if seeds is None else f"[{seeds}]",
        "alpha": alpha,
        "statistic": statistic,
        "horizon": horizon,
    }
    set_ = [f"verify.{key}={value}" for key, value in options.items() if value is not None]
    return [*(overrides or []), *set_]


def verify(
    recipe: Recipe,
    overrides: Overrides = None,
    max_seeds: MaxSeeds = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="These seeds, in this order: 3,1,4,15,9", show_default="from `seed` on"),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(help="Chance of error of each side.", show_default="verify.alpha: 0.05"),
    ] = None,
    statistic: Annotated[
        str | None, typer.Option(help="mean or median.", show_default="verify.statistic: mean")
    ] = None,
    horizon: Annotated[
        str | None,
        typer.Option(
            help="anytime, or fixed: decided by fewer seeds, but the maximum is final.",
            show_default="verify.horizon: anytime",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Seeds trained at once; the verdict does not depend on it.",
            show_default="one a core, or one a GPU",
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="CPU threads of each seed, whatever the workers.")
    ] = 1,
    runs: Annotated[Path, typer.Option(help="Folder that run folders are made in.")] = Path("runs"),
    data: Data = None,
    device: Device = "auto",
    again: Annotated[
        bool, typer.Option("--again", help="Start anew, whatever was verified before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train seed after seed until the recipe's claims are decided.

    Ends with REPRODUCED (exit code 0), NOT REPRODUCED (1) or UNDECIDED (3), and a report. A
    verification that was stopped is gone on with by the same command.
    """
    from papertrial.recipe.load import load_recipe

    wanted = settings(overrides, max_seeds, seeds, alpha, statistic, horizon)
    loaded = load_recipe(recipe, wanted)
    from papertrial.verification.verify import verifying

    done = _following(
        verifying(
            loaded,
            runs=runs,
            data=data,
            device=device,
            workers=workers,
            threads=threads,
            again=again,
        )
    )
    typer.echo(done.headline, err=as_json)
    for claim in done.claims:
        typer.echo(f"  {_said(claim)}", err=as_json)
    typer.echo(f"verification: {done.path}\nreport: {done.report}", err=as_json)
    if as_json:
        typer.echo(json.dumps(done.to_json(), allow_nan=False))
    if code := EXIT_CODES[done.verdict]:
        raise typer.Exit(code)


def _said(claim: dict[str, Any]) -> str:
    """Return a line on a claim: what it is, the verdict, the one by the median, and why."""
    split = f"{claim['split']} " if claim["split"] else ""  # parameters have none
    counted = claim["kind"] == "exact"
    value = whole(claim["value"]) if counted else as_written(claim["value"])
    kind = "" if counted or claim["kind"] == "mean" else f" ({claim['kind']})"
    verdict = claim["verdict"] or "not judged"
    median = claim["verdict_median"]
    beside = "" if median in (None, verdict) else f" (by the median {median})"
    return f"{split}{claim['metric']} {value}{kind}: {verdict}{beside}; {claim['why']}"


def _following(events: Generator[Any, None, Verification]) -> Verification:
    """Run a verification to its end, showing what it tells; return it."""
    from papertrial.claims.events import Registered, SeedEnded
    from papertrial.cli.seeds import SeedReporter
    from papertrial.progress import Step

    folder, kept = None, 0
    try:
        with closing(events), SeedReporter() as reporter:
            while True:
                try:
                    told = next(events)
                except StopIteration as end:
                    done: Verification = end.value
                    break
                if isinstance(told, Registered):
                    folder = told.path
                kept += isinstance(told, SeedEnded)
                if not isinstance(told, Step):
                    reporter.show(told)
    except KeyboardInterrupt:
        if folder is not None:
            seeds = f"{kept} more seed{'s'[: kept != 1]}"
            on = "the same command goes on from there (without --again)"
            typer.echo(f"{folder} keeps {seeds}; {on}", err=True)
        raise
    if folder is None:
        again = "nothing was trained; --again starts anew"
        typer.echo(f"this very verification was finished before: {again}", err=True)
    return done
