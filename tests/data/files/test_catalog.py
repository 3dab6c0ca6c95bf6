"""What is known of the sets, without loading them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from torchvision import datasets

from papertrial.data.files.catalog import CATALOG, artifacts, entry_of, state
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.progress import finish
from papertrial.vocabulary import SOURCES


def test_every_source_is_known_with_its_kind() -> None:
    known = {name: entry.kind for name, entry in CATALOG.items()}
    assert known.pop("glove.6B") == "vectors"
    assert known == {
        **dict.fromkeys(SOURCES, "image"),
        **dict.fromkeys(("diabetes", "breast-cancer"), "table"),
        **dict.fromkeys(("imdb", "rt-polarity"), "text"),
        **dict.fromkeys(("tiny-shakespeare", "etth1", "cora"), "tensor"),
    }


def test_nothing_slow_is_imported() -> None:
    code = (
        "import sys, papertrial.data.files.catalog\n"
        "assert not {'torch', 'torchvision', 'numpy'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", CATALOG)
def test_each_file_has_addresses_a_checksum_and_a_size(name: str) -> None:
    files = artifacts(CATALOG[name])
    assert [one.file for one in files] == list(CATALOG[name].files)
    for one in files:
        assert re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", one.checksum or "")
        assert one.urls
        assert all(url.endswith(f"/{one.name}") for url in one.urls)
        assert one.nbytes == CATALOG[name].files[one.file]
        assert one.nbytes


def test_torchvisions_sets_have_its_addresses_and_checksums() -> None:
    assert artifacts(CATALOG["cifar10"])[0].checksum == f"md5:{datasets.CIFAR10.tgz_md5}"
    assert artifacts(CATALOG["cifar10"])[0].urls == (datasets.CIFAR10.url,)
    first = artifacts(CATALOG["mnist"])[0]
    assert first.urls == tuple(f"{m}train-images-idx3-ubyte.gz" for m in datasets.MNIST.mirrors)
    assert first.checksum == f"md5:{datasets.MNIST.resources[0][1]}"


def test_the_sizes_to_fetch() -> None:
    assert {name: entry.nbytes for name, entry in CATALOG.items()} == {
        "digits": 0,
        "diabetes": 0,
        "breast-cancer": 0,
        "fashion-mnist": 30_878_645,
        "mnist": 11_594_722,
        "kmnist": 21_240_888,
        "cifar10": 170_498_071,
        "cifar100": 169_001_437,
        "imdb": 84_125_825,
        "rt-polarity": 1_238_395,
        "tiny-shakespeare": 1_115_394,
        "etth1": 2_589_657,
        "cora": 572_444,
        "glove.6B": 862_182_613,
    }


@pytest.mark.parametrize("name", ["digits", "diabetes", "breast-cancer"])
def test_the_rows_known_are_those_loaded(name: str, tmp_path: Path) -> None:
    dataset = finish(loading(name, tmp_path))
    assert (dataset.name, dataset.kind) == (name, CATALOG[name].kind)
    assert {part: len(split) for part, split in dataset.splits.items()} == CATALOG[name].rows
    assert len(dataset.classes) == CATALOG[name].classes
    assert state(CATALOG[name], tmp_path) == "comes with papertrial"


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10", "cifar100", "imdb"])
def test_a_set_is_on_disk_when_all_files_of_one_way_are_there(name: str, tmp_path: Path) -> None:
    entry = CATALOG[name]
    for number, way in enumerate((tuple(entry.files), *entry.unpacked)):
        folder = tmp_path / str(number)
        for path in way:
            assert state(entry, folder) == "absent"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
        assert state(entry, folder) == "on disk"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(DataError, match=r"there is no set 'cifar-10'; did you mean \"cifar10\"\?"):
        entry_of("cifar-10")
