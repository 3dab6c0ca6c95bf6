"""`pt.judge`: verdicts from scores, as the formulas say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import papertrial as pt
from papertrial.errors import ClaimError, ScoresError
from papertrial.judging.judgement import Judgement

# The vectors of the mathematics: a speed run against 3.28, and five accuracies in percent.
SPEEDRUN = (3.274, 3.276, 3.279, 3.272, 3.275, 3.277)
TARGET = {"metric": "loss", "value": 3.28, "kind": "at-most"}
X = (93.8, 94.1, 94.0, 94.2, 93.9)


def evidence(judgement: Judgement) -> tuple[float, float]:
    """The evidence for and against the first claim, at the last look."""
    found = judgement.results[0].evidence
    assert found is not None
    return found.after[-1][1:]


def test_a_speed_run_is_decided_as_the_vectors_say() -> None:
    five, six = pt.judge(list(SPEEDRUN[:5]), TARGET), pt.judge(list(SPEEDRUN), **TARGET)
    assert (five.verdict, six.verdict) == ("UNDECIDED", "REPRODUCED")
    assert evidence(five)[0] == pytest.approx(13.511817, rel=1e-7)
    assert evidence(six)[0] == pytest.approx(25.162757, rel=1e-7)
    assert six.interval[1] is not None
    assert six.interval[1] <= 3.28
    assert (six.seeds, six.claims[0].n, six.registered) == ((1, 2, 3, 4, 5, 6), 6, False)


def test_the_mean_is_decided_as_the_vectors_say() -> None:
    bound = {"metric": "points", "value": 93.5, "kind": "at-least"}
    assert evidence(pt.judge(X, bound))[0] == pytest.approx(32.60027, rel=1e-6)
    both = pt.judge(X, metric="points", value=94, tolerance=0.5, kind="expected")
    assert both.verdict == "REPRODUCED"
    assert evidence(both)[0] == pytest.approx(32.60027, rel=1e-6)


def test_a_known_sd_is_decided_as_the_vector_says() -> None:
    claim = {"metric": "points", "value": 93.9, "kind": "at-least"}
    judgement = pt.judge(X, claim, sd={"value": 0.15, "is": "known"})
    assert evidence(judgement)[0] == pytest.approx(1.882142, rel=1e-6)


def test_a_reported_best_of_five_is_decided_as_the_vectors_say() -> None:
    claim = {"metric": "points", "value": 95, "kind": "best-of", "n": 5, "tolerance": 0}
    assert evidence(pt.judge(X, claim))[1] == pytest.approx(13.812326, rel=1e-6)


def test_the_median_is_decided_as_the_vectors_say() -> None:
    six = pt.judge(SPEEDRUN, TARGET, statistic="median")
    assert evidence(six)[0] == pytest.approx(38.778571, rel=1e-7)
    scores = [3.27] * 13 + [3.29] * 2
    assert evidence(pt.judge(scores, TARGET, statistic="median"))[0] == pytest.approx(
        21.410387, rel=1e-7
    )


def test_the_order_of_the_rows_changes_nothing() -> None:
    draw = np.random.default_rng(1)
    scores = list(map(float, draw.normal(0.93, 0.004, 12)))
    base = list(map(float, draw.normal(0.92, 0.004, 12)))
    claims = [
        {"metric": "accuracy", "value": 0.93, "tolerance": 0.004, "kind": "mean", "n": 3},
        {"metric": "accuracy", "value": 0.935, "n": 5, "tolerance": 0.004, "kind": "best-of"},
        {"metric": "accuracy", "kind": "better"},
        {
            "metric": "accuracy",
            "kind": "difference",
            "value": 0.01,
            "n": 5,
            "tolerance": 0.005,
            "pairing": "none",
        },
    ]

    def decided(order: list[int]) -> list[tuple[object, ...]]:
        table = {"accuracy": [scores[i] for i in order], "base": [base[i] for i in order]}
        found = pt.judge(table, claims, versus_column="base").claims
        return [(c.verdict, c.low, c.high, c.holds_within, c.why, c.decided_at) for c in found]

    first = decided(list(range(12)))
    assert {verdict for verdict, *_ in first} >= {"REPRODUCED"}
    for _ in range(10):
        assert decided(list(map(int, draw.permutation(12)))) == first


def test_an_order_that_crosses_early_decides_nothing_unless_rows_are_sequential() -> None:
    # Sorted by quality, a running maximum would cross after five runs; all runs together do not.
    scores = [3.27, 3.271, 3.272, 3.273, 3.274, 3.29, 3.291, 3.292]
    assert pt.judge(scores, TARGET).verdict == "UNDECIDED"
    assert pt.judge(scores[::-1], TARGET).verdict == "UNDECIDED"
    early = pt.judge(scores, TARGET, sequential=True)
    assert (early.verdict, early.claims[0].decided_at) == ("REPRODUCED", 5)
    assert pt.judge(scores[::-1], TARGET, sequential=True).verdict == "UNDECIDED"
    assert "order in which they were run" in early.note


def test_a_fixed_number_of_runs_decides_as_the_t_test_does() -> None:
    scores = list(SPEEDRUN[:5])
    p = stats.ttest_1samp(scores, 3.28, alternative="less").pvalue
    assert p < 0.01
    assert pt.judge(scores, TARGET, horizon="fixed", alpha=0.01).verdict == "REPRODUCED"
    assert pt.judge(scores, TARGET, horizon="fixed", alpha=p * 0.9).verdict == "UNDECIDED"
    assert pt.judge(scores, TARGET, alpha=0.01).verdict == "UNDECIDED"


def test_tables_of_all_kinds_give_the_same_verdict() -> None:
    accuracy = [0.931, 0.933, 0.93, 0.932, 0.931, 0.934]
    claim = {"metric": "accuracy", "value": 0.93, "tolerance": 0.01, "kind": "mean", "n": 3}

    class Frame:  # as of pandas
        columns = ("Accuracy", "seed")

        def __getitem__(self, name: str) -> np.ndarray:
            return np.array(accuracy if name == "Accuracy" else range(6))

    class Arrow:
        def to_pydict(self) -> dict[str, list[float]]:
            return {"accuracy": accuracy}

    tables: list[object] = [
        accuracy,
        tuple(accuracy),
        np.array(accuracy),
        (score for score in accuracy),
        {"accuracy": accuracy},
        {"accuracy": np.array(accuracy), "seed": np.arange(6)},
        [{"accuracy": score} for score in accuracy],
        Frame(),
        Arrow(),
    ]
    found = [pt.judge(table, claim) for table in tables]
    assert {one.verdict for one in found} == {"REPRODUCED"}
    assert {one.interval for one in found} == {found[0].interval}
    assert [one.seeds[0] for one in found] == [1, 1, 1, 1, 1, 0, 1, 0, 1]


def test_percentages_are_converted_exactly() -> None:
    claim = {"metric": "accuracy", "value": "93.1 %", "tolerance": "1 point", "kind": "expected"}
    percent = pt.judge([93.1, 93.3, 93.0, 93.2, 93.1], claim, unit="percent")
    fraction = pt.judge([0.931, 0.933, 0.93, 0.932, 0.931], claim)
    signs = pt.judge(["93.1 %", "93.3%", "93.0 %", "93.2 %", "93.1%"], claim)
    assert percent.results[0].scores == fraction.results[0].scores == signs.results[0].scores
    assert percent.verdict == "REPRODUCED"


@pytest.mark.parametrize(
    ("scores", "unit", "said"),
    [
        ([93.1, 93.3, 93.0, 93.2, 93.1], None, "unit: percent"),
        ([93.1, 0.933, 93.0, 93.2, 93.1], None, "mixes fractions and percentages"),
        ([93.1, 0.933, 93.0, 93.2, 93.1], "percent", "mixes fractions and percentages"),
        ([0.931, 0.933, 0.93, 0.93, 0.93], "percent", "leave out unit: percent"),
        (["93.1 %", "0.93", "93 %", "93 %", "93 %"], None, "mixes notations"),
        (["193.1 %", "93 %", "93 %", "93 %", "93 %"], None, "more than 100"),
        ([-0.5, 0.933, 0.93, 0.93, 0.93], None, "cannot be negative"),
        ([0.931, "0.9x", 0.93, 0.93, 0.93], None, "must be a number, got '0.9x'"),
        ([0.931, True, 0.93, 0.93, 0.93], None, "must be a number"),
    ],
)
def test_scores_in_the_wrong_unit_are_refused(
    scores: list[object], unit: str | None, said: str
) -> None:
    claim = {"metric": "accuracy", "value": 0.93, "tolerance": 0.01, "kind": "expected"}
    with pytest.raises(ScoresError) as caught:
        pt.judge(scores, claim, unit=unit)
    assert said in str(caught.value)


def test_runs_without_a_score_are_refused_until_they_are_counted() -> None:
    scores = [*SPEEDRUN, float("nan")]
    with pytest.raises(ScoresError, match="failed: 1") as caught:
        pt.judge(scores, TARGET)
    assert "entry 7" in str(caught.value)
    with pytest.raises(ScoresError, match="failed is 0"):
        pt.judge(scores, TARGET, failed=0)
    with pytest.raises(ScoresError, match="at least 0"):
        pt.judge(scores, TARGET, failed=-1)
    one = pt.judge(scores, TARGET, failed=1)
    assert one.verdict == "REPRODUCED"
    assert "unbounded" in one.claims[0].notes[0]  # what the failed run may hide
    worst = one.results[0].worst_case
    assert worst is not None
    assert worst.verdict == "UNDECIDED"
    assert one.seeds == (1, 2, 3, 4, 5, 6)
    three = pt.judge(scores, TARGET, failed=3)  # two of them without a row
    assert three.verdict == "UNDECIDED"
    assert three.report.diverged is not None
    assert (three.report.diverged.count, three.report.diverged.of) == (3, 9)
    assert pt.judge(scores, TARGET, failed=3, max_diverged=0.5).verdict == "REPRODUCED"


def test_a_column_of_states_marks_failed_runs() -> None:
    table = {"loss": [*SPEEDRUN, 7.9], "state": ["finished"] * 5 + ["", "diverged"]}
    with pytest.raises(ScoresError, match="failed: 1"):
        pt.judge(table, TARGET)
    assert pt.judge(table, TARGET, failed=1).claims[0].n == 6
    with pytest.raises(ScoresError, match='did you mean "diverged"'):
        pt.judge({**table, "state": ["finished"] * 6 + ["divergd"]}, TARGET, failed=1)


@pytest.mark.parametrize(
    ("scores", "keys", "said"),
    [
        ([], {}, "no rows"),
        ([3.27], {}, "1 score of finished runs, and at least 5"),
        ([3.27, 3.28, 3.27, 3.26], {}, "4 scores"),
        ([3.27], {"sd": {"value": 0.001, "is": "known"}}, "at least 2"),
        ({"loss": [3.27] * 5, "seed": [1, 2, 3, 3, 5]}, {}, "seed 3 stands in entry 3 already"),
        ({"loss": [3.27] * 5, "seed": ["a", 2, 3, 4, 5]}, {}, "whole number"),
        ({"loss": [3.27] * 5, "run": [1, 1, 3, 4, 5]}, {"seed_column": "run"}, "seed 1 stands"),
        ({"loss": [3.27] * 5, "x": [1] * 4}, {}, "x has 4 scores"),
        ({"los": [3.27] * 5}, {}, 'did you mean "los"'),
        ({"loss": [3.27] * 5}, {"seed_column": "run"}, 'no column "run" for the seeds'),
        ({"loss": [3.27] * 5}, {"column": "los"}, 'no column "los"'),
        ([3.27] * 5, {"column": "loss"}, 'no column "loss" for the scores of loss'),
        ([3.27] * 5, {"failed": 1.5}, "whole number"),
        ([3.27] * 5, {"failed": "1"}, "whole number"),
        ([3.27] * 5, {"versus_scores": [3.28] * 5}, "no claim compares two sides"),
        ({"loss": [3.27] * 5, "x": [1] * 5}, {"versus_column": "x"}, "no claim compares"),
        ([[3.27, 3.28]], {}, "is a list"),
        (3.27, {}, "list of numbers"),
        ([3.27] * 501, {"horizon": "fixed"}, "at most 500"),
    ],
)
def test_wrong_scores_are_refused_by_name(
    scores: object, keys: dict[str, object], said: str
) -> None:
    with pytest.raises(ScoresError) as caught:
        pt.judge(scores, TARGET, **keys)  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"metric": "loss", "value": 3.28}, "n: is missing"),
        ({"value": 3.28, "kind": "at-most"}, "metric: is missing"),
        ({"metric": "loss", "kind": "at-most"}, "value: is missing"),
        ({"metric": "loss", "value": 3.28, "kind": "atmost"}, "kind: "),
        ({"metric": "loss", "value": 3.28, "kind": "at-most", "tolerence": 1}, "tolerance"),
        ({"metric": "loss", "value": 3.28, "kind": "at-most", "tolerance": 1}, "bound"),
        ({"metric": "parameters", "value": 3, "kind": "exact"}, "kind: exact is counted"),
        ({"metric": "loss", "value": 3, "kind": "reaches", "by": {"step": 3}}, "at-most"),
        ({"metric": "loss", "value": 3, "kind": "at-most", "about": "new-samples"}, "prediction"),
        ({"metric": "loss", "kind": "better"}, "versus column"),
        ({"metric": "score", "kind": "better"}, "better: is missing"),
        ({"metric": "accuracy", "value": 93, "kind": "at-least"}, '"93 %"'),
        ({"metric": "loss", "value": 3.28, "kind": "at-most", "alpha": 0.7}, "alpha: must be"),
        ({"metric": "loss", "value": 3, "kind": "at-most", "samples": 100}, "not a fraction"),
        ({"metric": "loss", "value": 3, "kind": "at-most", "unit": "percen"}, '"percent"?'),
        ({"metric": "loss", "value": 3.28, "kind": "at-most", "best_epoch_on_test": True}, "best"),
    ],
)
def test_wrong_claims_are_refused(claim: dict[str, object], said: str) -> None:
    with pytest.raises(ClaimError) as caught:
        pt.judge(SPEEDRUN, **claim)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_two_sides_are_paired_by_row_or_by_seed() -> None:
    ours = {"seed": [1, 2, 3, 4, 5, 6], "accuracy": [0.91, 0.95, 0.93, 0.92, 0.96, 0.94]}
    theirs = {"seed": [6, 5, 4, 3, 2, 1], "accuracy": [0.929, 0.951, 0.911, 0.918, 0.939, 0.902]}
    claim = {"metric": "accuracy", "kind": "better"}
    paired = pt.judge(ours, claim, versus_scores=theirs)
    assert paired.verdict == "REPRODUCED"
    assert paired.results[0].scores[0] == (1, pytest.approx(0.008))
    assert paired.results[0].pairing == "paired by seed"
    table = {**ours, "base": theirs["accuracy"][::-1]}
    assert pt.judge(table, claim, versus_column="base").interval == paired.interval
    apart = pt.judge(ours, {**claim, "pairing": "none"}, versus_scores=theirs)
    assert apart.verdict == "UNDECIDED"
    for other, said in (
        ({**theirs, "seed": [7, 5, 4, 3, 2, 1]}, "6, 7"),
        ({"accuracy": theirs["accuracy"]}, "no column of seeds"),
    ):
        with pytest.raises(ScoresError, match=said):
            pt.judge(ours, claim, versus_scores=other)
    with pytest.raises(ScoresError, match="6 and 5 scores"):
        pt.judge(
            ours, {**claim, "pairing": "none"}, versus_scores={"accuracy": theirs["accuracy"][:5]}
        )


def test_scores_that_tie_on_a_coarse_test_set_are_not_taken_as_exact() -> None:
    # The second edition's example: six equal scores of .95 against .952 +- .001, on 360 samples.
    claim = {"metric": "accuracy", "value": 0.952, "tolerance": 0.001, "kind": "expected"}
    assert pt.judge([0.95] * 6, claim).verdict == "NOT REPRODUCED"
    coarse = pt.judge([0.95] * 6, claim, samples=360)
    assert coarse.verdict == "UNDECIDED"
    assert any("less than the step" in warning for warning in coarse.warnings)
    assert any("all 6 scores are equal" in warning for warning in coarse.warnings)
    assert not any("give samples" in warning for warning in coarse.warnings)
    assert any("give samples" in warning for warning in pt.judge([0.95] * 6, claim).warnings)


def test_several_claims_share_alpha() -> None:
    table = {"loss": SPEEDRUN, "seconds": [100.0, 101, 99, 100.5, 99.5, 100]}
    both = pt.judge(table, [TARGET, {"metric": "seconds", "value": 200, "kind": "at-most"}])
    # 25.2 is less than 40 for the first claim, and enough for the second.
    assert [claim.verdict for claim in both.claims] == ["REPRODUCED", "REPRODUCED"]
    with pytest.raises(ClaimError, match=r"claims\.0"):
        pt.judge(table, [TARGET, TARGET])
    with pytest.raises(ScoresError, match="several metrics"):
        pt.judge(table, [TARGET, {**TARGET, "metric": "seconds"}], column="loss")


RECIPE = """
name: speedrun
paper: {title: A speed run, url: https://example.com/run}
program:
  command: [python, train.py, "{seed}"]
  folder: .
  scores:
    val_loss: {pattern: 'loss: ([0-9.]+)', better: lower}
    accuracy: {pattern: 'acc: ([0-9.]+)', unit: percent}
claims:
  - {metric: val_loss, value: 3.28, kind: at-most}
verify: {alpha: 0.1, max_diverged: 0.3}
deviations: [Other hardware.]
"""


def test_the_claims_of_a_recipe_are_judged(tmp_path: Path) -> None:
    recipe = tmp_path / "speedrun.yaml"
    recipe.write_text(RECIPE)
    judgement = pt.judge({"val_loss": SPEEDRUN}, recipe=recipe)
    assert (judgement.verdict, judgement.recipe) == ("REPRODUCED", "speedrun")
    assert judgement.headline.startswith("REPRODUCED WITH DEVIATIONS: the claim holds on 6 runs")
    assert judgement.report.verdict == "REPRODUCED WITH DEVIATIONS"
    assert judgement.report.paper.title == "A speed run"
    assert judgement.results[0].level == 0.1
    assert pt.judge({"val_loss": SPEEDRUN}, recipe=recipe, alpha=0.02).verdict == "UNDECIDED"
    fixed = pt.judge({"val_loss": SPEEDRUN}, recipe=recipe, alpha=0.02, horizon="fixed")
    assert fixed.verdict == "REPRODUCED"  # p = 0.0056
    median = pt.judge({"val_loss": SPEEDRUN}, recipe=recipe, statistic="median")
    assert median.results[0].statistic == "median"
    with pytest.raises(ScoresError, match='no column "val_loss"'):
        pt.judge({"loss": SPEEDRUN}, recipe=recipe)
    with pytest.raises(ClaimError, match="its own claims"):
        pt.judge({"val_loss": SPEEDRUN}, recipe=recipe, metric="val_loss")


def test_claims_that_scores_cannot_decide_are_not_judged() -> None:
    scores = {"test_accuracy": [0.931, 0.935, 0.928, 0.933, 0.93, 0.932]}
    judgement = pt.judge(scores, recipe="digits-mlp")
    assert judgement.claims[0].verdict is not None
    with_step = pt.judge(scores, recipe="digits-mlp", samples=100)
    assert with_step.claims[0].verdict == "UNDECIDED"  # steps of 0.01 hide the spread
    with pytest.raises(ClaimError, match="samples must be a whole number"):
        pt.judge(scores, recipe="digits-mlp", samples=0)
    left = [claim for claim in judgement.claims if claim.verdict is None]
    assert [claim.kind for claim in left] == ["exact"] * len(left)


def test_judging_imports_no_torch() -> None:
    code = (
        "import sys, papertrial as pt\n"
        f"found = pt.judge({list(SPEEDRUN)}, metric='loss', value=3.28, kind='at-most')\n"
        "assert found.verdict == 'REPRODUCED', found\n"
        "from papertrial.testing import assert_reproduced\n"
        f"assert_reproduced({list(SPEEDRUN)}, metric='loss', value=3.28, kind='at-most')\n"
        "pt.judge([.9] * 6, recipe='digits-mlp')\n"
        "slow = {'torch', 'torchvision', 'sklearn', 'matplotlib', 'pandas', 'pyarrow'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
