"""One formatter for numbers."""

from __future__ import annotations

import math

import pytest

from papertrial import numbers
from papertrial.numbers import NOTHING


@pytest.mark.parametrize(
    ("value", "spread", "shown"),
    [
        (0.64823456, 0.0041, "0.6482"),  # two digits of the spread
        (0.64823456, 0.00041, "0.64823"),
        (0.64823456, 0.41, "0.65"),
        (93.98765, 0.158, "93.99"),
        (2859.6912, 120.3, "2860"),
        (2859.6912, 1.2, "2859.7"),
        (2859.6912, 0.0012, "2859.6912"),
        (0.64823456789, 1e-12, "0.6482345679"),  # ten digits of the number at most
        (2859.6912345678, 1e-9, "2859.691235"),
        (2548.07155, 0.000283, "2548.07155"),
        (1.2345e-4, 1e-6, "0.0001234"),
        (1.2345e-6, 1e-8, "1.234e-06"),
        (1e-9, 1e-9, "1.0e-09"),
        (-0.00001, 0.01, "0.000"),  # no -0
        (0.0, 0.01, "0.000"),
        (1.5e12, 1e9, "1.5000e+12"),
        (1234567.0, 1000.0, "1234567"),
        (0.646, None, "0.646"),  # without a spread six digits, no trailing zeros
        (1.0873741, None, "1.08737"),
        (1234567.8, None, "1234568"),  # digits before the point are never cut off
        (2548.0718, 0.0, "2548.07"),
        (0.646, math.nan, "0.646"),
        (math.inf, 0.1, "∞"),
        (-math.inf, None, "-∞"),
        (math.nan, None, NOTHING),
        (None, 0.1, NOTHING),
    ],
)
def test_a_number_has_the_digits_that_its_spread_leaves(
    value: float | None, spread: float | None, shown: str
) -> None:
    assert numbers.number(value, spread) == shown


@pytest.mark.parametrize("sd", [0.0041, 0.0996, 0.41, 7.3])
def test_what_stands_in_one_row_ends_at_the_same_place(sd: float) -> None:
    row = [numbers.number(value, sd) for value in (64.823456, 64.1, 65.0001, sd)]
    decimals = {len(text.partition(".")[2]) for text in row}
    assert len(decimals) == 1
    assert len({len(numbers.margin(0.77, sd).partition(".")[2]), *decimals}) == 1


def test_what_was_written_down_keeps_its_digits() -> None:
    assert numbers.as_written(0.55 - 0.02) == "0.53"  # 0.53 and a rounding error
    assert numbers.as_written(2548.0718) == "2548.0718"
    assert numbers.as_written(93.0) == "93"
    assert numbers.as_written(None) == NOTHING
    assert numbers.band(0.8 - 0.1, 0.8 + 0.1) == "0.7 to 0.9"
    assert numbers.band(-math.inf, 2548.0718) == "at most 2548.0718"


def test_a_margin_is_rounded_up_so_that_it_holds() -> None:
    assert numbers.margin(0.007812, 0.0055) == "± 0.0079"
    assert numbers.margin(0.0078, 0.0055) == "± 0.0078"
    assert numbers.margin(0.0078121, None) == "± 0.007813"
    assert numbers.margin(120.4, 41.0) == "± 121"
    assert [numbers.margin(value, 0.1) for value in (0.0, None, math.inf)] == [
        "± 0", NOTHING, NOTHING,
    ]  # fmt: skip


def test_an_open_side_is_said_in_words() -> None:
    assert numbers.between(0.626, 0.666) == "0.626 to 0.666"
    assert numbers.between(0.626, None) == "at least 0.626"
    assert numbers.between(0.5, math.inf, 0.1) == "at least 0.50"
    assert numbers.between(-math.inf, 0.666) == "at most 0.666"
    assert numbers.between(None, None) == numbers.between(-math.inf, math.inf) == "any value"


def test_shares_and_counts() -> None:
    assert [numbers.percent(x) for x in (0.05, 0.025, 0.2, 0.005, 0.393, 1.0, None, math.nan)] == [
        "5 %", "2.5 %", "20 %", "0.5 %", "39.3 %", "100 %", NOTHING, NOTHING,
    ]  # fmt: skip
    assert [numbers.count(x) for x in (669706, 6.5, 143.2, 0.0, None)] == [
        "669,706", "6.5", "143", "0", NOTHING,
    ]  # fmt: skip
    assert [numbers.whole(x) for x in (11173962.0, 0.5, None)] == ["11,173,962", "0.5", NOTHING]
    assert [numbers.plural(n, "seed") for n in (0, 1, 8)] == ["0 seeds", "1 seed", "8 seeds"]


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [
        (32.60027, "32.6", "32.7"),
        (19.999, "19.9", "20"),  # did not reach 20
        (1 / (0.05 / 3), "60", "60"),  # 60.00000000000001
        (1 / 0.03, "33.3", "33.4"),
        (7.6612, "7.66", "7.67"),
        (1643.7, "1,640", "1,650"),
        (1e6, "1,000,000", "1,000,000"),
        (0.151709, "0.151", "0.152"),
        (0.0042, "0.0042", "0.0042"),
        (1e-9, "less than 0.0001", "less than 0.0001"),
        (0.0, "0", "0"),
        (math.inf, "∞", "∞"),
    ],
)
def test_evidence_is_rounded_down_and_a_threshold_up(value: float, down: str, up: str) -> None:
    assert numbers.evidence(value) == down
    assert numbers.evidence(value, "up") == up


def test_a_margin_that_is_a_maximum_is_rounded_down() -> None:
    assert numbers.margin(0.338641, 0.158) == "± 0.34"
    assert numbers.margin(0.338641, 0.158, "down") == "± 0.33"
    assert numbers.margin(0.3, 0.158, "down") == "± 0.30"
    assert numbers.margin(0.338641, None, "down") == "± 0.3386"
