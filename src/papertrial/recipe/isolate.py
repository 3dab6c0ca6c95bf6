"""Isolated import of a closure, as a package of its own: recipes never share a module by its name.

The modules of a closure are registered in sys.modules below a name with the digest of their
contents: equal contents give the same modules, in any folder, and different contents give
different ones. An `__import__` in their builtins redirects imports within the closure; sys.path,
import hooks and other names in sys.modules do not change.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.closure import Closure, Module
from papertrial.recipe.reads import Read, note_reads, watch_reads

_PREFIX = "papertrial_code_"
_ENTRY, _READS = "__papertrial_entry__", "__papertrial_reads__"


def import_isolated(closure: Closure) -> ModuleType:
    """Import a closure in isolation, and return the module with its class or function.

    Files that the modules read during the import are recorded on every call.

    Raises:
        RecipeError: a module of the closure raises an exception.
    """
    name = f"{_PREFIX}{closure.digest[:16]}"
    home = sys.modules.get(name)
    if home is None:
        home = _load_all(name, closure)
    read: Sequence[Read] = getattr(home, _READS)
    note_reads(read)
    entry: ModuleType = getattr(home, _ENTRY)
    return entry


@contextlib.contextmanager
def imported_afresh() -> Iterator[None]:
    """Import closures again in the block, as a new process does; restore their modules on exit."""
    kept = _drop_modules()
    try:
        yield
    finally:
        _drop_modules()
        sys.modules.update(kept)


def _drop_modules() -> dict[str, ModuleType]:
    """Remove the modules of all closures from sys.modules; return them by name."""
    names = [name for name in sys.modules if name.startswith(_PREFIX)]
    return {name: sys.modules.pop(name) for name in names}


def _load_all(name: str, closure: Closure) -> ModuleType:
    isolated = _Isolated(name, {module.name: module for module in closure.modules})
    home = ModuleType(name)
    home.__path__ = [] if closure.root is None else [str(closure.root)]
    home.__spec__ = ModuleSpec(name, None, is_package=True)
    home.__package__ = name
    sys.modules[name] = home
    try:
        with watch_reads() as read:
            entry = isolated.load(closure.entry.name)
    except BaseException as error:
        for loaded in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
            del sys.modules[loaded]
        if not isinstance(error, Exception | SystemExit):
            raise
        raise RecipeError(
            f"{_import_failure(closure, error)}: {_cause_and_hint(closure, error)}"
        ) from error
    setattr(home, _ENTRY, entry)
    setattr(home, _READS, tuple(read))
    return home


def _import_failure(closure: Closure, error: BaseException) -> str:
    """Return the file of the isolated code that cannot be imported, and the line that failed."""
    path, line = str(closure.entry.path), ""
    paths = {str(module.path) for module in closure.modules}
    if isinstance(error, SyntaxError) and error.filename in paths:
        path, line = str(error.filename), f":{error.lineno}"
        return f"{path}{line} cannot be imported"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in paths]
    inside = frames[-1] if frames and frames[-1].filename != path else None
    where = f" ({inside.filename}:{inside.lineno})" if inside else ""
    return f"{path} cannot be imported{where}"


def _cause_and_hint(closure: Closure, error: BaseException) -> str:
    """Return the exception of an isolated import, and a hint for a missing module or file."""
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        name = error.name.rpartition(".")[2]
        hint = f"; put {name}.py next to {closure.entry.path.name} or on PYTHONPATH, or install it"
        if error.name.partition(".")[0] in {module.name for module in closure.modules}:
            hint = (
                "; only modules that are imported by a literal name are kept with a run: "
                f"write `import {error.name}`"
            )
    elif isinstance(error, FileNotFoundError) and error.filename:
        hint = "; give the file as an argument in the recipe, so that it is kept with the run"
    return f"{type(error).__name__}: {error}{hint}"


class _Isolated:
    """The modules of one closure, by the names that its code uses."""

    def __init__(self, prefix: str, modules: Mapping[str, Module]) -> None:
        self._prefix, self._modules = prefix, modules
        self._builtins = {**vars(builtins), "__import__": self._import}

    def load(self, name: str) -> ModuleType:
        """Return a module of the closure; import it and its parent packages if necessary."""
        full = f"{self._prefix}.{name}"
        if full in sys.modules:
            return sys.modules[full]
        owner, _, last = name.rpartition(".")
        parent = self.load(owner) if owner else sys.modules[self._prefix]
        if full in sys.modules:  # its package imported it
            return sys.modules[full]
        if name not in self._modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        module = self._new(full, self._modules[name])
        setattr(parent, last, module)
        return module

    def _new(self, full: str, known: Module) -> ModuleType:
        path = str(known.path)
        if known.is_compiled:
            loader = ExtensionFileLoader(full, path)
            spec = importlib.util.spec_from_file_location(full, path, loader=loader)
            assert spec is not None, "the loader is given"
            module = importlib.util.module_from_spec(spec)
            sys.modules[full] = module
            try:
                loader.exec_module(module)
            except BaseException:
                sys.modules.pop(full, None)
                raise
            return module
        module = ModuleType(full)
        spec = ModuleSpec(full, None, origin=path, is_package=known.is_package)
        module.__spec__ = spec
        module.__package__ = full if known.is_package else full.rpartition(".")[0]
        if known.is_package:
            folder = known.path if known.content is None else known.path.parent
            module.__path__ = spec.submodule_search_locations = [str(folder)]
        sys.modules[full] = module  # dataclasses and pickle look up the module of a class
        if known.content is None:
            return module
        module.__file__ = path
        vars(module)["__builtins__"] = self._builtins
        try:
            code = compile(known.content, path, "exec", dont_inherit=True)
            exec(code, vars(module))
        except BaseException:
            sys.modules.pop(full, None)
            raise
        return sys.modules[full]  # a module can replace itself

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  (the names of builtins.__import__)
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """Implement `__import__` with the modules of the closure first."""
        target = self._absolute(name, globals or {}, level) if level else name
        if not level and not self._owns(name):
            found = builtins.__import__(name, globals, locals, fromlist or (), 0)
            return self._importlib(found) if found is importlib else found
        # "from . import x" in a file outside any package has no target.
        module = self.load(target) if target else sys.modules[self._prefix]
        if not fromlist:
            return self.load(target.partition(".")[0])
        wanted = [*fromlist]
        if "*" in wanted:
            wanted += getattr(module, "__all__", ())
        for one in wanted:
            inner = f"{target}.{one}" if target else one
            if inner in self._modules and not hasattr(module, one):
                self.load(inner)
        return module

    def _owns(self, name: str) -> bool:
        """Return whether a name is a module of the closure, or is below a package of it."""
        if name in self._modules:
            return True
        owner = name.rpartition(".")[0]
        known = self._modules.get(owner)
        if known is None:
            return bool(owner) and self._owns(owner)
        return known.content is not None  # a namespace package can have other, installed parts

    def _absolute(self, name: str, where: Mapping[str, object], level: int) -> str:
        """Return the closure's name for a relative import."""
        package = str(where.get("__package__") or self._prefix)
        owners = package.removeprefix(self._prefix).strip(".").split(".")
        owners = [owner for owner in owners if owner]
        if level - 1 > len(owners):
            raise ImportError("attempted relative import beyond top-level package")
        return ".".join([*owners[: len(owners) - level + 1], *([name] if name else [])])

    def _importlib(self, found: ModuleType) -> ModuleType:
        """Return a copy of importlib whose `import_module` looks in the closure first."""
        stand_in = ModuleType(found.__name__)
        vars(stand_in).update(vars(found))
        vars(stand_in)["import_module"] = self._import_module
        return stand_in

    def _import_module(self, name: str, package: str | None = None) -> ModuleType:
        """Implement `importlib.import_module` with the modules of the closure first."""
        bare = name.lstrip(".")
        if level := len(name) - len(bare):
            if not package:
                raise TypeError(f"the 'package' argument is required to import {name!r}")
            if package != self._prefix and not package.startswith(f"{self._prefix}."):
                package = f"{self._prefix}.{package}"
            return self.load(self._absolute(bare, {"__package__": package}, level))
        if name.startswith(f"{self._prefix}."):  # f"{__package__}.name"
            return self.load(name.removeprefix(f"{self._prefix}."))
        return self.load(name) if self._owns(name) else importlib.import_module(name)
