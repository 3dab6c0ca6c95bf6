"""Facts about numbers and texts for data cards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from papertrial.data.cards.card import NumberFacts, TextFacts
from papertrial.data.texts.scripts import count_scripts

_SHOWN = 160  # characters of a sample


def number_facts(values: np.ndarray) -> NumberFacts | None:
    """Return the facts of the finite numbers among these; None if there are none."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return None
    return NumberFacts(
        min=float(finite.min()),
        mean=float(finite.mean()),
        median=float(np.median(finite)),
        max=float(finite.max()),
    )


def text_facts(texts: Iterable[str]) -> TextFacts | None:
    """Return the facts of texts; None if there are none."""
    listed = list(texts)
    characters = number_facts(np.array([len(text) for text in listed], dtype=np.float64))
    words = number_facts(np.array([len(text.split()) for text in listed], dtype=np.float64))
    if characters is None or words is None:
        return None
    counts = count_scripts(listed)
    total = sum(counts.values())
    return TextFacts(
        characters=characters,
        words=words,
        scripts={name: count / total for name, count in counts.items()},
        empty=sum(not text.strip() for text in listed),
    )


def most_frequent(counts: dict[str, int], most: int) -> tuple[dict[str, int], int]:
    """Return the most frequent names with their counts, and the sum of the other counts."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(ordered[:most]), sum(count for _, count in ordered[most:])


def spread_rows(count: int, most: int) -> list[int]:
    """Return the indices of at most `most` samples, spread evenly over `count`."""
    return sorted({int(row) for row in np.linspace(0, count - 1, min(most, count))})


def shortened(text: str) -> str:
    """Return a text on one line, cut to what a card shows."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def cells_as_text(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return a row of a table as "name=cell, ..."."""
    return shortened(", ".join(f"{name}={cell}" for name, cell in zip(names, cells, strict=True)))
