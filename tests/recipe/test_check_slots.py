"""Slots are checked against the signatures of their classes and functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.recipe.check_slots import check_slot

SCHEDULERS = "torch.optim.lr_scheduler"
SGD = "torch.optim.SGD"


def found(path: tuple[str | int, ...], value: Any) -> list[tuple[str, str]]:
    return [(p.where, p.message) for p in check_slot(path, value)]


def missing(use: str, name: str) -> str:
    return f"is missing; {use} requires the argument {name!r}"


CHECKS: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("model", {"use": "torch.nn.Linear", "in_features": 1, "out_features": 2}, []),
    ("model", {"use": "torch.nn.Linear", "args": [1, 2], "bias": False}, []),
    (
        "model",
        "torch.nn.Linear",
        [
            ("model.in_features", missing("torch.nn.Linear", "in_features")),
            ("model.out_features", missing("torch.nn.Linear", "out_features")),
        ],
    ),
    (
        "model",
        {"use": "torch.nn.Linear", "args": [1], "in_features": 3, "out_features": 2},
        [("model.in_features", "is already set by args, got 3")],
    ),
    (
        "model",
        {"use": "torch.nn.ReLU", "args": [1, 2, 3]},
        [("model.args", "torch.nn.ReLU takes at most 1 positional argument, got 3")],
    ),
    (
        "optimizer",
        {"use": "torch.optim.SGD", "momentun": 9},
        [("optimizer.momentun", f'is not an argument of {SGD}, got 9; did you mean "momentum"?')],
    ),
    (
        "optimizer",
        {"use": "torch.optim.SGD", "params": 3},
        [("optimizer.params", "is already set by papertrial, got 3")],
    ),
    (
        "optimizer",
        {"use": "torch.optim.SGD", "lr": "1e-3x"},
        [("optimizer.lr", "must be a number for torch.optim.SGD, got '1e-3x'")],
    ),
    (
        "scheduler",
        {"use": f"{SCHEDULERS}.StepLR", "interval": "step", "monitor": None},
        [("scheduler.step_size", missing(f"{SCHEDULERS}.StepLR", "step_size"))],
    ),
    ("model", {"use": "torch.nn.Sequential", "args": list(range(40))}, []),
    ("model", {"use": 3}, []),
    ("model", 3, []),
    ("loss", {"use": "torch.dist", "x": 1}, []),
]


@pytest.mark.parametrize(("section", "value", "problems"), CHECKS)
def test_arguments_are_checked_against_the_signature(
    section: str, value: Any, problems: list[tuple[str, str]]
) -> None:
    assert found((section,), value) == problems


def test_text_for_a_list_of_numbers_need_not_be_a_number() -> None:
    value = {"use": "papertrial.models.MLP", "in_features": 1, "hidden": "8, 8", "out_features": 1}
    assert not any("must be a number" in message for _, message in found(("model",), value))


def test_a_text_for_a_yes_or_no_is_refused() -> None:
    value = {"use": "torch.nn.Linear", "args": [1, 1], "bias": "no"}
    assert [where for where, _ in found(("model",), value)] == ["model.bias"]


@pytest.mark.parametrize(
    ("name", "arguments", "wrong"),
    [
        ("absolute", {}, []),
        ("weighted", {"weight": 2, "power": 2}, []),
        ("maker", {"weight": 2}, []),
        ("maker", {"args": [2]}, []),
        ("maker", {}, ["loss.weight"]),
        ("weighted", {}, ["loss.output", "loss.target", "loss.weight"]),
        ("absolute", {"wait": 1}, ["loss.wait"]),
        ("absolute", {"target": 1}, ["loss.output"]),
        ("only_positional", {"a": 1}, ["loss.a"]),
        ("only_positional", {"args": [1], "b": 2}, []),
        ("keyword_only", {"a": 1}, []),
        ("keyword_only", {"args": [1]}, ["loss.args", "loss.a"]),
        ("anything", {"args": [1, 2], "x": 3}, []),
    ],
)
def test_a_function_is_a_loss_or_makes_one(
    parts: Path, name: str, arguments: dict[str, Any], wrong: list[str]
) -> None:
    assert [w for w, _ in found(("loss",), {"use": f"{parts}:{name}", **arguments})] == wrong


def test_a_function_of_one_image_is_a_transform(parts: Path) -> None:
    use = f"{parts}:scale"
    assert found(("data", "transform", 1), {"use": use, "factor": 2}) == []
    assert [w for w, _ in found(("data", "transform", 1), {"use": use})] == [
        "data.transform.1.image",
        "data.transform.1.factor",
    ]


def test_nested_slots_are_checked_with_their_key_paths(parts: Path) -> None:
    model = {
        "use": "torch.nn.Sequential",
        "args": [
            {"use": "torch.nn.Linear", "in_features": 1},
            {"use": "torch.nn.Sequential", "args": [{"use": "torch.nn.Rellu"}]},
        ],
    }
    assert [w for w, _ in found(("model",), model)] == [
        "model.args.0.out_features",
        "model.args.1.args.0.use",
    ]


def test_a_nested_slot_with_an_optimizer_parameter_gets_the_optimizer(parts: Path) -> None:
    nested = [{"use": f"{SCHEDULERS}.LinearLR"}, {"use": f"{SCHEDULERS}.StepLR"}]
    scheduler = {"use": f"{SCHEDULERS}.SequentialLR", "schedulers": nested, "milestones": [2]}
    assert [w for w, _ in found(("scheduler",), scheduler)] == ["scheduler.schedulers.1.step_size"]
    factory = {"use": f"{parts}:keyword_only"}
    scheduler = {"use": f"{SCHEDULERS}.LambdaLR", "lr_lambda": factory}
    assert [w for w, _ in found(("scheduler",), scheduler)] == ["scheduler.lr_lambda.a"]


@pytest.mark.parametrize(
    ("nested", "where"),
    [
        ({"use": None}, "model.args.0.use"),
        ({"use": 3}, "model.args.0.use"),
        ({"use": "torch.nn.ReLU", "args": 3}, "model.args.0.args"),
        ({"use": "torch.nn.ReLU", "args": "abc"}, "model.args.0.args"),
    ],
)
def test_a_nested_slot_of_the_wrong_shape_is_a_problem(nested: Any, where: str) -> None:
    assert [w for w, _ in found(("model",), {"use": "torch.nn.Sequential", "args": [nested]})] == [
        where
    ]
