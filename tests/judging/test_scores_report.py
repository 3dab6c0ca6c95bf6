"""The report on scores: its banner, what it leaves out, and that it is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

import papertrial as pt
from papertrial.judging.judgement import Judgement
from papertrial.report.report_files import read_report, render_again

SCORES = {
    "seed": [3, 1, 4, 15, 9, 2, 6],
    "accuracy": [0.931, 0.935, 0.928, 0.933, 0.93, 0.932, None],
}
CLAIM = {"metric": "accuracy", "value": 0.93, "tolerance": 0.006, "kind": "mean", "n": 3}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judgement, Path]:
    folder = tmp_path_factory.mktemp("report")
    command = "papertrial judge scores.csv --metric accuracy"
    done = pt.judge(SCORES, CLAIM, failed=1, out=folder, command=command)
    return done, folder


def test_the_pages_say_that_nothing_was_registered(judged: tuple[Judgement, Path]) -> None:
    _, folder = judged
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text("utf-8")
        assert text.count("Not registered in advance") >= 2  # the banner and the section
        assert "the order of the rows does not matter" in text
        assert "papertrial judge scores.csv" in text
        for left_out in ("Pre-registration", "Learning curves", "What varied", "Attempts",
                         "Seconds", "The interval over the seeds"):  # fmt: skip
            assert left_out not in text


def test_the_report_is_read_and_rendered_again(judged: tuple[Judgement, Path]) -> None:
    done, folder = judged
    report = read_report(folder)
    assert (report.kind, report.verdict, report.path) == ("scores", done.verdict, str(folder))
    assert report.preregistration is None
    assert report.unregistered is not None
    assert report.unregistered.one_look
    assert any(line.startswith("look: one") for line in report.unregistered.lines)
    pages = render_again(folder)
    assert pages["report.html"] == (folder / "report.html").read_text("utf-8")


def test_the_runs_are_in_the_order_of_the_table(judged: tuple[Judgement, Path]) -> None:
    done, _ = judged
    assert [row.seed for row in done.report.seeds] == SCORES["seed"]
    assert done.report.seeds[-1].state == "diverged"
    assert "entry 7" in done.report.seeds[-1].error
    assert [seed for seed, _ in done.results[0].scores] == SCORES["seed"][:-1]
    assert [score for _, score in done.results[0].scores] == SCORES["accuracy"][:-1]
    assert done.report.diverged is not None
    assert (done.report.diverged.count, done.report.diverged.of) == (1, 7)


def test_sequential_looks_have_their_plots(tmp_path: Path) -> None:
    pt.judge(SCORES["accuracy"][:-1], CLAIM, sequential=True, out=tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "The interval over the seeds" in page
    assert "in the order of the rows" in page
    assert "Run it again" not in page  # there is no command


def test_the_threshold_says_for_what_it_holds() -> None:
    texts = {
        horizon: dict(pt.judge(SCORES["accuracy"][:-1], CLAIM, horizon=horizon).results[0].decision)
        for horizon in ("anytime", "fixed")
    }
    key = "How much evidence is enough"
    assert "even if the number of seeds was chosen by the scores" in texts["anytime"][key]
    assert "one look at 6 seeds" in texts["fixed"][key]
    assert "if the number of seeds did not depend on the scores" in texts["fixed"][key]
