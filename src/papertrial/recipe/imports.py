"""The imports of a Python source, found without running it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

# Calls that load code in a way that cannot be followed in the source, with the text of the note.
_LOADERS = {
    "exec": "runs code from a string (exec)",
    "runpy.run_path": "runs a file (runpy)",
    "runpy.run_module": "runs a module (runpy)",
    "spec_from_file_location": "imports a file by its path",
    "torch.hub.load": "loads code with torch.hub",
    "hub.load": "loads code with torch.hub",
    "load_inline": "compiles code at run time",
    "cpp_extension.load": "compiles code at run time",
    "load_library": "loads a compiled library",
    "CDLL": "loads a compiled library",
}
_PATH_CHANGES = ("append", "insert", "extend", "remove", "pop", "clear")
# Calls that read the file named by their first argument, including compiled readers that raise no
# audit event.
_READERS = (
    "load", "load_file", "load_model", "safe_open", "from_file", "read_parquet", "read_table",
    "load_library", "CDLL", "InferenceSession", "File", "imread", "read_image",
)  # fmt: skip


@dataclass(frozen=True)
class Import:
    """One import: `from ..name import names` has level 2; `import name` has no names."""

    name: str
    level: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """Imports and file accesses of one source.

    Attributes:
        imports: all imports, including those inside functions and branches.
        computed: whether a module is imported by a computed name.
        notes: (line, text) of code loading that cannot be followed.
        files: (line, path) of files passed as constants to functions that read them.
        exported: names in a constant `__all__`, which `import *` imports.
    """

    imports: tuple[Import, ...] = ()
    computed: bool = False
    notes: tuple[tuple[int, str], ...] = ()
    files: tuple[tuple[int, str], ...] = ()
    exported: tuple[str, ...] = ()


@functools.lru_cache(maxsize=4096)
def scan(source: bytes) -> Scan:
    """Return the imports of a Python source; an empty result if it is not valid Python."""
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
            called, text = _dotted_name(node.func), _constant_argument(node)
            if called != "__import__" and not _is_call_of(called, "import_module"):
                notes += ((node.lineno, note) for note in _loading_notes(called))
            elif text is None:
                computed = True
                notes.append((node.lineno, f"imports a module by a computed name ({called})"))
            else:
                bare = text.lstrip(".")
                imports.append(Import(bare, len(text) - len(bare)))
            if text and any(_is_call_of(called, reader) for reader in _READERS):
                files.append((node.lineno, text))
        elif isinstance(node, ast.Assign | ast.AugAssign):
            assigned = [_assigned(one) for one in getattr(node, "targets", ())]
            assigned += [_assigned(node.target)] if isinstance(node, ast.AugAssign) else []
            notes += ((node.lineno, "changes sys.path") for one in assigned if one == "sys.path")
            exported = tuple(_constant_strings(node.value)) if "__all__" in assigned else exported
    return Scan(tuple(imports), computed, tuple(notes), tuple(files), exported)


def _assigned(target: ast.AST) -> str:
    """Return the name that an assignment changes, such as `sys.path`, which imports depend on."""
    return _dotted_name(target.value if isinstance(target, ast.Subscript) else target)


def _loading_notes(called: str) -> Iterator[str]:
    """Yield a note if a call imports or loads code in a way that cannot be followed."""
    for name, note in _LOADERS.items():
        if called == name or (name != "exec" and _is_call_of(called, name)):
            yield note
            return
    owner, _, method = called.rpartition(".")
    if (owner == "sys.path" and method in _PATH_CHANGES) or called == "site.addsitedir":
        yield "changes sys.path"


def _is_call_of(called: str, name: str) -> bool:
    return called == name or called.endswith(f".{name}")


def _dotted_name(node: ast.AST) -> str:
    """Return the dotted name of an expression in a source, such as `importlib.import_module`."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _constant_argument(node: ast.Call) -> str | None:
    """Return the first argument of a call such as `import_module` if it is a constant string."""
    first = node.args[0] if node.args else node.keywords[0].value if node.keywords else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        return first.value
    return None


def _constant_strings(node: ast.AST) -> Iterator[str]:
    for item in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value
