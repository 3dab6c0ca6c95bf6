"""`check` warns about files that the training hash does not cover."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.checks.check_result import CheckResult
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.recipe.content import LARGEST

NET = """from pathlib import Path
from torch import nn

{top}
class Net(nn.Module):
    def __init__(self, weights=None):
        super().__init__()
        self.linear = nn.Linear(64, 10)
        {build}

    def forward(self, x):
        {forward}
        return self.linear(x.flatten(1))
"""
RECIPE = """name: own
task: image-classification
data: {{source: digits, splits: {{test: 0.2}}, batch_size: 64, limit: 100}}
model: {{use: ./net.py:Net{weights}}}
loss: torch.nn.CrossEntropyLoss
optimizer: {{use: torch.optim.SGD, lr: 0.1}}
epochs: 1
"""
TEXTS = """name: texts
task: text-classification
data:
  source: text-table
  path: texts.csv
  table: {text: text, target: target}
  batch_size: 8
  text: {KEY}
model: {use: papertrial.models.BagOfWords, num_embeddings: 100, out_features: 1}
loss: torch.nn.BCEWithLogitsLoss
optimizer: torch.optim.Adam
epochs: 1
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has a recipe, its model and a file to read."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "side.txt").write_text("side")
    write(folder)
    return folder


def write(
    folder: Path, *, top: str = "", build: str = "", forward: str = "", weights: str = ""
) -> None:
    lines = {"top": top, "build": build or "pass", "forward": forward or "pass"}
    (folder / "net.py").write_text(NET.format(**lines))
    (folder / "r.yaml").write_text(RECIPE.format(weights=f", weights: {weights}" * bool(weights)))


def of_files(result: CheckResult) -> list[Diagnosis]:
    return [problem for problem in result.problems if problem.where == "recipe"]


READ = "Path('side.txt').read_text()"


@pytest.mark.parametrize("where", ["top", "build", "forward"])
def test_a_file_that_the_code_reads_by_itself_is_a_warning(where: str, own: Path) -> None:
    write(own, **{where: READ})
    for _ in range(2):  # the second time, the module has been imported already
        result = pt.check("r.yaml")
        (problem,) = of_files(result)
        assert result.ok
        assert problem.severity == "warning"
        assert str(own / "side.txt") in problem.message
        assert "relative to the current folder" in problem.message
        assert "name files as arguments" in problem.fix


def test_a_file_that_an_argument_names_is_covered(own: Path) -> None:
    write(own, build="Path(weights).read_text()", weights="./side.txt")
    assert pt.check("r.yaml").problems == []


def test_code_that_reads_nothing_is_covered(own: Path) -> None:
    (own / "empty").mkdir()
    (own / "empty" / "__init__.py").write_text("")  # which tracing itself reads
    write(own, top="import empty")
    assert pt.check("r.yaml").problems == []


def test_code_that_cannot_be_traced_is_a_warning(own: Path) -> None:
    write(own, top="import sys\nsys.path.append('x')")
    result = pt.check("r.yaml")
    (problem,) = of_files(result)
    assert result.ok
    assert problem.severity == "warning"
    assert "net.py:5" in problem.message


def test_a_file_above_the_copy_limit_is_a_warning(own: Path) -> None:
    for size, warnings in ((LARGEST, 0), (LARGEST + 1, 1)):
        with (own / "big.bin").open("wb") as file:
            file.truncate(size)
        write(own, weights="./big.bin")
        result = pt.check("r.yaml")
        assert result.ok
        assert [str(own / "big.bin") in one.message for one in of_files(result)] == [
            True
        ] * warnings


@pytest.mark.parametrize("limit_passed", [False, True])
def test_word_vectors_above_the_copy_limit_are_a_warning(limit_passed: bool, own: Path) -> None:
    rows = "".join(f"word{i} is here,{'ab'[i % 2]}\n" for i in range(40))
    (own / "texts.csv").write_text("text,target\n" + rows)
    words = "".join(f"word{i} 0.5\n" for i in range(40))
    filler = "x" * (LARGEST // 400) + " 0.5\n"  # tokens of no text
    (own / "mine.txt").write_text(words + filler * (401 if limit_passed else 1))
    (own / "r.yaml").write_text(TEXTS.replace("KEY", "vectors: ./mine.txt"))
    result = pt.check("r.yaml")
    assert result.ok, result.problems
    assert result.facts.vocabulary is not None
    found = [problem for problem in of_files(result) if str(own / "mine.txt") in problem.message]
    assert len(found) == limit_passed


def remove_when_built(folder: Path, name: str) -> None:
    """Make the model remove one of the recipe's files while it is built."""
    gone = folder / name
    write(folder, build=f"Path({str(gone)!r}).unlink(missing_ok=True)", weights="./side.txt")


def remove_vocabulary(folder: Path, name: str) -> None:
    """Name a vocabulary that is not there."""
    (folder / "texts.csv").write_text("text,target\nI like it,a\nnot me,b\n")
    (folder / "r.yaml").write_text(TEXTS.replace("KEY", f"vocabulary_file: {name}"))


@pytest.mark.parametrize(
    ("remove", "name", "where"),
    [
        (remove_when_built, "side.txt", "recipe"),
        (remove_when_built, "net.py", "model"),
        (remove_vocabulary, "words.txt", "data"),
    ],
)
def test_a_named_file_that_has_vanished_is_one_error(
    remove: Callable[[Path, str], None], name: str, where: str, own: Path
) -> None:
    remove(own, name)
    result = pt.check("r.yaml")
    (problem,) = (one for one in result.problems if one.severity == "error")
    assert problem.where == where
    assert str(own / name) in problem.message


def test_a_start_run_that_has_vanished_is_an_error(own: Path) -> None:
    path = pt.train(pt.load_recipe("r.yaml"), runs="runs").path
    start = f"init_from={path}"
    assert pt.check("r.yaml", [start]).problems == []
    shutil.rmtree(path)
    (problem,) = pt.check("r.yaml", [start]).problems
    assert (problem.severity, problem.where) == ("error", "init_from")
