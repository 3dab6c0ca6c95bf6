"""Texts about runs that have no seed."""

from __future__ import annotations

import pytest

from papertrial.claims.run_words import say_runs


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Seeds: after 1 finished seed of 15 seeds.", "Runs: after 1 finished run of 15 runs."),
        ("“Same seeds” (each seed) <text>seed</text>", "“Same runs” (each run) <text>run</text>"),
        ("seeded, reseed, a-seed, seed-study", "seeded, reseed, a-seed, seed-study"),
        ("code/seed.py, seed.py, seeds/s1", "code/seed.py, seed.py, seeds/s1"),
        ("verify.seeds, max_seeds, {seed}, --seed", "verify.seeds, max_seeds, {seed}, --seed"),
    ],
)
def test_words_change_and_names_do_not(text: str, said: str) -> None:
    assert say_runs(text) == said
