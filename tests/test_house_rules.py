"""How the code is written: import direction, file length, what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import papertrial

PACKAGE = Path(papertrial.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]

# What each part may import of papertrial, besides itself. Everything may import errors.
MAY_IMPORT = {
    "errors": set(),
    "models": set(),
    "data": {"errors"},
    "tasks": {"errors", "data"},
    "evaluate": {"errors", "data", "tasks"},
    "training": {"errors", "data", "tasks", "evaluate"},
    "recipe": {"errors"},
    "runs": {"errors"},
}
JOINS = {"experiment", "cli", "__init__", "__main__"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            first, _, rest = module.partition(".")
            if first == "papertrial" and rest:
                parts.add(rest.split(".")[0])
    return parts


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    if part not in JOINS:
        assert imported_parts(path) - {part} <= MAY_IMPORT[part]


def test_the_rule_knows_every_part() -> None:
    assert {part_of(path) for path in FILES} == set(MAY_IMPORT) | JOINS


def test_only_the_experiment_joins_recipe_and_engine() -> None:
    engine = {"data", "tasks", "evaluate", "training"}
    joining = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if imported_parts(path) & engine and imported_parts(path) & {"recipe", "runs"}
    }
    # The command to train shows what the engine tells of a recipe; it joins neither.
    assert joining - {"cli/train.py"} == {"experiment.py"}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 400


def test_the_training_loop_fits_on_one_screen() -> None:
    tree = ast.parse((PACKAGE / "training" / "loop.py").read_text())
    fit = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "fit")
    assert fit.end_lineno is not None
    assert fit.end_lineno - fit.lineno < 75


@pytest.mark.parametrize(
    "code",
    [
        "import papertrial",
        "import papertrial; papertrial.load_recipe",
        "from papertrial.cli.main import make_app; make_app()",
        "from papertrial.cli.list_recipes import list_recipes; list_recipes()",
    ],
)
def test_nothing_slow_is_imported_before_it_is_needed(code: str) -> None:
    check = f"{code}\nimport sys\nslow = {{'torch', 'torchvision', 'sklearn', 'numpy'}}"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{check}\nassert not slow & set(sys.modules), slow & set(sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_there() -> None:
    for name in papertrial.__all__:
        assert getattr(papertrial, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        papertrial.nonsense  # noqa: B018


def test_the_architecture_page_names_every_file() -> None:
    page = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text()
    assert [n for n, path in zip(NAMES, FILES, strict=True) if path.name not in page] == []
