"""Claims beside a run's numbers: which overrides make the setting another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import papertrial as pt
from papertrial.cli.train import describe_run_result
from papertrial.recipe.load import shipped_recipes, to_tree
from papertrial.report.run_report import run_report

Invoke = Callable[..., Result]

DATA = """import torch


def numbers():
    x = torch.linspace(-1, 1, 20)[:, None]
    y = x.flatten() + 0.1 * torch.sin(9 * x.flatten())
    return {"train": (x[::2], y[::2]), "test": (x[1::2], y[1::2])}
"""
CLAIMED = (
    'claims=[{kind: expected, metric: accuracy, value: 0.93, tolerance: 1 point, printed: "93 %"}]'
)
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
        shipped_recipes()["diabetes-bmi"].replace("epochs: 1000", "epochs: 1")
    )
    run = pt.train(pt.load_recipe(tmp_path / "quick.yaml"), runs=tmp_path, threads=1)
    assert describe_run_result(run.summary)[2:] == [
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
            "kind": "expected",
            "side": "about",
            "value": 0.93,
            "printed": "93 %",
            "runs": None,
            "best_epoch_on_test": False,
            "ours": ours,
            "not_judged": "the setting differs: epochs=1",
        }
    ]
    why = "not judged: the setting differs: epochs=1"
    assert describe_run_result(run.summary) == [
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
    (line,) = describe_run_result(run.summary)
    assert line.endswith("(one run, no verdict)")


ABOUT = {"metric": "mae", "value": 0.25, "tolerance": 0.1, "kind": "expected"}
BOUND = {"metric": "mae", "value": 0.25}
VERSUS = {"kind": "difference", "versus": {"set": {"epochs": 1}}, "n": "unknown"}
# Each kind of a claim, with its own name in words, and whether one run has a number for it.
KINDS: list[tuple[dict[str, Any], str, str]] = [
    (ABOUT, "test mae 0.25; here", "own"),
    ({**ABOUT, "kind": "single-run"}, "test mae 0.25; here", "own"),
    ({**ABOUT, "kind": "best-of", "n": 4}, "test mae 0.25, the best of 4 runs; here", "own"),
    ({**BOUND, "kind": "at-least"}, "test mae at least 0.25; here", "own"),
    ({**BOUND, "kind": "at-most"}, "test mae at most 0.25; here", "own"),
    ({**ABOUT, **VERSUS}, "difference in test mae 0.25; here", "none"),
    (
        {**ABOUT, **VERSUS, "side": "at-most", "value": 0.01},
        "difference in test mae at most 0.01; here", "none",
    ),
    (
        {**ABOUT, "best_epoch_on_test": True, "value": 0.2},
        "test mae 0.2, the best epoch on test; here", "best",
    ),
    (
        {**ABOUT, **VERSUS, "best_epoch_on_test": True, "value": 0.3},
        "difference in test mae 0.3, the best epoch on test; here", "none",
    ),
    ({"metric": "parameters", "kind": "exact", "value": 2}, "parameters 2; here", "count"),
    ({"metric": "samples", "kind": "exact", "value": 10}, "test samples 10; here", "count"),
]  # fmt: skip


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> pt.Run:
    """A run of a claim of each kind, whose score is best in an epoch that is not its last."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "data.py").write_text(DATA)
    tree = {
        "name": "line",
        "task": "regression",
        "data": {"source": f"{folder}/data.py:numbers", "batch_size": 5},
        "model": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 1.05},  # it goes to and fro
        "epochs": 6,
        "evaluate": {"test": "every-epoch"},
        "metrics": ["loss", "mae"],
        "claims": [claim for claim, _, _ in KINDS],
    }
    return pt.train(pt.load_recipe(tree), runs=folder / "runs", threads=1, device="cpu")


def test_each_kind_of_claim_stands_beside_its_own_number_of_the_run(line: pt.Run) -> None:
    records = map(json.loads, (line.path / "metrics.jsonl").read_text().splitlines())
    curve = [
        r["metrics"]["mae"] for r in records if r["kind"] == "evaluation" and r["split"] == "test"
    ]
    last = line.metrics["test"]["mae"]
    assert curve[-1] == last != min(curve)
    numbers = {"own": last, "best": min(curve), "none": None}
    wanted = [numbers.get(which, claim["value"]) for claim, _, which in KINDS]
    kept = json.loads((line.path / "metrics.json").read_text())
    assert [claim["ours"] for claim in kept["claims"]] == wanted
    assert [claim["kind"] for claim in kept["claims"]] == [
        claim.get("kind", "mean") for claim, _, _ in KINDS
    ]


def test_each_kind_of_claim_in_words(line: pt.Run) -> None:
    lines = [text for text in describe_run_result(line.summary) if text.startswith("claim: ")]
    best = line.summary.claims[7].ours
    ends = {
        "own": f"here {line.metrics['test']['mae']:.6g} (one run, no verdict)",
        "none": "the other side: `papertrial verify` (one run, no verdict)",
        "best": f"here {best:.6g}, its best epoch on test (one run, no verdict, optimistic)",
        "count": "(counted)",
    }
    assert len(lines) == len(KINDS)
    for text, (_, name, which) in zip(lines, KINDS, strict=True):
        assert text.startswith(f"claim: {name}")
        assert text.endswith(ends[which])
        if which == "none":
            assert f"{line.metrics['test']['mae']:.6g}" not in text


def test_runs_show_and_report_have_no_number_beside_a_difference(
    line: pt.Run, invoke: Invoke
) -> None:
    shown = invoke("runs", "show", line.path).stdout.splitlines()
    rows = [row for row in shown if "difference in test mae 0.25" in row]
    assert len(rows) == 1
    assert "papertrial verify" in rows[0]
    assert f"{line.metrics['test']['mae']:.6g}" not in rows[0]
    (bound,) = [row for row in shown if "test mae at least 0.25" in row]
    assert f"{line.metrics['test']['mae']:.6g}" in bound
    assert invoke("report", line.path).exit_code == 0
    report = json.loads((line.path / "report.json").read_text())
    claims = [(claim, which) for claim, _, which in KINDS if which != "count"]
    for told_, (_, which) in zip(report["claims"], claims, strict=True):
        assert (told_["mean"] is None, told_["n"]) == (which == "none", int(which != "none"))
        assert ("papertrial verify" in told_["why"]) == (which == "none")
        assert told_["optimistic"] == (which == "best")
    best = next(
        told_ for told_, (_, which) in zip(report["claims"], claims, strict=True) if which == "best"
    )
    assert best["mean"] == line.summary.claims[7].ours


def test_a_difference_alone_is_headed_by_the_runs_score_and_names_verify(
    line: pt.Run, tmp_path: Path
) -> None:
    alone = to_tree(line.recipe) | {"claims": [KINDS[5][0]]}
    run = pt.train(pt.load_recipe(alone), runs=tmp_path, threads=1, device="cpu")
    headline = run_report(run).headline
    assert "`papertrial verify`" in headline
    metric, score = headline.partition(": test ")[2].partition(". One")[0].split()
    assert score == f"{run.metrics['test'][metric]:.6g}"


def test_a_difference_that_is_not_judged_sends_nobody_to_verify(
    line: pt.Run, tmp_path: Path
) -> None:
    other = pt.load_recipe(to_tree(line.recipe), ["optimizer.lr=0.1", "evaluate.test=at-end"])
    run = pt.train(other, runs=tmp_path, threads=1, device="cpu")
    text = next(
        text for text in describe_run_result(run.summary) if "difference in test mae 0.25" in text
    )
    assert "the other side (not judged: " in text
    # Without the test score of each epoch nothing is the best one.
    assert run.summary.claims[7].ours is None
    assert "not computed" in next(
        text for text in describe_run_result(run.summary) if "mae 0.2," in text
    )
