"""The closure of a slot's code: which modules are found, hashed and loaded."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import RecipeError
from papertrial.recipe.closure import Closure, trace
from papertrial.recipe.digest import training_hash
from papertrial.recipe.isolate import import_isolated
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import portable
from papertrial.recipe.resolve import resolve

Files = dict[str, str]


def write(folder: Path, files: Files) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def closure_of(use: str) -> Closure:
    closure = trace(use)
    assert closure is not None
    return closure


def names(closure: Closure) -> set[str]:
    return {module.name for module in closure.modules}


def copied(closure: Closure, folder: Path) -> str:
    """Write a closure as a run keeps it; return the `use` of the copy."""
    for module in closure.modules:
        path = folder / module.relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(module.content or b"")
    return f"{folder}/{closure.entry.relative}:{closure.attribute}"


# Each is a program: its files, the entry, what `answer()` returns, and the modules of its closure.
PROGRAMS: dict[str, tuple[Files, str, Any, set[str]]] = {
    "a file alone": ({"net.py": "def answer(): return 1"}, "net.py", 1, {"net"}),
    "a sibling": (
        {"net.py": "from layers import W\ndef answer(): return W", "layers.py": "W = 2"},
        "net.py", 2, {"net", "layers"},
    ),
    "a sibling of a sibling, as a module": (
        {
            "net.py": "import a as b\ndef answer(): return b.c.W",
            "a.py": "import c", "c.py": "W = 3", "other.py": "",
        },
        "net.py", 3, {"net", "a", "c"},
    ),
    "a package with relative imports": (
        {
            "pkg/__init__.py": "", "pkg/net.py": "from .parts import conv\nfrom . import act\n"
            "def answer(): return conv.C + act.A",
            "pkg/parts/__init__.py": "", "pkg/parts/conv.py": "from ..act import A\nC = A + 1",
            "pkg/act.py": "A = 1",
        },
        "pkg/net.py", 3, {"pkg", "pkg.net", "pkg.parts", "pkg.parts.conv", "pkg.act"},
    ),
    "relative imports without a package": (
        {"net.py": "from .layers import W\nfrom . import more\ndef answer(): return W + more.M",
         "layers.py": "W = 2", "more.py": "M = 3"},
        "net.py", 5, {"net", "layers", "more"},
    ),
    "a package of a file": (
        {
            "net.py": "import blocks.conv, blocks.act as act\n"
            "def answer(): return blocks.conv.C + act.A",
            "blocks/__init__.py": "", "blocks/conv.py": "C = 4", "blocks/act.py": "A = 1",
        },
        "net.py", 5, {"net", "blocks", "blocks.conv", "blocks.act"},
    ),
    "a folder without __init__": (
        {"net.py": "from blocks.conv import C\ndef answer(): return C", "blocks/conv.py": "C = 5"},
        "net.py", 5, {"net", "blocks", "blocks.conv"},
    ),
    "everything of a package": (
        {
            "net.py": "from pkg import *\ndef answer(): return inner.I",
            "pkg/__init__.py": "__all__ = ['inner']", "pkg/inner.py": "I = 6",
        },
        "net.py", 6, {"net", "pkg", "pkg.inner"},
    ),
    "inside a function": (
        {"net.py": "def answer():\n    import late\n    from late import L\n    return L + late.L",
         "late.py": "L = 3"},
        "net.py", 6, {"net", "late"},
    ),
    "a circle": (
        {
            "net.py": "import a\nN = 1\ndef answer(): return a.of() + a.b.B",
            "a.py": "import b\nimport net\ndef of(): return net.N", "b.py": "import a\nB = 6",
        },
        "net.py", 7, {"net", "a", "b"},
    ),
    "by a constant name": (
        {
            "net.py": "import importlib\nfrom importlib import import_module\n"
            "def answer(): return importlib.import_module('x').X + import_module('y').Y",
            "x.py": "X = 1", "y.py": "Y = 7",
        },
        "net.py", 8, {"net", "x", "y"},
    ),
    "by a computed name, in a package": (
        {
            "pkg/__init__.py": "import importlib\nfound = [importlib.import_module("
            "f'.{name}', __package__) for name in ('one', 'two')]\n"
            "def answer(): return sum(module.N for module in found)",
            "pkg/one.py": "N = 4", "pkg/two.py": "N = 5",
        },
        "pkg/__init__.py", 9, {"pkg", "pkg.one", "pkg.two"},
    ),
    "a name of the standard library": (
        {"net.py": "import statistics\nimport math\nimport os.path\n"
         "def answer(): return statistics.X + math.floor(1.5)", "statistics.py": "X = 9"},
        "net.py", 10, {"net", "statistics"},
    ),
    "what is not there": (
        {"net.py": "try:\n    import absent_one\nexcept ImportError:\n    absent_one = None\n"
         "def answer(): return absent_one"},
        "net.py", None, {"net"},
    ),
    "where the file lies, in a package": (
        {"proj/__init__.py": "", "proj/net.py": "import layers\ndef answer(): return layers.W",
         "proj/layers.py": "W = 11"},
        "proj/net.py", 11, {"proj", "proj.net", "layers"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_closure_is_found_loaded_and_copied(name: str, tmp_path: Path) -> None:
    files, entry, answer, modules = PROGRAMS[name]
    before, path = set(sys.modules), list(sys.path)
    use = f"{write(tmp_path / 'mine', files)}/{entry}:answer"
    closure = closure_of(use)
    assert names(closure) == modules
    assert resolve(use)() == answer
    copy = copied(closure, tmp_path / "copy" / "code")
    assert names(closure_of(copy)) == modules
    assert closure_of(copy).digest == closure.digest
    assert resolve(copy)() == answer
    own = {name for name in set(sys.modules) - before if not name.startswith("papertrial_code_")}
    assert not own & modules - {"statistics"}
    assert sys.path == path


@pytest.mark.parametrize("name", [name for name, made in PROGRAMS.items() if len(made[0]) > 1])
def test_each_module_of_a_closure_counts(name: str, tmp_path: Path) -> None:
    files, entry, _, modules = PROGRAMS[name]
    folder = write(tmp_path, files)
    use = f"{folder}/{entry}:answer"
    first = closure_of(use)
    for module in first.modules:
        if not module.content:
            continue
        module.path.write_bytes(module.content + b"\n# changed\n")
        assert closure_of(use).digest != first.digest, module.name
        module.path.write_bytes(module.content)
    assert closure_of(use).digest == first.digest
    (folder / "not_imported.py").write_text("x = 1")
    assert names(closure_of(use)) == modules | (
        {"pkg.not_imported"} if (folder / "pkg/not_imported.py").exists() else set()
    )


def test_two_programs_with_siblings_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    net = "from layers import W\nimport late_one\n"
    net += "def answer():\n    import layers\n    return W, layers.W"
    for name, width in (("a", 2), ("b", 3)):
        write(tmp_path / name, {"net.py": net, "layers.py": f"W = {width}", "late_one.py": ""})
    ours, theirs = (resolve(f"{tmp_path}/{name}/net.py:answer") for name in ("a", "b"))
    assert (ours(), theirs(), ours()) == ((2, 2), (3, 3), (2, 2))
    assert "layers" not in sys.modules


def test_a_changed_sibling_is_loaded_with_the_same_entry(tmp_path: Path) -> None:
    write(tmp_path, PROGRAMS["a sibling"][0])
    use = f"{tmp_path}/net.py:answer"
    assert resolve(use)() == 2
    (tmp_path / "layers.py").write_text("W = 20")
    assert resolve(use)() == 20


def test_classes_are_found_by_dataclasses_and_pickle(tmp_path: Path) -> None:
    write(tmp_path, {
        "net.py": "import dataclasses\nfrom base import Base\n@dataclasses.dataclass\n"
        "class Point(Base):\n    x: 'int' = 3\n    y: list[int] = dataclasses.field("
        "default_factory=list)\n",
        "base.py": "class Base: ...",
    })  # fmt: skip
    point = resolve(f"{tmp_path}/net.py:Point")
    assert pickle.loads(pickle.dumps(point(4))) == point(4)
    assert sys.modules[point.__module__].Point is point


def on_path(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the modules of a folder importable."""
    if kind == "PYTHONPATH":
        monkeypatch.syspath_prepend(folder)
        return

    class Finder:  # as an editable install has one
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            file = folder / name / "__init__.py"
            return importlib.util.spec_from_file_location(name, file) if file.is_file() else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])


@pytest.mark.parametrize("kind", ["PYTHONPATH", "editable"])
def test_modules_from_outside_installed_packages_belong_to_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = {
        "traced_lib/__init__.py": "from .net import answer\n",
        "traced_lib/net.py": "from traced_lib.parts import P\ndef answer(): return P\n",
        "traced_lib/parts.py": "P = 12",
    }
    write(tmp_path / "src", lib)
    write(tmp_path / "mine", {"net.py": "from traced_lib import answer\nimport numpy"})
    on_path(kind, tmp_path / "src", monkeypatch)
    by_file, by_path = f"{tmp_path}/mine/net.py:answer", "traced_lib.net.answer"
    for use in (by_file, by_path, "traced_lib.answer"):
        closure = closure_of(use)
        assert names(closure) >= {"traced_lib", "traced_lib.net", "traced_lib.parts"}
        assert resolve(use)() == 12
        copy = copied(closure, tmp_path / use.replace("/", "_").replace(":", "_"))
        assert closure_of(copy).digest == closure.digest
        (tmp_path / "src/traced_lib/parts.py").write_text("P = 13")
        assert closure_of(use).digest != closure.digest
        assert resolve(use)() == 13
        assert resolve(copy)() == 12
        (tmp_path / "src/traced_lib/parts.py").write_text("P = 12")
    assert closure_of(by_file).packages == ()  # numpy is one of those always recorded
    assert "traced_lib" not in sys.modules


def test_a_namespace_package_on_the_path_is_kept_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "src", {"traced_space/inner/net.py": "def answer(): return __name__"})
    monkeypatch.syspath_prepend(tmp_path / "src")
    closure = closure_of("traced_space.inner.net.answer")
    copy = copied(closure, tmp_path / "copy")
    assert copy.endswith("copy/traced_space/inner/net.py:answer")
    assert closure_of(copy).digest == closure.digest
    assert resolve(copy)().endswith("traced_space.inner.net")


def test_slots_of_several_packages_keep_their_places_when_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tree: dict[str, Any]
) -> None:
    write(tmp_path / "src", {
        "traced_a/__init__.py": "", "traced_a/sub/__init__.py": "",
        "traced_a/sub/net.py": "import random\nfrom ..random import R\ndef answer(): return R",
        "traced_a/random.py": "R = 1", "traced_a/sub/random.py": "1 / 0",
        "traced_b.py": "def answer(): return 2",
    })  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path / "src")
    tree["model"] = {"use": "traced_a.sub.net.answer", "x": {"use": "traced_b.answer"}}
    first = load_recipe(tree, check=False)
    made = portable(first)
    for name, content in made.files.items():
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(content)
    (tmp_path / "run" / "recipe.yaml").write_text(made.text)
    again = load_recipe(tmp_path / "run" / "recipe.yaml", check=False)
    assert training_hash(again) == training_hash(first)
    assert portable(again).text == made.text
    assert portable(again).files == made.files
    assert resolve(again.model.use)() == resolve(first.model.use)() == 1


@pytest.mark.parametrize("use", ["torch.nn.Linear", "papertrial.models.MLP", "math.floor",
                                 "rich.console.Console", "absent_module.Net", "Net"])  # fmt: skip
def test_what_is_installed_has_no_closure(use: str) -> None:
    assert trace(use) is None


def test_installed_packages_that_code_imports_are_named(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": "import rich.console, json\nimport a", "a.py": "import jinja2"})
    closure = closure_of(f"{tmp_path}/net.py:x")
    assert closure.packages == ("jinja2", "rich")


NOT_COVERED = [
    ("import importlib\nimportlib.import_module(name)", "net.py:2: imports a module by a computed"),
    ("x = __import__(name)", "net.py:1: imports a module by a computed name (__import__)"),
    ("exec(text)", "net.py:1: runs code from a string (exec)"),
    ("import sys\nsys.path.append('..')", "net.py:2: changes sys.path"),
    ("import sys\nsys.path += ['..']", "net.py:2: changes sys.path"),
    ("import sys\nsys.path[:0] = ['..']", "net.py:2: changes sys.path"),
    ("import importlib.util as u\nu.spec_from_file_location('a', p)", "imports a file by its path"),
    ("import torch\ntorch.hub.load('a', 'b')", "net.py:2: loads code with torch.hub"),
    ("import torch\ntorch.ops.load_library('a.so')", "net.py:2: loads a compiled library"),
]


@pytest.mark.parametrize(("text", "note"), NOT_COVERED)
def test_what_cannot_be_followed_is_noted_with_its_line(
    text: str, note: str, tmp_path: Path
) -> None:
    write(tmp_path, {"net.py": text})
    (found,) = closure_of(f"{tmp_path}/net.py:x").not_covered
    assert note in found


@pytest.mark.parametrize(
    "text", ["model.exec(1)", "import sys\nx = sys.path", "import sys\nprint(sys.path[0])"]
)
def test_what_is_harmless_is_not_noted(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"net.py": text})
    assert closure_of(f"{tmp_path}/net.py:x").not_covered == ()


def test_a_compiled_module_is_hashed_and_noted(tmp_path: Path) -> None:
    write(tmp_path, {"net.py": "import _ops"})
    compiled = tmp_path / f"_ops{EXTENSION_SUFFIXES[0]}"
    compiled.write_bytes(b"one")
    use = f"{tmp_path}/net.py:x"
    first = closure_of(use)
    assert names(first) == {"net", "_ops"}
    assert first.not_covered[0].startswith(f"{compiled.name} is compiled")
    compiled.write_bytes(b"two")
    assert closure_of(use).digest != first.digest


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"net.py": "import layers", "layers.py": "x = (\n\n"}, "layers.py:1 cannot be imported"),
        ({"net.py": "import layers", "layers.py": "\n1 / 0"}, "layers.py:2): ZeroDivisionError"),
        ({"net.py": "import layers", "layers.py": "import absent_two"}, "named 'absent_two'; put"),
        ({"net.py": "import pkg.absent", "pkg/__init__.py": ""}, "No module named 'pkg.absent'"),
        ({"net.py": "from .. import x"}, "ImportError: attempted relative import beyond"),
    ],
)
def test_a_failure_inside_a_closure_is_reported_with_its_place(
    files: Files, words: str, tmp_path: Path
) -> None:
    write(tmp_path, files)
    for _ in range(2):
        with pytest.raises(RecipeError) as caught:
            resolve(f"{tmp_path}/net.py:x")
        assert words in str(caught.value)
    assert not [name for name in sys.modules if name.startswith("papertrial_code_")
                and str(tmp_path) in str(getattr(sys.modules[name], "__file__", ""))]  # fmt: skip


def test_a_closure_is_loaded_from_the_bytes_that_were_hashed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"net.py": "def answer():\n    import late\n    return late.L", "late.py": "L = 1"},
    )
    entry = import_isolated(closure_of(f"{tmp_path}/net.py:answer"))
    (tmp_path / "late.py").write_text("L = 2")
    assert entry.answer() == 1


def test_a_pth_file_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "src", {"traced_pth.py": "def answer(): return 14"})
    write(tmp_path / "site", {"mine.pth": f"{tmp_path}/src\n"})
    code = (
        f"import site; site.addsitedir({str(tmp_path / 'site')!r})\n"
        "from papertrial.recipe.closure import trace\n"
        "print(trace('traced_pth.answer').entry.path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == f"{tmp_path}/src/traced_pth.py"
