"""How a run used the test split before the end."""

from __future__ import annotations

from typing import Any

import pytest

import papertrial as pt
from papertrial.report.use_of_test_split import use_of_test_split


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"test_evaluations": 1}, "evaluated once"),
        ({"test_evaluations": 3}, "evaluated 3 times"),
        ({"test_evaluations": 3, "optimistic": True}, "OPTIMISTIC"),
    ],
)
def test_the_test_split_is_named_if_it_was_used(
    seeds: list[pt.Run], changes: dict[str, Any], words: str | None
) -> None:
    summary = seeds[0].summary
    report = summary.report.model_copy(update=changes)
    notes = use_of_test_split(summary.model_copy(update={"report": report}))
    assert len(notes) == (words is not None)
    assert all(words in note for note in notes if words)


def test_the_metrics_of_the_last_epoch_are_named(seeds: list[pt.Run]) -> None:
    summary = seeds[0].summary
    last = {"test": {"accuracy": 0.123456789, "f1_per_class": {"a": 0.5}}}
    report = summary.report.model_copy(update={"optimistic": True, "last_metrics": last})
    (note,) = use_of_test_split(summary.model_copy(update={"report": report}))
    assert note.endswith(": accuracy 0.123457")
