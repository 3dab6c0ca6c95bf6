"""A recipe that runs from a folder of its own, with copies of what it depends on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papertrial.errors import RecipeError
from papertrial.recipe.arguments import is_path, map_arguments
from papertrial.recipe.closure import Closure, trace
from papertrial.recipe.content import LARGEST, content_of, files_below
from papertrial.recipe.dependency import Dependency, DependencyKind
from papertrial.recipe.load import to_tree
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_vectors_file, map_uses, read_file
from papertrial.recipe.text import KeyPath, dotted, dump

_NUMBER = re.compile(r"^\d{1,3}-")  # in front of the name of a copy
_HASHED = ("model.safetensors", "preprocess.json")  # of the run that `init_from` names
_OPENED = ("recipe.yaml", "provenance.json")  # without which a folder is not a run


@dataclass(frozen=True)
class Portable:
    """A recipe with its files.

    Attributes:
        text: the recipe as YAML, its paths relative to its own folder.
        files: contents by path relative to that folder.
        dependencies: the same files, where each came from, and what was too large to copy.
        not_covered: what cannot be traced, or was not copied, a sentence each.
        packages: installed packages that the recipe's code imports, by top-level name.
        reads: (file and line, path as the code has it) of files that the code reads.
    """

    text: str
    files: dict[str, bytes]
    dependencies: tuple[Dependency, ...] = ()
    not_covered: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()


def portable(
    recipe: Recipe,
    folder: str = "code",
    sides: Mapping[int, str] | None = None,
    *,
    limit: int = LARGEST,
) -> Portable:
    """Return a recipe with copies of what it depends on, which lie in `folder` beside it.

    Code is always copied; a file or folder that arguments name, a vocabulary, word vectors and the
    run of `init_from` up to `limit` bytes each. Data stay where they are.

    Args:
        recipe: the recipe.
        folder: name of the folder for the copies.
        sides: files of recipes by the number of the claim: the other sides of its differences.
        limit: size in bytes above which a file or a folder is not copied.

    Raises:
        RecipeError: a file is no longer there.
    """
    packed = _Packer(folder, limit)
    tree = map_uses(to_tree(recipe), packed.code)
    tree = map_arguments(tree, packed.argument)
    text: Any = tree["data"].get("text") or {}
    if "vocabulary_file" in text:
        path = Path(text["vocabulary_file"])
        text["vocabulary_file"] = packed.file("vocabulary", "data.text.vocabulary_file", path)
    if is_vectors_file(text.get("vectors", "")):
        text["vectors"] = packed.file("vectors", "data.text.vectors", Path(text["vectors"]))
    if "init_from" in tree:
        tree["init_from"] = packed.run(Path(tree["init_from"]))
    for number, side in (sides or {}).items():
        tree["claims"][number]["versus"] = {"recipe": side}
    return Portable(
        dump(tree),
        packed.files,
        tuple(packed.dependencies.values()),
        tuple(dict.fromkeys(packed.notes)),
        tuple(sorted(packed.packages)),
        tuple(dict.fromkeys(packed.reads)),
    )


class _Packer:
    """Gives each file a place in the folder, and keeps its content."""

    def __init__(self, folder: str, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._rooms: dict[tuple[Path | None, str], str] = {}
        self._copies: dict[Path, str] = {}
        self.files: dict[str, bytes] = {}
        self.dependencies: dict[str, Dependency] = {}
        self.notes: list[str] = []
        self.packages: set[str] = set()
        self.reads: list[tuple[str, str]] = []

    def code(self, use: str) -> str:
        """Copy the closure of what `use` names; return the name of the copy."""
        closure = trace(use)
        if closure is None:
            self.packages.add(use.partition(".")[0])
            return use
        room = self._room(closure)
        for module in closure.modules:
            name, content = f"{room}/{module.relative}", module.content
            if content is None:
                self.files.setdefault(name, b"")  # a package, so that its root is found again
                continue
            self.files[name] = content
            about = (str(module.path), len(content), module.sha256)
            if content or module == closure.entry:
                self.dependencies[name] = _dependency("code", name, *about)
        self.notes += closure.not_covered
        self.packages |= set(closure.packages)
        self.reads += closure.reads
        return f"./{room}/{closure.entry.relative}:{closure.attribute}"

    def _room(self, closure: Closure) -> str:
        """Return the folder for a closure: one that looks elsewhere may find other modules."""
        number = len(self._rooms) + 1
        room = self._folder if number == 1 else f"{self._folder}/{number}"
        places = closure.root, closure.entry.relative.rpartition("/")[0]
        return self._rooms.setdefault(places, room)

    def argument(self, key: KeyPath, text: str) -> str:
        """Copy what an argument names; return the argument of the copy."""
        if not is_path(text):
            return text
        path = Path(text)
        return self.file("folder" if path.is_dir() else "file", dotted(key), path)

    def file(self, kind: DependencyKind, key: str, path: Path) -> str:
        """Copy a file or a folder, if it is small; return the path of the copy, else its own."""
        if path in self._copies:
            return f"./{self._copies[path]}"
        content = content_of(path)
        if content.bytes > self._limit:
            self._too_large(key, path, content.bytes)
            kept = _dependency(kind, key, str(path), content.bytes, content.sha256, copied=False)
            self.dependencies[key] = kept
            return str(path)
        name = self._copies[path] = self._free(path)
        if path.is_dir():
            inside = {f"{name}/{one}": read_file(path / one) for one in files_below(path)}
            digest = content.sha256
            self.files |= inside
        else:
            self.files[name] = read_file(path)
            digest = hashlib.sha256(self.files[name]).hexdigest()
        if digest != content.sha256:
            raise RecipeError(f"{key}: {path} was changed while it was read; run again")
        self.dependencies[name] = _dependency(kind, name, str(path), content.bytes, digest)
        return f"./{name}"

    def _free(self, path: Path) -> str:
        """Return a place for a copy that no other file has, and that no import can mean.

        The copy of a copy has the same place.
        """
        taken = {name.casefold() for name in (*self._copies.values(), *self.files)}
        taken |= {name.rpartition("/")[0] for name in taken}
        bare = _NUMBER.sub("", path.name) or path.name
        name, number = bare, 2
        if path.is_dir() or path.suffix == ".py":
            name = f"1-{bare}"
        while f"{self._folder}/{name}".casefold() in taken:
            name, number = f"{number}-{bare}", number + 1
        return f"{self._folder}/{name}"

    def run(self, path: Path) -> str:
        """Copy what of a run a training starts from, if it is small."""
        there = [_HASHED[0], *(name for name in _HASHED[1:] if (path / name).is_file())]
        sizes = {name: content_of(path / name) for name in there}
        total = sum(size.bytes for size in sizes.values())
        copied = total <= self._limit
        home = f"{self._folder}/init-from" if copied else "init_from"
        for name, content in sizes.items():
            about = (str(path / name), content.bytes, content.sha256)
            kept = _dependency("run", f"{home}/{name}", *about, copied=copied)
            self.dependencies[kept.name] = kept
        if not copied:
            self._too_large("init_from", path, total)
            return str(path)
        for name in (*sizes, *(one for one in _OPENED if (path / one).is_file())):
            self.files[f"{home}/{name}"] = read_file(path / name)
        return f"./{home}"

    def _too_large(self, key: str, path: Path, size: int) -> None:
        self.notes.append(
            f"{key}: {path} has {size:,} bytes, more than the {self._limit:,} that a run keeps a "
            "copy of; its SHA-256 is kept, and the run needs it where it lies"
        )


def _dependency(
    kind: DependencyKind, name: str, path: str, size: int, sha256: str, *, copied: bool = True
) -> Dependency:
    return Dependency(kind=kind, name=name, path=path, bytes=size, sha256=sha256, copied=copied)
