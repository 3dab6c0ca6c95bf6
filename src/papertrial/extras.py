"""Packages that come with an extra of papertrial, such as transformers."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from papertrial.errors import PapertrialError

EXTRAS = (
    "datasets",
    "tensorboard",
    "timm",
    "transformers",
)  # packages that have the name of their extra


class MissingExtraError(PapertrialError):
    """A package that is not installed, although the recipe needs it."""


def how_to_install(package: str) -> str:
    """Return how to install a package of an extra; "" for another package."""
    return f"pip install 'papertrial[{package}]'" if package in EXTRAS else ""


def import_extra(package: str) -> Any:
    """Import a package that comes with an extra.

    Raises:
        MissingExtraError: it is not installed, or its import fails.
    """
    if importlib.util.find_spec(package) is None:
        rule = f"this needs the package {package}, which is not installed"
        raise MissingExtraError(f"{rule}: {how_to_install(package)}")
    try:
        return importlib.import_module(package)
    except Exception as error:
        raise MissingExtraError(
            f"importing {package} failed: {type(error).__name__}: {error}; install it again: "
            f"{how_to_install(package)}"
        ) from error


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from printing progress and tables of weights; its errors are raised."""
    log = import_extra("transformers").utils.logging
    verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()
