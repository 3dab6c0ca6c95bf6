"""How the code is written: import direction, file length, what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import papertrial

PACKAGE = Path(papertrial.__file__).parent
# The programs of shipped recipes know nothing of papertrial, and are no part of it.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if PACKAGE / "recipes" not in path.parents)
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]

# The layers, lowest first. A part may import the parts of the rows below its own, and itself.
LAYERS = (
    ("errors", "version"),
    ("extras", "hub"),
    ("vocabulary", "numbers", "progress", "record", "model_call", "positions", "weights"),
    ("models", "optimizers", "reading_note"),
    ("claims", "data", "objectives", "programs", "score_tables", "workers"),
    ("recipe", "samplers", "tasks", "tokenizers", "transforms"),
    ("store", "diagnose"),
    ("evaluate", "acceptance"),
    ("training",),
    ("runs",),
    ("checks", "report"),
    ("judging",),
    ("verification",),
    ("auditing",),
    ("cli", "testing"),
    ("__init__", "__main__"),
)
ROW = {part: row for row, parts in enumerate(LAYERS) for part in parts}
# These rows know only files and text, or only arrays: the engine must not leak into them.
ENGINE = {"data", "tasks", "diagnose", "evaluate", "training"}
WITHOUT_THE_ENGINE = (
    "recipe", "store", "claims", "programs", "score_tables", "workers", "judging",
)  # fmt: skip


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
            elif first == "papertrial" and isinstance(node, ast.ImportFrom):
                parts |= {alias.name for alias in node.names}
    return parts


def modules_imported(path: Path) -> set[str]:
    """The modules of papertrial that are named whole: {"recipe.build", "run"}."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    named = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    whole = {node.module or "" for node in nodes} | named
    return {name.removeprefix("papertrial.") for name in whole if name.startswith("papertrial.")}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_part_imports_only_lower_layers(path: Path) -> None:
    part = part_of(path)
    higher = {other for other in imported_parts(path) - {part} if ROW[other] >= ROW[part]}
    assert higher == set()


def test_the_layers_name_every_part_once() -> None:
    listed = [part for parts in LAYERS for part in parts]
    assert sorted(listed) == sorted({part_of(path) for path in FILES})


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_knows_only_files_or_arrays_does_not_import_the_engine(path: Path) -> None:
    if part_of(path) in WITHOUT_THE_ENGINE:
        assert imported_parts(path) & ENGINE == set()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_engine_never_sees_a_recipe_or_a_run_folder(path: Path) -> None:
    if part_of(path) in ENGINE:
        assert imported_parts(path) & {"recipe", "store", "runs"} == set()


def test_only_runs_turns_a_slot_into_an_object() -> None:
    building = {
        part_of(path)
        for path in FILES
        if modules_imported(path) & {"recipe.build", "recipe.resolve"}
    }
    assert building <= {"recipe", "runs"}


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
        "from papertrial.cli.list_recipes import list_command; list_command()",
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


def test_packages_of_extras_are_imported_only_where_a_recipe_needs_them() -> None:
    check = (
        "import sys, papertrial.auditing.audit, papertrial.checks.check_recipe, "
        "papertrial.runs.train\n"
        "extras = {'datasets', 'huggingface_hub', 'tensorboard', 'transformers'}\n"
        "found = extras & set(sys.modules)\n"
        "assert not found, found"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_there() -> None:
    for name in papertrial.__all__:
        assert getattr(papertrial, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        papertrial.nonsense  # noqa: B018


def test_the_architecture_page_names_every_folder() -> None:
    page = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text()
    folders = {path.parent.relative_to(PACKAGE) for path in FILES} - {Path()}
    assert [str(folder) for folder in sorted(folders) if f"{folder.name}/" not in page] == []
    loose = [path.name for path in FILES if path.parent == PACKAGE]
    assert [name for name in loose if name not in page] == []
