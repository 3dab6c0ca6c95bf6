"""What a Python source imports, and what of it cannot be known without running it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

# Calls that load code in a way that a look at the source cannot follow, and how a note names them.
_LOADERS = {
    "exec": "runs code from a text (exec)",
    "runpy.run_path": "runs a file (runpy)",
    "runpy.run_module": "runs a module (runpy)",
    "spec_from_file_location": "imports a file by its path",
    "torch.hub.load": "loads code by torch.hub",
    "hub.load": "loads code by torch.hub",
    "load_inline": "compiles code at run time",
    "cpp_extension.load": "compiles code at run time",
    "load_library": "loads a compiled library",
    "CDLL": "loads a compiled library",
}
_PATH_CHANGES = ("append", "insert", "extend", "remove", "pop", "clear")
# Calls whose first text is a file that is read, also by compiled code that Python does not see.
_READERS = (
    "load", "load_file", "load_model", "safe_open", "from_file", "read_parquet", "read_table",
    "load_library", "CDLL", "InferenceSession", "File", "imread", "read_image",
)  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One import: `from ..name import names` has level 2; a plain import has no names."""

    name: str
    level: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """What a look at a source finds.

    Attributes:
        imports: everything that it imports, also inside functions and branches.
        computed: whether it imports a module by a name that is computed.
        notes: (line, what it does that cannot be followed).
        files: (line, path) of files that it names where it calls a function that reads them.
        exported: names in a constant `__all__`, which `import *` imports.
    """

    imports: tuple[Import, ...] = ()
    computed: bool = False
    notes: tuple[tuple[int, str], ...] = ()
    files: tuple[tuple[int, str], ...] = ()
    exported: tuple[str, ...] = ()


@functools.lru_cache(maxsize=4096)
def scan(source: bytes) -> Scan:
    """Return what a source imports; nothing for one that is not valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # reported when it is imported
        return Scan()
    imports, notes, files = list[Import](), list[tuple[int, str]](), list[tuple[int, str]]()
    computed, exported = False, tuple[str, ...]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            imports.append(Import(node.module or "", node.level, names))
        elif isinstance(node, ast.Call):
            called, text = _dotted(node.func), _text(node)
            if called != "__import__" and not _named(called, "import_module"):
                notes += ((node.lineno, said) for said in _cannot_follow(called))
            elif text is None:
                computed = True
                notes.append((node.lineno, f"imports a module by a computed name ({called})"))
            else:
                bare = text.lstrip(".")
                imports.append(Import(bare, len(text) - len(bare)))
            if text and any(_named(called, reader) for reader in _READERS):
                files.append((node.lineno, text))
        elif isinstance(node, ast.Assign | ast.AugAssign):
            assigned = [_assigned(one) for one in getattr(node, "targets", ())]
            assigned += [_assigned(node.target)] if isinstance(node, ast.AugAssign) else []
            notes += ((node.lineno, "changes sys.path") for one in assigned if one == "sys.path")
            exported = tuple(_texts(node.value)) if "__all__" in assigned else exported
    return Scan(tuple(imports), computed, tuple(notes), tuple(files), exported)


def _assigned(target: ast.AST) -> str:
    """Return the name of what an assignment changes: of `a.b[0]` it is `a.b`."""
    return _dotted(target.value if isinstance(target, ast.Subscript) else target)


def _cannot_follow(called: str) -> Iterator[str]:
    """Yield what a call does that cannot be followed."""
    for name, said in _LOADERS.items():
        if called == name or (name != "exec" and _named(called, name)):
            yield said
            return
    owner, _, method = called.rpartition(".")
    if (owner == "sys.path" and method in _PATH_CHANGES) or called == "site.addsitedir":
        yield "changes sys.path"


def _named(called: str, name: str) -> bool:
    return called == name or called.endswith(f".{name}")


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` of a name with attributes; the attributes alone of any other expression."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _text(node: ast.Call) -> str | None:
    """Return the first argument of a call where it is a constant text."""
    first = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return None


def _texts(node: ast.AST) -> Iterator[str]:
    for item in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value
