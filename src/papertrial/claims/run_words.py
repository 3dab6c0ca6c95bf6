"""Texts about seeds, for programs that take none."""

from __future__ import annotations

import re

# Not in names: a file such as code/seed.py, an option, {seed}, a key such as verify.max_seeds.
_SEED = re.compile(r"(?<![\w./{-])([Ss])eed(s?)\b(?![/}=-]|\.\w)")
_RUN = {"s": "run", "S": "Run"}


def say_runs(text: str) -> str:
    """Return a text on seeds as one on runs.

    All rules, verdicts and reports speak of seeds, as each run has one. A program that takes no
    seed has runs, which are only numbered.
    """
    return _SEED.sub(lambda found: _RUN[found[1]] + found[2], text)
