"""The IMDB reviews of Maas et al. 2011, from the folder that their archive unpacks to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from papertrial.data.column import Dataset, Split
from papertrial.data.files.catalog import CATALOG
from papertrial.data.sources import text_folder
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

ADDRESS = CATALOG["imdb"].urls[0]
CLASSES = ("neg", "pos")
_EACH = 12_500  # reviews of a class in a part
# Of all labelled reviews, as two independent copies of the set agree on them: SHA-256 over the
# sorted SHA-256 of each class name, a line feed, and the file's bytes. Order and file names do not
# count.
_FINGERPRINTS = {
    "train": "058736b6efe4cf8b13d9a159c31382e73a1e63842e9fe22623930f7980d25546",
    "test": "155c1882b0f44333e68d8db1b0bba243291bdbd4259d4bc5f3c5b370c6333f5b",
}
_TEXTS = 1000  # read between two steps
_MEND = (
    f"unpack {ADDRESS} again, or train on these texts as data.source=text-folder, which is not IMDB"
)


def find(folder: Path) -> Path | None:
    """Return where the reviews lie in the data folder, or None where they do not."""
    path = folder / "aclImdb"
    there = all((path / part / name).is_dir() for part in _FINGERPRINTS for name in CLASSES)
    return path if there else None


def load(folder: Path) -> Steps[Dataset]:
    """Read `aclImdb/{train,test}/{neg,pos}/*.txt` in the data folder: 25,000 and 25,000 reviews.

    Whatever else lies there, such as the unlabelled `train/unsup`, is left out.

    Raises:
        DataError: the reviews are absent, or are not those of IMDB, each one and no other.
    """
    path = find(folder)
    if path is None:
        raise DataError(
            f"imdb is not in {folder / 'aclImdb'}: it needs train and test there, each with neg "
            f"and pos; unpack {ADDRESS} in {folder}, or name another data folder with --data DIR "
            "or $PAPERTRIAL_DATA"
        )
    listed = {part: text_folder.files(path, CLASSES, part) for part in _FINGERPRINTS}
    for part, names in listed.items():
        for name, files in zip(CLASSES, names, strict=True):
            if len(files) != _EACH:
                raise DataError(
                    f"{path / part / name} has {len(files):,} texts, IMDB has {_EACH:,} there; "
                    + _MEND
                )
    splits: dict[str, Split] = {}
    for part, names in listed.items():
        flat = [name for files in names for name in files]
        texts: list[str] = []
        for first in range(0, len(flat), _TEXTS):
            texts += text_folder.texts(path, flat[first : first + _TEXTS])
            done = len(splits) * len(flat) + len(texts)
            yield Step("reading imdb", done, len(flat) * len(listed), "texts")
        got = _fingerprint(texts, [CLASSES[i // _EACH] for i in range(len(flat))])
        if got != _FINGERPRINTS[part]:
            raise DataError(
                f"the texts in {path / part} are not those of IMDB: one or more differ "
                f"(fingerprint {got[:12]}, IMDB's is {_FINGERPRINTS[part][:12]}); {_MEND}"
            )
        splits[part] = text_folder.split(names, texts)
    return Dataset("imdb", "text", splits["train"], test=splits["test"], classes=CLASSES)


def _fingerprint(texts: Sequence[str], classes: Sequence[str]) -> str:
    digests = [
        hashlib.sha256(f"{name}\n{text}".encode()).digest()
        for name, text in zip(classes, texts, strict=True)
    ]
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()
