"""Test `verify` itself: draw scores from known distributions and count the verdicts.

    python benchmarks/verify_on_trial.py --trials 2000

A fake trainer draws the score of each seed. Everything else is the code of `papertrial verify`: the
claims of the recipe, the pre-registration read back from its JSON text, the order in which seeds
start, end and are evaluated, lost workers, and the decision.

The first `--looks` trials of each scenario look after every seed, with 1 and with 4 workers, which
finish their seeds in different orders. To save time, the others are judged once, on all seeds; the
verdicts are the same, because a verdict is final at its first crossing, and the first trials are
judged in both ways and must agree. `--looks 2000` looks after every seed in all of them.

A verdict is false if it contradicts the distribution of the scores: REPRODUCED if the expected
score is on the edge of the band or outside it, NOT REPRODUCED if it is in the band or if the
reported number is from the same process. Each rate must be at most 5 % plus 3 standard errors.
Where seeds fail there is no bound: the guarantee is for normal scores of seeds that finish.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from on_trial.fake_pool import FakePool, drawn
from on_trial.scenario import Scenario
from on_trial.scenarios import SCENARIOS
from rates.output import write_part

from papertrial.claims.judge import judge
from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Verdict
from papertrial.claims.run_trial import Look, run_trial
from papertrial.progress import finish

WORKERS = (1, 4)
LOOKS = 100  # trials of a scenario that look after every seed
KINDS: tuple[Verdict, ...] = ("REPRODUCED", "NOT REPRODUCED", "UNDECIDED")


@dataclass(frozen=True)
class Found:
    """How the trials of a scenario ended.

    Attributes:
        scenario: what was tried.
        trials: how many trials were run.
        verdicts: in how many of them each verdict was reached by at least one claim.
        seeds: mean number of seeds.
    """

    scenario: Scenario
    trials: int
    verdicts: Counter[Verdict]
    seeds: float

    def rate(self, verdict: Verdict) -> float:
        """Return the share of trials with a verdict."""
        return self.verdicts[verdict] / self.trials

    def error(self, verdict: Verdict) -> float:
        """Return the standard error of that share."""
        p = max(self.rate(verdict), 1 / self.trials)
        return math.sqrt(p * (1 - min(p, 1 - 1 / self.trials)) / self.trials)

    @property
    def held(self) -> bool:
        """Whether false verdicts were as rare as they must be."""
        return all(self.rate(verdict) <= most(self.trials) for verdict in self.scenario.false)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        rates = [f"{self.rate(kind):.2%} ± {self.error(kind):.2%}" for kind in KINDS]
        false = " and ".join("NOT" if v == "NOT REPRODUCED" else v for v in self.scenario.false)
        held = "no bound" if self.scenario.shown else "at most" if self.held else "EXCEEDED"
        return (self.scenario.name, *rates, f"{self.seeds:.1f}", false, held)


HEAD = ("scenario", "REPRODUCED", "NOT", "UNDECIDED", "seeds", "false would be", "bound")


def looked(scenario: Scenario, trial: int, rule: Rule) -> Look:
    """Return the last look of a trial that looks after every seed, whatever the workers do."""
    first, *others = (
        finish(run_trial(rule, FakePool(scenario, trial, workers))) for workers in WORKERS
    )
    for other in others:
        if (other.outcomes, other.rulings) != (first.outcomes, first.rulings):
            raise SystemExit(
                f"{scenario.name}, trial {trial}: the verdicts depend on the number of workers"
            )
    return first


def judged_at_once(scenario: Scenario, trial: int, rule: Rule) -> Look:
    """Return the last look of the same trial, from at most two calls of `judge`."""
    outcomes = tuple(drawn(scenario, trial, seed) for seed in rule.seeds)
    rulings = judge(rule, outcomes)
    if any(ruling.withdrawn for ruling in rulings):  # a trial may have ended before that
        return finish(run_trial(rule, FakePool(scenario, trial, 1)))
    ends = [ruling.decided_at for ruling in rulings if ruling.decided_at is not None]
    if len(ends) < len(rulings):
        return Look(outcomes, rulings)
    finished = [i for i, outcome in enumerate(outcomes, 1) if outcome.state == "finished"]
    used = outcomes[: finished[max(ends) - 1]]
    return Look(used, judge(rule, used))


def verdicts(
    scenario: Scenario, trial: int, rule: Rule, *, looks: bool
) -> tuple[frozenset[Verdict], int]:
    """Run a trial; return the verdicts that its claims got, and its number of seeds.

    `looks` runs it in both ways.
    """
    rule = scenario.rule_of_trial(rule, trial)
    last = judged_at_once(scenario, trial, rule)
    if looks:
        other = looked(scenario, trial, rule)
        if [r.verdict for r in other.rulings] != [r.verdict for r in last.rulings]:
            raise SystemExit(f"{scenario.name}, trial {trial}: the verdicts depend on the looks")
        last = other
    return frozenset(ruling.verdict for ruling in last.rulings), len(last.outcomes)


def count(scenario: Scenario, trials: int, looks: int = LOOKS) -> Found:
    """Run the trials of a scenario, of which the first `looks` look after every seed."""
    found, seeds = Counter[Verdict](), 0
    rule = scenario.registered_rule()
    for trial in range(trials):
        reached, n = verdicts(scenario, trial, rule, looks=trial < looks)
        found.update(reached)
        seeds += n
    return Found(scenario, trials, found, seeds / trials)


def most(trials: int, alpha: float = 0.05) -> float:
    """Return the largest allowed share of false verdicts: alpha plus 3 standard errors."""
    return alpha + 3 * math.sqrt(alpha * (1 - alpha) / trials)


def markdown_lines(rows: Sequence[Found]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(HEAD)} |"
    yield "| --- | ---: | ---: | ---: | ---: | --- | --- |"
    for row in rows:
        yield f"| {' | '.join(row.cells)} |"


def as_json(rows: Sequence[Found], seconds: float) -> str:
    """Return the rows as JSON."""
    found = [
        {
            "scenario": row.scenario.name,
            "trials": row.trials,
            "seeds": row.seeds,
            "false": row.scenario.false,
            "bounded": not row.scenario.shown,
            "held": row.held,
            **{kind: row.rate(kind) for kind in KINDS},
        }
        for row in rows
    ]
    return json.dumps({"seconds": round(seconds, 1), "rows": found}, indent=1) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a bound is exceeded, else 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--looks", type=int, default=LOOKS, help="trials with a look at each seed")
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    parser.add_argument("--markdown", type=Path, help="write a table into this page")
    given = parser.parse_args(words)
    rows, start = list[Found](), time.process_time()
    summary = (
        f"{given.trials:,} trials of each scenario; false verdicts must be at most "
        f"{most(given.trials):.1%} of each kind."
    )
    print(f"{summary}\n")
    for scenario in SCENARIOS:
        rows.append(count(scenario, given.trials, given.looks))
        name, *cells = rows[-1].cells
        print(f"{name:62}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
    seconds = time.process_time() - start
    broken = sum(not row.held and not row.scenario.shown for row in rows)
    print(f"\n{len(rows)} scenarios, {broken} exceed their bound; {seconds:.0f} s of CPU time")
    if given.json:
        given.json.write_text(as_json(rows, seconds), "utf-8")
    if given.markdown:
        write_part(given.markdown, "verify_on_trial.py", [summary, "", *markdown_lines(rows)])
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
