"""Files of the Hugging Face hub, which a recipe names as `hf:NAME@COMMIT`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import PapertrialError

PREFIX = "hf:"
FORM = "hf:NAME@COMMIT"
PATTERN = r"^hf:[\w.-]+(/[\w.-]+)?(:[\w.-]+)?@[0-9a-f]{40}$"
_PARTS = re.compile(
    r"hf:(?P<name>[\w.-]+(/[\w.-]+)?)(:(?P<config>[\w.-]+))?@(?P<commit>[0-9a-f]{40})"
)

NETWORK_FILES = (
    "config.json", "model.safetensors", "model.safetensors.index.json", "model-*.safetensors",
)  # fmt: skip
# The files of a tokenizer; others in the folder of a model are its weights and the like.
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "sentencepiece.bpe.model",
    "spiece.model", "spm.model", "config.json",
)  # fmt: skip


class HubError(PapertrialError):
    """Files of the hub that cannot be fetched, or a name that does not say which they are."""


@dataclass(frozen=True)
class HubReference:
    """A repository of the hub at one commit.

    Attributes:
        name: its name, "owner/name" or "name".
        commit: the commit, 40 hexadecimal digits. Branches and tags can move, so they are refused.
        config: the configuration of a data set, "mrpc" of "glue"; None without one.
    """

    name: str
    commit: str
    config: str | None = None


def is_on_hub(text: str) -> bool:
    """Return whether a text in a recipe means a repository of the hub."""
    return text.startswith(PREFIX)


def read_reference(text: str) -> HubReference:
    """Return the repository that a text such as `hf:NAME@COMMIT` means.

    Raises:
        HubError: the text has another form; the message says what is missing.
    """
    found = _PARTS.fullmatch(text)
    if found is not None:
        return HubReference(found["name"], found["commit"], found["config"])
    name, _, revision = text.removeprefix(PREFIX).partition("@")
    missing = f"the revision {revision!r} can move" if revision else "it names no commit"
    raise HubError(
        f"must be {FORM} with the 40 digits of a commit, got {text!r}: {missing}; see "
        f"https://huggingface.co/{name.partition(':')[0]} under Files, History"
    )


def snapshot(reference: HubReference, files: Sequence[str], required: Sequence[str]) -> Path:
    """Return a folder with files of a repository: from the cache of the hub, or fetched into it.

    Args:
        reference: the repository at a commit.
        files: patterns of the files to fetch.
        required: patterns of which one file must be there.

    Raises:
        HubError: the files are neither in the cache nor can be fetched.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415  (slow to import)

    def download(*, local: bool) -> Path:
        return Path(
            snapshot_download(
                reference.name,
                revision=reference.commit,
                allow_patterns=list(files),
                local_files_only=local,
            )
        )

    try:
        folder = download(local=True)
        if _has_one(folder, required):
            return folder
    except (OSError, ValueError):  # it is not in the cache
        pass
    try:
        folder = download(local=False)
    except Exception as error:
        raise HubError(
            f"cannot fetch {reference.name} at the commit {reference.commit} from the hub: "
            f"{_first_line(error)}; fetch it where the hub can be reached, with `hf download "
            f"{reference.name} --revision {reference.commit} --local-dir FOLDER`, and give the "
            f"path of FOLDER in place of {PREFIX}{reference.name}@..."
        ) from error
    if not _has_one(folder, required):
        raise HubError(
            f"{reference.name} has no {' or '.join(required)} at the commit {reference.commit}, or "
            "the hub cannot be reached; other formats are not read"
        )
    return folder


def kept_snapshot(reference: HubReference) -> tuple[Path, list[str]] | None:
    """Return the folder of a repository in the cache, and the files of networks and tokenizers.

    None if nothing of it is in the cache.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415  (slow to import)

    try:
        found = snapshot_download(reference.name, revision=reference.commit, local_files_only=True)
    except (OSError, ValueError):
        return None
    folder = Path(found)
    patterns = (*NETWORK_FILES, *TOKENIZER_FILES)
    return folder, sorted({path.name for pattern in patterns for path in folder.glob(pattern)})


def hub_caches() -> list[Path]:
    """Return the folders in which the hub's libraries keep what they fetch."""
    from huggingface_hub import constants  # noqa: PLC0415  (slow to import)

    sets = os.environ.get("HF_DATASETS_CACHE")
    places = [constants.HF_HOME, constants.HF_HUB_CACHE, *([sets] if sets else [])]
    return [Path(place).expanduser() for place in places]


def _has_one(folder: Path, patterns: Sequence[str]) -> bool:
    return any(True for pattern in patterns for _ in folder.glob(pattern))


def _first_line(error: Exception) -> str:
    return f"{error}".strip().partition("\n")[0] or type(error).__name__
