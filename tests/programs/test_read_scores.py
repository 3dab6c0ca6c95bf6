"""Scores in output, JSON, CSV and TensorBoard's files: which value, in which unit, and why not."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import DivergedError, PapertrialError, ProgramFailedError
from papertrial.programs.program_run import ReadScore
from papertrial.programs.read_pattern import compile_pattern, literal_in
from papertrial.programs.read_scores import read_score, read_scores
from papertrial.programs.series import MOST_POINTS
from papertrial.programs.spec import (
    CsvScore,
    JsonScore,
    PatternScore,
    Which,
)

EPOCHS = r"epoch (?P<step>\d+): (?P<value>\S+)"


def by_pattern(home: Path, out: str, pattern: str, err: str = "", **rest: Any) -> ReadScore:
    (home / "stdout.txt").write_text(out, newline="")
    (home / "stderr.txt").write_text(err, newline="")
    return read_score(PatternScore(pattern, **rest), home, None)


def in_file(home: Path, source: Any, text: str, name: str = "file") -> ReadScore:
    (home / name).write_text(text, newline="")
    return read_score(source, home, home / name)


def json_of(home: Path, text: str, key: str, step: str | None = None, **rest: Any) -> ReadScore:
    name = rest.pop("name", "r.json")
    return in_file(home, JsonScore(name, key, step, **rest), text, name)


def csv_of(home: Path, text: str, column: str, step: str | None = None, **rest: Any) -> ReadScore:
    return in_file(home, CsvScore("log.csv", column, step, **rest), text, "log.csv")


def test_the_colours_of_a_terminal_are_no_part_of_a_line(tmp_path: Path) -> None:
    line = "\x1b[1mval \x1b[33macc\x1b[0m: \x1b[38;5;10m93.20\x1b[0m %\x1b[K\n"
    score = by_pattern(tmp_path, line, r"val acc: ([0-9.]+)", unit="percent")
    assert (score.value, score.place.text) == (0.932, "val acc: 93.20")
    assert literal_in(r"val acc: ([0-9.]+)")  # which the raw line lacks


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [
        ("93.2", "percent", 0.932),
        ("93.2%", "percent", 0.932),
        ("0.7 %", "percent", 0.007),
        ("57.3", "percent", 0.573),
        ("100", "percent", 1.0),
        ("0.932", "fraction", 0.932),
        ("-0.25", "fraction", -0.25),
        ("1e-3", "none", 0.001),
        (".5", "none", 0.5),
        ("3.28 %", "none", 3.28),
    ],
)
def test_units_are_converted_exactly(tmp_path: Path, written: str, unit: Any, value: float) -> None:
    score = by_pattern(tmp_path, f"acc: {written} done", r"acc: ([-0-9.e]+)", unit=unit)
    assert score.value == value
    assert json_of(tmp_path, json.dumps({"acc": written}), "acc", unit=unit).value == value


@pytest.mark.parametrize(
    ("which", "value", "line"),
    [
        (Which("first"), 0.5, 1),
        (Which("last"), 0.7, 3),
        (Which("best", "higher"), 0.9, 2),
        (Which("best", "lower"), 0.5, 1),
        (Which("mean-of-last", k=2), 0.8, 3),
    ],
)
def test_which_of_several_values(tmp_path: Path, which: Which, value: float, line: int) -> None:
    out = "epoch 1: .5\nepoch 2: .9\nepoch 3: .7\n"
    score = by_pattern(tmp_path, out, EPOCHS, which=which)
    assert score.value == pytest.approx(value, abs=1e-15)
    assert score.curve == ((1, 0.5), (2, 0.9), (3, 0.7))
    assert score.place.line == line
    assert (score.points, score.is_thinned) == (3, False)


def test_values_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    out = "epoch 3: .7\nepoch 1: .5\nepoch 2: .9\nepoch 2: .9\n"
    score = by_pattern(tmp_path, out, EPOCHS, which=Which("last"))
    assert score.value == 0.7
    assert score.curve == ((1, 0.5), (2, 0.9), (3, 0.7))


def test_the_best_of_equal_values_is_the_first(tmp_path: Path) -> None:
    score = by_pattern(tmp_path, "a=1\na=3\na=3\n", "a=(.)", which=Which("best", "higher"))
    assert score.place.line == 2


def test_a_grid_chooses_the_points(tmp_path: Path) -> None:
    out = "".join(f"epoch {e}: {v}\n" for e, v in enumerate([9, 0.1, 0.2, 0.3, 9]))
    score = by_pattern(
        tmp_path, out, EPOCHS, which=Which("last"), grid=(1, 3), unit="fraction"
    )  # 9, which is no fraction, is not at a point
    assert (score.value, score.curve) == (0.3, ((1, 0.1), (3, 0.3)))
    unnumbered = by_pattern(tmp_path, "a=4\na=5\na=6\n", "a=(.)", which=Which("last"), grid=(2, 3))
    assert unnumbered.curve == ((None, 5.0), (None, 6.0))
    with pytest.raises(ProgramFailedError, match="2 registered points"):
        by_pattern(tmp_path, out, EPOCHS, which=Which("last"), grid=(1, 7, 8))
    with pytest.raises(ProgramFailedError, match="none of the 5 values"):
        by_pattern(tmp_path, out, EPOCHS, which=Which("last"), grid=(70,))


@pytest.mark.parametrize(
    ("out", "rest", "text"),
    [
        ("nothing", {}, "no line"),
        ("epoch 1: .5\nepoch 2: .6", {}, "two values"),
        ("epoch 1: .5\nepoch 1: .6", {"which": Which("last")}, "two different scores at step 1"),
        ("epoch 1: 1.2.3", {}, '"1.2.3" on line 1 is not a number'),
        ("epoch 1: 1,234", {}, '"1,234" on line 1 is not a number'),
        ("epoch 1: 93.2", {"unit": "fraction"}, "93.2 is more than 1"),
        ("epoch 1: .93 %", {"unit": "fraction"}, "set unit: percent"),
        ("epoch 1: .93", {"unit": "percent"}, "0.93 with unit: percent is 0.93 %"),
        ("epoch 1: 1", {"unit": "percent"}, "set unit: fraction"),
        ("epoch 1: 101", {"unit": "percent"}, "more than 100 percent"),
        ("epoch 1: .5", {"which": Which("mean-of-last", k=2)}, "needs 2, and 1 value found"),
    ],
)
def test_scores_that_are_not_usable(tmp_path: Path, out: str, rest: Any, text: str) -> None:
    with pytest.raises(ProgramFailedError) as caught:
        by_pattern(tmp_path, out, EPOCHS, **rest)
    assert text in str(caught.value)


def test_small_percentages_of_a_curve_are_percentages(tmp_path: Path) -> None:
    out = "epoch 1: 0.9\nepoch 2: 57\n"
    score = by_pattern(tmp_path, out, EPOCHS, unit="percent", which=Which("last"))
    assert score.curve == ((1, 0.009), (2, 0.57))


def test_standard_error_is_searched_if_standard_output_has_no_match(tmp_path: Path) -> None:
    score = by_pattern(tmp_path, "nothing\n", "a=(.)", err="x\na=1\n")
    assert (score.value, score.source, score.place.line) == (1.0, "stderr.txt", 2)
    assert by_pattern(tmp_path, "a=2\n", "a=(.)", err="a=1\n").value == 2


def test_progress_bars_and_long_lines(tmp_path: Path) -> None:
    out = "10%\r20%\ra=1\r\nx\n" + "y" * (9 * 2**20) + "a=2\nz" + "w" * 2**20 + "\r\na=3"
    score = by_pattern(tmp_path, out, "a=(.)", which=Which("last"))
    assert score.curve == ((None, 1.0), (None, 3.0))  # a=2 is beyond 1 MB of its line
    assert score.place.line == 5


def test_a_long_curve_is_thinned_and_says_so(tmp_path: Path) -> None:
    out = "".join(f"epoch {e}: {0.5 if e != 77777 else 0.1}\n" for e in range(100_001))
    score = by_pattern(tmp_path, out, EPOCHS, which=Which("best", "lower"))
    assert (score.value, score.place.line) == (0.1, 77778)
    assert score.points == 100_001
    assert score.is_thinned
    assert 4_000 < len(score.curve) <= MOST_POINTS
    steps = [step for step, _ in score.curve]
    assert steps[0] == 0
    assert steps[-1] == 100_000
    assert 77777 in steps
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        ("acc: [0-9.]+", "parentheses"),
        ("acc: ([0-9", "not a regular expression"),
        ("(a) (b)", "(?:...)"),
        ("(?P<score>a)", '"value"'),
        ("(?P<value>a) (b)", "(?:...)"),
    ],
)
def test_patterns_that_are_refused(pattern: str, fix: str) -> None:
    with pytest.raises(PapertrialError) as caught:
        compile_pattern(pattern)
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("test acc: ([0-9.]+) ?%", "test acc: "),
        (r"loss=(\d+)x? final", " final"),
        (r"\w+ab(?P<value>.)[cdefgh]i", "ab"),
        ("a|b(.)", ""),
        ("(?i)acc (.)", ""),
        ("(.)[^]abc]z", "z"),
        (r"\\(abc)?x", "x"),
        (r"\x4142(.)", ""),
        ("(.)a{12,34}b", "b"),
        ('{"a": (.)', '"a": '),
        (r"\(abc(.)", "abc"),
        ("abcd{2}(.)", "abc"),
        ("abcd*(.)", "abc"),
        (r"[\]xyz]q(.)", "q"),
    ],
)
def test_the_literal_of_a_pattern(pattern: str, literal: str) -> None:
    assert literal_in(pattern) == literal


def test_every_match_contains_the_literal() -> None:
    draw = random.Random(0)
    checked = 0
    for _ in range(3000):
        signs = ["a", "b", "c", "(", ")", "*", "?", "+", "{2}", "{", "}", "[ab]", "[^)]", "\\\\",
                 "\\(", "\\d", ".", "(?:", "{0,1}"]  # fmt: skip
        pattern = "".join(draw.choices(signs, k=draw.randint(2, 9)))
        try:
            compiled = re.compile(pattern)
        except re.error:
            continue
        for _ in range(20):
            text = "".join(draw.choices("abc({})2\\", k=8))
            if (match := compiled.search(text)) is not None:
                assert literal_in(pattern) in match[0]
                checked += bool(literal_in(pattern))
    assert checked > 500


def test_json_documents(tmp_path: Path) -> None:
    text = '{"final": {"val.loss": 0.1, "list": [1, {"x": 2}]}, "a": {"b": "3"}}'
    assert json_of(tmp_path, text, "final.val.loss").value == 0.1
    assert json_of(tmp_path, text, "final.list.1.x").value == 2
    assert json_of(tmp_path, text, "a.b").value == 3
    assert json_of(tmp_path, '{"a": ' + "1" * 5000 + "e-4990}", "a").value == 1111111111.1111112
    assert json_of(tmp_path, text, "a.b").place.text == "a.b: 3"


def test_curves_in_json(tmp_path: Path) -> None:
    last = {"which": Which("last")}
    lines = '{"step": 1, "loss": 0.5}\n\n{"lr": 1}\n{"step": 2, "loss": 0.25}\n'
    for name in ("log.jsonl", "log.json"):
        score = json_of(tmp_path, lines, "loss", "step", name=name, **last)
        assert (score.value, score.curve) == (0.25, ((1, 0.5), (2, 0.25)))
        assert score.place.line == 4
    lists = '{"history": {"loss": [0.5, 0.25], "epoch": [1, 2]}}'
    score = json_of(tmp_path, lists, "history.loss", "history.epoch", **last)
    assert score.curve == ((1, 0.5), (2, 0.25))
    rows = '[{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]'
    assert json_of(tmp_path, rows, "loss", "epoch", **last).curve == ((1, 0.5), (2, 0.25))


@pytest.mark.parametrize(
    ("text", "key", "step", "why"),
    [
        ("", "a", None, "is empty"),
        ('{"a": ', "a", None, "cut short"),
        ('{"a": 1,}', "a", None, "not valid JSON"),
        ('{"final": {"val_loss": 1}}', "final.val_los", None, '"final.val_loss"'),
        ('{"final": {"val_loss": 1}}', "val_loss", None, 'did you mean "final.val_loss"?'),
        ('{"a": null}', "a", None, '"null" is not a number'),
        ('{"a": true}', "a", None, '"true" is not a number'),
        ('{"a": {"b": 1}}', "a", None, "is not a number"),
        ('{"a": "high"}', "a", None, '"high" is not a number'),
        ('{"a": [1, 2], "s": [1]}', "a", "s", "2 values"),
        ('{"a": 1, "epoch": 1}', "a", "epochs", '"epoch"'),
        ('{"a": 1, "epoch": 1.5}', "a", "epoch", "not a whole number"),
        ('{"a": 1, "epoch": 1e99999999}', "a", "epoch", "not a whole number"),
        ('{"a": 1}\n{"a": 2, "b', "a", None, "line 2"),
    ],
)
def test_json_that_is_not_usable(
    tmp_path: Path, text: str, key: str, step: str | None, why: str
) -> None:
    with pytest.raises(ProgramFailedError) as caught:
        json_of(tmp_path, text, key, step, which=Which("last"))
    assert why in str(caught.value)


def test_large_json(tmp_path: Path) -> None:
    lines = '{"a": 1}\n' + '{"b": "' + "x" * 1000 + '"}\n'
    score = json_of(tmp_path, lines + lines[9:] * 9_000, "a")
    assert score.value == 1
    with pytest.raises(ProgramFailedError, match="8 MiB"):
        json_of(tmp_path, '{\n"a": 1, "b": "' + "x" * 2**23 + '"}', "a")


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a":"nan"}'])
def test_json_that_is_not_finite(tmp_path: Path, text: str) -> None:
    with pytest.raises(DivergedError):
        json_of(tmp_path, text, "a")


def test_csv_columns(tmp_path: Path) -> None:
    text = '\ufeffstep,"val, acc",loss\r\n1,0.5,1\r\n2,,0.5\r\n3,0.75,\r\n'
    score = csv_of(tmp_path, text, "val, acc", "step", which=Which("last"))
    assert (score.value, score.curve) == (0.75, ((1, 0.5), (3, 0.75)))
    assert (score.place.line, score.place.text) == (4, "val, acc: 0.75")
    assert csv_of(tmp_path, "a;b\n1,5;2\n", "b").value == 2
    assert csv_of(tmp_path, "a\tb\n1\t2\n", "b").value == 2
    assert csv_of(tmp_path, "a\n0.5", "a").value == 0.5


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("", "a", "is empty"),
        ("acc,loss\n1,2\n", "f1", "valid: acc, loss"),
        ("acc,loss\n1,2\n", "los", 'did you mean "loss"?'),
        ("a,a\n1,2\n", "a", "2 columns"),
        ("a,b\n1,2\n3\n4,5\n", "a", "line 3 of log.csv has 1 cell"),
        ("a,b\n1,2\n3", "a", "cut short"),
        ('a,b\n1,"2', "a", "cut short"),
        ("a,b\n1,2\nx,2\n", "a", '"x" on line 3 is not a number'),
        ("a,b\n,2\n", "a", "empty in every row"),
        ("a,b\n", "a", "empty in every row"),
    ],
)
def test_csv_that_is_not_usable(tmp_path: Path, text: str, column: str, why: str) -> None:
    with pytest.raises(ProgramFailedError) as caught:
        csv_of(tmp_path, text, column, which=Which("last"))
    assert why in str(caught.value)


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "stdout.txt").write_text("a=nan\n")
    (tmp_path / "stderr.txt").write_text("")
    sources = {"one": PatternScore("a=(...)"), "two": PatternScore("b=(.)")}
    with pytest.raises(DivergedError) as caught:
        read_scores({**sources, "three": JsonScore("x", "y")}, tmp_path, {}, {"three": "no file"})
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "one", "two", "three",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("acc: ([0-9.]+)", "acc: 1e-3"),
        ("acc: ([0-9]+)", "acc: 93.25"),
        ("acc: .*([0-9.]+)", "acc: 0.93"),
        (r"acc: 0\.([0-9]+)", "acc: 0.93"),
        ("acc:.*?([0-9.]+)", "acc: -0.5"),
        ("acc=-?([0-9.]+)", "acc=-0.5"),
        ("acc: ([0-9.]+)", "acc: 1,234.5"),
        ("e(?P<step>[0-9]) acc (?P<value>[0-9.]+)", "e1 acc 2e5"),
    ],
)
def test_a_part_of_a_number_is_not_a_score(tmp_path: Path, pattern: str, line: str) -> None:
    with pytest.raises(ProgramFailedError, match="part of a longer number"):
        by_pattern(tmp_path, line, pattern)


@pytest.mark.parametrize(
    ("pattern", "line", "value"),
    [
        ("acc ([0-9.]+)", "top-5 acc 0.5, 120 epochs", 0.5),
        ("^[^,]+,([0-9]+),", "0.5,7,250", 7),
        ("^([0-9]+),", "7,250", 7),
        ("top-([0-9]+)", "top-5", 5),
        ("acc ([0-9.]+)", "acc 0.5,125", 0.5),
        ("epoch ([0-9]+)/", "epoch 3/10", 3),
        ("in ([0-9.]+)s", "in 2.5s", 2.5),
        ("([0-9]+)epochs", "3epochs", 3),
    ],
)
def test_numbers_beside_a_score_are_not_parts_of_it(
    tmp_path: Path, pattern: str, line: str, value: float
) -> None:
    assert by_pattern(tmp_path, line, pattern).value == value


@pytest.mark.parametrize("key", ["a", "b.a"])
def test_a_key_of_json_with_two_values_is_not_a_score(tmp_path: Path, key: str) -> None:
    text = '{"a": 1, "a": 2, "b": {"a": 1}, "b": {"a": 2}, "c": 3, "d": 4, "d": 4}'
    with pytest.raises(ProgramFailedError, match=f'two values of the key "{key}"'):
        json_of(tmp_path, text, key)
    assert json_of(tmp_path, text, "c").value == 3
    assert json_of(tmp_path, text, "d").value == 4


@pytest.mark.parametrize("sign", ["", '"'])
def test_huge_exponents_are_infinite_or_zero(tmp_path: Path, sign: str) -> None:
    for digits in ("99999", "9" * 30):
        with pytest.raises(DivergedError):
            json_of(tmp_path, f'{{"a": {sign}1e{digits}{sign}}}', "a", unit="fraction")
        tiny = json_of(tmp_path, f'{{"a": {sign}1e-{digits}{sign}}}', "a", unit="percent")
        assert tiny.value == 0


def test_a_key_that_is_no_index_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailedError, match="no key"):
        json_of(tmp_path, "[1, 2]", "--1")
