"""The file of a network's weights: on this machine, or fetched, and verified."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from papertrial.errors import ModelError
from papertrial.weights.networks import PretrainedSource

_KEY = "model.pretrained"
_HUB = "https://huggingface.co/"


def fetch_pretrained(source: PretrainedSource) -> Path:
    """Return the file of a network's weights; fetch it into the library's cache if it is absent.

    Raises:
        ModelError: it cannot be fetched, or it is not the file that its name promises.
    """
    path = source.found or _fetched(source)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(source.sha256):
        raise ModelError(
            f"{_KEY}: {path} is not {source.name}: its SHA-256 must begin with {source.sha256}, "
            f"got {digest[: len(source.sha256)]}; remove the file, and it is fetched again"
        )
    return path


def _fetched(source: PretrainedSource) -> Path:
    try:
        if source.url.startswith(_HUB):
            from huggingface_hub import hf_hub_download  # noqa: PLC0415  (only timm needs it)

            return Path(hf_hub_download(source.name, source.url.rpartition("/")[2]))
        source.place.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            source.url, str(source.place), source.sha256 or None, progress=False
        )
        return source.place
    except Exception as error:  # of the network, of the disk, or of the hub
        reason = " ".join(str(error).split())[:160]
        raise ModelError(
            f"{_KEY}: the weights {source.name} are not on this machine, and cannot be fetched "
            f"({type(error).__name__}: {reason}); fetch {source.url} elsewhere, and "
            f"{_place(source)}name it in the recipe, pretrained: ./{source.url.rpartition('/')[2]}"
        ) from error


def _place(source: PretrainedSource) -> str:
    """Return where a user may put the file; the cache of the hub is not made by hand."""
    return "" if source.url.startswith(_HUB) else f"put it at {source.place}, or "
