"""The README's commands and its recipe do what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import papertrial as pt

README = (Path(__file__).parents[1] / "README.md").read_text()
COMMANDS = re.findall(r"^ {4}(papertrial [^#\n]*)", README, re.MULTILINE)
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[::-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "scans").mkdir()
    for name in ("photo.png", "shoe.png", "scans/one.png"):
        Image.new("L", (28, 28)).save(folder / name)
    data = pt.load_recipe("diabetes-linear").data
    assert data.source == "diabetes"
    from papertrial.data.sources import load

    names = load("diabetes", folder).features
    (folder / "patients.csv").write_text(",".join(names) + "\n" + ",".join("1" * 10) + "\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(
    command: str, folder: Path, papertrial: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    if "fashion-mnist" in command:
        request.getfixturevalue("fashion_mnist")
    command, _, target = command.partition(" > ")
    words = shlex.split(command)[1:]
    for index, word in enumerate(words):
        if word.endswith("<run>"):
            recipe = word.split("/")[1]
            runs = (
                sorted((folder / "runs" / recipe).glob("*")) if recipe != "diabetes-linear" else []
            )
            words[index] = str(
                runs[-1]
                if runs
                else pt.train(pt.load_recipe(recipe, ["epochs=1"]), runs=folder).path
            )
    done = papertrial(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    if target.strip():
        (folder / target.strip()).write_text(done.stdout)


def test_the_recipe_shown_trains(folder: Path) -> None:
    (folder / "shown.yaml").write_text(BLOCKS["yaml"])
    net = README[README.index("where `net.py`") :]
    (folder / "net.py").write_text(net.split("```python\n")[1].split("```")[0])
    run = pt.train(pt.load_recipe(folder / "shown.yaml"), runs=folder)
    assert run.metrics["test"]["accuracy"] > 0.95


def test_the_python_shown_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(BLOCKS["python"], "README.md", "exec"), {})
