"""Parameters that a training does not change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from papertrial.errors import ModelError
from papertrial.training.freeze import freeze


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_matching_parameters_are_frozen_and_counted() -> None:
    model = net()
    found = freeze(model, ["0.*", "1.*"])
    assert [p.requires_grad for p in model.parameters()] == [False] * 4 + [True] * 2
    assert (found.tensors, found.parameters, found.of, found.batch_norms) == (4, 24, 34, 1)
    assert found.text.startswith("24 of 34 parameters are frozen, in 4 tensors; ")


@pytest.mark.parametrize(
    ("fix", "patterns", "stays"), [(False, ["1.*"], False), (True, ["1.*"], True),
                                   (True, ["0.*"], False), (True, ["1.bias"], False)],
)  # fmt: skip
def test_statistics_of_frozen_batch_norm_are_fixed_only_if_asked(
    fix: bool, patterns: list[str], stays: bool
) -> None:
    model, x = net(), torch.randn(8, 3)
    freeze(model, patterns, fix_batch_norm=fix)
    model.train()
    hidden = model[0](x)
    stored = hidden / (1 + 1e-5) ** 0.5  # with mean 0 and variance 1
    own = (hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(model[1](hidden), stored if stays else own)
    assert torch.equal(model[1].running_mean, torch.zeros(4)) == stays
    assert model[2].training


def test_a_shared_parameter_is_frozen_by_any_of_its_names() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    model["b"].weight = model["a"].weight
    found = freeze(model, ["b.weight"])
    assert (found.tensors, found.parameters) == (1, 4)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["0.*", "head.*"], r"freeze: 'head.\*' matches no parameter, whose names are 0.weight"),
        (["2.wieght"], r'did you mean "2.weight"'),
        (["1.running_mean"], "matches no parameter"),
        (["*"], "freeze: all parameters are frozen"),
    ],
)
def test_what_freezes_nothing_or_everything_is_refused(patterns: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        freeze(net(), patterns)
