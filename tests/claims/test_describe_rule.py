"""The rule in words."""

from __future__ import annotations

from typing import Any

from papertrial.claims.describe_rule import rule_lines
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import GivenSd, Rule


def claim(kind: Any = "mean", runs: int | None = None) -> JudgedClaim:
    return JudgedClaim("accuracy", "test", kind, 94.0, 0.5, 94.0, 94.0, runs)


def lines(*claims: JudgedClaim, seeds: tuple[int, ...] = tuple(range(3, 18)), **by: Any) -> str:
    texts = [f"text {i}" for i in range(1, len(claims) + 1)]
    return "\n".join(rule_lines(Rule(claims, seeds, **by), texts, "it diverges"))


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
    assert "mean" in line(said, "about:")
    assert "each side errs at most 5 %, for normal scores" in line(said, "about:")
    assert "2 claims" in line(said, "about:")
    assert "precision 1" in line(said, "test:")
    assert " 20 times" in line(said, "evidence:")
    assert "(40 for the first claim that is decided)" in line(said, "evidence:")
    assert "3 to 17" in line(said, "seeds:")
    assert "before 5" in line(said, "seeds:")
    assert "20 %" in line(said, "failed seeds:")
    assert "first claim" not in lines(claim())
    for jargon in ("Holm", "e-value"):
        assert jargon not in said


def test_what_is_taken_as_known_of_the_sd() -> None:
    known = lines(claim(), sd=GivenSd(0.3, "known"), first_look=2)
    assert "taken as known: 0.3" in line(known, "SD:")
    assert "sub-Gaussian scores with an SD of at most 0.3" in line(known, "about:")
    assert "before 2" in line(known, "seeds:")
    bound = lines(claim(), sd=GivenSd(0.3, "bound"), first_look=2)
    assert "at most 0.3" in line(bound, "SD:")
    paper = lines(claim(), sd=GivenSd(0.3, "paper", 4))
    assert "4 runs" in line(paper, "SD:")
    assert "normal scores" in line(paper, "about:")
    assert "SD:" not in lines(claim())


def test_another_rule_is_said_differently() -> None:
    seeds = (3, 1, 4, 15, 9)
    said = lines(claim(), seeds=seeds, alpha=0.025, statistic="median", horizon="fixed")
    assert "median" in line(said, "about:")
    assert "2.5 %, for scores of any continuous distribution" in line(said, "about:")
    assert "sign test" in line(said, "test:")
    assert "at most 5 seeds" in line(said, "evidence:")
    assert "within twice 2.5 %" in line(said, "evidence:")
    assert "3, 1, 4, 15, 9" in line(said, "seeds:")


def test_claims_that_are_tested_differently_have_a_line_each() -> None:
    said = lines(claim(), claim("best-of", 5), claim(), claim("single-run", 1))
    assert line(said, "test of claim 1, 3:")
    assert "best of 5" in line(said, "test of claim 2:")
    assert "a single run" in line(said, "test of claim 4:")
    by_median = lines(claim("mean", 3), statistic="median")
    assert "cannot refute" in line(by_median, "test:")
