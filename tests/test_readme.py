"""The README's commands and its recipes do what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

import papertrial as pt
from papertrial.cli.main import make_app
from papertrial.data.sources.named_sets import load

README = (Path(__file__).parents[1] / "README.md").read_text()
Commands = list[tuple[str, str]]


def commands() -> Iterator[tuple[str, str]]:
    """Yield (command, what its block is marked to need) of each indented command."""
    needs, last = "", ""
    for line in README.splitlines():
        if mark := re.fullmatch(r"<!-- needs (.*) -->", line):
            needs = mark[1]
        elif command := re.match(r"^ {4}(papertrial [^#]*)", line):
            yield command[1].strip(), needs
        elif line and not line.startswith(" ") and last.startswith("    "):
            needs = ""  # a mark is for the block after it
        last = line or last


ALL = list(commands())
RUN = [c for c, needs in ALL if "network" not in needs]
PARSED = [c for c, needs in ALL if "network" in needs]
NOT_REPRODUCED = {"papertrial verify digits-mlp-as-svc"}  # exit code 1; all others end with 0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "scans").mkdir()
    for name in ("photo.png", "shoe.png", "scans/one.png"):
        Image.new("L", (28, 28)).save(folder / name)
    names = load("diabetes", folder).features
    (folder / "patients.csv").write_text(",".join(names) + "\n" + ",".join("1" * 10) + "\n")
    digits = load("digits", folder).train
    for row in range(200):
        place = folder / "my-digits" / str(int(digits.y[row]))
        place.mkdir(parents=True, exist_ok=True)
        pixels = digits.x.take(slice(row, row + 1))[0, 0].numpy()
        Image.fromarray(pixels).save(place / f"{row}.png")
    draw = np.random.default_rng(0)
    houses = ["area,rooms,city,price"]
    for area in draw.integers(40, 200, 80):
        city = draw.choice(["Bern", "Wien"])
        rooms = "" if area % 9 == 0 else str(area // 25)  # some are missing
        houses.append(f"{area},{rooms},{city},{area * 3000 + 50_000 * (city == 'Bern')}")
    (folder / "houses.csv").write_text("\n".join(houses) + "\n")
    reviews = [f"{word} film {i},{verdict}" for i in range(20) for word, verdict in
               (("good", "pos"), ("fine", "pos"), ("bad", "neg"), ("dull", "neg"))]  # fmt: skip
    (folder / "reviews.csv").write_text("review,verdict\n" + "\n".join(reviews) + "\n")
    for recipe in blocks("yaml"):
        (folder / f"{recipe.split()[1]}.yaml").write_text(recipe)
    net = README[README.index("where `net.py`") :]
    (folder / "net.py").write_text(net.split("```python\n")[1].split("```")[0])
    return folder


def test_the_readme_has_commands_of_both_kinds() -> None:
    assert len(RUN) >= 15
    assert len(PARSED) >= 8
    assert all("cifar10" in c or "imdb" in c for c in PARSED)


def kept(folder: Path, recipe: str, verified: bool, invoke: Callable[..., Result]) -> Path:
    """Return a run, or a verification, that a command before left, or one that is made now."""
    found = sorted((folder / "runs" / recipe).glob("[!.]*"))
    found = [path for path in found if path.name.endswith("-verify") is verified]
    if not found and verified:
        assert invoke("verify", recipe, "--workers", "1", cwd=folder).exit_code == 0
        return kept(folder, recipe, verified, invoke)
    return found[0] if found else pt.train(pt.load_recipe(recipe, ["epochs=1"]), runs=folder).path


@pytest.mark.parametrize("command", RUN)
def test_each_command_runs(
    command: str, folder: Path, invoke: Callable[..., Result], request: pytest.FixtureRequest
) -> None:
    if "fashion-mnist" in command:
        request.getfixturevalue("fashion_mnist")
    command, _, target = command.partition(" > ")
    words = shlex.split(command)[1:]
    for index, word in enumerate(words):
        if word.endswith(("<run>", "<verification>")):
            _, recipe, kind = word.split("/")
            words[index] = str(kept(folder, recipe, kind == "<verification>", invoke))
    if words[0] == "verify" and "--workers" not in words:
        words += ["--workers", "1"]  # the verdict is the same, and other tests run beside this
    done = invoke(*words, cwd=folder)
    assert done.exit_code == (1 if command in NOT_REPRODUCED else 0), done.stderr
    if target.strip():
        (folder / target.strip()).write_text(done.stdout)


@pytest.mark.parametrize("command", PARSED)
def test_what_needs_a_network_or_a_gpu_is_at_least_said_right(command: str) -> None:
    import typer

    words = shlex.split(command)[1:]
    app: Any = typer.main.get_command(make_app())
    context = app.make_context("papertrial", list(words), resilient_parsing=False)
    name, subcommand, rest = app.resolve_command(context, [*context._protected_args, *context.args])
    if name == "data":
        _, subcommand, rest = subcommand.resolve_command(context, rest)
    parsed = subcommand.make_context(name, rest)
    if name == "train":
        pt.load_recipe(parsed.params["recipe"], parsed.params["overrides"] or [])


def test_the_recipe_shown_trains(folder: Path) -> None:
    run = pt.train(pt.load_recipe(folder / "my-digits.yaml"), runs=folder)
    assert run.metrics["test"]["accuracy"] > 0.95


def test_the_table_shown_is_learnt_in_its_own_unit(folder: Path) -> None:
    run = pt.train(pt.load_recipe(folder / "houses.yaml"), runs=folder)
    assert run.metrics["test"]["r2"] > 0.99


def test_the_python_shown_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(blocks("python")[0], "README.md", "exec"), {})
