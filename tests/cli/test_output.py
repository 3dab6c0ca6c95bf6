"""The results of commands as they are printed."""

from __future__ import annotations

import pytest

from papertrial.cli.output import print_metrics


def test_metrics_that_are_undefined_say_why_and_those_of_several_numbers_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    matrix = [[1, 0], [2, 3]]
    print_metrics(
        {
            "train": {"accuracy": 0.5, "auroc": 0.75, "confusion_matrix": matrix},
            "test": {"accuracy": 0.25, "auroc": None, "confusion_matrix": matrix},
        }
    )
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "undefined" in line] == [
        "test auroc is undefined: auroc of a class needs samples of it and of others"
    ]
    assert said[-1] == "also in the run's metrics.json: confusion_matrix"
    (row,) = (line for line in said if "auroc " in line and "0.75" in line)
    assert "-" in row
