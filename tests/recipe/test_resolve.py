"""What `use` resolves to, and errors that say why an import failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from papertrial.errors import RecipeError
from papertrial.models import MLP
from papertrial.recipe.resolve import resolve


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
    copied.write_text(parts.read_text())
    changed = tmp_path / "changed.py"
    changed.write_text(parts.read_text() + "#")
    point = resolve(f"{parts}:Point")
    assert resolve(f"{copied}:Point") is point
    assert resolve(f"{changed}:Point") is not point
    assert sys.modules[point.__module__].Point is point
