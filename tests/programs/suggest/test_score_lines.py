"""Patterns that are suggested for the lines of an output find the right numbers in it."""

from __future__ import annotations

import re

import pytest

from papertrial.programs.suggest.print_templates import printed_lines
from papertrial.programs.suggest.score_lines import SuggestedScore, suggest_scores

# What the quickstart of PyTorch prints.
QUICKSTART = """Epoch 1
-------------------------------
loss: 2.303494  [   64/60000]
loss: 2.294637  [ 6464/60000]
Test Error:
 Accuracy: 50.9%, Avg loss: 2.156273

Epoch 2
-------------------------------
loss: 2.166471  [   64/60000]
Test Error:
 Accuracy: 57.3%, Avg loss: 1.890573

Done!
"""


def suggested(text: str) -> dict[str, SuggestedScore]:
    return {score.name: score for score in suggest_scores(text.splitlines())}


def found_in(score: SuggestedScore, text: str) -> list[str]:
    compiled = re.compile(score.source["pattern"])
    return [match[1] for line in text.splitlines() for match in compiled.finditer(line)]


def test_the_quickstart_of_pytorch() -> None:
    scores = suggested(QUICKSTART)
    assert {name: found_in(score, QUICKSTART) for name, score in scores.items()} == {
        "loss": ["2.303494", "2.294637", "2.166471"],
        "accuracy": ["50.9", "57.3"],
        "avg_loss": ["2.156273", "1.890573"],
    }
    assert {name: score.unit for name, score in scores.items()} == {
        "loss": None, "accuracy": "percent", "avg_loss": None,
    }  # fmt: skip
    assert {score.better for score in scores.values()} == {"higher", "lower"}
    assert all(score.several for score in scores.values())


@pytest.mark.parametrize(
    ("line", "name", "number", "unit"),
    [
        ("test acc: 95.3 %", "test_acc", "95.3", "percent"),
        ("Test set: Average loss: 0.0261, Accuracy: 9913/10000 (99%)", "accuracy", "99", "percent"),
        ("val_loss=1.25e-3", "val_loss", "1.25e-3", None),
        ("step 250: train loss 1.9, val loss 1.94", "val_loss", "1.94", None),
        ("| end of epoch 3 | valid ppl 114.2", "valid_ppl", "114.2", None),
        ("BLEU = 27.31", "bleu", "27.31", None),
        ("best accuracy is 0.913", "best_accuracy", "0.913", "fraction"),
        ("F1: 0.71", "f1", "0.71", "fraction"),
        ("top-1 accuracy 76.1 top-5 accuracy 92.9", "top5_accuracy", "92.9", "percent"),
        ("Acc@1 76.13 Acc@5 92.86", "acc5", "92.86", "percent"),
        ("Test Error: 6.2%", "test_error", "6.2", "percent"),
        ("log likelihood loss: -3.5", "loss", "-3.5", None),
        ("Accuracy@5 of the test set: 0.95", "accuracy5", "0.95", "fraction"),
    ],
)
def test_a_line(line: str, name: str, number: str, unit: str | None) -> None:
    score = suggested(line)[name]
    assert found_in(score, line) == [number]
    assert score.unit == unit
    assert not score.several


@pytest.mark.parametrize(
    "line",
    ["accuracy", "the loss of 3 files", "epoch 3", "class 2 lossy", "accuracy: 9/10", "lr 0.1"],
)
def test_a_line_without_a_score(line: str) -> None:
    assert suggested(line) == {}


def test_a_short_name_does_not_match_the_lines_of_a_longer_one() -> None:
    text = "epoch 1 loss 0.5\nval loss 0.7\nepoch 2 loss 0.4\nval loss 0.6"
    scores = suggested(text)
    assert found_in(scores["loss"], text) == ["0.5", "0.4"]
    assert found_in(scores["val_loss"], text) == ["0.7", "0.6"]


def test_numbers_in_the_text_before_the_score_may_be_others() -> None:
    score = suggested("loss 1.0\n[12:01] epoch 3/9: loss 0.5\n")["loss"]
    assert found_in(score, "[12:02] epoch 4/9: loss 0.4") == ["0.4"]


def test_a_table_with_bars() -> None:
    table = (
        "|  run  |  epoch  |  train_acc  |  val_acc  |\n"
        "|   0   |     1   |     0.35    |           |\n"
        "|   0   |   eval  |     0.95    |   0.9401  |\n"
    )
    scores = suggested(table)
    assert found_in(scores["val_acc"], table) == ["0.9401"]
    assert found_in(scores["train_acc"], table) == ["0.35", "0.95"]


def test_scores_of_a_test_come_first_and_those_of_a_training_last() -> None:
    assert list(suggested("train acc 0.9\nacc 0.8\ntest acc 0.7")) == [
        "test_acc", "acc", "train_acc",
    ]  # fmt: skip


def test_what_a_script_prints() -> None:
    source = (
        'print(f"step {i}: val loss {loss:.4f}")\n'
        "print('Accuracy: {}/{} ({:.0f}%)'.format(a, b, c))\n"
        "logger.info('test acc %.2f%%' % acc)\n"
        "print('ppl', ppl)\nprint('done')\n"
    )
    lines = printed_lines(source)
    assert lines == (
        "step 0.5: val loss 0.5", "Accuracy: 0.5/0.5 (0.5%)", "| test acc 0.5%", "ppl 0.5",
    )  # fmt: skip
    assert printed_lines("print(") == ()
