"""The closure of a slot's code: its file, and all modules outside packages that it imports.

Installed packages are identified by their version. All other modules that a recipe's code imports
(files next to it, modules on PYTHONPATH, editable installs) are found by reading the sources,
without importing them, so that they can be hashed, copied and loaded in isolation.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, BuiltinImporter, FrozenImporter, PathFinder
from pathlib import Path
from typing import Any

from papertrial.recipe.content import read_file
from papertrial.recipe.imports import Import, scan
from papertrial.recipe.slots import is_file

_PACKAGE = "__init__.py"
# Never part of a closure, even in an editable install: papertrial must use the same objects.
ENGINE = frozenset(
    ("papertrial", "torch", "torchvision", "torchmetrics", "numpy", "scipy", "sklearn", "PIL")
)


@dataclass(frozen=True)
class Module:
    """One module of a closure.

    Attributes:
        name: dotted name, as used in imports.
        path: the file, or the folder of a namespace package.
        content: the bytes of the file; None for a namespace package.
    """

    name: str
    path: Path
    content: bytes | None

    @property
    def is_package(self) -> bool:
        """Whether it can contain other modules."""
        return self.content is None or self.path.name == _PACKAGE

    @property
    def is_compiled(self) -> bool:
        """Whether it is an extension module rather than Python source."""
        return self.content is not None and self.path.suffix != ".py"

    @property
    def relative(self) -> str:
        """The path of its copy, relative to the folder of the copied closure."""
        owners = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        return "/".join([*owners, _PACKAGE if self.is_package else self.path.name])

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.content or b"").hexdigest()


@dataclass(frozen=True)
class Closure:
    """A slot's code with all modules outside packages that it imports.

    Attributes:
        entry: the module with the slot's class or function, the first of `modules`.
        attribute: name of the class or function in the module, dotted if nested in a class.
        modules: all modules, without duplicates.
        root: for a file, the folder that is searched for imports before sys.path; None for an
            import path.
        packages: top-level names of the installed packages that the code imports.
        not_covered: notes on code loading that could not be followed, each with file and line.
        reads: (file and line, path in the code) of files that the code reads.
    """

    entry: Module
    attribute: str
    modules: tuple[Module, ...]
    root: Path | None
    packages: tuple[str, ...]
    not_covered: tuple[str, ...]
    reads: tuple[tuple[str, str], ...]

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of names and contents, which is the same for a copy in another folder.

        The name of an entry that no module imports does not count. An empty __init__.py does not
        count, because a copy has one for each namespace package.
        """
        listed = sorted((m.name, m.sha256) for m in self.files if m != self.entry)
        alone = "." not in self.entry.name and self.entry.name not in self._imported
        entry = ["" if alone else self.entry.name, self.entry.sha256]
        return hashlib.sha256(json.dumps([entry, listed]).encode()).hexdigest()

    @property
    def files(self) -> list[Module]:
        """The modules with a file, except empty `__init__.py` files."""
        named = (m for m in self.modules if m.content is not None)
        return [m for m in named if m == self.entry or m.content or m.path.name != _PACKAGE]

    @functools.cached_property
    def _imported(self) -> set[str]:
        sources = (m.content for m in self.modules if m.content and not m.is_compiled)
        found = (one for source in sources for one in scan(source).imports)
        return {part for one in found for part in (one.name.partition(".")[0], *one.names)}


def trace(use: str) -> Closure | None:
    """Return the closure of the code that `use` names, by tracing its imports.

    Returns None if it is in an installed package, or does not exist.

    Raises:
        RecipeError: the file in `use` cannot be read.
    """
    if is_file(use):
        path, _, attribute = use.rpartition(":")
        return _trace_file(Path(path), attribute)
    parts = use.split(".")
    if len(parts) < 2 or parts[0] in ENGINE or not all(part.isidentifier() for part in parts):
        return None
    tracer = _Tracer(None)
    for cut in range(1, len(parts)):
        if not tracer.add(".".join(parts[:cut])):
            break
    named = [module for module in tracer.found.values() if module.content is not None]
    if not named:
        return None
    return tracer.closure(named[-1], use.removeprefix(f"{named[-1].name}."))


def _trace_file(path: Path, attribute: str) -> Closure:
    content, owners, root = read_file(path), list[str](), path.parent
    while (root / _PACKAGE).is_file() and root != root.parent:
        owners.insert(0, root.name)
        root = root.parent
    tracer = _Tracer(root)
    for i in range(len(owners)):
        tracer.add(".".join(owners[: i + 1]))
    if path.name == _PACKAGE:
        return tracer.closure(tracer.found[".".join(owners)], attribute)
    stem = re.sub(r"\W", "_", path.stem)
    entry = Module(".".join([*owners, stem]), path, content)
    tracer.found[entry.name] = entry
    return tracer.closure(entry, attribute)


class _Tracer:
    """Follows imports from module to module."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._beside = list[Path]()  # the entry's folder, which Python searches for a script
        self.found: dict[str, Module] = {}
        self._folders: dict[str, list[Path]] = {}  # of namespace packages
        self._installed: dict[str, None] = {}

    def closure(self, entry: Module, attribute: str) -> Closure:
        """Follow all imports of the modules found so far, and return the closure."""
        notes, reads = list[str](), list[tuple[str, str]]()
        self._beside = [entry.path.parent]
        done: set[str] = set()
        while left := [module for name, module in self.found.items() if name not in done]:
            for module in left:
                done.add(module.name)
                if module.is_compiled:
                    notes.append(
                        f"{module.relative} is compiled: its bytes are hashed, but not its sources "
                        "or the libraries that it loads"
                    )
                elif module.content is not None:
                    self._follow(module, notes, reads)
        kept = [m for m in self.found.values() if m.content is not None or self._holds(m.name)]
        modules = (entry, *(module for module in kept if module != entry))
        return Closure(
            entry,
            attribute,
            modules,
            self._root,
            tuple(sorted(self._installed)),
            tuple(dict.fromkeys(notes)),
            tuple(dict.fromkeys(reads)),
        )

    def _holds(self, name: str) -> bool:
        """Return whether a namespace package contains a module of the closure."""
        below = (m for m in self.found.values() if m.content is not None)
        return any(module.name.startswith(f"{name}.") for module in below)

    def _follow(self, module: Module, notes: list[str], reads: list[tuple[str, str]]) -> None:
        """Add the modules that a module imports, its notes and its reads."""
        assert module.content is not None
        seen = scan(module.content)
        package = module.name if module.is_package else module.name.rpartition(".")[0]
        for one in seen.imports:
            self._import(one, package)
        if seen.computed and package:  # it can be any module in the package
            for path in sorted(self._below(package)):
                self.add(f"{package}.{path.stem}")
        notes += (f"{module.relative}:{line}: {note}" for line, note in seen.notes)
        reads += ((f"{module.relative}:{line}", text) for line, text in seen.files)

    def _below(self, package: str) -> Iterator[Path]:
        for folder in self._search(package):
            yield from (path for path in folder.glob("*.py") if path.name != _PACKAGE)

    def _import(self, one: Import, package: str) -> None:
        base = one.name
        if one.level:
            owners = package.split(".") if package else []
            if one.level - 1 > len(owners):
                return  # Python raises ImportError when it runs
            owners = owners[: len(owners) - one.level + 1]
            base = ".".join([*owners, *([base] if base else [])])
        parts = base.split(".") if base else []
        if not all(self.add(".".join(parts[: i + 1])) for i in range(len(parts))):
            return
        owner, names = self.found.get(base), one.names
        if "*" in names and owner is not None and owner.content and not owner.is_compiled:
            names = scan(owner.content).exported
        if base and (owner is None or not owner.is_package):
            return
        for name in names:
            self.add(f"{base}.{name}" if base else name)

    def add(self, name: str) -> bool:
        """Add a module if it exists outside installed packages and its package was added.

        Returns whether the module is part of the closure.
        """
        if name in self.found:
            return True
        owner, _, last = name.rpartition(".")
        if owner and owner not in self.found:
            return False
        if not owner and (name in self._installed or _is_standard(name)):
            return False
        file, portions = _find(last, self._search(owner) if owner else self._top())
        if file is None and not portions and not owner:
            file, portions = _ask_finders(name)
        if file is None and not portions and not owner:
            file, _ = _find(last, self._beside)
        if file is not None and (owner or not self._is_installed(file)):
            self.found[name] = Module(name, file, read_file(file))
            return True
        portions = [folder for folder in portions if not _in_packages(folder)]
        if file is None and portions:
            self.found[name] = Module(name, portions[0], None)
            self._folders[name] = portions
            return True
        if not owner and file is not None and _in_packages(file):
            self._installed[name] = None
        return False

    def _top(self) -> list[Path]:
        first = [] if self._root is None else [self._root]
        return [*first, *(Path(entry or Path.cwd()) for entry in sys.path)]

    def _search(self, package: str) -> list[Path]:
        module = self.found[package]
        return self._folders.get(package) or [module.path.parent]

    def _is_installed(self, file: Path) -> bool:
        """Return whether a top-level module belongs to an installed package or to Python."""
        home = file.parent.parent if file.name == _PACKAGE else file.parent
        on_path = {Path(entry or Path.cwd()) for entry in sys.path}
        if home in (self._root, *self._beside) and home not in on_path:
            return False  # it is next to the recipe's code, which can be in site-packages
        return _in_packages(file) or _in_standard(file)


def _find(last: str, folders: Sequence[Path]) -> tuple[Path | None, list[Path]]:
    """Find a module of a closure: its file in the first folder with one, or namespace folders."""
    portions = []
    for folder in folders:
        inside = folder / last
        files = [
            inside / _PACKAGE,
            *(folder / f"{last}{suffix}" for suffix in EXTENSION_SUFFIXES),
            folder / f"{last}.py",
        ]
        for file in files:
            if file.is_file():
                return file.absolute(), []
        if inside.is_dir():
            portions.append(inside.absolute())
    return None, list(dict.fromkeys(portions))


def _ask_finders(name: str) -> tuple[Path | None, list[Path]]:
    """Find a module of a closure in an editable install, which has its own import finder."""
    for finder in sys.meta_path:
        if finder in (BuiltinImporter, FrozenImporter, PathFinder):
            continue
        find: Any = getattr(finder, "find_spec", None)
        try:
            spec = find and find(name, None, None)
        except Exception:  # a finder of another package can raise anything
            continue
        if spec is not None and spec.origin and Path(spec.origin).is_file():
            return Path(spec.origin).absolute(), []
        if spec is not None and spec.submodule_search_locations:
            return None, [Path(folder).absolute() for folder in spec.submodule_search_locations]
    return None, []


def _is_standard(name: str) -> bool:
    """Return whether a module is never part of a closure: builtin, frozen, or in ENGINE."""
    if name in ENGINE or name in sys.builtin_module_names:
        return True
    return FrozenImporter.find_spec(name) is not None


@functools.cache
def _standard() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    found = [Path(paths[key]) for key in ("stdlib", "platstdlib")]
    return tuple(dict.fromkeys([*found, *(folder.resolve() for folder in found)]))


@functools.cache
def _packages() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    found = [
        paths["purelib"],
        paths["platlib"],
        *site.getsitepackages(),
        site.getusersitepackages(),
    ]
    here = Path(__file__).parents[1]
    return tuple(dict.fromkeys([here, *map(Path, found)]))


def _in_standard(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _standard())


def _in_packages(path: Path) -> bool:
    """Return whether a path is outside every closure: in an installed package or in papertrial."""
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _packages())


def is_installed(path: Path) -> bool:
    """Return whether a file is outside every closure: in a package, in papertrial or in Python."""
    return _in_packages(path) or _in_standard(path)
