"""The imports of a source in every form, and the files that it reads by a literal name."""

from __future__ import annotations

import pytest

from papertrial.recipe.imports import Import, Scan, scan

IMPORTS = [
    ("import a, b.c as d", [Import("a"), Import("b.c")]),
    ("from a.b import c, d as e", [Import("a.b", 0, ("c", "d"))]),
    ("from . import a", [Import("", 1, ("a",))]),
    ("from ..a import *", [Import("a", 2, ("*",))]),
    ("def f():\n    if 0:\n        import a", [Import("a")]),
    ("import_module('a.b')", [Import("a.b")]),
    ("importlib.import_module('..a', __package__)", [Import("a", 2)]),
    ("__import__('a')", [Import("a")]),
    ("importlib.import_module(name='a')", [Import("a")]),
    ("'import a'", []),
]


@pytest.mark.parametrize(("text", "imports"), IMPORTS)
def test_imports_are_found_in_any_form(text: str, imports: list[Import]) -> None:
    found = scan(text.encode())
    assert list(found.imports) == imports
    assert not found.computed


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("torch.load('w.pt')", [(1, "w.pt")]),
        ("\nload_file('w.safetensors', device=d)", [(2, "w.safetensors")]),
        ("safetensors.safe_open(filename='w')", [(1, "w")]),
        ("torch.save(x, 'w.pt')", []),
        ("torch.load(path)", []),
    ],
)
def test_files_that_are_read_by_name_are_found(text: str, files: list[tuple[int, str]]) -> None:
    assert list(scan(text.encode()).files) == files


@pytest.mark.parametrize("source", [b"def f(:", b"\0", b"# coding: nonsense\n\xff"])
def test_invalid_python_has_no_imports(source: bytes) -> None:
    assert scan(source) == Scan()
