"""The search for a pattern, which a time limit ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrial.errors import ProgramFailedError
from papertrial.programs.read_pattern import find_by_pattern, is_quick
from papertrial.programs.search_pattern import search_pattern


def output(folder: Path, text: str) -> Path:
    path = folder / "stdout.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "quick"),
    [
        (r"test acc: ([0-9.]+) ?%", True),
        (r"acc: (\d\.\d{4})", True),
        (r"acc \+\+ [+*]: ([0-9.]+)", True),  # signs as text
        (r"epoch \d+: ([0-9.]+)", False),
        (r"(?:a+)+([0-9])", False),
        (r"(a?a?a?a?a?a?aaaaaa)", False),
    ],
)
def test_patterns_with_one_repeat_are_quick(pattern: str, *, quick: bool) -> None:
    assert is_quick(pattern) == quick


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:a+)+([0-9])", "a" * 100 + "!\n"),  # more ways than can be tried
        (r"a+([0-9])", "a" * 2**20),  # the square of the length of a line
    ],
)
def test_a_search_that_takes_too_long_ends(pattern: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ProgramFailedError, match=r"more than 0\.2 s for one line"):
        list(search_pattern(pattern, output(tmp_path, f"acc: 1\n{text}"), seconds=0.2))


def test_a_long_search_of_short_lines_goes_on(tmp_path: Path) -> None:
    path = output(tmp_path, "epoch 1: 5\n" * 60_000)
    found = search_pattern(r"epoch \d+: ([0-9.]+)", path, seconds=0.3)  # it takes 0.6 s
    assert sum(int(one.value) for one in found) == 300_000


@pytest.mark.parametrize("written", ["93.20", "nan", "1e-3", "7 %"])
def test_both_ways_to_search_find_the_same(written: str, tmp_path: Path) -> None:
    path = output(tmp_path, f"é step 3: loss {written}!\n")
    pattern = r"step (?P<step>\d+): loss (?P<value>[0-9.ena-]+)"
    assert repr(list(search_pattern(pattern, path))) == repr(list(find_by_pattern(pattern, path)))


def test_what_is_not_a_number_is_told_by_both(tmp_path: Path) -> None:
    path = output(tmp_path, "epoch 1: high\n")
    for pattern in (r"epoch 1: (\w+)", r"epoch \d+: (\w+)"):
        with pytest.raises(ProgramFailedError, match='"high" on line 1 is not a number'):
            list(search_pattern(pattern, path))
