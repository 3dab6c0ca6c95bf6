"""YAML 1.2 text to plain values with lines, and back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from papertrial.recipe.yaml_text import dump, parse, parse_value


def same(a: Any, b: Any) -> bool:
    """Equal in value and in type, for 1 == 1.0 == True."""
    return type(a) is type(b) and a == b


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("+7", 7),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("1:30", "1:30"),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("64.6%", "64.6%"),
        ("2024-01-01", "2024-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("[1, [a, {b: 2}]]", [1, ["a", {"b": 2}]]),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("\ufeffa: 1\r\n", {"a": 1}),
        ("x: &v [1]\ny: *v", {"x": [1], "y": [1]}),
    ],
)
def test_yaml_is_read_as_version_1_2_into_plain_values(text: str, value: Any) -> None:
    document = parse(text)
    assert document.problems == []
    assert same(document.tree, value)


def test_nan_is_a_number() -> None:
    assert math.isnan(parse(".nan").tree)


@pytest.mark.parametrize("text", ["2024-13-45", "2024-01-01 25:00:00"])
def test_what_looks_like_a_date_but_is_none_is_text(text: str) -> None:
    assert parse(f"a: {text}").tree == {"a": text}
    assert parse_value(text) == text


@pytest.mark.parametrize("text", ["-_", "0x_", "!!int x", "!!float z", "!!bool x"])
def test_a_scalar_that_cannot_be_made_is_a_problem_or_text_but_no_traceback(text: str) -> None:
    document = parse(f"name: x\na: {text}")
    assert [p.line for p in document.problems] == [2] or document.tree == {"name": "x", "a": text}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("a: 1\n\tb: 2", 2, "cannot start any token"),
        ("a: [1,\n", 2, "expected the node content"),
        ("a:\n  - b\n c: d", 3, "expected <block end>"),
        ("a: 1\nb: *x", 2, "found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", 2, "another document"),
        ("a: \x00", None, "special characters are not allowed"),
    ],
)
def test_a_syntax_error_becomes_one_problem_with_its_line(
    text: str, line: int | None, words: str
) -> None:
    document = parse(text)
    assert document.tree is None
    [problem] = document.problems
    assert problem.line == line
    assert problem.message.startswith("YAML syntax error: ")
    assert words in problem.message


def test_a_python_tag_runs_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    parse(f"a: !!python/object/apply:os.mkdir [{made}]")
    parse(f"a: !!python/object/apply:os.mkdir\n  args: [{made}]")
    assert not made.exists()


@pytest.mark.parametrize("text", ["a: &x [*x]", "[" * 2000])
def test_nesting_without_end_is_a_problem(text: str) -> None:
    [problem] = parse(text).problems
    assert problem.message == "the YAML is nested too deeply, or an anchor refers to itself"


def test_each_repeated_key_is_a_problem_and_the_first_value_stays() -> None:
    document = parse("a: 1\nb: {c: 2, c: 3}\na: 4\na: 5")
    assert document.tree == {"a": 1, "b": {"c": 2}}
    assert [(p.where, p.line, p.message) for p in document.problems] == [
        ("b.c", 2, "duplicate key, first on line 2; keep one"),
        ("a", 3, "duplicate key, first on line 1; keep one"),
        ("a", 4, "duplicate key, first on line 1; keep one"),
    ]


def test_every_key_and_item_has_its_line() -> None:
    text = "# note\na: 1\nb:\n  - c: 2\n    d: 3\n  - 4\ne: {f: 5}\n"
    assert parse(text).lines == {
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 0, "c"): 4,
        ("b", 0, "d"): 5,
        ("b", 1): 6,
        ("e",): 7,
        ("e", "f"): 7,
    }


@pytest.mark.parametrize("text", ["[1, 2", "a: b: c", "{a: 1, a: 2}", "!mine x", "*x"])
def test_an_override_value_that_is_not_yaml_is_text(text: str) -> None:
    assert parse_value(text) == text


@pytest.mark.parametrize(
    "value",
    [
        *("1e-3", "yes", "null", "~", "", " a ", "true", "1_000", "0o17", "1:30", ".inf", "1"),
        *("2024-01-01", "2024-13-45", "a\nb", "a\n\n", "\n\na", "a\r\nb", "\t", "\x7f", "\u2028"),
        *("é", "😀", "=", "<<", "- a", "# c", "a: b", "!x", "&a", "*a", "%a", "@a", "'", '"', "`"),
        *("--- a", "...", "?", "|", "{a}", "a\\nb", "x" * 300, "a " * 100, "  a\n  b"),
        *(1e-5, 1e16, 5e-324, 0.1, -0.0, math.inf, -math.inf, 2**70, True, None),
        *([], {}, [None, [1, [2.0]]], {"a": {"b": [{"c": []}]}}),
    ],
)
def test_what_dump_writes_parse_reads_back(value: Any) -> None:
    read = parse(dump({"a": value}))
    assert read.problems == []
    assert same(read.tree["a"], value)


def test_dump_keeps_the_order_of_the_keys() -> None:
    assert list(parse(dump({"z": 1, "a": 2, "m": 3})).tree) == ["z", "a", "m"]


@pytest.mark.parametrize("text", ["a: 1\nb: !mine x", "a: 1\nb: !mine [x]", "a: 1\nb: !!set {x}"])
def test_a_tag_becomes_a_problem_with_its_line(text: str) -> None:
    (problem,) = parse(text).problems
    assert (problem.where, problem.line) == ("b", 2)
    assert "mine" in problem.message or "set" in problem.message
