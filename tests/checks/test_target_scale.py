"""Outputs and targets that differ by orders of magnitude, and claims in another unit."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from papertrial.checks.target_scale import (
    check_target_scale,
    check_units_of_claims,
    units_of_claims,
)
from papertrial.recipe.claims import Claim
from papertrial.tasks.classification import Classification
from papertrial.tasks.regression import Regression
from papertrial.tasks.target_transform import StandardizedTargets

TASK = Regression(["a"], "price")
SCALED = Regression(
    ["a"], "price", transform=StandardizedTargets(shift=(500_000.0,), scale=(200_000.0,))
)
OUTPUT = torch.tensor([[0.2], [-0.1], [0.3]])
HOMES = torch.tensor([300_000.0, 500_000.0, 700_000.0])


@pytest.mark.parametrize(
    ("y", "reach", "warned"),
    [
        (HOMES, 2.5, True),
        (HOMES, 1e6, False),  # a long training with a large learning rate
        (HOMES - 500_000, 2.5, True),  # mean 0, a large SD
        (torch.tensor([2001.0, 2002.0, 2003.0]), 2.5, True),  # years
        (torch.tensor([20.0, 30.0, 50.0]), 0.1, False),
        (torch.tensor([0.1, 0.0, -0.1]), 2.5, False),
        (torch.tensor([1e-5, 2e-5, -1e-5]), 2.5, True),
        (torch.zeros(3), 2.5, False),  # constant: nothing to learn
    ],
)
def test_orders_of_magnitude_are_warned_about(y: torch.Tensor, reach: float, warned: bool) -> None:
    found = check_target_scale(TASK, OUTPUT, y, reach)
    assert [one.where for one in found] == ["data.target_transform"] * warned
    if warned:
        assert found[0].severity == "warning"
        assert "price" in found[0].message
        assert "data.target_transform: standardize" in found[0].fix


def test_each_target_counts_and_transformed_ones_are_what_the_loss_sees() -> None:
    assert check_target_scale(SCALED, OUTPUT, HOMES, 2.5) == []
    two = Regression(["a"], "y", ["size", "price"])
    y = torch.stack([torch.tensor([0.5, 1.0, 2.0]), HOMES], 1)
    found = check_target_scale(two, OUTPUT.expand(3, 2), y, 2.5)
    assert ["price" in one.message for one in found] == [True]
    assert check_target_scale(TASK, torch.zeros(3, 1), torch.tensor([0.0, 1.0, 2.0]), 2.5) == []
    classes = Classification(["a", "b"])
    assert check_target_scale(classes, OUTPUT, torch.tensor([0, 1, 0]), 2.5) == []


def _claim(metric: str, value: float, **others: object) -> Claim:
    given = {"metric": metric, "value": value, "kind": "at-most", **others}
    return Claim.model_validate(given)


@pytest.mark.parametrize(
    ("claim", "asked"),
    [
        (_claim("mse", 0.02), True),
        (_claim("rmse", 0.14), True),
        (_claim("mae[price]", 0.1), True),
        (_claim("loss", 0.02), False),
        (_claim("r2", 0.98), False),
        (_claim("rmse", 20_000.0), False),
        (_claim("mse", 0.02, not_judged="the setting differs"), False),
    ],
)
def test_an_error_that_is_too_small_for_the_unit_is_asked_about(claim: Claim, asked: bool) -> None:
    for task in (TASK, SCALED):
        found = check_units_of_claims([claim], task, HOMES)
        assert [(one.where, one.severity) for one in found] == [
            ("claims.0.metric", "warning")
        ] * asked
        assert all("metric: loss" in one.fix for one in found)
    assert check_units_of_claims([claim], Classification(["a", "b"]), torch.tensor([0, 1])) == []


def _units(claims: Sequence[Claim], task: Regression) -> list[str]:
    return list(units_of_claims(claims, task))


def test_the_unit_of_each_claim_is_said_if_targets_are_transformed() -> None:
    claims = [_claim("mse", 4e8), _claim("r2", 0.9), _claim("loss", 0.02), _claim("rmse", 2e4)]
    square, loss, plain = _units(claims, SCALED)
    assert square.startswith("claims.0: mse is in the square of the unit of price")
    assert loss == "claims.2: loss is computed on the transformed target"
    assert plain.startswith("claims.3: rmse is in the unit of price")
    assert _units(claims, TASK) == []
