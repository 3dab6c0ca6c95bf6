"""The data folder: where named sets and the cache of decoded images are."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from papertrial.errors import DataError

# How messages end that are about the data folder.
ELSEWHERE = "or choose another data folder with --data DIR or $PAPERTRIAL_DATA"


def data_folder(given: str | Path | None = None) -> Path:
    """Return the data folder: the one given, else $PAPERTRIAL_DATA, else the platform's cache."""
    chosen = given or os.environ.get("PAPERTRIAL_DATA")
    if not chosen:
        return platformdirs.user_cache_path("papertrial") / "data"
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(f"cannot find the data folder {chosen}: {error}") from error
