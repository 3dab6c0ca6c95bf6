"""The commands, recipes, code and links of README.md and of the pages under docs/."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from typer.testing import Result

import papertrial as pt
from papertrial.cli.main import make_app
from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.named_sets import loading
from papertrial.models import MLP
from papertrial.progress import finish
from papertrial.recipe.file_paths import anchor_files
from papertrial.recipe.load import shipped_folder, shipped_recipes
from papertrial.recipe.yaml_text import parse
from papertrial.report.report_files import read_report
from papertrial.verification.registration import register

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
NOT_REPRODUCED = {"papertrial verify digits-mlp-as-svc"}  # exit code 1; all others end with 0
# The range of each score on the test set, for the commands that take longest: no other test
# trains or verifies the same again.
REACHED = {
    "papertrial train fashion-mnist-quickstart": {"accuracy": (0.62, 0.68)},
    "papertrial verify digits-sklearn": {
        "accuracy": (0.9, 0.94), "svc_accuracy": (0.9688, 0.9689),
    },
    "papertrial verify shell-script": {"pi": (3.12, 3.16)},
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with the comment before it: <!-- file: net.py -->."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def id(self) -> str:
        return f"{self.page.name}:{self.line}"


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield (command, what its block is marked to need) of each indented command."""
    needs, last = "", ""
    for line in page.read_text("utf-8").splitlines():
        if mark := re.fullmatch(r"<!-- needs (.*) -->", line):
            needs = mark[1]
        elif command := re.match(r"^ {4}(papertrial [^#]*)", line):
            yield command[1].strip(), needs
        elif line and not line.startswith(" ") and last.startswith("    "):
            needs = ""  # a mark is for the block after it
        last = line or last


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    pattern = r"(?:^<!-- ([^\n]*) -->\n\n?)?^```(\w*)\n(.*?)^```$"
    for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        line = text[: found.start(2)].count("\n") + 1
        yield Block(page, line, found[2], found[3], found[1] or "")


# A command that stands on several pages runs once.
ALL = dict(pair for page in PAGES for pair in commands(page))
_ELSEWHERE = ("network", "a run that was stopped")  # what a test does not have
PARSED = [c for c, needs in ALL.items() if any(word in needs for word in _ELSEWHERE)]
RUN = [c for c in ALL if c not in PARSED]
BLOCKS = [block for page in PAGES for block in blocks(page)]
FILES = [block for block in BLOCKS if block.mark.startswith("file: ")]
YAML = [block for block in BLOCKS if block.language == "yaml"]
WHOLE = [block for block in YAML if re.search("^name:", block.text, re.MULTILINE)]
PARTS = [block for block in YAML if block not in WHOLE]
PYTHON = [block for block in BLOCKS if block.language == "python" and block not in FILES]


def name_of(recipe: Block) -> str:
    return str(parse(recipe.text).tree["name"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages speak of."""
    folder = tmp_path_factory.mktemp("docs")
    for words in ("init", "config user.name A", "config user.email a@example.org"):
        subprocess.run(["git", "-C", str(folder), *words.split()], capture_output=True, check=True)
    (folder / "scans").mkdir()
    for name in ("photo.png", "shoe.png", "scans/one.png"):
        Image.new("L", (28, 28)).save(folder / name)
    names = finish(loading("diabetes", folder)).features
    (folder / "patients.csv").write_text(",".join(names) + "\n" + ",".join("1" * 10) + "\n")
    digits = finish(loading("digits", folder)).train
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
    (folder / "faces").mkdir()
    ages = [(f"{i:04}", 20 + 2 * i) for i in range(24)]
    for name, age in ages:
        Image.new("L", (6, 6), 3 * age).save(folder / "faces" / f"{name}.jpg")
    lines = "".join(f"{name},{age}\n" for name, age in ages)
    (folder / "ages.csv").write_text(f"id,age\n{lines}")
    payments = ["amount,hour,label"]
    for i in range(200):
        amount, hour = draw.normal(3.0 * (i % 10 == 0), 1.0, 2)
        payments.append(f"{amount:.3f},{hour:.3f},{'fraud' if i % 10 == 0 else 'fine'}")
    (folder / "payments.csv").write_text("\n".join(payments) + "\n")
    reviews = [f"{word} film {i},{verdict}" for i in range(20) for word, verdict in
               (("good", "pos"), ("fine", "pos"), ("bad", "neg"), ("dull", "neg"))]  # fmt: skip
    (folder / "reviews.csv").write_text("review,verdict\n" + "\n".join(reviews) + "\n")
    known = MLP(in_features=64, hidden=[256], out_features=10).state_dict()
    safetensors.torch.save_file(known, folder / "teacher.safetensors")
    for block in FILES:
        path = folder / block.mark.removeprefix("file: ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)
    for block in WHOLE:
        (folder / f"{name_of(block)}.yaml").write_text(block.text)
    return folder


@pytest.fixture(scope="module")
def hugging_face(folder: Path, tiny_bert: Path) -> Path:
    """The folder, with a network and a data set of Hugging Face, which are slow to import."""
    import datasets as hf

    shutil.copytree(tiny_bert, folder / "tiny-bert")
    label = hf.ClassLabel(names=["neg", "pos"])
    features = hf.Features({"text": hf.Value("string"), "label": label})
    rows = {"text": ["a bad film", "a good film"] * 20, "label": [0, 1] * 20}
    part = hf.Dataset.from_dict(rows, features=features)
    hf.disable_progress_bars()
    hf.DatasetDict({"train": part, "validation": part.select(range(10))}).save_to_disk(
        folder / "saved-reviews"
    )
    return folder


def test_the_pages_have_commands_and_blocks_of_every_kind() -> None:
    assert len(RUN) >= 25
    assert len(PARSED) >= 8
    fetched = ("cifar10", "imdb", "mnist", "cora", "etth1", "sentiment", "shakespeare")
    assert all(any(name in c for name in (*fetched, "--resume")) for c in PARSED)
    assert len(WHOLE) >= 4
    assert len(PARTS) >= 10
    assert len(PYTHON) >= 2


def test_the_readme_is_short_and_has_the_two_commands() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 200
    start = lines[lines.index("## Start") : lines.index("## Tour")]
    made = [line.split("#")[0].strip() for line in start if line.startswith("    ")]
    assert made == ["make demo", "make test"]


def test_every_comment_before_a_block_is_one_that_the_tests_know() -> None:
    marks = {block.mark for block in BLOCKS} - {""}
    for page in PAGES:
        text = page.read_text("utf-8")
        marks |= set(re.findall(r"^<!-- (.*) -->$", text, re.MULTILINE))
    for mark in marks:
        name = mark.removeprefix("in ")
        known = mark.startswith(("needs ", "file: ", "Generated by ")) or name in shipped_recipes()
        assert known, mark


def kept(folder: Path, recipe: str, verified: bool, invoke: Callable[..., Result]) -> Path:
    """Return a run, or a verification, that a command before left, or one that is made now."""
    found = sorted((folder / "runs" / recipe).glob("[!.]*"))
    found = [path for path in found if path.name.endswith("-verify") is verified]
    if not found and verified:
        assert invoke("verify", recipe, "--workers", "1", cwd=folder).exit_code == 0
        return kept(folder, recipe, verified, invoke)
    if found:
        return found[0]
    return pt.train(pt.load_recipe(recipe, ["epochs=1"]), runs=folder / "runs").path


def laboratories(folder: Path, invoke: Callable[..., Result]) -> Path:
    """Return the common registration that a command before left, or one that is made now."""
    found = sorted((folder / "runs").glob("*/*-labs"))
    if not found:
        done = invoke("register", "diabetes-bmi", "--labs", "2", "--max-seeds", "10", cwd=folder)
        assert done.exit_code == 0
        return laboratories(folder, invoke)
    return found[0]


def verify_laboratories(folder: Path, invoke: Callable[..., Result]) -> None:
    """Verify the laboratories that no command before has verified."""
    for number in (1, 2):
        if not (folder / f"lab{number}").is_dir():
            recipe = laboratories(folder, invoke) / f"lab-{number}" / "recipe.yaml"
            words = ("--runs", f"lab{number}", "--workers", "1")
            assert invoke("verify", recipe, *words, cwd=folder).exit_code == 0


def test_pages_do_not_replace_each_others_files() -> None:
    named = [block.mark for block in FILES]
    assert sorted(named) == sorted(set(named))


@pytest.mark.parametrize("command", RUN)
def test_each_command_runs(
    command: str, folder: Path, invoke: Callable[..., Result], request: pytest.FixtureRequest
) -> None:
    if "fashion-mnist" in command:
        request.getfixturevalue("fashion_mnist")
    if any(name in command for name in ("reviews-bert", "saved-reviews")):
        request.getfixturevalue("hugging_face")
    command, _, target = command.partition(" > ")
    words = shlex.split(command)[1:]
    for index, word in enumerate(words):
        if word.endswith(("<run>", "<verification>")):
            _, recipe, kind = word.split("/")
            words[index] = str(kept(folder, recipe, kind == "<verification>", invoke))
        if "<labs>" in word:
            words[index] = str(laboratories(folder, invoke) / Path(*Path(word).parts[3:]))
    if words[0] == "combine":
        verify_laboratories(folder, invoke)
    if words[0] == "verify" and "--workers" not in words:
        words += ["--workers", "1"]  # the verdict is the same, and other tests run beside this
    done = invoke(*words, cwd=folder)
    assert done.exit_code == (1 if command in NOT_REPRODUCED else 0), done.stderr
    if target.strip():
        (folder / target.strip()).write_text(done.stdout)
    if command in REACHED:
        made = max((folder / "runs" / words[1]).glob("[!.]*"))
        scores = scores_of_verification(made) if words[0] == "verify" else scores_of_run(made)
        for name, (low, high) in REACHED[command].items():
            assert low <= scores[name] <= high


def scores_of_verification(path: Path) -> dict[str, float | None]:
    """Return the mean of each claimed score; check that seeds were run, and differ."""
    claims = read_report(path).claims
    assert all(claim.verdict == "REPRODUCED" and claim.n >= 5 for claim in claims)
    assert (claims[0].sd or 0) > 0.001
    return {claim.metric: claim.mean for claim in claims}


def scores_of_run(path: Path) -> Mapping[str, Any]:
    """Return the scores of a run of the quickstart; check its epochs and one prediction."""
    run = pt.load_run(path)
    assert len(run.summary.epoch_seconds) == 5
    test = finish(loading("fashion-mnist", data_folder())).test
    assert test is not None
    (answer,) = run.predict(test.x.take(torch.tensor([0])))
    assert answer.prediction in {"Ankle boot", "Sneaker"}
    return run.metrics["test"]


@pytest.mark.parametrize("command", PARSED)
def test_a_command_that_needs_a_network_or_a_gpu_is_parsed(command: str) -> None:
    import typer

    words = shlex.split(command)[1:]
    app: Any = typer.main.get_command(make_app())
    context = app.make_context("papertrial", list(words), resilient_parsing=False)
    name, subcommand, rest = app.resolve_command(context, [*context._protected_args, *context.args])
    if name == "data":
        _, subcommand, rest = subcommand.resolve_command(context, rest)
    parsed = subcommand.make_context(name, rest)
    if name == "train" and parsed.params["resume"] is None:
        pt.load_recipe(parsed.params["recipe"], parsed.params["overrides"] or [])


def merged(base: Any, part: Any) -> Any:
    """Return plain values with the keys of a part added or replaced; a slot is replaced whole."""
    if not isinstance(base, Mapping) or not isinstance(part, Mapping) or "use" in part:
        return part
    return {**base, **{key: merged(base.get(key), value) for key, value in part.items()}}


@pytest.mark.parametrize("block", PARTS, ids=lambda block: block.id)
def test_each_part_of_a_recipe_is_valid(
    block: Block,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if "tiny-bert" in block.text:
        request.getfixturevalue("hugging_face")
    monkeypatch.chdir(folder)
    shipped = parse(shipped_recipes()[block.mark.removeprefix("in ") or "digits-mlp"]).tree
    base = anchor_files(shipped, shipped_folder())
    part = parse(block.text)
    assert part.problems == []
    recipe = pt.load_recipe(merged(base, part.tree))
    if "claims" in part.tree:
        register(recipe, threads=1, device="cpu")  # loads the other sides of differences too


@pytest.mark.parametrize("block", WHOLE, ids=lambda block: block.id)
def test_each_recipe_is_valid(block: Block, folder: Path, request: pytest.FixtureRequest) -> None:
    if "tiny-bert" in block.text:
        request.getfixturevalue("hugging_face")
    recipe = pt.load_recipe(folder / f"{name_of(block)}.yaml")
    if recipe.claims:
        register(recipe, threads=1, device="cpu")


def test_the_recipe_shown_trains(folder: Path) -> None:
    run = pt.train(pt.load_recipe(folder / "my-digits.yaml"), runs=folder)
    assert run.metrics["test"]["accuracy"] > 0.95


def test_the_table_shown_is_learned_in_its_own_unit(folder: Path) -> None:
    run = pt.train(pt.load_recipe(folder / "houses.yaml"), runs=folder)
    assert run.metrics["test"]["r2"] > 0.99


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.id)
def test_each_python_block_runs(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    exec(compile(block.text, block.page.name, "exec"), {})


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for link in links:
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_each_page_is_in_the_table_of_contents_and_in_the_readme(page: Path) -> None:
    index = ROOT / "docs" / "index.md"
    if page != index:
        assert f"]({page.relative_to(index.parent)})" in index.read_text("utf-8")
        assert f"]({page.relative_to(ROOT)})" in README.read_text("utf-8")
