"""The lines that a pattern may have meant."""

from __future__ import annotations

from pathlib import Path

from papertrial.programs.near_lines import matches_without_case, near_lines


def lines_near(pattern: str, text: str, tmp_path: Path) -> list[int]:
    path = tmp_path / "stdout.txt"
    path.write_text(text)
    return [one.line for one in near_lines(pattern, path)]


def test_lines_with_the_words_of_the_pattern_come_before_others(tmp_path: Path) -> None:
    text = "start 1\nval accuracy 0.5\nloss 3\ntest accuracy 0.6\naccuracy of nothing\nend 2\n"
    assert lines_near(r"test accuracy: (?P<value>[0-9.]+)", text, tmp_path) == [2, 4, 5]


def test_a_stem_is_near(tmp_path: Path) -> None:
    assert lines_near(r"accuracy: ([0-9.]+)", "time 3\nAcc 0.5\n", tmp_path) == [2]


def test_without_words_the_last_lines_with_numbers(tmp_path: Path) -> None:
    text = "a 1\nb 2\nc 3\nno number\nd 4\n"
    assert lines_near(r"f1: ([0-9.]+)", text, tmp_path) == [2, 3, 5]
    assert lines_near(r"f1: ([0-9.]+)", "", tmp_path) == []


def test_case(tmp_path: Path) -> None:
    path = tmp_path / "stdout.txt"
    path.write_text("Test Acc: 0.5\n")
    near = near_lines(r"test acc: ([0-9.]+)", path)
    assert matches_without_case(r"test acc: ([0-9.]+)", near, tmp_path)
    assert not matches_without_case(r"test acc = ([0-9.]+)", near, tmp_path)
