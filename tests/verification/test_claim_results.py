"""Claims beside a run's numbers: which overrides make the setting another one."""

from __future__ import annotations

from pathlib import Path

import pytest

import papertrial as pt
from papertrial.cli.train import describe_result
from papertrial.recipe.load import shipped

CLAIMED = 'claims=[{metric: accuracy, value: 0.93, tolerance: 0.01, printed: "93 %"}]'
SETTING = [
    "optimizer.lr=0.01",
    "model.hidden=[32]",
    "data.batch_size=16",
    "data.limit=100",
    "epochs=1",
    "precision=bf16",
    "clip_norm=1",
    "init_from=runs/other",
]
SAME = ["seed=3", "name=other", "log_every=7", "metrics=[accuracy]", "evaluate.batch_size=10"]


@pytest.fixture
def claimed(tmp_path: Path) -> Path:
    text = pt.load_recipe("digits-mlp", [CLAIMED])
    from papertrial.recipe.load import to_yaml

    (tmp_path / "claimed.yaml").write_text(to_yaml(text))
    return tmp_path / "claimed.yaml"


@pytest.mark.parametrize("override", SETTING)
def test_an_override_of_the_setting_marks_the_claims(override: str, claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, [override], check=False).claims
    assert claim.not_judged == f"the setting differs: {override}"


def test_how_often_to_evaluate_is_part_of_the_setting_where_it_chooses(claimed: Path) -> None:
    changes = ["evaluate.test=every-epoch", "report=best-on-test"]
    (claim,) = pt.load_recipe(claimed, changes).claims
    assert claim.not_judged == f"the setting differs: {', '.join(changes)}"
    (claim,) = pt.load_recipe(claimed, changes[:1]).claims
    assert claim.not_judged is None


@pytest.mark.parametrize("override", SAME)
def test_an_override_of_what_trains_nothing_does_not(override: str, claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, [override]).claims
    assert claim.not_judged is None


def test_an_override_with_the_value_that_is_there_does_not(claimed: Path) -> None:
    same = ["optimizer.lr=1e-3", "data.shuffle=true", "seed=9", "precision=fp32"]
    (claim,) = pt.load_recipe(claimed, same).claims
    assert claim.not_judged is None


def test_only_the_overrides_that_change_the_setting_are_named(claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, ["seed=1", "epochs=1", "data.batch_size=64"]).claims
    assert claim.not_judged == "the setting differs: epochs=1, data.batch_size=64"


def test_an_override_that_leaves_a_metric_out_marks_its_claim(claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, ["metrics=[loss, f1]"]).claims
    assert claim.not_judged == "it is not computed: metrics=[loss, f1]"


def test_an_override_without_a_test_part_marks_the_claims_that_need_one(claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, ["data.splits.test=null"]).claims
    assert claim.not_judged == "the setting differs: data.splits.test=null"


@pytest.mark.parametrize("override", ["verify.max_seeds=20", "deviations=[Other widths]"])
def test_how_claims_are_judged_is_no_other_setting(override: str, claimed: Path) -> None:
    (claim,) = pt.load_recipe(claimed, [override]).claims
    assert claim.not_judged is None


def test_counts_stand_beside_those_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "quick.yaml").write_text(
        shipped()["diabetes-bmi"].replace("epochs: 1000", "epochs: 1")
    )
    run = pt.train(pt.load_recipe(tmp_path / "quick.yaml"), runs=tmp_path, threads=1)
    assert describe_result(run.summary)[2:] == [
        "claim: parameters 2; here 2 (counted)",
        "claim: train samples 422; here 422 (counted)",
        "claim: test samples 20; here 20 (counted)",
    ]
    assert [claim.ours for claim in run.summary.claims][2:] == [2, 422, 20]


def test_a_claim_stands_beside_the_number_and_says_what_it_is(
    claimed: Path, tmp_path: Path
) -> None:
    run = pt.train(pt.load_recipe(claimed, ["epochs=1"]), runs=tmp_path / "runs")
    ours = run.metrics["test"]["accuracy"]
    assert [claim.to_plain() for claim in run.summary.claims] == [
        {
            "metric": "accuracy",
            "split": "test",
            "value": 0.93,
            "printed": "93 %",
            "ours": ours,
            "not_judged": "the setting differs: epochs=1",
        }
    ]
    why = "not judged: the setting differs: epochs=1"
    assert describe_result(run.summary) == [
        f"claim: test accuracy 0.93 (printed: 93 %); here {ours:.6g} ({why})"
    ]
    # The run's own recipe says so still, when it is trained again.
    (kept,) = pt.load_recipe(run.path / "recipe.yaml").claims
    assert kept.not_judged == "the setting differs: epochs=1"


def test_a_claim_of_the_setting_itself_is_one_run_without_a_verdict(
    claimed: Path, tmp_path: Path
) -> None:
    text = claimed.read_text().replace("epochs: 30", "epochs: 1")
    assert "epochs: 1\n" in text
    claimed.write_text(text)
    run = pt.train(pt.load_recipe(claimed, ["seed=2"]), runs=tmp_path / "runs")
    (line,) = describe_result(run.summary)
    assert line.endswith("(one run, no verdict)")
