"""A recipe with copies of the files that it depends on, so that it can run from one folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from papertrial.errors import RecipeError
from papertrial.hub import PREFIX, is_on_hub
from papertrial.recipe.closure import Closure, trace
from papertrial.recipe.content import LARGEST, content_of, files_below, read_file
from papertrial.recipe.dependency import Dependency, DependencyKind
from papertrial.recipe.digest import PREPROCESSING, WEIGHTS
from papertrial.recipe.file_paths import is_path, is_vectors_file, is_weights_file
from papertrial.recipe.load import to_tree
from papertrial.recipe.plain_values import KeyPath, dotted, list_at, value_at
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import CODE, code_dependencies
from papertrial.recipe.schema import AnyRecipe
from papertrial.recipe.slots import map_arguments, map_uses
from papertrial.recipe.tokenizer_files import tokenizer_content, tokenizer_files
from papertrial.recipe.yaml_text import dump

_BEHIND = {"papertrial.models.transformer": "transformers"}  # the package of a network
_NUMBER = re.compile(r"^\d{1,3}-")  # the prefix of the name of a copy
# Files in the run folder of `init_from` that are required to load the run.
_OPENED = ("recipe.yaml", "provenance.json")


@dataclass(frozen=True)
class Portable:
    """A recipe with its files.

    Attributes:
        tree: the recipe as plain values, with paths relative to its folder.
        files: contents by path relative to that folder.
        dependencies: a record of each file, including files that were too large to copy.
        not_covered: a sentence for each dependency that was not traced or not copied.
        packages: top-level names of the installed packages that the recipe's code imports.
        reads: (file and line, path in the code) of files that the code reads.
    """

    tree: dict[str, Any]
    files: dict[str, bytes]
    dependencies: tuple[Dependency, ...] = ()
    not_covered: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()

    @cached_property
    def text(self) -> str:
        """The recipe as YAML; writing it takes 10 ms, and most callers need the files alone."""
        return dump(self.tree)


def portable(
    recipe: AnyRecipe,
    folder: str = "code",
    sides: Mapping[int, str] | None = None,
    *,
    limit: int = LARGEST,
) -> Portable:
    """Return a portable recipe, with copies of the files that it depends on in `folder` next to it.

    Code is always copied. Files and folders in arguments, a vocabulary, word vectors and what
    `init_from` names are copied up to `limit` bytes each. Data are not copied. The files of a
    program are listed, but their contents are not among `files`: they keep modes and links when
    they are copied.

    Args:
        recipe: the recipe.
        folder: name of the folder for the copies.
        sides: index of a claim -> file of the other recipe of its difference.
        limit: size in bytes above which a file or folder is not copied.

    Raises:
        RecipeError: a file no longer exists.
    """
    if isinstance(recipe, ProgramRecipe):
        return _portable_program(recipe, sides or {})
    packed = _Packer(folder, limit)
    tree = map_uses(to_tree(recipe), packed.code)
    tree = map_arguments(tree, packed.argument)
    text = value_at(tree, "data.text")
    if isinstance(text, dict):
        if "vocabulary_file" in text:
            path = Path(text["vocabulary_file"])
            text["vocabulary_file"] = packed.file("vocabulary", "data.text.vocabulary_file", path)
        if is_vectors_file(text.get("vectors", "")):
            text["vectors"] = packed.file("vectors", "data.text.vectors", Path(text["vectors"]))
        if not is_on_hub(text.get("tokenizer", PREFIX)):
            text["tokenizer"] = packed.tokenizer(Path(text["tokenizer"]))
    if recipe.start is not None:
        path = Path(recipe.start.weights)
        copied = (
            packed.file("weights", "init_from", path) if is_weights_file(path) else packed.run(path)
        )
        given = tree["init_from"]
        tree["init_from"] = {**given, "weights": copied} if isinstance(given, dict) else copied
    _set_sides(tree, sides or {})
    if recipe.model.use in _BEHIND:
        packed.packages.add(_BEHIND[recipe.model.use])
    return Portable(
        tree,
        packed.files,
        tuple(packed.dependencies.values()),
        tuple(dict.fromkeys(packed.notes)),
        tuple(sorted(packed.packages)),
        tuple(dict.fromkeys(packed.reads)),
    )


def _portable_program(recipe: ProgramRecipe, sides: Mapping[int, str]) -> Portable:
    """Return a program's recipe with its folder beside it; the files are copied apart."""
    tree = to_tree(recipe)
    program = tree["program"]
    if not recipe.program.in_place:
        program.pop("git", None)
        program["folder"] = f"./{CODE}"
    _set_sides(tree, sides)
    return Portable(tree, {}, code_dependencies(recipe.program))


def _set_sides(tree: Mapping[str, object], sides: Mapping[int, str]) -> None:
    """Set the file of the other recipe of each difference, by the index of its claim."""
    for number, side in sides.items():
        claim = list_at(tree, "claims")[number]
        assert isinstance(claim, dict), "a valid recipe has claims that are mappings"
        claim["versus"] = {"recipe": side}


class _Packer:
    """Assigns each file a path in the folder, and collects contents and records."""

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
        """Copy the closure of `use`; return the `use` of the copy."""
        closure = trace(use)
        if closure is None:
            self.packages.add(re.split("[.:]", use, maxsplit=1)[0])
            return use
        room = self._room(closure)
        for module in closure.modules:
            name, content = f"{room}/{module.relative}", module.content
            if content is None:
                self.files.setdefault(
                    name, b""
                )  # makes it a package, so that its root is found again
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
        """Return the folder for a closure, one for each search path for imports."""
        number = len(self._rooms) + 1
        room = self._folder if number == 1 else f"{self._folder}/{number}"
        places = closure.root, closure.entry.relative.rpartition("/")[0]
        return self._rooms.setdefault(places, room)

    def argument(self, key: KeyPath, text: str) -> str:
        """Copy the file or folder of an argument; return the argument for the copy."""
        if not is_path(text):
            return text
        path = Path(text)
        return self.file("folder" if path.is_dir() else "file", dotted(key), path)

    def file(self, kind: DependencyKind, key: str, path: Path) -> str:
        """Copy a file or folder up to the limit; return the path of the copy, else the original."""
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
            raise RecipeError(f"{key}: {path} changed while it was being read; run again")
        self.dependencies[name] = _dependency(kind, name, str(path), content.bytes, digest)
        return f"./{name}"

    def tokenizer(self, path: Path) -> str:
        """Copy the files of a tokenizer; a run keeps the tokenizer itself in preprocess.json."""
        key, content = "data.text.tokenizer", tokenizer_content(path)
        copied = content.bytes <= self._limit
        name = f"{self._folder}/tokenizer" if copied else key
        about = (str(path), content.bytes, content.sha256)
        self.dependencies[name] = _dependency("tokenizer", name, *about, copied=copied)
        if not copied:
            self._too_large(key, path, content.bytes, "a new training")
            return str(path)
        self.packages.add("tokenizers")
        self.files |= {f"{name}/{one}": read_file(path / one) for one in tokenizer_files(path)}
        return f"./{name}"

    def _free(self, path: Path) -> str:
        """Return an unused path for a copy that no import can refer to.

        A copy of a copy gets the same path.
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
        """Copy the files of a run that training starts from, up to the limit."""
        hashed = [WEIGHTS, *([PREPROCESSING] if (path / PREPROCESSING).is_file() else [])]
        sizes = {name: content_of(path / name) for name in hashed}
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

    def _too_large(self, key: str, path: Path, size: int, needed_by: str = "the run") -> None:
        self.notes.append(
            f"{key}: {path} has {size:,} bytes and was not copied, because the limit is "
            f"{self._limit:,} bytes; its SHA-256 is recorded, and {needed_by} needs the original"
        )


def _dependency(
    kind: DependencyKind, name: str, path: str, size: int, sha256: str, *, copied: bool = True
) -> Dependency:
    return Dependency(kind=kind, name=name, path=path, bytes=size, sha256=sha256, copied=copied)
