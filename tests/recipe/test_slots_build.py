"""Built slots equal the objects that the same call of torch returns."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as schedulers

from papertrial.errors import RecipeError
from papertrial.recipe.build import build
from papertrial.recipe.check_slots import check_slot

S = "torch.optim.lr_scheduler"
PARTS = """
import torch

def absolute(output, target): return (output - target).abs().mean()
def weighted(output, target, weight, *, power=1):
    return weight * (output - target).abs().pow(power).mean()
def maker(weight): return lambda output, target: weight * absolute(output, target)
def scale(image, factor=2): return image * factor
def decay(rate, steps=1): return lambda epoch: rate ** (epoch // steps)
def through(rate, inner): return lambda epoch: rate
class Wrapper(torch.optim.SGD):
    def __init__(self, params, inner, lr):
        super().__init__(params, lr)
        self.inner = inner
"""


@pytest.fixture
def parts(tmp_path: Path) -> str:
    (tmp_path / "parts.py").write_text(PARTS)
    return f"{tmp_path}/parts.py"


def weights() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(3))]


def rates(optimizer: torch.optim.Optimizer, scheduler: Any, epochs: int) -> list[float]:
    """The learning rate of each epoch."""
    seen = []
    for _ in range(epochs):
        seen.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return seen


def test_nested_layers_are_built_in_order_with_torchs_own_weights() -> None:
    args = [
        {"use": "torch.nn.Linear", "args": [4, 8]},
        {"use": "torch.nn.Sequential", "args": [{"use": "torch.nn.ReLU"}]},
        {"use": "torch.nn.Linear", "in_features": 8, "out_features": 2, "bias": False},
    ]
    torch.manual_seed(0)
    built = build("model", "torch.nn.Sequential", args, {})
    torch.manual_seed(0)
    layers = [nn.Linear(4, 8), nn.Sequential(nn.ReLU()), nn.Linear(8, 2, bias=False)]
    by_hand = nn.Sequential(*layers)
    x = torch.randn(5, 4)
    assert repr(built) == repr(by_hand)
    assert torch.equal(built(x), by_hand(x))


def test_slots_in_plain_mappings_and_lists_are_built() -> None:
    value = {"a": [{"use": "torch.nn.ReLU"}, 3], "b": {"c": {"use": "torch.nn.Tanh"}}, "d": None}
    built = build("model", "builtins.dict", [], {"x": value})["x"]
    assert isinstance(built["a"][0], nn.ReLU)
    assert built["a"][1] == 3
    assert isinstance(built["b"]["c"], nn.Tanh)
    assert built["d"] is None


def test_an_optimizer_is_given_the_parameters() -> None:
    parameters = weights()
    kwargs = {"lr": 0.5, "momentum": 0.9}
    optimizer = build("optimizer", "torch.optim.SGD", [], kwargs, parameters)
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.param_groups[0]["params"][0] is parameters[0]
    assert {k: optimizer.defaults[k] for k in kwargs} == kwargs


def test_an_optimizer_inside_an_optimizer_is_given_the_parameters_too(parts: str) -> None:
    parameters = weights()
    inner = {"use": "torch.optim.Adam", "lr": 0.25}
    optimizer = build("optimizer", f"{parts}:Wrapper", [], {"inner": inner, "lr": 1.0}, parameters)
    assert isinstance(optimizer.inner, torch.optim.Adam)
    assert optimizer.inner.param_groups[0]["params"][0] is parameters[0]


def test_an_argument_may_be_built_by_compiled_code_without_a_signature() -> None:
    kwargs = {"lr": {"use": "torch.tensor", "args": [0.25]}}
    assert check_slot(("optimizer",), {"use": "torch.optim.Adam", **kwargs}) == []
    optimizer = build("optimizer", "torch.optim.Adam", [], kwargs, weights())
    assert torch.equal(optimizer.param_groups[0]["lr"], torch.tensor(0.25))


def test_sequential_schedulers_are_all_given_the_optimizer() -> None:
    ours, theirs = (torch.optim.SGD(weights(), lr=1.0) for _ in range(2))
    nested = [
        {"use": f"{S}.LinearLR", "start_factor": 0.25, "total_iters": 3},
        {"use": f"{S}.ExponentialLR", "gamma": 0.5},
    ]
    kwargs = {"schedulers": nested, "milestones": [3]}
    built = build("scheduler", f"{S}.SequentialLR", [], kwargs, ours)
    by_hand = schedulers.SequentialLR(
        theirs,
        [
            schedulers.LinearLR(theirs, start_factor=0.25, total_iters=3),
            schedulers.ExponentialLR(theirs, gamma=0.5),
        ],
        milestones=[3],
    )
    assert rates(ours, built, 6) == rates(theirs, by_hand, 6)
    assert rates(ours, built, 2) != [1.0, 1.0]


def test_a_nested_function_makes_the_factor_of_lambda_lr(parts: str) -> None:
    optimizer = torch.optim.SGD(weights(), lr=2.0)
    factor = {"use": f"{parts}:decay", "rate": 0.5, "steps": 2}
    built = build("scheduler", f"{S}.LambdaLR", [], {"lr_lambda": factor}, optimizer)
    assert rates(optimizer, built, 5) == [2.0, 2.0, 1.0, 1.0, 0.5]


def test_slots_nested_below_a_function_are_checked_and_built_alike(parts: str) -> None:
    inner = {"use": f"{S}.ConstantLR"}
    kwargs = {"lr_lambda": {"use": f"{parts}:through", "rate": 0.5, "inner": inner}}
    assert check_slot(("scheduler",), {"use": f"{S}.LambdaLR", **kwargs}) == []
    optimizer = torch.optim.SGD(weights(), lr=1.0)
    built = build("scheduler", f"{S}.LambdaLR", [], kwargs, optimizer)
    assert isinstance(built, schedulers.LambdaLR)


@pytest.mark.filterwarnings("ignore:Detected call of")  # torch does it inside SequentialLR
def test_chained_schedulers_nest() -> None:
    optimizer = torch.optim.SGD(weights(), lr=1.0)
    chained = {
        "use": f"{S}.ChainedScheduler",
        "schedulers": [{"use": f"{S}.ExponentialLR", "gamma": 0.5}],
    }
    kwargs = {"schedulers": [chained, {"use": f"{S}.ConstantLR"}], "milestones": [3]}
    assert check_slot(("scheduler",), {"use": f"{S}.SequentialLR", **kwargs}) == []
    built = build("scheduler", f"{S}.SequentialLR", [], kwargs, optimizer)
    assert rates(optimizer, built, 3) == [0.5, 0.25, 0.125]  # what torch gives, built by hand


OUTPUT, TARGET = torch.tensor([1.0, 4.0]), torch.tensor([2.0, 2.0])


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "value"),
    [
        ("absolute", [], {}, 1.5),
        ("weighted", [], {"weight": 2}, 3.0),
        ("weighted", [], {"weight": 2, "power": 2}, 5.0),
        ("maker", [], {"weight": 4}, 6.0),
        ("maker", [4], {}, 6.0),
    ],
)
def test_a_loss_function_is_bound_and_a_function_making_a_loss_is_called(
    parts: str, name: str, args: list[Any], kwargs: dict[str, Any], value: float
) -> None:
    loss = build("loss", f"{parts}:{name}", args, kwargs)
    assert loss(OUTPUT, TARGET).item() == value


def test_torchs_own_loss_function_and_class_give_the_same_loss() -> None:
    function = build("loss", "torch.nn.functional.huber_loss", [], {"delta": 0.5})
    module = build("loss", "torch.nn.HuberLoss", [], {"delta": 0.5})
    assert function(OUTPUT, TARGET) == module(OUTPUT, TARGET)


def test_a_transform_function_is_bound_and_a_transform_class_is_made(parts: str) -> None:
    scale = build("data.transform.0", f"{parts}:scale", [], {"factor": 3})
    assert torch.equal(scale(torch.ones(2)), torch.full((2,), 3.0))
    flip = build("data.augment.0", "torchvision.transforms.v2.RandomHorizontalFlip", [], {"p": 1.0})
    assert torch.equal(flip(torch.arange(3.0)[None]), torch.tensor([[2.0, 1.0, 0.0]]))


def test_a_model_function_is_always_called() -> None:
    model = build("model", "torchvision.models.resnet18", [], {"num_classes": 3})
    assert model.fc.out_features == 3
    assert not isinstance(model, partial)


@pytest.mark.parametrize(
    ("where", "use", "args", "kwargs", "words"),
    [
        ("model", "torch.nn.Linear", [1], {}, "model: torch.nn.Linear failed with"),
        ("model", "torch.nn.Linear", ["a", 1], {}, "model: torch.nn.Linear failed with"),
        ("optimizer", "torch.optim.SGD", [], {"lr": -1}, "ValueError: Invalid learning rate: -1"),
        (
            "model",
            "torch.nn.Sequential",
            [{"use": "torch.nn.Dropout", "p": 2}],
            {},
            "model.args.0: torch.nn.Dropout failed with these arguments: ValueError: ",
        ),
        ("model", "torch.nn.Nothing", [], {}, "torch.nn has no 'Nothing'"),
        ("model", "torch.nn.Sequential", [{"use": "a.B"}], {}, "no module named 'a'"),
        ("model", "torch.nn.Sequential", [{"use": None}], {}, "model.args.0"),
        ("model", "torch.nn.Sequential", [{"use": "torch.nn.ReLU", "args": 3}], {}, "model.args.0"),
    ],
)  # fmt: skip
def test_a_slot_that_cannot_be_built_is_a_recipe_error_with_its_key_path(
    where: str, use: str, args: list[Any], kwargs: dict[str, Any], words: str
) -> None:
    supplied = weights() if where == "optimizer" else None
    with pytest.raises(RecipeError) as caught:
        build(where, use, args, kwargs, supplied)
    assert words in str(caught.value)
