"""Sizes and durations as they are printed."""

from __future__ import annotations

import pytest

from papertrial.cli.size_and_duration import duration, size


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (None, "size unknown"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (17_680, "17.7 kB"),
        (960_000, "960.0 kB"),
        (999_999, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (2 * 10**9, "2.0 GB"),
    ],
)
def test_sizes(nbytes: int | None, text: str) -> None:
    assert size(nbytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (59.96, "0:01:00"), (61, "0:01:01"), (3600, "1:00:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
