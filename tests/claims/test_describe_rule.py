"""The rule in words."""

from __future__ import annotations

from typing import Any

from papertrial.claims.describe_rule import rule_lines
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import Rule


def claim(kind: Any = "mean", runs: int | None = None) -> JudgedClaim:
    return JudgedClaim("accuracy", "test", kind, 94.0, 0.5, 94.0, 94.0, runs)


def lines(*claims: JudgedClaim, seeds: tuple[int, ...] = tuple(range(3, 18)), **by: Any) -> str:
    texts = [f"text {i}" for i in range(1, len(claims) + 1)]
    return "\n".join(rule_lines(Rule(claims, seeds, **by), texts))


def line(said: str, key: str) -> str:
    (found,) = [one for one in said.splitlines() if one.startswith(f"{key}")]
    return found


def test_each_claim_has_a_line_with_its_band() -> None:
    said = lines(claim(), claim())
    for i in (1, 2):
        assert line(said, f"claim {i}:").startswith(f"claim {i}: text {i}; ")
        assert line(said, f"claim {i}:").endswith("93.5 to 94.5")


def test_what_is_fixed_is_said() -> None:
    said = lines(claim(), claim())
    assert "mean" in line(said, "statistic:")
    assert "5 %" in line(said, "statistic:")
    assert "Holm" in line(said, "statistic:")
    assert "2 claims" in line(said, "statistic:")
    assert "precision 1" in line(said, "test:")
    assert "1/0.05 = 20" in line(said, "threshold:")
    assert "3 to 17" in line(said, "seeds:")
    assert "at most 15" in line(said, "seeds:")
    assert "20 %" in line(said, "failed seeds:")
    assert "Holm" not in lines(claim())


def test_another_rule_is_said_differently() -> None:
    seeds = (3, 1, 4, 15, 9)
    said = lines(claim(), seeds=seeds, alpha=0.025, statistic="median", horizon="fixed")
    assert "median" in line(said, "statistic:")
    assert "2.5 %" in line(said, "statistic:")
    assert "sign test" in line(said, "test:")
    assert "at most 5 seeds" in line(said, "threshold:")
    assert "e-value" not in line(said, "threshold:")
    assert "3, 1, 4, 15, 9" in line(said, "seeds:")


def test_claims_that_are_tested_differently_have_a_line_each() -> None:
    said = lines(claim(), claim("best-of", 5), claim(), claim("single-run", 1))
    assert line(said, "test of claim 1, 3:")
    assert "best of 5" in line(said, "test of claim 2:")
    assert "a single run" in line(said, "test of claim 4:")
    by_median = lines(claim("mean", 3), statistic="median")
    assert "cannot refute" in line(by_median, "test:")
