"""`papertrial verify`: train several seeds and decide whether the reported numbers hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from papertrial.cli.options import RUNS, Data, Device, Json, Overrides, Recipe, Runs
from papertrial.cli.output import print_result
from papertrial.errors import PapertrialError
from papertrial.numbers import as_written, plural, sequence, whole
from papertrial.vocabulary import score_name

if TYPE_CHECKING:
    from papertrial.store.verification_records import ClaimLine

# The verdicts have exit codes of their own, so that a CI job can act on them.
EXIT_CODES = {"REPRODUCED": 0, "NOT REPRODUCED": 1, "UNDECIDED": 3}

MaxSeeds = Annotated[
    int | None,
    typer.Option(help="Maximum number of seeds; 5 or more.", show_default="verify.max_seeds: 15"),
]


Seeds = Annotated[
    str | None,
    typer.Option(
        help="Train these seeds in this order: 3,1,4,15,9.", show_default="from `seed` on"
    ),
]
SeedsFrom = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Draw the seeds from a public text that nobody could choose; --max-seeds says how "
        "many.",
        show_default=False,
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(help="Error rate of each one-sided test.", show_default="verify.alpha: 0.05"),
]
Statistic = Annotated[
    str | None,
    typer.Option(help="Statistic to judge: mean or median.", show_default="verify.statistic: mean"),
]
Horizon = Annotated[
    str | None,
    typer.Option(
        help="anytime, or fixed, which needs fewer seeds but cannot be extended later.",
        show_default="verify.horizon: anytime",
    ),
]
Threads = Annotated[
    int, typer.Option(min=1, help="CPU threads per seed, for any number of workers.")
]


def verify_overrides(
    overrides: list[str] | None,
    max_seeds: int | None,
    seeds: str | None = None,
    seeds_from: str | None = None,
    alpha: float | None = None,
    statistic: str | None = None,
    horizon: str | None = None,
) -> list[str]:
    """Return the given overrides, followed by the options of `papertrial verify` as overrides.

    Raises:
        PapertrialError: the options for the seeds contradict each other.
    """
    from papertrial.claims.rule import FIRST_LOOK

    if seeds_from is not None and (seeds is not None or max_seeds is None):
        rule = (
            "--seeds-from needs --max-seeds, the number of seeds to draw"
            if seeds is None
            else "--seeds and --seeds-from exclude each other; give one of them"
        )
        raise PapertrialError(rule)
    if seeds is not None and max_seeds is None:
        max_seeds = max(seeds.count(",") + 1, FIRST_LOOK)  # all that were named
    chosen = None if seeds is None else f"[{seeds}]"
    if seeds_from is not None:
        chosen = json.dumps({"from": seeds_from, "count": max_seeds})  # JSON is YAML too
    options = {
        "max_seeds": max_seeds,
        "seeds": chosen,
        "alpha": alpha,
        "statistic": statistic,
        "horizon": horizon,
    }
    set_ = [f"verify.{key}={value}" for key, value in options.items() if value is not None]
    return [*(overrides or []), *set_]


def verify_command(
    recipe: Recipe,
    overrides: Overrides = None,
    max_seeds: MaxSeeds = None,
    seeds: Seeds = None,
    seeds_from: SeedsFrom = None,
    alpha: Alpha = None,
    statistic: Statistic = None,
    horizon: Horizon = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of seeds to train in parallel; the verdict does not depend on it.",
            show_default="one per core, or per GPU; a program on the CPU: 1",
        ),
    ] = None,
    threads: Threads = 1,
    runs: Runs = RUNS,
    data: Data = None,
    device: Device = "auto",
    again: Annotated[
        bool, typer.Option("--again", help="Start a new verification; ignore an earlier one.")
    ] = False,
    follow_seed: Annotated[
        int | None,
        typer.Option(
            "--follow",
            metavar="SEED",
            help="Show all output of the program for this seed.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train seed after seed until the recipe's claims are decided, and write a report.

    A recipe with `program` runs its program with each seed instead.

    Exits with 0 for REPRODUCED, 1 for NOT REPRODUCED and 3 for UNDECIDED. To resume a verification
    that was interrupted, run the same command again. What `papertrial register` registered with the
    same options is used.
    """
    from papertrial.claims.run_words import say_runs
    from papertrial.cli.followed_output import FollowedOutput
    from papertrial.cli.live import follow
    from papertrial.cli.seed_rows import SeedRows
    from papertrial.recipe.load import load_recipe

    wanted = verify_overrides(overrides, max_seeds, seeds, seeds_from, alpha, statistic, horizon)
    loaded = load_recipe(recipe, wanted)
    from papertrial.recipe.program import ProgramRecipe
    from papertrial.verification.registration import seeds_of
    from papertrial.verification.verify import verifying

    if follow_seed is not None and isinstance(loaded, ProgramRecipe):
        all_seeds = seeds_of(loaded)
        if follow_seed not in all_seeds:
            raise PapertrialError(
                f"--follow {follow_seed}: the seeds of this verification are "
                f"{sequence(all_seeds)}; follow one of them"
            )
    if follow_seed is not None and not isinstance(loaded, ProgramRecipe):
        raise PapertrialError(
            f"--follow shows the output of a program, and {loaded.name} trains a model, whose "
            "progress is shown anyway; remove it"
        )
    seeded = not isinstance(loaded, ProgramRecipe) or loaded.program.seeded
    say = str if seeded else say_runs
    followed = None if follow_seed is None else FollowedOutput(follow_seed)
    seeds_shown = SeedRows(followed, seeded=seeded)
    events = verifying(
        loaded, runs=runs, data=data, device=device, workers=workers, threads=threads, again=again
    )
    try:
        done = follow(events, seeds_shown.rows, every=10)
    except KeyboardInterrupt:
        if seeds_shown.folder is not None:
            saved = (
                f"{plural(seeds_shown.ended, 'seed' if seeded else 'run')} of this session saved"
            )
            resume = "to resume, run the same command without --again"
            typer.echo(f"{saved} in {seeds_shown.folder}; {resume}", err=True)
        raise
    if seeds_shown.folder is None:
        what = "this verification was already finished, so nothing was trained"
        typer.echo(f"{what}; --again starts a new one", err=True)
    lines = [
        say(done.headline),
        *(f"  {say(line)}" for claim in done.claims for line in lines_on(claim)),
        f"verification: {done.path}",
        f"report: {done.report}",
    ]
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    print_result(lines, done.to_json(), as_json=as_json)
    if code := EXIT_CODES[done.verdict]:
        raise typer.Exit(code)


def lines_on(claim: ClaimLine) -> list[str]:
    """Return the lines on a claim: its verdict, then what the verdict does not see."""
    return [describe_verdict(claim), *(f"  {note}" for note in claim.notes)]


def describe_verdict(claim: ClaimLine) -> str:
    """Return the line that `papertrial verify` prints on a claim: its verdict and the reason."""
    name = score_name(claim.split, claim.metric)
    is_exact = claim.kind == "exact"
    value = whole(claim.value) if is_exact else as_written(claim.value)
    value = f" {value}" * (claim.kind != "better")  # which states no number
    kind = "" if is_exact or claim.kind == "mean" else f" ({claim.kind})"
    verdict = claim.verdict or "not judged"
    median = claim.verdict_median
    by_median = "" if median in (None, verdict) else f" (by the median {median})"
    return f"{name}{value}{kind}: {verdict}{by_median}; {claim.why}"
