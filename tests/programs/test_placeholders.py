"""Placeholders in commands, environment variables and paths."""

from __future__ import annotations

import pytest

from papertrial.errors import PapertrialError
from papertrial.programs.placeholders import fill, placeholders_in

VALUES = {"seed": "3", "out": "/o/{seed}", "lr": "0.1"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("--seed={seed}", "--seed=3"),
        ("{out}/x-{lr}", "/o/{seed}/x-0.1"),  # what is filled in is not filled again
        ("{{seed}}", "{seed}"),
        ("{{{seed}}}", "{3}"),
        ('{{"lr": {lr}}}', '{"lr": 0.1}'),
        ("", ""),
    ],
)
def test_placeholders_are_filled(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


def test_the_names_of_placeholders() -> None:
    assert placeholders_in("{a} {{b}} {c}{a} {no way}") == ("a", "c", "no way")


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("{sed}", 'did you mean "seed"'),
        ("{}", "valid: lr, out, seed"),
        ("{seed", "{{"),
        ("seed}", "}}"),
        ("{a{seed}", "{{"),
    ],
)
def test_placeholders_that_are_refused(text: str, fix: str) -> None:
    with pytest.raises(PapertrialError) as caught:
        fill(text, VALUES)
    assert fix in str(caught.value)
    assert f'"{text}"' in str(caught.value)
