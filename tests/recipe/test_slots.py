"""Slots in plain values: their key paths, and the files that their `use` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from papertrial.recipe.slots import is_file, map_files, slots_in


def files_in(tree: dict[str, Any]) -> list[Path]:
    found: dict[Path, None] = {}
    map_files(tree, lambda use: found.setdefault(Path(use.rpartition(":")[0])) or use)
    return list(found)


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
        ({"model": {"use": "m.N", "source": "/a.pyx:load"}}, []),
        ({"model": {"use": "m.N", "x": [{"y": "/a.py:load"}]}}, ["/a.py"]),
        ({"note": ["/a.py:load"], "x": {"y": "/a.py:load"}}, []),
    ],
)
def test_a_source_and_the_arguments_of_slots_may_name_code_in_files(
    value: dict[str, Any], found: list[str]
) -> None:
    assert files_in(value) == [Path(name) for name in found]
    renamed = map_files(value, lambda use: "new.py:N")
    assert str(renamed).count("new.py:N") == len(found)
