"""`papertrial data` as a user meets it: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from papertrial.cli.data import make_data_app
from papertrial.cli.main import guarded
from papertrial.data.column import Dataset
from papertrial.data.files.catalog import CATALOG
from papertrial.data.files.data_folder import data_folder

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def real_folder() -> Path:
    """The data folder that the environment names, before a test changes that."""
    return data_folder()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `papertrial data WORDS...` on an empty data folder, without a network."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("the network is cut off")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("PAPERTRIAL_DATA", str(tmp_path))
    app = typer.Typer()
    app.add_typer(make_data_app(guarded), name="data")

    def invoke(*words: str | Path) -> Result:
        return CliRunner().invoke(app, ["data", *map(str, words)])

    return invoke


def idx(folder: Path) -> None:
    """Write an unpacked MNIST of 20 and 10 images."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 20), ("t10k", 10)):
        pixels = np.arange(count * 784).reshape(count, 28, 28) % 256
        labels = np.arange(count) % 10
        for what, values in (("images-idx3", pixels), ("labels-idx1", labels)):
            sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
            head = bytes([0, 0, 8, values.ndim]) + sizes
            (raw / f"{part}-{what}-ubyte").write_bytes(head + values.astype(np.uint8).tobytes())


def test_list_names_every_set_whole(run: Run, tmp_path: Path) -> None:
    done = run("list")
    assert done.exit_code == 0
    assert all(f" {name} " in done.stdout for name in CATALOG)
    assert "60,000 train" in done.stdout
    assert done.stdout.splitlines()[-1] == f"data folder: {tmp_path}"


def test_list_as_json_says_what_is_on_disk(run: Run, tmp_path: Path) -> None:
    idx(tmp_path)
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert list(rows) == list(CATALOG)
    states = {name: row["state"] for name, row in rows.items() if row["state"] != "absent"}
    assert states == {
        "digits": "comes with papertrial",
        "diabetes": "comes with papertrial",
        "breast-cancer": "comes with papertrial",
        "mnist": "on disk",
    }
    assert rows["imdb"] == {
        "name": "imdb",
        "title": "IMDB reviews, half positive (Maas et al. 2011)",
        "kind": "text",
        "task": "text-classification",
        "rows": {"train": 25_000, "test": 25_000},
        "classes": 2,
        "nbytes": 84_125_825,
        "licence": "none stated; cite Maas et al. 2011",
        "homepage": "https://ai.stanford.edu/~amaas/data/sentiment/",
        "state": "absent",
    }


def test_list_needs_nothing_slow(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom papertrial.cli.data import data_list_command\n"
        "data_list_command(as_json=True)\n"
        "assert not {'torch', 'torchvision', 'numpy', 'sklearn'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", ["fetch", "info"])
def test_an_unknown_name_is_told(run: Run, command: str) -> None:
    done = run(command, "fashion_mnist")
    assert done.exit_code == 2
    assert "there is no set 'fashion_mnist'; did you mean \"fashion-mnist\"?" in done.stderr


@pytest.mark.parametrize("name", ["mnist", "cifar100", "imdb", "glove.6B"])
def test_without_a_network_each_address_and_the_place_are_told(
    run: Run, tmp_path: Path, name: str
) -> None:
    done = run("fetch", name)
    assert done.exit_code == 2
    first = Path(next(iter(CATALOG[name].files)))
    assert f"{first.name} is not in {tmp_path / first.parent} and could not be" in done.stderr
    assert done.stderr.count("the network is cut off") == {"mnist": 2, "glove.6B": 2}.get(name, 1)
    assert "put the file there by hand" in done.stderr


def test_what_comes_with_papertrial_needs_no_fetch(run: Run) -> None:
    done = run("fetch", "digits")
    assert (done.exit_code, done.stdout) == (
        0,
        "digits comes with papertrial: nothing to download\n",
    )


def test_what_is_there_is_not_fetched(run: Run, tmp_path: Path) -> None:
    idx(tmp_path)
    done = run("fetch", "mnist")
    assert (done.exit_code, done.stdout) == (0, f"mnist is already there: {tmp_path}\n")


def test_a_wrong_file_that_is_there_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "glove.6B.zip").write_bytes(b"half")
    done = run("fetch", "glove.6B")
    assert done.exit_code == 2
    assert "wrong checksum: glove.6B.zip" in done.stderr
    told = json.loads(run("info", "glove.6B", "--json").stdout)
    assert (told["splits"], told["files"][0]["state"]) == ({}, "wrong checksum")
    assert told["files"][0]["nbytes"] == 4


@pytest.mark.parametrize("name", ["mnist", "imdb", "cifar10", "glove.6B"])
def test_info_fetches_nothing(run: Run, tmp_path: Path, name: str) -> None:
    done = run("info", name)
    assert done.exit_code == 2
    assert f"{name} is not in {tmp_path}" in done.stderr
    assert f"`papertrial data fetch {name}`" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_info_of_a_damaged_set_fetches_nothing(run: Run, tmp_path: Path) -> None:
    for path in CATALOG["cifar10"].unpacked[0]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"damaged")
    done = run("info", "cifar10")
    assert done.exit_code == 2
    assert "`papertrial data fetch cifar10`" in done.stderr


def test_info_of_images(run: Run, tmp_path: Path) -> None:
    idx(tmp_path)
    done = run("info", "mnist", "--json", "--sheet", tmp_path / "new" / "sheet.png")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    train = told["splits"]["train"]
    assert (train["rows"], train["shape"], train["nbytes"]) == (20, [1, 28, 28], 15_680)
    assert train["classes"]["0 - zero"] == 2
    assert [file["state"] for file in told["files"]] == ["not there"] * 4
    assert told["folder"] == str(tmp_path)
    with Image.open(told["sheet"]) as sheet:
        assert (sheet.format, sheet.height) == ("PNG", 10 * 60 + 4)


def test_info_of_a_table_in_words(run: Run) -> None:
    done = run("info", "diabetes")
    assert done.exit_code == 0
    assert "train: 442 samples, each 10 float32, 17.7 kB" in done.stdout
    assert "  bmi           min 18          mean 26.376      max 42.2" in done.stdout
    assert "1198836354957fed863ac44dd120125397b15a52fd57b70431030504cb72f535" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["diabetes", "--sheet", "sheet.png"],
            "--sheet needs a data set of images; diabetes",
        ),
        (["digits", "--sheet", "sheet.jpg"], "--sheet must name a PNG file, got sheet.jpg"),
    ],
)
def test_a_sheet_that_cannot_be_is_told(run: Run, words: list[str], told: str) -> None:
    done = run("info", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_the_real_fashion_mnist_is_verified(
    real_folder: Path, fashion_mnist: Dataset, run: Run
) -> None:
    done = run("info", "fashion-mnist", "--data", real_folder, "--json")
    told = json.loads(done.stdout.splitlines()[-1])
    assert [file["state"] for file in told["files"]] == ["verified"] * 4
    found = {name: split["fingerprint"] for name, split in told["splits"].items()}
    assert found == {name: split.fingerprint for name, split in fashion_mnist.splits.items()}
