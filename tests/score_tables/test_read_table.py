"""Tables of scores: CSV, JSON, and their mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.errors import ScoresError
from papertrial.score_tables.read_table import numbers_in, read_table, table_from_text
from papertrial.score_tables.score_column import column_for, scores_in, seeds_in
from papertrial.score_tables.score_table import UNNAMED
from papertrial.vocabulary import Metric

ACCURACY = Metric("accuracy")


def scores(text: str, column: str = "accuracy") -> list[float | None]:
    table = table_from_text(text, "scores.csv")
    found = column_for(table, [column], what="the scores")
    return scores_in(table, found, ACCURACY, "fraction")


@pytest.mark.parametrize(
    "text",
    [
        "accuracy\n0.93\n0.94\n",
        "accuracy\r\n0.93\r\n0.94\r\n",
        "seed,accuracy\n1,0.93\n2,.94\n",
        "seed;Accuracy\n1;0,93\n2;0,94",
        "seed\taccuracy \n1\t0.93\n\n2\t 9.4e-1\n",
        '"seed","accuracy"\n"1","0.93"\n"2","0.94"\n',
        "0.93\n0.94\n",
        "0.93 \n\n 0.94",
        "93 %\n94 %\n",
        "[0.93, 0.94]",
        "[0.93,\n 0.94]",
        '{"accuracy": [0.93, 0.94]}',
        '[{"accuracy": 0.93}, {"accuracy": 0.94}]',
        '{"accuracy": 0.93, "seed": 1}\n{"accuracy": 0.94, "seed": 2}\n',
        '{"accuracy": 0.93, "other": 1}\n\n{"accuracy": "0.94"}\n',
        '{"accuracy": 0.93, "other": {"loss": 1}}\n{"accuracy": 0.94, "other": {"loss": [1]}}\n',
    ],
)
def test_each_notation_is_read(text: str) -> None:
    assert scores(text) == [0.93, 0.94]


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "-", "diverged", "OOM", "inf", "null", "1e999"])
def test_a_run_without_a_score_is_none(cell: str) -> None:
    text = f"seed,loss\n1,0.93\n2,{cell}\n"
    table = table_from_text(text, "scores.csv")
    assert scores_in(table, "loss", Metric("loss"), "none") == [0.93, None]


def test_json_keeps_digits_and_missing_keys() -> None:
    text = '{"loss": 0.1}\n{"loss": null}\n{"seed": 3}\n{"loss": NaN}\n'
    table = table_from_text(text, "runs.jsonl")
    assert scores_in(table, "loss", Metric("loss"), "none") == [0.1, None, None, None]
    assert table.places == ["line 1", "line 2", "line 3", "line 4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("a,accuracy\n1,0.93\n2\n", "line 3 of scores.csv has 1 cell, and the first line has 2"),
        ("accuracy,accuracy\n1,0.93\n", '2 columns "accuracy"'),
        ("1,0.93\n2,0.94\n", "names no columns"),
        ("0,93\n0,94\n", "decimal commas need ;"),
        ('a,accuracy\n1,"0.93\n', "cannot be read"),
        ("acuracy\n0.93\n", 'did you mean "acuracy"'),
        ("accuracy\n0.93\n0.9.4\n", "line 3 of scores.csv: accuracy must be a number, got '0.9.4'"),
        ("accuracy\n1,234.5\n", "line 2 of scores.csv"),
        ("seed;accuracy\n1;0,9,3\n", "must be a number"),
        ('accuracy,x\n"0,93",1\n', "write a decimal point"),
        ("{", "is not JSON"),
        ('{"accuracy": 0.9}\n{"accuracy" 0.9}\n', "line 2 of scores.csv is not JSON"),
        ('[0.93, {"accuracy": 0.94}]', "an object for each run"),
        ("[[0.93], [0.94]]", "a number for each run"),
        ("[" * 100_000, "nested too deeply"),
        ('{"accuracy": [0.93]}\n{"accuracy": [0.94]}\n', "must be one number, got several"),
        ('{"final": {"accuracy": 0.9}}\n', 'did you mean "final.accuracy"'),
        ("0.93 0.94\n", "line 1 of scores.csv has several numbers"),
        ("accuracy\n93 %\n0.93\n", "line 2 of scores.csv has a percent sign"),
        ('{"accuracy": [0.93, 0.94], "seed": [1]}', "seed has 1 score"),
        ("accuracy,state\n0.9,went wrong\n", "unknown state 'went wrong'"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ScoresError) as caught:
        scores(text)
    assert said in str(caught.value)


def test_a_value_inside_another_object_is_named_by_both_keys() -> None:
    text = '{"seed": 1, "final": {"val": {"loss": 0.5}}}\n{"seed": 2, "final": {}}\n'
    table = table_from_text(text, "runs.jsonl")
    assert list(table.columns) == ["seed", "final.val.loss"]
    assert scores_in(table, "final.val.loss", Metric("loss"), "none") == [0.5, None]


def test_a_score_whose_square_overflows_is_refused() -> None:
    table = table_from_text("loss\n1\n1e308\n", "scores.csv")
    with pytest.raises(ScoresError, match=r"line 3 of scores.csv: loss is 1e"):
        scores_in(table, "loss", Metric("loss"), "none")


def test_seeds_are_whole_and_stand_once() -> None:
    table = table_from_text("seed,accuracy\n7,0.9\n8.0,0.9\n007,0.9\n", "scores.csv")
    with pytest.raises(ScoresError, match="seed 7 stands in line 2 already"):
        seeds_in(table, "seed")
    table = table_from_text("seed,accuracy\n7,0.9\n8.5,0.9\n", "scores.csv")
    with pytest.raises(ScoresError, match=r"line 3 of scores.csv: a seed must be a whole number"):
        seeds_in(table, "seed")


def test_a_file_is_read_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(b"\xef\xbb\xbfaccuracy\n0.93\n")
    table = read_table(str(path))
    assert list(table.columns) == ["accuracy"]
    assert table.sha256 is not None
    assert len(table.sha256) == 64
    path.write_bytes("accuracy\n0.93\n".encode("utf-16"))
    with pytest.raises(ScoresError, match="UTF-8"):
        read_table(str(path))
    with pytest.raises(ScoresError, match="there is no file"):
        read_table(str(tmp_path / "score.csv"))
    with pytest.raises(ScoresError, match="cannot read"):
        read_table(str(tmp_path))


def test_numbers_on_the_command_line() -> None:
    three = ["3.274", "3.276", "3.279"]
    assert numbers_in("3.274, 3.276 ,3.279") == numbers_in("3.274 3.276  3.279") == three
    assert numbers_in("3.274,3.276\n3.279\n") == three
    assert numbers_in("3,274; 3,276;3,279;") == three  # not 3, 274, 3, 276, ...
    assert numbers_in("93.1 %, 93.3%") == numbers_in("93.1 % 93.3%") == ["93.1%", "93.3%"]
    for text in ("3,274 3,276", "3.274, 3.276 3.279", "3.274 3.276;3.279"):
        with pytest.raises(ScoresError, match="is not one number"):
            numbers_in(text)
    with pytest.raises(ScoresError, match="no scores"):
        numbers_in(" ,")


def test_a_table_without_names_has_the_scores_of_any_metric() -> None:
    table = table_from_text("0.93\n0.94\n", "scores.csv")
    assert column_for(table, ["accuracy"], what="the scores") == UNNAMED
