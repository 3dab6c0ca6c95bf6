"""Sizes and durations as the command line writes them."""

from __future__ import annotations

import datetime


def size(nbytes: float | None) -> str:
    """Format a size in bytes as "1.5 MB"; None is "size unknown"."""
    if nbytes is None:
        return "size unknown"
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if round(1000 * nbytes / factor, 1) >= 1000:  # not "1000.0 kB"
            return f"{nbytes / factor:.1f} {unit}"
    return f"{nbytes:.0f} bytes"


def clock(seconds: float) -> str:
    """Format a duration in seconds as "0:01:40"."""
    return str(datetime.timedelta(seconds=round(seconds)))


def duration(seconds: float) -> str:
    """Format a duration in seconds as "12.3 s", or as "0:01:40" from a minute on."""
    return clock(seconds) if round(seconds, 1) >= 60 else f"{seconds:.1f} s"
