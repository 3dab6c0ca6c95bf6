"""The tables of `papertrial plan`: what each rule takes, for each SD between seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from papertrial.cli.size_and_duration import duration
from papertrial.numbers import NOTHING, percent, plural

if TYPE_CHECKING:
    from rich.console import Console

    from papertrial.claims.compare_rules import ComparedRow
    from papertrial.cli.seed_time import SeedTime

_WIDTH = 100  # of tables where there is no terminal
_DAY = 86_400  # seconds
_OWN, _BROKEN = "*", "!"
_HEAD = "simulated with normal scores around the claimed value"


@dataclass(frozen=True)
class ClaimPlan:
    """The plan of one claim.

    Attributes:
        claim: the claim in words.
        rows: what each rule takes, for each SD.
        left_out: why some rules are not compared.
        alone: whether the recipe has no other claim.
    """

    claim: str
    rows: tuple[ComparedRow, ...]
    left_out: tuple[str, ...]
    alone: bool

    def to_json(self, time: SeedTime | None) -> dict[str, object]:
        """Return the plan as plain values, with the seconds of each row; None if not known."""
        rows = [
            {
                **asdict(row),
                "median_seconds": None if time is None else time.of(row.median),
                "most_seconds": None if time is None else time.of(row.most),
            }
            for row in self.rows
        ]
        return {**asdict(self), "rows": rows}


def print_plan(
    plan: ClaimPlan, maximum: int, time: SeedTime | None, example: str, *, to_stderr: bool
) -> None:
    """Print the plan of a claim as a table; `example` is an SD in the unit of its metric."""
    console = _console(to_stderr=to_stderr)
    if not plan.rows:
        console.print(
            f"{plan.claim}\nwithout a tolerance, there is no typical spread; give the SD in "
            f"the metric's unit, for example --spread {example}"
        )
        return
    from rich import box
    from rich.table import Table

    total = None if time is None else time.of(maximum)
    limit = plural(maximum, "seed") + ("" if total is None else f" ({_duration(total)})")
    title = f"{plan.claim}\nat most {limit}; {_HEAD}"
    table = Table(
        title=title, title_justify="left", box=box.HORIZONTALS, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("SD between\nseeds", no_wrap=True)
    table.add_column("rule", no_wrap=True)
    names = ["chance of\nREPRODUCED", "seeds:\nmean", "\nmedian", "\n90 %"]
    if time is not None:
        names += ["time:\nmedian", "\n90 %"]
    for name in (*names, "detects\n(80 %)"):
        table.add_column(name, justify="right", no_wrap=True)
    for _, group in groupby(plan.rows, lambda row: row.spread):
        for i, row in enumerate(group):
            table.add_row(_describe_sd(row, i), _describe_rule(row), *_numbers(row, maximum, time))
        table.add_section()
    console.print(table)
    for why in plan.left_out:
        console.print(f"other rules are not shown: {why}", soft_wrap=True)
    if all(row.ratio == 0 for row in plan.rows):
        console.print("the claimed value is the bound itself, where REPRODUCED is an error")
    if not plan.alone:
        console.print("several claims: each at the level of Holm's first, strictest step")


def print_legend(rows: Sequence[ComparedRow], times: str, *, to_stderr: bool) -> None:
    """Print what the words in the tables of a plan mean; `times` says where its times come from."""
    lines = [
        f"{_OWN} the recipe's rule",
        "seeds and time: until REPRODUCED, if the true mean is the claimed value",
        "detects: a true mean this far from the claimed value is NOT REPRODUCED in 80 % of cases",
        "anytime: max_seeds can be raised later; fixed (verify.horizon: fixed): it cannot",
    ]
    if any(row.sd == "known" for row in rows):
        lines.append(
            "known SD (verify.sd): the SD in the first column is known in advance; two seeds can "
            "decide"
        )
    if any(row.sd == "paper" for row in rows):
        lines.append(
            "paper's SD (verify.sd): the paper's SD counts beside that of our scores, as if both "
            "were equal"
        )
    if not all(row.holds for row in rows):
        lines.append(
            f"{_BROKEN} the promised error rates do not hold: the SD differs from that in verify.sd"
        )
    console = _console(to_stderr=to_stderr)
    for line in (*lines, times):
        console.print(line)


def _describe_sd(row: ComparedRow, line: int) -> str:
    """Return what a line of a group of rows says about their SD."""
    if line == 0:
        return f"{row.spread:.3g}"
    return "the paper's" if line == 1 and row.reported else ""


def _describe_rule(row: ComparedRow) -> str:
    sd = (
        {
            "scores": "",
            "known": ", known SD" if row.given == row.spread else f", SD {row.given:.3g}",
            "bound": f", SD <= {row.given:.3g}",
            "paper": ", paper's SD",
        }[row.sd]
        if row.given is not None
        else ""
    )
    return f"{_OWN if row.own else ' '} {row.horizon}{sd}{'' if row.holds else f' {_BROKEN}'}"


def _numbers(row: ComparedRow, maximum: int, time: SeedTime | None) -> list[str]:
    cells = [percent(row.decided), f"{row.mean:.1f}"]
    seeds = (row.median, row.most)
    cells += [f"> {maximum}" if n is None else f"{n}" for n in seeds]
    if time is not None:
        took = (time.of(n) for n in seeds)
        cells += [NOTHING if seconds is None else _duration(seconds) for seconds in took]
    return [*cells, "nothing" if row.detects is None else f"{row.detects:.3g}"]


def _duration(seconds: float) -> str:
    """Format a duration of a plan, as all durations are; from a day on, in hours."""
    return duration(seconds) if seconds < _DAY else f"{seconds / 3600:,.0f} h"


def _console(*, to_stderr: bool) -> Console:
    """Return the console for the tables of `papertrial plan`, as wide as they are in a pipe."""
    from rich.console import Console

    console = Console(stderr=to_stderr, markup=False, emoji=False, highlight=False)
    if console.is_terminal:
        return console
    return Console(stderr=to_stderr, width=_WIDTH, markup=False, emoji=False, highlight=False)
