"""Slots: their key paths, what `use` names, arguments checked against the signature."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from papertrial.errors import RecipeError
from papertrial.models import MLP
from papertrial.recipe.check import check_slot
from papertrial.recipe.resolve import resolve
from papertrial.recipe.slots import anchor_files, is_file, map_files, slots_in

SCHEDULERS = "torch.optim.lr_scheduler"
SGD = "torch.optim.SGD"
PARTS = """
import dataclasses
import torch

@dataclasses.dataclass
class Point:
    x: int

class Outer:
    class Inner: ...

value = 3

def absolute(output, target): return (output - target).abs().mean()
def weighted(output, target, weight, *, power=1): ...
def maker(weight): return lambda output, target: weight * absolute(output, target)
def scale(image, factor): return image * factor
def only_positional(a, /, b=1): ...
def keyword_only(*, a): ...
def anything(*args, **kwargs): ...
def decay(rate, steps=1): return lambda epoch: rate ** epoch
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    path = tmp_path / "parts.py"
    path.write_text(PARTS)
    return path


def files_in(tree: dict[str, Any]) -> list[Path]:
    found: dict[Path, None] = {}
    map_files(tree, lambda use: found.setdefault(Path(use.rpartition(":")[0])) or use)
    return list(found)


def found(path: tuple[str | int, ...], value: Any) -> list[tuple[str, str]]:
    return [(p.where, p.message) for p in check_slot(path, value)]


def test_slots_in_names_every_place_of_a_class(tree: dict[str, Any]) -> None:
    tree["scheduler"] = "a.S"
    tree["data"] |= {"transform": ["a.T", {"use": "a.U"}], "augment": ["a.V"]}
    assert list(slots_in(tree)) == [
        (("model",), tree["model"]),
        (("loss",), "torch.nn.MSELoss"),
        (("optimizer",), tree["optimizer"]),
        (("scheduler",), "a.S"),
        (("data", "transform", 0), "a.T"),
        (("data", "transform", 1), {"use": "a.U"}),
        (("data", "augment", 0), "a.V"),
    ]


@pytest.mark.parametrize("data", [None, 3, {"transform": "a.T"}, {"augment": None}])
def test_slots_in_accepts_a_tree_of_any_shape(data: Any) -> None:
    assert list(slots_in({"data": data, "model": None})) == []


@pytest.mark.parametrize(
    ("use", "answer"),
    [("./a.py:B", True), ("/x/a.py:B.C", True), ("a.py.B", False), ("./a.py", False)],
)
def test_is_file(use: str, answer: bool) -> None:
    assert is_file(use) is answer


def test_files_are_anchored_at_any_depth_and_nothing_else_is(tmp_path: Path) -> None:
    value = {
        "model": {
            "use": "./a.py:A",
            "args": [{"use": "../b.py:B"}],
            "n": 3,
            "use_bias": "./x.py:X",
        },
        "loss": {"use": "torch.nn.MSELoss", "deep": {"er": [{"use": "/abs/c.py:C"}]}},
    }
    anchored = anchor_files(value, tmp_path / "recipes")
    assert anchored == {
        "model": {
            "use": f"{tmp_path}/recipes/a.py:A",
            "args": [{"use": f"{tmp_path}/b.py:B"}],
            "n": 3,
            "use_bias": "./x.py:X",
        },
        "loss": {"use": "torch.nn.MSELoss", "deep": {"er": [{"use": "/abs/c.py:C"}]}},
    }
    assert anchor_files(anchored, tmp_path / "elsewhere") == anchored


def test_files_in_lists_each_file_once_in_order() -> None:
    value = [{"use": "/b.py:B", "x": {"use": "/a.py:A"}}, {"use": "/b.py:C"}, {"use": "m.N"}]
    assert files_in({"model": value}) == [Path("/b.py"), Path("/a.py")]


def test_map_files_leaves_the_values_given_as_they_were() -> None:
    value = {"use": "/a.py:A", "args": ({"use": "/b.py:B"},)}
    assert map_files(value, str.upper) == {"use": "/A.PY:A", "args": [{"use": "/B.PY:B"}]}
    assert value == {"use": "/a.py:A", "args": ({"use": "/b.py:B"},)}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"data": {"source": "/a.py:load"}}, ["/a.py"]),
        ({"data": {"source": "digits"}}, []),
        ({"model": {"use": "m.N", "source": "/a.py:load"}}, []),
        ({"model": {"use": "m.N", "x": {"use": "/b.py:B", "source": "/a.py:load"}}}, ["/b.py"]),
    ],
)
def test_a_source_may_name_a_file_and_a_slots_argument_of_that_name_does_not(
    value: dict[str, Any], found: list[str]
) -> None:
    assert files_in(value) == [Path(name) for name in found]
    renamed = map_files(value, lambda use: "new.py:N")
    assert str(renamed).count("new.py:N") == len(found)


def test_resolve_imports_classes_functions_and_what_lies_in_classes(parts: Path) -> None:
    assert resolve("torch.nn.Linear") is torch.nn.Linear
    assert resolve("torch.nn.functional.mse_loss") is torch.nn.functional.mse_loss
    assert resolve("torch.Tensor.abs") is torch.Tensor.abs
    assert resolve("papertrial.models.MLP") is MLP
    assert resolve(f"{parts}:Outer.Inner").__qualname__ == "Outer.Inner"
    assert resolve(f"{parts}:Point")(3).x == 3


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ("torch.nn.Lineer", "torch.nn has no 'Lineer', got use: 'torch.nn.Lineer'; did you mean"),
        ("torch.nn.Linear.x.y", "Linear has no 'x', got use: 'torch.nn.Linear.x.y'"),
        ("tourch.nn.Linear", "no module named 'tourch'"),
        ("tourch.nn.Linear", 'did you mean "torch"?; install it, or give a file as ./file.py:Name'),
        ("math.pi", "a class or function, got 'math.pi', <class 'float'>"),
        ("torch", "package.module.Name or ./file.py:Name, got 'torch'"),
        ("", "package.module.Name or ./file.py:Name, got ''"),
        ("torch..Tensor", "package.module.Name or ./file.py:Name"),
        ("./net.py", "package.module.Name or ./file.py:Name, got './net.py'"),
        ("my net.Net", "package.module.Name or ./file.py:Name"),
        ("/nowhere/net.py:Net", "file '/nowhere/net.py': No such file"),
        ("/tmp/.py:Net", "file '/tmp/.py'"),
    ],
)
def test_resolve_says_what_is_wrong_with_use(use: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(use)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Pont", "parts.py has no 'Pont'"),
        ("Pont", 'did you mean "Point"?'),
        ("", "parts.py has no ''"),
        ("Outer.Iner", "Outer has no 'Iner'"),
        ("value", "use must name a class or function"),
    ],
)
def test_resolve_says_what_a_file_lacks(parts: Path, name: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(f"{parts}:{name}")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\ndef f(:\n", "net.py:2 cannot be imported: SyntaxError"),
        ("1 / 0\n", "net.py cannot be imported: ZeroDivisionError: division by zero"),
        (
            "import beside\n",
            "No module named 'beside'; put beside.py next to net.py or on PYTHONPATH",
        ),
        ("from . import x\n", "cannot be imported: ImportError"),
        ("import sys\nsys.exit(2)\n", "net.py cannot be imported: SystemExit"),
        ("def __getattr__(name):\n    raise ImportError('needs einops')\n", "needs einops"),
    ],
)
def test_a_failing_file_is_a_recipe_error_every_time(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "net.py").write_text(text)
    for _ in range(2):
        with pytest.raises(RecipeError) as caught:
            resolve(f"{tmp_path}/net.py:Net")
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("user_package_1", "import absent_module_x", "No module named 'absent_module_x'"),
        ("user_package_2", "raise RuntimeError('no device')", "RuntimeError: no device"),
    ],
)
def test_a_failing_module_is_not_reported_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str
) -> None:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RecipeError, match=f"importing '{name}' failed: ") as caught:
        resolve(f"{name}.Net")
    assert words in str(caught.value)


def test_the_same_text_is_the_same_module_wherever_it_lies(tmp_path: Path, parts: Path) -> None:
    (tmp_path / "copy").mkdir()
    copied = tmp_path / "copy" / "other.py"
    copied.write_text(PARTS)
    changed = tmp_path / "changed.py"
    changed.write_text(PARTS + "#")
    point = resolve(f"{parts}:Point")
    assert resolve(f"{copied}:Point") is point
    assert resolve(f"{changed}:Point") is not point
    assert sys.modules[point.__module__].Point is point


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
    factory = {"use": f"{parts}:decay"}
    scheduler = {"use": f"{SCHEDULERS}.LambdaLR", "lr_lambda": factory}
    assert [w for w, _ in found(("scheduler",), scheduler)] == ["scheduler.lr_lambda.rate"]


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
