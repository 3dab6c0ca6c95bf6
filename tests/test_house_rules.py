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
ENGINE = {"data", "tasks", "evaluate", "training"}
MAY_IMPORT = {
    "errors": set(),
    "models": set(),
    "data": set(),
    "tasks": {"data"},
    "evaluate": {"data", "tasks"},
    "training": {"data", "tasks", "evaluate"},
    "recipe": set(),
    "runs": set(),
    "claims": set(),
    "report": set(),
    "workers": set(),
    # A recipe's objects know nothing of the folder that their run is kept in.
    "experiment": ENGINE | {"recipe"},
    "tracing": {"recipe", "runs"},
    "run": ENGINE | {"recipe", "runs", "experiment", "tracing"},
    "checking": ENGINE | {"recipe", "experiment", "run"},
    "evaluation": ENGINE | {"recipe", "runs", "experiment", "run"},
    "reading": {"tasks", "evaluate", "runs", "run"},
    "mistakes": ENGINE | {"runs", "experiment", "run", "reading"},
    "registration": {"recipe", "claims"},
    "reporting": {"recipe", "registration", "runs", "report", "run", "reading", "mistakes"}
    | {"tracing"},
    "seed_run": ENGINE | {"recipe", "runs", "run", "tracing"},
    "seed_pool": {"claims", "runs", "seed_run", "workers"},
    "verification_report": {"claims", "recipe", "registration", "reporting", "run", "runs"}
    | {"verdicts"},
    "verdicts": ENGINE | {"recipe", "claims", "registration", "experiment"},
    "verification": ENGINE
    | {"recipe", "runs", "claims", "experiment", "registration", "workers", "reporting"}
    | {"seed_run", "seed_pool", "verdicts", "verification_report"},
    "auditing": ENGINE
    | {"recipe", "runs", "claims", "registration", "experiment", "run", "reading"}
    | {"seed_run", "seed_pool", "verdicts", "verification", "verification_report"}
    | {"report", "reporting", "tracing"},
    # The command line makes nothing itself: it asks run, checking and evaluation, and shows.
    "cli": {"__version__", "data", "evaluate", "training", "recipe"}
    | {"run", "checking", "evaluation", "runs", "reporting"}
    | {"claims", "registration", "verification", "auditing"},
    "__init__": {"recipe", "run", "checking", "evaluation", "verification", "auditing"},
    "__main__": {"cli"},
}


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
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    assert imported_parts(path) - {part, "errors"} <= MAY_IMPORT[part]


def test_the_rule_knows_every_part() -> None:
    assert {part_of(path) for path in FILES} == set(MAY_IMPORT)


def test_no_two_parts_import_each_other() -> None:
    for part, imported in MAY_IMPORT.items():
        for other in imported - {"__version__"}:
            assert part not in MAY_IMPORT[other]


def test_only_the_experiment_turns_a_recipe_into_objects() -> None:
    # Whoever else has a recipe reads plain values of it: a slot becomes a class, or what the class
    # makes, in recipe.resolve and recipe.build alone, and of what stands outside recipe, only
    # experiment.py asks those two. (evaluation.py makes an Evaluator, of objects that it was given,
    # so "no engine object is made elsewhere" would not be true.)
    building = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if part_of(path) != "recipe"
        and modules_imported(path) & {"recipe.build", "recipe.resolve", "recipe.slots"}
    }
    assert building == {"experiment.py"}


def test_only_what_stands_above_the_experiment_joins_recipe_or_runs_and_engine() -> None:
    joining = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if imported_parts(path) & ENGINE and imported_parts(path) & {"recipe", "runs"}
    }
    # The command to train shows what the engine tells of a recipe; it joins neither.
    above = {"run.py", "checking.py", "evaluation.py", "mistakes.py", "verdicts.py"}
    above |= {"auditing/runs.py", "auditing/retrained.py", "verification.py"}
    # What is stored is read again with the task's own meaning, and seeds are trained by run.py: no
    # recipe is turned into anything.
    beside = {"reading.py", "seed_run.py", "cli/train.py", "cli/verify.py"}
    beside |= {"auditing/__init__.py", "auditing/rebuilt.py", "auditing/verdicts.py"}
    assert joining - beside == {"experiment.py", *above}
    using = {str(p.relative_to(PACKAGE)) for p in FILES if "experiment" in imported_parts(p)}
    assert using == above


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
