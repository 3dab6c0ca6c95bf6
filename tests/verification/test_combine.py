"""One verdict from several laboratories: what it says, what it rests on, what it is written to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import papertrial as pt
from papertrial.claims.judge import judge
from papertrial.claims.rule import Rule
from papertrial.errors import ClaimError, RunError
from papertrial.report.report_files import read_report
from papertrial.store.laboratory_folders import CombinationFolder
from papertrial.store.verification_folder import VerificationFolder
from papertrial.verification.combine import combine

Labs = Any  # tests/verification/conftest.py
A = (0.80, 1.10, 1.00, 1.20, 0.90)
B = (1.30, 1.50, 1.10, 1.40, 1.20)
C = (1.05, 0.95, 1.10, 0.90, 1.00)
EXACT = {"metric": "parameters", "value": 2, "kind": "exact"}
ABOUT = {"metric": "mse", "value": 1.0, "tolerance": 0.4, "kind": "expected"}


def test_it_is_the_verdict_on_all_seeds_in_the_registered_order(labs: Labs) -> None:
    paths = labs.together(A, B, C)
    done = combine(paths[::-1], runs=labs.folder / "runs")
    rule: Rule = VerificationFolder(paths[0]).registered.rule
    rule = Rule(rule.claims, tuple(range(15)))
    outcomes = [r.outcome for path in paths for r in VerificationFolder(path).outcomes()]
    (alone,) = judge(rule, outcomes)
    (claim,) = done.claims
    assert (claim.verdict, claim.n, claim.decided_at) == (alone.verdict, 15, alone.decided_at)
    assert (claim.low, claim.high) == (alone.low, alone.high)
    assert done.seeds == tuple(range(15))
    assert "The seeds are those of 3 laboratories." in done.headline


def test_each_laboratory_is_listed_with_its_own_verdict(labs: Labs) -> None:
    paths = labs.together(A, B, C)
    found = combine(paths, runs=labs.folder / "runs").laboratories
    assert [line.name for line in found.lines] == [f"laboratory {i}" for i in (1, 2, 3)]
    assert [line.seeds for line in found.lines] == [
        tuple(range(5)), tuple(range(5, 10)), tuple(range(10, 15)),
    ]  # fmt: skip
    assert [line.scores[0].mean for line in found.lines] == pytest.approx([1.0, 1.3, 1.0])
    assert [line.verdict for line in found.lines] == ["REPRODUCED", "UNDECIDED", "REPRODUCED"]
    assert {(line.device, line.host, line.state) for line in found.lines} == {
        ("cpu", "somewhere", "finished")
    }
    assert [line.folder for line in found.lines] == list(map(str, paths))
    assert (found.combine, found.of, found.without) == ("same-setup", 3, ())
    assert found.differences[0].found is False


def test_laboratories_that_differ_are_warned_of(labs: Labs) -> None:
    far = tuple(x + 1 for x in C)
    done = combine(labs.together(A, far), runs=labs.folder / "runs")
    assert done.laboratories.differences[0].found
    assert any(text.startswith("the laboratories differ") for text in done.warnings)
    assert read_report(done.path).warnings == done.warnings


def test_four_files_are_enough_and_copies_can_be_combined_again(labs: Labs) -> None:
    paths = labs.together(A, B)
    sent = [labs.sent(path, f"sent{i}") for i, path in enumerate(paths)]
    first = combine(paths, runs=labs.folder / "runs")
    done = combine(sent, runs=labs.folder / "runs")
    assert done.claims == first.claims
    assert {file.name for file in (done.path / "laboratories" / "1").iterdir()} == {
        "preregistration.json", "outcomes.jsonl", "verification.json", "recipe.yaml",
    }  # fmt: skip
    shutil.rmtree(labs.folder / "runs" / "line" / first.path.name)
    again = combine([done.path / "laboratories" / i for i in "12"], runs=labs.folder / "other")
    assert (again.claims, again.registration) == (done.claims, done.registration)
    state = CombinationFolder(done.path).state
    assert (state.verdict, state.claims, state.seeds) == (done.verdict, done.claims, done.seeds)


def test_a_folder_that_contains_one_verification_stands_for_it(labs: Labs) -> None:
    labs.together(A, B)
    folders = [labs.folder / "lab1", labs.folder / "lab2"]
    assert combine(folders, runs=labs.folder / "runs").seeds == tuple(range(10))
    with pytest.raises(RunError, match=r"has 2 verifications: .*lab1.*lab2.*give the folder of"):
        combine([labs.folder, folders[0]], runs=labs.folder / "runs")
    (labs.folder / "empty").mkdir()
    with pytest.raises(RunError, match="empty has no verification"):
        combine([labs.folder / "empty", folders[0]], runs=labs.folder / "runs")
    with pytest.raises(RunError, match="there is no folder nowhere"):
        combine(["nowhere", folders[0]], runs=labs.folder / "runs")
    with pytest.raises(RunError, match="at least two laboratories are needed, got 1"):
        combine(folders[:1], runs=labs.folder / "runs")


def test_the_report_has_laboratories_and_their_seeds(labs: Labs) -> None:
    done = combine(labs.together(A, (1.0, None, 1.1, 0.9, 1.0)), runs=labs.folder / "runs")
    report = read_report(done.path)
    assert (report.kind, report.laboratories) == ("combination", done.laboratories)
    assert [(seed.seed, seed.laboratory) for seed in report.seeds] == [
        (i, f"laboratory {1 + i // 5}") for i in range(10)
    ]
    assert report.diverged is not None
    assert (report.diverged.count, report.diverged.of) == (1, 10)
    assert report.preregistration is not None
    assert report.preregistration.sha256 == done.registration
    assert "papertrial combine" in report.command


def test_an_interrupted_laboratory_counts_up_to_its_first_open_seed(labs: Labs) -> None:
    made = labs.register(2)
    first = labs.verified(made.laboratories[0][0], A, "lab1")
    second = labs.verified(made.laboratories[1][0], B[:3], "lab2", state="interrupted")
    done = combine([first, second], runs=labs.folder / "runs")
    assert done.seeds == (0, 1, 2, 3, 4, 5, 6, 7)
    assert any(
        "laboratory 2 has not finished (interrupted): 3 of its 5" in w for w in done.warnings
    )


def test_seeds_that_ended_after_the_laboratory_was_decided_do_not_count(labs: Labs) -> None:
    made = labs.register(2, labs.tree(max_seeds=14))
    close = (1.0, 1.001, 0.999, 1.0005, 0.9995, 9.0)  # decided after five; the sixth ended too
    first = labs.verified(made.laboratories[0][0], close, "lab1")
    second = labs.verified(made.laboratories[1][0], [*B, 1.3, 1.3], "lab2")
    done = combine([first, second], runs=labs.folder / "runs")
    assert done.seeds == (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13)


def test_files_that_differ_at_run_time_are_warned_of(labs: Labs) -> None:
    one, two = labs.together(A, B)
    for path, digest in ((one, "1"), (two, "2")):
        file = path / "outcomes.jsonl"
        read = f'"reads": {{"/{digest}/words.txt": "{digest}", "/{digest}/same.txt": "3"}}'
        file.write_text(file.read_text().replace('"reads": {}', read))
    done = combine([one, two], runs=labs.folder / "runs")
    assert [text for text in done.warnings if "at run time" in text] == [
        "the laboratories read different contents of words.txt at run time, which is not registered"
    ]


def test_all_registered_laboratories_are_needed(labs: Labs) -> None:
    one, two, three = labs.together(A, B, C)
    with pytest.raises(RunError, match=r"laboratory 2 of 3 is not here; .*--without 2"):
        combine([one, three], runs=labs.folder / "runs")
    done = combine([one, three], runs=labs.folder / "runs", without=[2])
    assert done.laboratories.without == (2,)
    assert "Laboratory 2 of 3 is left out." in done.headline
    assert any("1 of 3 registered laboratories is left out" in text for text in done.warnings)
    with pytest.raises(RunError, match="--without 2: its folder is given"):
        combine([one, two, three], runs=labs.folder / "runs", without=[2])
    with pytest.raises(RunError, match="--without 4: there are laboratories 1 to 3"):
        combine([one, two, three], runs=labs.folder / "runs", without=[4])


def test_laboratories_that_were_registered_apart(labs: Labs) -> None:
    second = labs.verified(labs.tree(seeds=[5, 6, 7, 8, 9], max_seeds=5), B, "b")
    first = labs.verified(labs.tree(max_seeds=5), A, "a")
    done = combine([first, second], runs=labs.folder / "runs")
    assert done.seeds == (5, 6, 7, 8, 9, 0, 1, 2, 3, 4)  # by the time of registration
    assert done.registration is None
    assert done.to_json()["preregistration"] is None
    assert "They were not registered together." in done.headline
    assert any("were not registered together" in text for text in done.warnings)
    with pytest.raises(RunError, match="--without is for laboratories that were registered"):
        combine([first, second], runs=labs.folder / "runs", without=[1])


def test_a_verdict_needs_few_enough_failures_in_all_laboratories(labs: Labs) -> None:
    done = combine(labs.together(A, (None,) * 5, C), runs=labs.folder / "runs")
    (claim,) = done.claims  # laboratory 1 alone is decided, but 5 of 15 seeds failed
    assert (claim.verdict, claim.decided_at, claim.n) == ("UNDECIDED", None, 10)
    report = read_report(done.path)
    assert report.diverged is not None
    assert (report.diverged.count, report.diverged.held) == (5, False)


def test_another_look_at_the_same_laboratories_is_warned_of(labs: Labs) -> None:
    one, two, three = labs.together(A, B, C)
    first = combine([one, two], runs=labs.folder / "runs", without=[3])
    done = combine([one, two, three], runs=labs.folder / "runs")
    (text,) = (text for text in done.warnings if text.startswith("another look"))
    assert f"{first.path} combined 10 seeds" in text
    again = combine([one, two, three], runs=labs.folder / "runs")
    assert [text for text in again.warnings if done.path.name in text] == []  # the same look


def test_a_recipe_whose_code_was_not_sent_is_not_compared(labs: Labs) -> None:
    code = labs.folder / "net.py"
    code.write_text("from torch import nn\n\n\nclass Net(nn.Linear):\n    pass\n")
    model = {"use": f"{code}:Net", "in_features": 1, "out_features": 1}
    one, two = labs.together(A, C, tree={**labs.tree(), "model": model})
    assert combine([one, two], runs=labs.folder / "runs").warnings == ()
    sent = labs.sent(two, "sent")
    warnings = combine([one, sent], runs=labs.folder / "runs").warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("recipe.yaml of laboratory 2 could not be compared")


def test_a_fixed_horizon_needs_a_common_registration(labs: Labs) -> None:
    fixed = {"horizon": "fixed"}
    done = combine(labs.together(A, B, tree=labs.tree(**fixed)), runs=labs.folder / "runs")
    assert done.claims[0].n == 10
    one = labs.verified(labs.tree(max_seeds=5, **fixed), A, "a")
    other = labs.verified(labs.tree(seeds=[5, 6, 7, 8, 9], max_seeds=5, **fixed), B, "b")
    with pytest.raises(RunError, match=r"verify.horizon: fixed does not allow more seeds"):
        combine([one, other], runs=labs.folder / "runs")


def test_own_sds_if_they_are_registered(labs: Labs) -> None:
    tree = labs.tree(labs={"combine": "own-sd"})
    paths = labs.together(A, B, tree=tree)
    done = combine(paths, runs=labs.folder / "runs")
    (claim,) = done.claims
    assert "by the product of the laboratories' evidence (2)" in claim.why
    assert (claim.verdict_median, claim.n) == (None, 10)
    report = read_report(done.path)
    assert report.claims[0].evidence is None
    assert report.laboratories is not None
    assert report.laboratories.combine == "own-sd"


def test_lab_means_if_they_are_registered(labs: Labs) -> None:
    tree = labs.tree(max_seeds=25, labs={"combine": "lab-means"})
    paths = labs.together(A, C, A, C, A, tree=tree)
    done = combine(paths, runs=labs.folder / "runs")
    (claim,) = done.claims
    assert claim.verdict == "REPRODUCED"
    assert "by the means of the laboratories (5)" in claim.why
    with pytest.raises(ClaimError, match="lab-means needs at least 5 laboratories, got 4"):
        combine(paths[:4], runs=labs.folder / "runs", without=[5])


def test_exact_claims_are_those_that_the_laboratories_counted(labs: Labs) -> None:
    tree = labs.tree(ABOUT, EXACT)
    one, two = labs.together(A, C, tree=tree)
    done = combine([one, two], runs=labs.folder / "runs")
    assert [(line.metric, line.mean) for line in done.claims] == [
        ("mse", pytest.approx(1.0)),
        ("parameters", 2),
    ]
    file = two / "verification.json"
    file.write_text(file.read_text().replace('"mean": 2', '"mean": 3'))
    with pytest.raises(RunError, match=r"counted 2 parameters, .* 3; they did not train the same"):
        combine([one, two], runs=labs.folder / "runs")


def test_exact_claims_need_a_laboratory_that_finished(labs: Labs) -> None:
    made = labs.register(2, labs.tree(ABOUT, EXACT))
    paths = [
        labs.verified(path, A, f"lab{i}", state="interrupted")
        for i, (path, _) in enumerate(made.laboratories)
    ]
    with pytest.raises(RunError, match="no laboratory has finished, so the exact claims"):
        combine(paths, runs=labs.folder / "runs")


def test_a_difference_is_paired_by_seed_over_all_laboratories(labs: Labs) -> None:
    better = {"metric": "mse", "kind": "better", "versus": {"set": {"epochs": 1}}}
    rows = [[(x - 1.0, x) for x in lab] for lab in (A, B)]
    done = combine(labs.together(*rows, tree=labs.tree(better)), runs=labs.folder / "runs")
    (claim,) = done.claims
    assert (claim.kind, claim.n, claim.mean) == ("better", 10, pytest.approx(-1.0))
    report = read_report(done.path)
    assert report.claims[0].versus == "ours minus the other side"


def test_a_target_is_judged_at_its_points_over_all_laboratories(labs: Labs) -> None:
    reaches = {"metric": "mse", "kind": "reaches", "value": 2.0, "by": {"epoch": 1}}
    tree = {**labs.tree(reaches), "evaluate": {"test": "every-epoch"}}
    rows = [[(1.0 + x / 100, 0.5 + x / 100) for x in lab] for lab in (A, B)]
    done = combine(labs.together(*rows, tree=tree), runs=labs.folder / "runs")
    (claim,) = done.claims
    assert (claim.kind, claim.n, claim.verdict) == ("reaches", 10, "REPRODUCED")


def test_claims_about_new_samples_need_the_predictions(labs: Labs, verified_digits: Any) -> None:
    one, two, registration = verified_digits
    with pytest.raises(RunError, match=r"labs.json .* was not found; give it with --registration"):
        combine([one, two], runs=labs.folder / "runs")
    done = combine([one, two], runs=labs.folder / "runs", registration=registration)
    assert done.claims[0].n == 4
    sent = labs.sent(two, "sent")
    with pytest.raises(RunError, match=r"new samples needs the stored predictions .* send"):
        combine([one, sent], runs=labs.folder / "runs", registration=registration)
    report = read_report(done.path)
    assert "accuracy" in report.metrics["test"]  # all runs are here


@pytest.fixture(scope="module")
def verified_digits(tmp_path_factory: pytest.TempPathFactory, verify_here: Any) -> list[Path]:
    """Two laboratories that trained, for a claim about new samples, and their registration."""
    folder = tmp_path_factory.mktemp("digits")
    tree = {
        "name": "digits",
        "task": "image-classification",
        "data": {"source": "digits", "splits": {"test": 0.5}, "batch_size": 64, "limit": 300},
        "model": {"use": "papertrial.models.MLP", "args": [64, [16], 10]},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
        "epochs": 1,
        "metrics": ["accuracy"],
        "claims": [
            {
                "metric": "accuracy", "value": 0.5, "kind": "at-least",
                "about": "new-samples",
            }
        ],
        "verify": {"max_seeds": 4, "sd": {"value": 0.05, "is": "bound"}},
    }  # fmt: skip
    made = pt.register_labs(pt.load_recipe(tree), 2, runs=folder / "runs", device="cpu")
    labs = [verify_here(path, folder / f"lab{i}") for i, (path, _) in enumerate(made.laboratories)]
    return [*labs, made.path / "labs.json"]


def test_the_answer_is_that_of_verify_and_the_laboratories(labs: Labs) -> None:
    done = combine(labs.together(A, B), runs=labs.folder / "runs")
    answer = json.loads(json.dumps(done.to_json()))
    assert set(answer) == {
        "recipe", "verdict", "report", "verification", "preregistration", "seeds", "claims",
        "headline", "deviations", "laboratories", "warnings",
    }  # fmt: skip
    assert answer["laboratories"]["lines"][1]["registered_seeds"] == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("scores", "code"), [((A, C), 0), ((tuple(x + 3 for x in A), tuple(x + 3 for x in C)), 1),
                         (((0.1, 1.9, 0.5, 1.5, 1.0), (0.2, 1.8, 1.1, 0.9, 1.0)), 3)],
)  # fmt: skip
def test_the_exit_codes_are_those_of_verify(
    labs: Labs, invoke: Any, scores: tuple[Any, Any], code: int
) -> None:
    done = invoke("combine", *labs.together(*scores), "--runs", labs.folder / "runs")
    assert done.exit_code == code, done.output
    assert done.stdout.splitlines()[-1].startswith("report: ")
