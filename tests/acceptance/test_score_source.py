"""Scores by seed, from CSV, JSON lines and verifications."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from papertrial.acceptance.score_source import read_scores
from papertrial.errors import RunError, ScoresError
from papertrial.store.verification_folder import VerificationFolder


@pytest.mark.parametrize(
    "text",
    [
        "seed,accuracy,loss\n3,0.9,1\n1,0.8,2\n",
        "accuracy , seed\r\n0.9,3\r\n0.80,1\r\n",
        "\ufeffseed,accuracy\n3,.9\n1,0.8\n",
        '{"seed": 3, "accuracy": 0.9}\n\n{"seed": "1", "accuracy": 0.8, "other": null}\n',
        '[{"seed": 3, "accuracy": 0.9}, {"seed": 1, "accuracy": 0.8}]',
        "Seed;Accuracy\n3;0,9\n\n1;0,8\n",
        "seed\taccuracy\n3\t90 %\n1\t80%\n",
    ],
)
def test_files_are_read_in_the_order_of_their_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scores"
    path.write_text(text, encoding="utf-8")
    found = read_scores(path, "accuracy")
    assert list(found.scores.items()) == [(3, 0.9), (1, 0.8)]
    assert (found.source, found.name, found.failed) == ("scores", str(path), ())
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_large_seed_keeps_its_digits(tmp_path: Path) -> None:
    path, seed = tmp_path / "scores.csv", 2**63 - 1
    path.write_text(f"seed,loss\n{seed},1\n")
    assert list(read_scores(path, "loss").scores) == [seed]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed,acuracy\n0,1\n", 'did you mean "acuracy"'),
        ("run,accuracy\n0,1\n", 'no column "seed"'),
        ("seed,accuracy,accuracy\n0,1,1\n", "2 columns"),
        ("seed,accuracy\n0,1\n0,2\n", "line 3.*seed 0 stands in line 2"),
        ("seed,accuracy\n0,nan\n", "no scores"),
        ("seed,accuracy\n0,93\n1,94\n", "line 2.*unit: percent"),
        ("seed,accuracy\n0,0.9\n1,94\n", "line 3.*mixes fractions and percentages"),
        ("seed,accuracy\n0,-0.9\n", "line 2.*negative"),
        ("seed,accuracy\n0.5,1\n", "line 2.*whole"),
        ("seed,accuracy\n0\n", "line 2.*1 cell"),
        ("seed,accuracy\n", "no scores"),
        ("0.9\n0.8\n", 'no column "seed".*no name'),
        ("", "is empty"),
        ("{" * 2 + '"a":' * 100_000, "nested too deeply|not JSON"),
        ('{"seed": 0, "accuracy": 1}\n[1]\n', "object for each run"),
        ('{"seed": 0, "accuracy": 1}\n{"seed"\n', "line 2 of scores is not JSON"),
        ('{"seed": 0, "accuracy": true}\n', "entry 1.*number"),
        ('{"seed": 0, "acuracy": 1}\n', 'did you mean "acuracy"'),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "scores"
    path.write_text(text)
    with pytest.raises(ScoresError, match=named):
        read_scores(path, "accuracy")


def test_percentages_are_divided_and_only_those_of_a_fraction(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("seed,accuracy,loss\n3,93.1,2\n1,93,2.5\n")
    assert list(read_scores(path, "accuracy", "percent").scores.values()) == [0.931, 0.93]
    with pytest.raises(ScoresError, match="loss is not known to be a fraction"):
        read_scores(path, "loss", "percent")


def test_a_run_without_a_score_failed(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("seed,loss,state\n3,1,finished\n1,,finished\n2,5,diverged\n4,nan,\n")
    found = read_scores(path, "loss")
    assert (dict(found.scores), found.failed) == ({3: 1.0}, (1, 2, 4))


def test_what_is_not_a_text_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoresError, match="there is no"):
        read_scores(tmp_path / "nothing.csv", "accuracy")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScoresError, match="not UTF-8"):
        read_scores(tmp_path / "binary", "accuracy")
    with pytest.raises(RunError, match="not the folder of a verification"):
        read_scores(tmp_path, "accuracy")


def test_a_verification_gives_the_scores_of_a_claim(verified: Path) -> None:
    folder = VerificationFolder.load(verified)
    found = read_scores(verified, "mse")
    assert found.source == "verification"
    assert found.sha256 == folder.sha256
    outcomes = {one.seed: one for one in folder.outcomes()}
    assert list(found.scores) == [s for s in folder.registered.seeds if s in outcomes]
    assert all(found.scores[seed] == one.scores[0][0] for seed, one in outcomes.items())


@pytest.mark.parametrize("metric", ["r2", "accuracy"])  # r2 is a difference of two sides
def test_a_verification_without_such_a_claim_is_refused(verified: Path, metric: str) -> None:
    with pytest.raises(RunError, match=f"no claim on the {metric}"):
        read_scores(verified, metric)
