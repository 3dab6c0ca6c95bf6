"""A check of folds cuts them all, names what is wrong, and tries the smallest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import papertrial as pt


def tree(table: Path, splits: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "cv",
        "task": "table-classification",
        "data": {
            "source": "table", "path": str(table), "table": {"target": "kind"}, "batch_size": 4,
            "splits": splits,
        },
        "model": {"use": "torch.nn.LazyLinear", "out_features": 2},
        "loss": "torch.nn.CrossEntropyLoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 2,
    }  # fmt: skip


def write(path: Path) -> Path:
    rows = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(22)]
    path.write_text("x,who,kind\n" + "\n".join(rows) + "\n")
    return path


def test_the_smallest_fold_is_tried(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv")
    result = pt.check(tree(table, {"folds": 4, "seed": "each"}))
    assert result.ok
    assert result.facts.rows == {"train": 16, "test": 6}
    assert result.facts.notes is not None
    assert result.facts.notes[0].startswith("4 folds of t.csv, 22 rows; fold 0 is checked")
    assert result.facts.streams is not None
    assert "splits" in result.facts.streams.moved


def test_the_estimate_is_for_all_folds(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv")
    cost = pt.check(tree(table, {"folds": 4, "repeats": 2})).facts.cost
    assert cost is not None
    steps = 2 * 4  # two epochs of 16 rows in batches of 4
    assert cost.seconds >= 8 * steps * cost.seconds_per_step


def error(table: Path, splits: dict[str, Any]) -> tuple[str, str]:
    (problem,) = pt.check(tree(table, splits)).problems
    assert problem.severity == "error"
    return problem.where, problem.message


def test_folds_that_cannot_be_cut_are_errors_of_the_data(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv")
    where, message = error(table, {"folds": 23})
    assert where == "data.splits.folds"
    assert "23 folds need at least 23 rows, but t.csv has 22" in message
    _, message = error(table, {"folds": 3, "group": "whom"})
    assert "no column 'whom'" in message
    _, message = error(table, {"folds": 8, "group": "who"})
    assert "8 groups, but t.csv has 7" in message
    table.write_text("x,kind\n" + "".join(f"{i},{'a' if i < 4 else 'b'}\n" for i in range(12)))
    _, message = error(table, {"folds": 3, "draw": "in-order"})
    assert "fold 0" in message
    assert "'a'" in message
