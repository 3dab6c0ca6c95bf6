"""The rates of verdicts, in short: every simulation of `benchmarks/verdict_rates.py` runs.

The long form has 20,000 repetitions. With few, the same references are compared with wider errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

REPETITIONS = 500
Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def rates(script: Script) -> ModuleType:
    return script("verdict_rates")


@pytest.fixture(scope="module")
def sections(rates: ModuleType) -> list[Any]:
    """All simulations but that of the best of k runs, whose tables take half a minute."""
    short = [(title, run) for title, run in rates.SIMULATIONS if run.__name__ != "best_of"]
    return list(rates.measure(REPETITIONS, short))


def test_every_rate_agrees_with_its_reference(sections: list[Any]) -> None:
    rows = [row for section in sections for row in section.rows]
    assert len(rows) > 350
    assert sum(row.agrees != "no reference" for row in rows) > 250
    assert [(row.scenario, row.what, row.measured) for row in rows if not row.good] == []


def test_rules_that_err_are_measured_as_such(sections: list[Any]) -> None:
    found = {f"{row.scenario}: {row.what}": row.measured for s in sections for row in s.rows}
    at_once = found["mean, n unknown, one run, tolerance 0.5 SD: false NOT REPRODUCED"]
    assert at_once < 3
    assert (
        found["mean, n unknown, one run, tolerance 0.5 SD: the same if it is taken as exact"] > 18
    )
    coarse = "100 test samples, P(one more right) = 0.05"
    assert found[f"{coarse}: the same without h^2/12"] > 70
    assert found[f"{coarse}: one side crosses at the mean"] < 2.6
    assert (
        found["paper SD 3 times ours, mean of 3, tolerance 0: the same if our SD alone counts"] > 25
    )
    null = "100 null ideas"
    assert found[f"{null}: any accepted"] < 5
    assert found[f"{null}: any p < .05, which papertrial does not use"] > 50
    assert found[f"{null}, judged after each seed: any p < .05, which papertrial does not use"] > 65
    gains = [found[f"first of 100 ideas, gains {k} SD: accepted on 20 seeds"] for k in (1, 2, 3)]
    assert gains[0] < 10 < gains[1] < 85 < gains[2]


@pytest.mark.parametrize(("seed", "wanted"), [(0, 2), (2, 1), (3, 3)])
def test_a_series_of_ideas_ends_as_accept_ends_it(
    script: Script, tmp_path: Path, seed: int, wanted: int
) -> None:
    import papertrial as pt

    ideas = script("rates.ideas")
    gains = np.array([0.0, 4.0, 0.0, 4.0, 4.0, 0.0])
    found = ideas.series(np.random.default_rng(seed), 1, gains=gains, looks="once", replaces=True)
    draw = np.random.default_rng(seed)  # in the order of `series`
    baseline, mean, accepted = draw.standard_normal((1, 15)), 0.0, 0
    path = tmp_path / "scores"
    path.mkdir()
    for idea, gain in enumerate(gains):
        candidate, n = mean + gain + draw.standard_normal((1, 15)), int(draw.integers(5, 16, 1)[0])
        for name, row, count in (("a", baseline[0], 15), ("b", candidate[0], n)):
            rows = [f"{i},{score!r}" for i, score in enumerate(row[:count].tolist())]
            (path / f"{name}{idea}").write_text("\n".join(["seed,gain", *rows]))
        sides = path / f"a{idea}", path / f"b{idea}"
        done = pt.accept(tmp_path / "ledger", *sides, metric="gain", better="higher", ideas=100)
        if done.decision == "ACCEPTED":
            accepted, baseline, mean = accepted + 1, candidate, mean + gain
    assert accepted == found.accepted[0] == wanted


def test_the_best_of_three_in_short(script: Script) -> None:
    best = script("rates.best")
    draw = np.random.default_rng(1)
    x, m = draw.standard_normal((2_000, 8)), draw.standard_normal((2_000, 3)).max(-1)
    table = best.Best(3, 8)
    ours, naive, *rest = best.identical(table, 3, x, m)
    assert all(row.good for row in (ours, *rest[::2]))
    assert ours.what == "false NOT REPRODUCED"
    assert naive.measured > ours.measured + 5  # after 15 seeds 19.7 %


def test_tables_give_the_evidence_of_the_tests(script: Script) -> None:
    from papertrial.claims.best_of_test import BestOfTest
    from papertrial.claims.reported_best_test import ReportedBestTest
    from papertrial.claims.scores import Scores

    x = np.random.default_rng(2).standard_normal(6)
    table, m = script("rates.best").Best(3, 6), np.array([0.4])
    for mine, test, side in (
        (table.greater, BestOfTest(3), "greater"),
        (table.less, BestOfTest(3), "less"),
        (table.above_reported, ReportedBestTest(3), "greater"),
        (table.below_reported, ReportedBestTest(3), "less"),
    ):
        wanted = getattr(test, side)(Scores(x), 0.4)
        assert mine(x[None], m)[0, 4:] == pytest.approx(wanted[4:], rel=0.01)


def test_a_rate_outside_its_reference_is_found(script: Script) -> None:
    row = script("rates.row")
    hits = np.arange(10_000) < 800  # 8 %, SE .27 points
    assert not row.share("", "", hits, row.at_most(5)).good
    assert row.share("", "", hits, row.at_most(7.3)).good
    assert not row.share("", "", hits, row.near(6.5)).good
    assert row.share("", "", hits, row.near(6.5, 7.6)).good
    assert row.share("", "", hits).agrees == "no reference"
    none = row.share("", "", hits < 0, row.near(2.0))
    assert not none.good
    assert not row.Row("", "", 1.0, reference=row.exactly(1.001, 1e-6)).good


def test_trials_end_as_judge_ends_them(script: Script) -> None:
    from papertrial.claims.judge import judge
    from papertrial.claims.judged_claim import JudgedClaim
    from papertrial.claims.rule import Rule
    from papertrial.claims.seed_outcome import SeedOutcome

    x = np.random.default_rng(3).normal(0.4, 1, (60, 15))
    found = script("rates.trials").decide(x, -1.5, 1.5)
    rule = Rule((JudgedClaim("loss", "test", "expected", 0, 1.5, 0, 0),), tuple(range(15)))
    for i, row in enumerate(x):
        ends = [SeedOutcome(j, "finished", ((float(v),),), f"{j}") for j, v in enumerate(row)]
        (ruling,) = judge(rule, ends)
        assert found.reproduced[i] == (ruling.verdict == "REPRODUCED")
        assert found.refuted[i] == (ruling.verdict == "NOT REPRODUCED")
        assert found.seeds[i] == (ruling.decided_at or 15)


def test_it_exits_with_1_if_a_rate_does_not_agree(
    rates: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["--repetitions", "100", "--json", str(tmp_path / "rates.json")]
    words += ["--markdown", str(tmp_path / "page.md"), "--figures", str(tmp_path / "figures")]
    good = [pair for pair in rates.SIMULATIONS if pair[1].__name__ in ("vectors", "known")]
    monkeypatch.setattr(rates, "SIMULATIONS", good)
    run = rates.measure
    monkeypatch.setattr(rates, "measure", lambda repetitions: run(repetitions, good))
    assert rates.main(words) == 0
    written = json.loads((tmp_path / "rates.json").read_text())
    assert {row["section"] for row in written["rows"]} == {"Vectors", "Known SD"}
    page = (tmp_path / "page.md").read_text()
    assert page.count("| within 3 SE |") == sum(
        row["agrees"] == "within 3 SE" for row in written["rows"]
    )
    for name in ("error-rates", "seeds-needed"):
        drawing = (tmp_path / "figures" / f"{name}.svg").read_text()
        assert re.match(r'<svg xmlns="http://www.w3.org/2000/svg" .*</svg>\s*$', drawing, re.DOTALL)

    def wrong(draw: Any, count: int) -> Any:
        for row in good[0][1](draw, count):
            yield replace(row, measured=row.measured + 0.1)

    monkeypatch.setattr(rates, "measure", lambda n: run(n, [("Wrong", wrong)]))
    assert rates.main(["--repetitions", "100"]) == 1


def test_only_the_marked_part_of_a_page_is_written(script: Script, tmp_path: Path) -> None:
    write_part = script("rates.output").write_part
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- Generated by x -->\nold\n<!-- Generated by x: end -->\nb\n")
    write_part(page, "x", ["new"])
    assert page.read_text() == (
        "a\n<!-- Generated by x -->\nnew\n\n<!-- Generated by x: end -->\nb\n"
    )
    with pytest.raises(SystemExit, match="Generated by y"):
        write_part(page, "y", ["new"])
