"""Simulate how often verdicts are right and wrong, and compare the rates with references.

    python benchmarks/verdict_rates.py --repetitions 20000

Each row has a measured rate or number, its standard error (SE), and a reference. A number from
another simulation must agree within three SE of both simulations (20,000 repetitions are assumed
for the reference) plus half a unit of its last digit; a bound may be exceeded by three SE. The exit
code is 1 if a row does not agree. Alpha is 5 %, looks are after 5 to 15 seeds and scores are normal
unless a row says otherwise. `--json FILE`, `--markdown FILE` and `--figures FOLDER` write the rows
for scripts and for the documentation.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rates.best import best_of
from rates.differences import choosing_the_test, paired
from rates.edges import alphas_and_priors, edges, looking_again
from rates.figures import write_figures
from rates.horizon import fixed
from rates.ideas import ideas
from rates.laboratories import combined, differing
from rates.output import Section, as_json, markdown_lines, text_lines, write_part
from rates.power import by_rule, first_edition
from rates.reaching import reaching
from rates.reported import means, papers_with_a_larger_spread, unknown_runs
from rates.row import REFERENCE, Row
from rates.several import claims, withdrawn
from rates.shapes import coarse, collapse, skew
from rates.spread import known, pooled
from rates.vectors import vectors

SEED = 20_261_120
Simulation = Callable[[np.random.Generator, int], Iterator[Row]]
SIMULATIONS: tuple[tuple[str, Simulation], ...] = (
    ("Vectors", vectors),
    ("The edge of the band", edges),
    ("Other alphas and priors", alphas_and_priors),
    ("Fixed maximum of seeds", fixed),
    ("Reported means", means),
    ("A number of unknown runs", unknown_runs),
    ("Papers with a larger spread", papers_with_a_larger_spread),
    ("Best of several runs", best_of),
    ("Differences", paired),
    ("Known SD", known),
    ("SD pooled with a paper's", pooled),
    ("Several claims", claims),
    ("Reaching a target", reaching),
    ("Several laboratories", combined),
    ("Laboratories that differ", differing),
    ("A series of ideas", ideas),
    ("Coarse test sets", coarse),
    ("Skewed scores", skew),
    ("Collapsed seeds", collapse),
    ("Withdrawn verdicts", withdrawn),
    ("Seeds needed, by tolerance and rule", by_rule),
    ("Seeds needed, at most 30 seeds", first_edition),
    ("Rules that papertrial does not use", looking_again),
    ("Choosing the test of a difference by its scores", choosing_the_test),
)


def measure(
    repetitions: int, simulations: Sequence[tuple[str, Simulation]] = SIMULATIONS
) -> Iterator[Section]:
    """Run the simulations; each has a random generator of its own, so the order is irrelevant."""
    for title, simulation in simulations:
        draw = np.random.default_rng((SEED, zlib.crc32(title.encode())))
        text = " ".join((simulation.__doc__ or "").split())
        yield Section(title, text, tuple(simulation(draw, repetitions)))


def main(words: Sequence[str] | None = None) -> int:
    """Simulate, print the rows, write what was asked for; return 1 if a row does not agree."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repetitions", type=int, default=REFERENCE)
    options.add_argument("--json", type=Path, help="write all rows to this file")
    options.add_argument("--markdown", type=Path, help="write tables into this page")
    options.add_argument("--figures", type=Path, help="write two SVG files to this folder")
    given = options.parse_args(words)
    start, sections = time.process_time(), list[Section]()
    for section in measure(given.repetitions):
        sections.append(section)
        print("\n".join(text_lines(section)), flush=True)
    rows = [row for section in sections for row in section.rows]
    compared = sum(row.agrees != "no reference" for row in rows)
    outside = [row for row in rows if not row.good]
    seconds = time.process_time() - start
    summary = (
        f"{len(rows)} rows of {given.repetitions:,} repetitions; {compared} have a reference, "
        f"{len(outside)} do not agree with it"
    )
    print(f"\n{summary}; {seconds:.0f} s of CPU time")
    if given.json:
        more = {"repetitions": given.repetitions, "seconds": round(seconds, 1)}
        given.json.write_text(as_json(sections, **more), "utf-8")
    if given.markdown:
        tables = [f"{summary}.", *markdown_lines(sections)]
        write_part(given.markdown, "verdict_rates.py", tables)
    if given.figures:
        write_figures(rows, given.figures)
    return bool(outside)


if __name__ == "__main__":
    sys.exit(main())
