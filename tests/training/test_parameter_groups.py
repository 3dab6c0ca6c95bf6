"""Which parameters are in which group."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from papertrial.errors import ModelError
from papertrial.training.parameter_groups import GroupRule, assign_parameters


def model() -> nn.Module:
    """Parameters 0.weight [4, 3], 0.bias, 1.weight [4], 1.bias, 2.weight [2, 4], 2.bias."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def names(*rules: GroupRule, modules: dict[str, nn.Module] | None = None) -> list[list[str]]:
    """The names in each group, and at the end those in none."""
    groups, rest = assign_parameters(rules, modules or {"": model()})
    return [list(group) for group in [*groups, rest]]


def rule(*match: str, layers: tuple[type, ...] = (), ndim: int | None = None) -> GroupRule:
    return GroupRule("optimizer.groups.0", match, layers, ndim)


def test_the_first_group_that_matches_counts_and_order_is_that_of_the_model() -> None:
    assert names(rule("2.*"), rule("*.bias"), rule("0.weight", "1.*")) == [
        ["2.weight", "2.bias"],
        ["0.bias", "1.bias"],
        ["0.weight", "1.weight"],
        [],
    ]
    assert names() == [["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]]


def test_layers_are_classes_with_subclasses_and_only_direct_parameters_count() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4))
            self.norm = nn.LayerNorm(4)

    block = Block()
    assert names(rule(layers=(Block,)), modules={"": block})[0] == ["scale"]
    norms = nn.modules.batchnorm._NormBase
    assert names(rule(layers=(norms,)))[0] == ["1.weight", "1.bias"]


def test_ndim_counts_dimensions_and_all_conditions_of_a_group_must_hold() -> None:
    assert names(rule(ndim=2))[0] == ["0.weight", "2.weight"]
    assert names(rule("*.weight", ndim=1))[0] == ["1.weight"]
    assert names(rule("*.bias", layers=(nn.Linear,)))[0] == ["0.bias", "2.bias"]


def test_a_shared_parameter_is_in_one_group_and_any_of_its_names_matches() -> None:
    tied = nn.ModuleDict({"a": nn.Embedding(3, 4), "z": nn.Linear(4, 3, bias=False)})
    tied["z"].weight = tied["a"].weight
    assert names(rule("z.*"), modules={"": tied}) == [["a.weight"], []]
    assert names(rule(layers=(nn.Linear,)), modules={"": tied}) == [["a.weight"], []]


def test_frozen_parameters_are_in_no_group_and_those_of_an_objective_have_a_prefix() -> None:
    frozen, objective = model(), nn.Linear(2, 1)
    frozen[0].requires_grad_(False)
    found = names(rule("*.bias"), rule("objective.*"), modules={"": frozen, "objective": objective})
    assert found[0] == ["1.bias", "2.bias", "objective.bias"]
    assert found[1] == ["objective.weight"]
    assert found[2] == ["1.weight", "2.weight"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([rule("fc.*")], r"groups\.0\.match: 'fc\.\*' matches no parameter, whose names are 0\.w"),
        ([rule("*.bais")], r'did you mean "\*\.bias"'),
        ([rule("2.*", "3.*")], r"'3\.\*' matches no parameter.*did you mean"),
        ([rule(layers=(nn.LayerNorm,))], r"layers: no module of the class LayerNorm.*BatchNorm1d"),
        ([rule(ndim=4)], r"ndim: no parameter has 4 dimensions, but 1, 2"),
        ([rule("*.weight", ndim=1, layers=(nn.Linear,))], "is empty: no parameter meets all"),
        ([rule("*"), rule("*.bias")], "is empty: all 3 parameters .* in groups before it"),
    ],
)
def test_a_condition_that_nothing_meets_is_an_error(rules: list[GroupRule], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        names(*rules)


def test_a_pattern_that_matches_frozen_parameters_alone_is_an_error() -> None:
    frozen = model()
    frozen[0].requires_grad_(False)
    with pytest.raises(ModelError, match=re.escape("'0.*' matches only parameters that are froz")):
        names(rule("0.*"), modules={"": frozen})
