"""Hints on columns as `check` gives them; following the advice removes them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import papertrial as pt
from papertrial.checks.check_result import CheckResult

ROWS = 120
WHO = np.repeat(np.arange(20), 6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has a table of visits and a function that returns it."""
    draw = np.random.default_rng(0)
    level = draw.normal(size=20)[WHO] + draw.normal(0, 0.01, ROWS)
    sick = draw.integers(0, 2, 20)[WHO]
    lines = [
        f"{k},{WHO[k] + 500},{level[k]:.7f},{level[k] ** 2:.7f},{7 - sick[k]},{'ny'[sick[k]]}"
        for k in range(ROWS)
    ]
    header = "row,patient,pressure,pulse,code,sick"
    (tmp_path / "visits.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "notes.csv").write_text(
        "\n".join(["ward,note,sick", *(f"w{WHO[k]},note {k},{'ny'[sick[k]]}" for k in range(ROWS))])
    )
    (tmp_path / "d.py").write_text(
        "import csv\n"
        "def load():\n"
        "    with open('visits.csv') as file:\n"
        "        rows = list(csv.DictReader(file))\n"
        "    x = [[float(row[k]) for k in ('patient', 'pressure', 'pulse')] for row in rows]\n"
        "    y = [row['sick'] for row in rows]\n"
        "    names = ['patient', 'pressure', 'pulse']\n"
        "    return {'train': (x, y), 'features': names}\n"
        "def grouped():\n"
        "    known = load()\n"
        "    return {**known, 'groups': [int(row[0]) for row in known['train'][0]]}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(inputs: int, *overrides: str, **data: Any) -> CheckResult:
    recipe = {
        "name": "visits",
        "task": "table-classification",
        "data": {"source": "table", "path": "visits.csv", "batch_size": 30, **data},
        "model": {"use": "torch.nn.Linear", "in_features": inputs, "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.001},
        "epochs": 1,
    }
    return pt.check(recipe, overrides)


def told(result: CheckResult) -> dict[str, tuple[str, str]]:
    """Return the column that each hint names, with its key and its fix."""
    assert result.ok, result.problems
    pattern = r"rows have a (\w+) that|, but (\w+) (?:numbers|identifies)|^(\w+) alone gives"
    found = {}
    for problem in result.problems:
        if problem.where not in ("data.splits.group", "data.table.features"):
            continue
        match = re.search(pattern, problem.message)
        assert match is not None, problem
        found[match[match.lastindex or 0]] = (problem.where, problem.fix)
    return found


@pytest.mark.usefixtures("folder")
def test_all_hints_of_a_table_and_what_helps() -> None:
    table: dict[str, Any] = {"target": "sick"}
    splits: dict[str, Any] = {"test": 0.25, "stratify": True}
    found = told(check(5, table=table, splits=splits))
    left_out = "leave them out with data.table.features: [patient, pressure, pulse], and make the "
    assert found == {
        "patient": (
            "data.splits.group",
            "set data.splits.group: patient and stratify: false, because group does not go with "
            "it; patient is then not a feature, unless data.table.features names it",
        ),
        "row": ("data.table.features", f"{left_out}model's input fit"),
        "code": ("data.table.features", f"{left_out}model's input fit"),
    }
    table["features"] = ["patient", "pressure", "pulse"]
    assert list(told(check(3, table=table, splits=splits))) == ["patient"]
    splits = {"test": 0.25, "group": "patient"}
    assert told(check(3, table=table, splits=splits)) == {}
    del table["features"]
    assert list(told(check(4, table=table, splits=splits))) == ["row", "code"]  # patient is not one


@pytest.mark.usefixtures("folder")
def test_groups_of_folds_and_of_a_function() -> None:
    table = {"target": "sick", "features": ["pressure", "pulse"]}
    folds = {"folds": 4, "stratify": True}
    found = told(check(2, table=table, splits=folds))
    assert found == {"patient": ("data.splits.group", "set data.splits.group: patient")}
    assert told(check(2, table=table, splits={**folds, "group": "patient"})) == {}
    of_function: dict[str, Any] = {"path": None, "splits": {"test": 0.25}}
    where, fix = told(check(3, source="./d.py:load", **of_function))["patient"]
    assert (where, fix) == (
        "data.splits.group",
        'return "groups", the values of patient, and set data.splits.group: groups',
    )
    of_function["splits"]["group"] = "groups"
    assert told(check(3, source="./d.py:grouped", **of_function)) == {}


@pytest.mark.usefixtures("folder")
def test_groups_of_texts() -> None:
    recipe = {
        "name": "notes",
        "task": "text-classification",
        "data": {
            "source": "text-table", "path": "notes.csv", "batch_size": 30,
            "table": {"text": "note", "target": "sick"}, "splits": {"test": 0.25},
        },
        "model": {"use": "papertrial.models.BagOfWords", "num_embeddings": 200, "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 1,
    }  # fmt: skip
    result = pt.check(recipe)
    assert [p.where for p in result.problems if "ward" in p.message] == ["data.splits.group"]
    result = pt.check(recipe, ["data.splits.group=ward"])
    assert not any("ward" in p.message for p in result.problems)


@pytest.mark.parametrize("name", ["breast-cancer", "diabetes"])
@pytest.mark.usefixtures("folder")
def test_named_tables_have_no_hint(name: str) -> None:
    from papertrial.checks.table_hints import table_hints
    from papertrial.data.sources.named_sets import loading
    from papertrial.data.sources.spec import LoadedSet
    from papertrial.data.splits import cut
    from papertrial.progress import finish

    task = "regression" if name == "diabetes" else "table-classification"
    loss = "torch.nn.MSELoss" if name == "diabetes" else "torch.nn.CrossEntropyLoss"
    recipe = pt.load_recipe(
        {
            "name": name, "task": task, "data": {"source": name, "batch_size": 30},
            "model": "torch.nn.Identity", "loss": loss, "optimizer": "torch.optim.Adam",
            "epochs": 1,
        }
    )  # fmt: skip
    whole = finish(loading(name, Path()))
    cut_set = whole if whole.test is not None else cut(whole, test=0.25)
    assert table_hints(recipe, LoadedSet(whole), cut_set) == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "columns", [{"exclude": ["day", "tags"]}, {"dates": ["day"], "exclude": ["tags"]}]
)
def test_columns_of_dates_and_lists_are_no_obstacle(columns: dict[str, Any]) -> None:
    draw = np.random.default_rng(1)
    table = pa.table(
        {
            "day": [date(2024, 1, 1) + timedelta(days=int(k)) for k in draw.integers(0, 90, ROWS)],
            "tags": [["a"]] * ROWS,
            "size": draw.normal(size=ROWS),
            "sick": [*"ny"] * (ROWS // 2),
        }
    )
    pq.write_table(table, "days.parquet")
    inputs = 1 if "dates" not in columns else 2
    split = {"splits": {"test": 0.25}}
    result = check(inputs, path="days.parquet", table={"target": "sick", **columns}, **split)
    assert [found for found in result.problems if found.severity == "error"] == []
