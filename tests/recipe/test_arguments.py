"""Arguments that are code, and numbers for arguments that are tensors."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from papertrial.errors import RecipeError
from papertrial.recipe.argument_types import call_of, in_words, takes_tensor, types_of
from papertrial.recipe.build import build
from papertrial.recipe.check_slots import check_slot

LAMBDA = "torch.optim.lr_scheduler.LambdaLR"
CODE = """
from __future__ import annotations
import torch
from collections.abc import Callable
from torch import Tensor

def warmup(step): return min(1.0, (step + 1) / 4)
def towards(step, total): return 1 - step / total
def make(total): return lambda step: 1 - step / total
def no_argument(): return 1.0

class Net(torch.nn.Module):
    def __init__(self, norm: Callable[..., torch.nn.Module], start: Tensor, both: float | Tensor,
                 bare=None, text: str = "", either: str | Callable = ""):
        super().__init__()
        self.norm, self.start, self.both, self.bare, self.text = norm, start, both, bare, text
        self.either = either
"""


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "code.py").write_text(CODE)
    return f"{tmp_path}/code.py"


def rates(**kwargs: Any) -> list[float]:
    """The first five rates of a LambdaLR, from 1."""
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    scheduler = build("scheduler", LAMBDA, [], kwargs, optimizer)
    seen = []
    for _ in range(5):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def wheres(path: tuple[str, ...], value: object) -> list[str]:
    return [problem.where for problem in check_slot(path, value)]


def test_a_schedule_may_be_a_plain_function_by_name_or_as_a_slot(code: str) -> None:
    warm = [0.25, 0.5, 0.75, 1.0, 1.0]
    falling = pytest.approx([1.0, 0.9, 0.8, 0.7, 0.6])
    forms: list[tuple[Any, Any]] = [
        (f"{code}:warmup", warm),
        ([f"{code}:warmup"], warm),
        ({"use": f"{code}:warmup"}, warm),
        ({"use": f"{code}:towards", "total": 10}, falling),
        ({"use": f"{code}:make", "total": 10}, falling),
        ("math.exp", pytest.approx([1.0, 2.7182818, 7.389056, 20.085537, 54.59815])),
    ]
    for form, expected in forms:
        assert wheres(("scheduler",), {"use": LAMBDA, "lr_lambda": form}) == []
        assert rates(lr_lambda=form) == expected, form


@pytest.mark.parametrize(
    ("form", "where"),
    [
        (":warmpu", ""),
        (":towards", ""),  # called with one argument, needs two
        (":no_argument", ""),
        ({"use": ":towards"}, ".total"),
        ({"use": ":warmup", "total": 3}, ".total"),
    ],
)
def test_a_function_that_does_not_fit_is_told_at_its_key(code: str, form: Any, where: str) -> None:
    form = {**form, "use": code + form["use"]} if isinstance(form, dict) else code + form
    slot = {"use": LAMBDA, "lr_lambda": form}
    assert wheres(("scheduler",), slot) == [f"scheduler.lr_lambda{where}"]


def test_an_import_path_is_code_only_where_something_callable_is_wanted(code: str) -> None:
    kwargs = {"norm": "torch.nn.LayerNorm", "start": 1, "both": 2, "text": "torch.nn.LayerNorm"}
    built = build("model", f"{code}:Net", [], {**kwargs, "bare": "torch.nn.LayerNorm"})
    assert built.norm is nn.LayerNorm
    assert built.text == built.bare == "torch.nn.LayerNorm"
    built = build("model", f"{code}:Net", [], {**kwargs, "bare": f"{code}:warmup"})
    assert built.bare(1) == 0.5
    # The class of a slot is called, even where a class would do.
    built = build("model", f"{code}:Net", [], {**kwargs, "norm": {"use": "torch.nn.ReLU"}})
    assert isinstance(built.norm, nn.ReLU)
    activation = {"d_model": 4, "nhead": 1, "activation": "gelu"}
    layer = build("model", "torch.nn.TransformerEncoderLayer", [], activation)
    assert layer.activation is nn.functional.gelu
    # An argument that takes text or a function keeps a text that cannot be imported.
    kwargs = {"norm": "torch.nn.ReLU", "start": 1, "both": 2, "either": "backbone.fc"}
    assert build("model", f"{code}:Net", [], kwargs).either == "backbone.fc"
    named = build("model", f"{code}:Net", [], {**kwargs, "either": "math.exp"})
    assert named.either is math.exp


def test_the_name_of_what_makes_a_module_is_refused_where_a_module_is_wanted(code: str) -> None:
    named = {"use": "papertrial.objectives.Distillation", "teacher": f"{code}:Net"}
    (problem,) = check_slot(("objective",), named)
    assert problem.where == "objective.teacher"
    assert f"write {{use: {code}:Net}}" in problem.message
    made = {**named, "teacher": {"use": "torch.nn.Linear", "in_features": 1, "out_features": 1}}
    assert check_slot(("objective",), made) == []


def test_code_by_import_path_outside_packages_must_name_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loose_rates.py").write_text("def rate(step): return 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    slot = {"use": LAMBDA, "lr_lambda": "loose_rates.rate"}
    (problem,) = check_slot(("scheduler",), slot)
    assert problem.where == "scheduler.lr_lambda"
    assert "./file.py:name" in problem.message


def test_numbers_become_float_tensors_where_a_tensor_is_wanted(code: str) -> None:
    loss = build("loss", "torch.nn.CrossEntropyLoss", [], {"weight": [1, 0.5]})
    assert torch.equal(loss.weight, torch.tensor([1.0, 0.5]))
    assert torch.equal(
        build("loss", "torch.nn.CrossEntropyLoss", [[2, 1]], {}).weight, torch.tensor([2.0, 1.0])
    )
    loss = build("loss", "torch.nn.BCEWithLogitsLoss", [], {"pos_weight": 20})
    assert torch.equal(loss.pos_weight, torch.tensor(20.0))
    loss = build("loss", "torch.nn.functional.cross_entropy", [], {"weight": [1, 3]})
    assert isinstance(loss, functools.partial)
    assert torch.equal(loss.keywords["weight"], torch.tensor([1.0, 3.0]))
    net = build(
        "model", f"{code}:Net", [], {"norm": "torch.nn.ReLU", "start": [[1], [2]], "both": 3}
    )
    assert torch.equal(net.start, torch.tensor([[1.0], [2.0]]))
    assert type(net.both) is int  # takes a number as well


def test_what_cannot_be_a_tensor_is_told(code: str) -> None:
    cross, net = "torch.nn.CrossEntropyLoss", f"{code}:Net"
    for value in ("balance", True):
        assert wheres(("loss",), {"use": cross, "weight": value}) == ["loss.weight"]
    for value in ("balanced", {"cat": 1.0}, [1.0, 2.0], {"use": "torch.ones", "args": [2]}):
        assert wheres(("loss",), {"use": cross, "weight": value}) == []
    for value in ("balanced", {"cat": 1.0}):  # only the loss knows the classes
        slot = {"use": net, "norm": "torch.nn.ReLU", "start": value, "both": 1}
        assert wheres(("model",), slot) == ["model.start"]
    with pytest.raises(RecipeError, match=r"loss\.weight: cannot be a tensor"):
        build("loss", cross, [], {"weight": [[1.0], [1.0, 2.0]]})


def test_types_of_a_class_whose_annotations_need_typing_names() -> None:
    hints = types_of(torch.optim.lr_scheduler.LambdaLR)
    assert call_of(hints["lr_lambda"]) == (True, 1)
    assert in_words(hints["last_epoch"]) == "a number"
    assert takes_tensor(types_of(nn.NLLLoss)["weight"])
    assert not takes_tensor(types_of(torch.optim.SGD)["lr"])
    assert call_of(types_of(nn.NLLLoss)["weight"]) == (False, None)
    assert types_of(max) == {}
