"""`papertrial new`: a folder that is whole as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import papertrial as pt

Invoke = Callable[..., Result]


@pytest.fixture
def made(invoke: Invoke, tmp_path: Path) -> Path:
    assert invoke("new", tmp_path / "my-paper").exit_code == 0
    return tmp_path / "my-paper"


def test_it_writes_three_files_and_says_what_is_next(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("new", tmp_path / "a" / "my-paper")
    folder = tmp_path / "a" / "my-paper"
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.py", "recipe.yaml", "test_recipe.py",
    ]  # fmt: skip
    assert done.stdout.splitlines()[1:] == [
        f"  papertrial check {folder}/recipe.yaml",
        f"  papertrial train {folder}/recipe.yaml",
    ]
    assert not any("{" in path.name for path in folder.iterdir())


def test_check_accepts_it_as_it_is(invoke: Invoke, made: Path) -> None:
    done = invoke("check", made / "recipe.yaml")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == f"{made}/recipe.yaml: ok; 0 errors, 0 warnings"


def test_its_test_passes_in_its_folder(made: Path) -> None:
    plain = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=made, env=plain, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_what_it_writes_is_formatted_as_the_package_is(made: Path) -> None:
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "-q"]
    done = subprocess.run([*command, made], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["123", "null", "true", "1e3", "2024-01-01", "a.b_c-D", "x" * 200])
def test_a_name_that_yaml_could_take_for_something_else(
    invoke: Invoke, name: str, tmp_path: Path
) -> None:
    assert invoke("new", tmp_path / name).exit_code == 0
    assert pt.load_recipe(tmp_path / name / "recipe.yaml").name == name


@pytest.mark.parametrize(
    "name", ["-x", "a b", ".hidden", "_x", "caf\u00e9", "a:b", "{name}", ".", ".."]
)
def test_a_name_that_no_recipe_can_have_is_refused(
    invoke: Invoke, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = invoke("new", "--", name)
    assert done.exit_code == 2
    assert "a recipe's name consists of letters, digits, '.', '_' and '-'" in done.stderr
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.py").write_text("precious")
    (tmp_path / "file").write_text("precious")
    for name in ("mine", "file"):
        done = invoke("new", tmp_path / name)
        assert done.exit_code == 2
        assert f"{tmp_path / name} already exists; choose another name" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["model.py"]
    assert (tmp_path / "mine" / "model.py").read_text() == "precious"
    assert (tmp_path / "file").read_text() == "precious"


def test_an_empty_folder_is_filled(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert invoke("new", tmp_path / "empty").exit_code == 0
    assert (tmp_path / "empty" / "recipe.yaml").is_file()


@pytest.mark.parametrize("name", ["/dev/null/x", "x" * 300])
def test_a_place_that_cannot_be_written_is_told(invoke: Invoke, name: str) -> None:
    done = invoke("new", name)
    assert done.exit_code == 2
    assert f"cannot write {name}: " in done.stderr
