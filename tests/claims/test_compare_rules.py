"""The rules that `plan` compares: what each takes, which are left out, and which is asked about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from papertrial.claims.compare_rules import ComparedRow, Comparison, compare_rules
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.plan import plan
from papertrial.claims.rule import FIRST_LOOK_OF_KNOWN_SD, GivenSd, Rule
from papertrial.errors import ClaimError

SPREADS = (1.0, 1 / 1.5, 0.5)  # the tolerance is 1, 1.5 and 2 of them


def claim(kind: str = "mean", **changes: object) -> JudgedClaim:
    given = {"value": 7.0, "tolerance": 1.0, "low": 7.0, "high": 7.0, **changes}
    return JudgedClaim("loss", "test", kind, **given)


PAPER = claim(reported_sd=0.5)


def rule(of: JudgedClaim, count: int = 15, **changes: object) -> Rule:
    return Rule((of,), tuple(range(count)), **changes)


def rows_of(compared: Comparison, horizon: str, sd: str) -> list[ComparedRow]:
    """Return the rows of one rule, from the largest SD on, as SPREADS is sorted."""
    return [row for row in compared.rows[::-1] if (row.horizon, row.sd) == (horizon, sd)]


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return compare_rules(PAPER, rule(PAPER), SPREADS, runs=5)


@pytest.mark.parametrize(
    ("horizon", "sd", "decided", "seeds"),
    [
        ("anytime", "scores", (0.63, 0.987, 1), (12.5, 8.4, 6.5)),
        ("anytime", "known", (0.79, 0.998, 1), (11.4, 6.0, 3.8)),
        ("fixed", "scores", (0.83, 0.998, 1), (10.5, 6.8, 5.5)),
    ],
)
def test_chances_and_mean_numbers_of_seeds(
    compared: Comparison, horizon: str, sd: str, decided: tuple[float, ...], seeds: tuple[float]
) -> None:
    rows = rows_of(compared, horizon, sd)
    assert [row.spread for row in rows] == list(SPREADS)
    assert [row.decided for row in rows] == pytest.approx(decided, abs=0.012)
    assert [row.mean for row in rows] == pytest.approx(seeds, abs=0.06)


@pytest.mark.parametrize(
    ("spread", "decided", "seeds"), [(1.0, 0.67, 12.2), (1 / 1.5, 0.992, 7.4), (0.5, 1, 5.2)]
)
def test_papers_of_five_runs_with_our_sd_looking_from_two_seeds(
    spread: float, decided: float, seeds: float
) -> None:
    parts = (np.arange(20) + 0.5) / 20  # of the papers, by their SD
    rows = []
    for factor in np.sqrt(stats.chi2.ppf(parts, 4) / 4):
        own = rule(claim(), first_look=2, sd=GivenSd(spread * float(factor), "paper", 5))
        rows += plan(claim(), own, spreads=[spread])
    assert np.mean([row.decided for row in rows]) == pytest.approx(decided, abs=0.01)
    assert np.mean([row.mean for row in rows]) == pytest.approx(seeds, abs=0.07)


def test_a_papers_sd_that_is_ours() -> None:
    own = rule(claim(), sd=GivenSd(1.0, "paper", 5))
    (row,) = plan(claim(), own, spreads=[1.0])
    assert row.decided == pytest.approx(0.668, abs=0.01)
    assert row.mean == pytest.approx(12.6, abs=0.05)


def test_rows_are_sorted_by_sd_and_then_by_rule(compared: Comparison) -> None:
    every = [
        (horizon, sd) for sd in ("scores", "known", "paper") for horizon in ("anytime", "fixed")
    ]
    rows = list(compared.rows)
    assert [(row.horizon, row.sd) for row in rows if row.spread == 0.5] == every
    assert [(row.horizon, row.sd) for row in rows if row.spread == 1 / 1.5] == every
    assert [row.spread for row in rows] == sorted(row.spread for row in rows)
    assert [row.reported for row in rows] == [row.spread == 0.5 for row in rows]
    assert [row.own for row in rows] == [
        (row.horizon, row.sd) == ("anytime", "scores") for row in rows
    ]
    assert all(row.holds for row in rows)
    assert compared.left_out == ()


def test_a_known_sd_is_the_one_that_is_simulated(compared: Comparison) -> None:
    known = rows_of(compared, "anytime", "known")
    assert [row.given for row in known] == [row.spread for row in known]
    assert known[-1].median < 5  # decided before the first look of the other rules
    assert all(row.median >= 5 for row in rows_of(compared, "anytime", "scores"))
    assert rows_of(compared, "fixed", "scores")[0].given is None


def test_rows_are_what_plan_says_of_each_rule(compared: Comparison) -> None:
    fixed = rule(claim(), horizon="fixed")
    for row, alone in zip(
        rows_of(compared, "fixed", "scores"), plan(claim(), fixed, spreads=SPREADS), strict=True
    ):
        assert (row.decided, row.median, row.most, row.detects) == (
            alone.decided, alone.median, alone.most, alone.detects,
        )  # fmt: skip


@pytest.mark.parametrize(("runs", "is_pooled"), [(1, False), (None, False), (2, True)])
def test_a_papers_sd_is_pooled_where_its_runs_are_known(runs: int | None, is_pooled: bool) -> None:
    got = compare_rules(PAPER, rule(PAPER), [0.5], runs=runs)
    assert any(row.sd == "paper" for row in got.rows) == is_pooled
    assert all(row.reported for row in got.rows)


def test_a_papers_sd_is_pooled_where_it_is_plausible() -> None:
    got = compare_rules(PAPER, rule(PAPER), [0.1, 0.45, 0.5, 0.6, 2.0], runs=30)
    # 95 % interval of the SD behind .5 of 30 runs: .398 to .672
    assert {row.spread for row in got.rows if row.sd == "paper"} == {0.45, 0.5, 0.6}


@pytest.mark.parametrize(
    ("kind", "changes", "rule_changes", "why"),
    [
        ("mean", {}, {"statistic": "median"}, "for the median"),
        ("best-of", {"runs": 3}, {}, "kind: best-of"),
        ("difference", {}, {}, "kind: difference"),
    ],
)
def test_why_a_known_sd_is_left_out(
    kind: str, changes: dict[str, object], rule_changes: dict[str, object], why: str
) -> None:
    of = claim(kind, reported_sd=0.2, **changes)
    got = compare_rules(of, rule(of, 5, **rule_changes), [0.2, 0.3], runs=5)
    assert {row.sd for row in got.rows} == {"scores"}
    assert [why in told for told in got.left_out if "verify.sd" in told] == [True]


def test_a_rule_that_another_claim_of_the_recipe_forbids_is_left_out() -> None:
    best, other = claim("best-of", runs=3), replace(claim(), metric="accuracy")
    for claims, why in (((claim(), best), "kind: best-of"), ((claim(), other), "different scores")):
        own = Rule(claims, tuple(range(5)))
        got = compare_rules(claim(), own, [0.3])
        assert {row.sd for row in got.rows} == {"scores"}
        assert [why in told for told in got.left_out if "verify.sd" in told] == [True]
        alone = Rule((claim(),), tuple(range(5)), alpha=own.alpha / 2)
        assert got.rows[0].decided == plan(claim(), alone, spreads=[0.3])[0].decided


def test_slow_and_impossible_horizons_are_left_out() -> None:
    best = claim("best-of", runs=3)
    got = compare_rules(best, rule(best, 5), [0.3])
    assert {row.horizon for row in got.rows} == {"anytime"}
    assert any("add verify.horizon=fixed" in told for told in got.left_out)
    got = compare_rules(claim(), rule(claim(), 501), [2.0])
    assert {(row.horizon, row.sd) for row in got.rows} == {
        ("anytime", "scores"), ("anytime", "known"),
    }  # fmt: skip
    assert got.left_out == ("a fixed horizon has at most 500 seeds",)


def test_too_few_seeds_for_rules_without_a_known_sd() -> None:
    own = rule(claim(), 3, first_look=FIRST_LOOK_OF_KNOWN_SD, sd=GivenSd(0.25, "known"))
    got = compare_rules(claim(), own, [0.25])
    assert [(row.horizon, row.sd, row.own) for row in got.rows] == [
        ("anytime", "known", True), ("fixed", "known", False),
    ]  # fmt: skip
    (told,) = got.left_out
    assert "at least 5 seeds" in told


def test_the_rule_asked_about_keeps_its_sd_where_another_is_simulated() -> None:
    bound = rule(claim(), first_look=FIRST_LOOK_OF_KNOWN_SD, sd=GivenSd(0.5, "bound"))
    got = compare_rules(claim(), bound, [0.25, 0.5, 1.0])
    own = [row for row in got.rows if row.own]
    assert [(row.spread, row.sd, row.given, row.holds) for row in own] == [
        (0.25, "bound", 0.5, True), (0.5, "bound", 0.5, True), (1.0, "bound", 0.5, False),
    ]  # fmt: skip
    at = [row for row in got.rows if row.spread == 0.5 and row.horizon == "anytime"]
    assert [row.sd for row in at] == ["scores", "bound"]  # a known SD of .5 is the same test
    at = [row for row in got.rows if row.spread == 0.25 and row.horizon == "anytime"]
    assert at[1].sd == "known"
    assert at[1].mean < at[2].mean  # a bound that is too large costs seeds


def test_a_papers_sd_that_is_too_far_off_breaks_the_promise() -> None:
    own = rule(PAPER, horizon="fixed", sd=GivenSd(0.5, "paper", 10))
    got = compare_rules(PAPER, own, [0.5, 1.5], runs=10)
    papers = [row for row in got.rows if row.sd == "paper"]
    assert [(row.spread, row.horizon, row.own, row.holds) for row in papers] == [
        (0.5, "anytime", False, True), (0.5, "fixed", True, True), (1.5, "fixed", True, False),
    ]  # fmt: skip


def test_bad_input() -> None:
    with pytest.raises(ClaimError, match="positive"):
        compare_rules(claim(), rule(claim()), [0.0])
    median = replace(rule(claim(), statistic="median"), sd=GivenSd(0.5, "known"))
    with pytest.raises(ClaimError, match="median"):
        compare_rules(claim(), median, [0.5])
