"""`papertrial judge`: a verdict from scores that exist, marked as not registered in advance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from papertrial.cli.options import Json
from papertrial.cli.output import print_result
from papertrial.cli.verify import EXIT_CODES, describe_verdict
from papertrial.errors import PapertrialError

if TYPE_CHECKING:
    from papertrial.judging.judgement import Judgement


def _claim(help_: str, *names: str, metavar: str | None = None) -> Any:
    return _option("The claim", help_, names, metavar)


def _scores(help_: str, *names: str, metavar: str | None = None) -> Any:
    return _option("The scores", help_, names, metavar)


def _rule(help_: str, *names: str, metavar: str | None = None) -> Any:
    return _option("The rule", help_, names, metavar)


def _option(panel: str, help_: str, names: tuple[str, ...], metavar: str | None) -> Any:
    return typer.Option(
        *names, help=help_, metavar=metavar, rich_help_panel=panel, show_default=False
    )


def judge_command(
    file: Annotated[
        str | None,
        typer.Argument(
            help="CSV file, JSON lines or JSON list, one row a run; - is standard input.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        str | None, _scores("Numbers in place of a file: 3.274,3.276,3.279.", metavar="NUMBERS")
    ] = None,
    metric: Annotated[str | None, _claim("Metric, and the column of its scores.")] = None,
    value: Annotated[
        str | None, _claim("The reported number: .93, '93 %'.", metavar="NUMBER")
    ] = None,
    tolerance: Annotated[
        str | None, _claim("In the metric's unit, or '1 point'.", metavar="NUMBER")
    ] = None,
    relative_tolerance: Annotated[
        str | None, _claim("Share of the value: '3 %'.", metavar="SHARE")
    ] = None,
    kind: Annotated[
        str | None,
        _claim(
            "mean, single-run, best-of, expected, at-least, at-most, difference or better. "
            "Default: mean."
        ),
    ] = None,
    n: Annotated[
        str | None, _claim("Runs behind the number, or unknown.", metavar="INTEGER")
    ] = None,
    samples: Annotated[
        int | None, _claim("Size of the test set, for metrics that move in steps.")
    ] = None,
    unit: Annotated[
        str | None, _claim("How the scores are written: fraction, percent (93.1) or none.")
    ] = None,
    better: Annotated[
        str | None, _claim("Which values are better: higher or lower. Known for usual names.")
    ] = None,
    printed: Annotated[str | None, _claim("The number as printed: '64.6 %'.")] = None,
    rounding: Annotated[str | None, _claim("nearest or truncated.")] = None,
    plus_minus: Annotated[
        str | None, _claim("The spread that is reported beside the number.", metavar="NUMBER")
    ] = None,
    is_: Annotated[
        str | None, _claim("What --plus-minus is: sd, se, ci or unknown.", "--is")
    ] = None,
    side: Annotated[str | None, _claim("For difference: about, at-least or at-most.")] = None,
    pairing: Annotated[
        str | None, _claim("For two sides: seed (the default), or none for two samples.")
    ] = None,
    baseline: Annotated[
        str | None, _claim("Score that the paper improves on; for warnings.", metavar="NUMBER")
    ] = None,
    about: Annotated[
        str | None, _claim("Only test-set, as new-samples needs the predictions.")
    ] = None,
    where: Annotated[str | None, _claim("Where the number was read; for the report.")] = None,
    url: Annotated[str | None, _claim("Address where the number was read.")] = None,
    recipe: Annotated[
        str | None, _claim("Take the claims of this recipe, in place of the options.")
    ] = None,
    column: Annotated[str | None, _scores("Column of the scores, if not the metric's.")] = None,
    versus_column: Annotated[str | None, _scores("Column of the other side's scores.")] = None,
    versus: Annotated[
        str | None, _scores("File with the other side's scores.", metavar="FILE")
    ] = None,
    seed_column: Annotated[
        str | None, _scores("Column of the seeds. If omitted, `seed` if there is one.")
    ] = None,
    failed: Annotated[
        int | None, _scores("How many runs failed, with those that have no row.")
    ] = None,
    sequential: Annotated[
        bool,
        _rule(
            "Look after each run; the rows must be in the order in which they were run.",
            "--sequential",
        ),
    ] = False,
    alpha: Annotated[float | None, _rule("Error rate of each side. Default: 0.05.")] = None,
    statistic: Annotated[str | None, _rule("mean or median. Default: mean.")] = None,
    horizon: Annotated[
        str | None,
        _rule("anytime or, if the number of runs was fixed in advance, fixed. Default: anytime."),
    ] = None,
    prior: Annotated[float | None, _rule("Precision of the prior. Default: 1.")] = None,
    sd: Annotated[
        str | None, _rule("What is known of the SD between runs.", metavar="NUMBER")
    ] = None,
    sd_is: Annotated[str | None, _rule("What --sd is: known, bound or paper.")] = None,
    sd_n: Annotated[int | None, _rule("Runs of the paper, for --sd-is paper.")] = None,
    max_diverged: Annotated[
        float | None, _rule("Largest share of runs that may fail. Default: 0.2.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write the report to.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge scores that exist: does a reported number hold?

    All scores are judged together, once; their order does not matter. The verdict is marked as not
    registered in advance. Exits with 0 for REPRODUCED, 1 for NOT REPRODUCED and 3 for UNDECIDED.
    """
    if (file is None) == (scores is None):
        got = "neither" if file is None else "both"
        raise PapertrialError(f"give a file of scores or --scores, got {got}")
    from papertrial.judging.judge_scores import judge
    from papertrial.score_tables.read_table import numbers_in
    from papertrial.store.provenance import command_line

    done = judge(
        file if scores is None else numbers_in(scores),
        recipe=recipe,
        column=column,
        versus_column=versus_column,
        versus_scores=versus,
        seed_column=seed_column,
        failed=failed,
        sequential=sequential,
        out=out,
        command=command_line(),
        metric=metric,
        value=_number(value),
        tolerance=_number(tolerance),
        relative_tolerance=_number(relative_tolerance),
        kind=kind,
        n=_number(n),
        samples=samples,
        unit=unit,
        better=better,
        printed=printed,
        rounding=rounding,
        plus_minus=_together(plus_minus, {"value": _number(plus_minus), "is": is_}, "plus-minus"),
        side=side,
        pairing=pairing,
        baseline=_number(baseline),
        about=about,
        where=where,
        url=url,
        alpha=alpha,
        statistic=statistic,
        horizon=horizon,
        prior=prior,
        sd=_together(sd, {"value": _number(sd), "is": sd_is, "n": sd_n}, "sd"),
        max_diverged=max_diverged,
    )
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    print_result(_lines(done), done.to_json(), as_json=as_json)
    if code := EXIT_CODES[done.verdict]:
        raise typer.Exit(code)


def _lines(done: Judgement) -> list[str]:
    """Return the lines that `papertrial judge` prints."""
    lines = [done.headline]
    for claim in done.claims:
        lines += [f"  {describe_verdict(claim)}", *(f"    {note}" for note in claim.notes)]
    lines.append(f"note: {done.note}")
    if done.page is not None:
        lines.append(f"report: {done.page}")
    return lines


def _number(text: str | None) -> int | float | str | None:
    """Return the number of an option; text with a unit stays text."""
    if text is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _together(given: str | None, keys: dict[str, object], option: str) -> dict[str, object] | None:
    """Return options that belong together as the mapping that a claim has; None without a value."""
    known = {key: value for key, value in keys.items() if value is not None}
    if given is None and known:
        raise PapertrialError(f"--{option} is missing, but what it is was given")
    return known or None
