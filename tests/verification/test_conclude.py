"""What a report says about each claim, from the outcomes of seeds that are made up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import papertrial as pt
from papertrial.claims.judge import judge
from papertrial.claims.run_trial import Look
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.judging.conclusion import Conclusion
from papertrial.judging.surprising_spreads import surprising_spreads
from papertrial.store.report_record import ClaimResult
from papertrial.verification.claim_results import conclude, progress_lines
from papertrial.verification.registration import register

FIVE = (0.938, 0.941, 0.940, 0.942, 0.939)  # mean .94, SD .00158
CLAIMS = (
    "claims=[{kind: expected, metric: accuracy, value: 0.94, tolerance: 0.005}, "
    "{kind: expected, metric: loss, value: 0.94, tolerance: 0.005}]"
)


def concluded(scores: Sequence[float | None], *overrides: str) -> Conclusion:
    """The conclusion where each seed has this score in both claims; None is a failed seed."""
    recipe = pt.load_recipe("digits-mlp", [CLAIMS, *overrides])
    asked = register(recipe, threads=1, device="cpu")
    ended = tuple(
        SeedOutcome(i, "diverged", error="loss is nan")
        if score is None
        else SeedOutcome(i, "finished", ((score,),) * len(asked.rule.claims), f"w{i}")
        for i, score in enumerate(scores)
    )
    return conclude(recipe, asked, Look(ended, judge(asked.rule, ended)), [])


def judged(*scores: float | None) -> tuple[ClaimResult, ClaimResult]:
    accuracy, loss = concluded(scores).claims
    return accuracy, loss


def test_evidence_and_decision_are_in_the_result() -> None:
    accuracy, _ = judged(*FIVE, 0.9395)
    assert accuracy.evidence is not None
    assert [n for n, _, _ in accuracy.evidence.after] == [5, 6]
    assert accuracy.evidence.after[0][1] == pytest.approx(32.60027, rel=1e-6)
    assert (accuracy.evidence.level, accuracy.evidence.supports) == (0.025, 40.0)
    assert accuracy.decided_at == 6
    assert dict(accuracy.decision)["What the evidence says"].endswith("REPRODUCED.")
    assert accuracy.worst_case is None


def test_collapsed_seeds_are_named_by_seed_not_by_place() -> None:
    accuracy, loss = judged(None, *FIVE, 0.94, 0.1)
    assert accuracy.collapse is not None
    assert loss.collapse is not None
    assert (accuracy.collapse.seeds, accuracy.collapse.of) == ((7,), 7)
    assert "seed 7" in accuracy.collapse.text
    assert (loss.collapse.seeds, loss.collapse.of) == ((), 7)  # a low loss is no collapse
    assert loss.collapse.upper == pytest.approx(1 - 0.05 ** (1 / 7))


def test_the_worst_case_of_failed_seeds() -> None:
    accuracy, loss = judged(None, *FIVE, 0.94, 0.9395)
    for claim in (accuracy, loss):
        assert claim.verdict == "REPRODUCED"
        assert claim.worst_case is not None
        assert claim.worst_case.verdict == "UNDECIDED"
    assert accuracy.worst_case is not None
    assert "test accuracy, 0, for the failed seed," in accuracy.worst_case.text
    assert loss.worst_case is not None
    assert "unbounded" in loss.worst_case.text


def test_without_a_finished_seed_there_is_still_an_explanation() -> None:
    for claim in judged(None, None):
        assert (claim.evidence, claim.collapse) == (None, None)
        assert claim.verdict == "UNDECIDED"
        assert "No seed finished" in dict(claim.decision)["What was measured"]


def test_a_claim_that_is_not_judged_says_why() -> None:
    accuracy, loss = concluded(FIVE, "metrics=[accuracy]").claims
    assert accuracy.evidence is not None
    assert loss.evidence is None
    steps = dict(loss.decision)
    assert "it is not computed: metrics=[accuracy]" in steps["The result"]
    assert "0.94" in steps["What was claimed"]


def test_the_headline_has_tolerances_and_alpha() -> None:
    said = concluded((*FIVE, 0.9395)).headline
    assert "within a tolerance of 0.005" in said
    assert "(alpha 5 %)" in said
    other = CLAIMS.replace("0.005}]", "0.05}]")
    both = concluded((*FIVE, 0.9395), other).headline
    assert "tolerances of 0.005 and 0.05" in both


def test_a_tolerance_that_our_sd_makes_trivial_is_a_warning() -> None:
    recipe = pt.load_recipe("digits-mlp", [CLAIMS.replace("0.005}]", "0.05}]")])
    asked = register(recipe, threads=1, device="cpu")
    ended = tuple(SeedOutcome(i, "finished", ((x,), (x,)), f"w{i}") for i, x in enumerate(FIVE))
    (said,) = surprising_spreads(asked.rule, Look(ended, judge(asked.rule, ended)))
    assert said.startswith("claim 2 (test loss 0.94): ")
    assert "31.6 times" in said


def test_what_a_verdict_does_not_see_is_in_its_line() -> None:
    line, _ = concluded((None, *FIVE, 0.94, 0.9395)).lines
    worst, collapse = line.notes
    assert "Low seeds may be the ones that failed" in worst
    assert "0 of 7 seeds collapsed" in collapse
    assert "34.8 %" in collapse


def test_nothing_is_decided_before_the_first_look() -> None:
    recipe = pt.load_recipe("digits-mlp", [CLAIMS])
    asked = register(recipe, threads=1, device="cpu")
    ended = tuple(SeedOutcome(i, "finished", ((x,), (x,)), f"w{i}") for i, x in enumerate(FIVE))
    early = progress_lines(asked, Look(ended[:4], judge(asked.rule, ended[:4])))
    assert all(line.endswith("no look yet, the first is after 5 finished seeds") for line in early)
    assert not any("UNDECIDED" in line for line in early)
    late = progress_lines(asked, Look(ended, judge(asked.rule, ended)))
    assert all(line.endswith(": UNDECIDED") for line in late)
