"""Fixtures that several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from papertrial.data.column import Dataset
from papertrial.data.sources import data_folder, load
from papertrial.errors import DataError

RunCli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real Fashion-MNIST; a test that needs it skips without it, or fails where CI has it."""
    try:
        return load("fashion-mnist", data_folder())
    except DataError as error:
        if os.environ.get("PAPERTRIAL_REQUIRE_DATA") == "1":
            pytest.fail(f"PAPERTRIAL_REQUIRE_DATA=1, but: {error}")
        pytest.skip(f"needs Fashion-MNIST: {error}")


@pytest.fixture(scope="session")
def papertrial() -> RunCli:
    """Run `papertrial WORDS...` in a process of its own, as a user does."""

    def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "papertrial", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300
        )

    return run


def _folder(name: str, there: str) -> Path:
    folder = data_folder()
    if not (folder / there).is_dir():
        if os.environ.get("PAPERTRIAL_REQUIRE_DATA") == "1":
            pytest.fail(f"PAPERTRIAL_REQUIRE_DATA=1, but {folder / there} is not there")
        pytest.skip(f"needs {name} in {folder / there}")
    return folder


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    """The data folder, with the real CIFAR-10 in it as an image folder."""
    return _folder("CIFAR-10", "cifar10/train")


@pytest.fixture(scope="session")
def imdb_folder() -> Path:
    """The data folder, with the real IMDB reviews in it."""
    return _folder("the IMDB reviews", "aclImdb/train")
