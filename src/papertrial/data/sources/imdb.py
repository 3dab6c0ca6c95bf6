"""The IMDB reviews of Maas et al. 2011, from the folder that their archive unpacks to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from papertrial.data.column import Dataset, Split
from papertrial.data.files.archive import extract
from papertrial.data.files.catalog import CATALOG, artifacts
from papertrial.data.files.data_folder import ELSEWHERE
from papertrial.data.files.fetch import absent, fetch
from papertrial.data.files.locks import wait_for
from papertrial.data.sources import text_folder
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.errors import DataError
from papertrial.progress import Steps

_URL = CATALOG["imdb"].urls[0]
CLASSES = ("neg", "pos")
_EACH = 12_500  # reviews of each class in each part
# The SHA-256 over the sorted SHA-256 of all labelled reviews, each taken over its class name, a
# line feed, and the file's bytes. Two independent copies of the set agree on them. The order and
# the names of the files do not matter.
_FINGERPRINTS = {
    "train": "058736b6efe4cf8b13d9a159c31382e73a1e63842e9fe22623930f7980d25546",
    "test": "155c1882b0f44333e68d8db1b0bba243291bdbd4259d4bc5f3c5b370c6333f5b",
}
_FIX = (
    f"unpack {_URL} again, or train on these texts with data.source: text-folder, as a set that is "
    "not IMDB"
)


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load the IMDB reviews, 25,000 and 25,000; download and unpack them if they are absent.

    Raises:
        DataError: the reviews are absent, cannot be downloaded, or are not exactly those of IMDB.
    """
    if find(folder) is None:
        yield from _unpack(folder, spec.download)
    return LoadedSet((yield from load_folder(folder)))


def find(folder: Path) -> Path | None:
    """Return the folder of the IMDB reviews in the data folder, None if it is absent."""
    path = folder / "aclImdb"
    complete = all((path / part / name).is_dir() for part in _FINGERPRINTS for name in CLASSES)
    return path if complete else None


def load_folder(folder: Path) -> Steps[Dataset]:
    """Load the IMDB reviews, `aclImdb/{train,test}/{neg,pos}/*.txt`, from the data folder.

    Other files and folders, such as the unlabelled `train/unsup`, are ignored.

    Raises:
        DataError: the reviews are absent, or are not exactly those of IMDB.
    """
    path = find(folder)
    if path is None:
        raise DataError(
            f"imdb is not in {folder / 'aclImdb'}, which must have train and test, each with neg "
            f"and pos; unpack {_URL} in {folder}, {ELSEWHERE}"
        )
    listed = {part: text_folder.files(path, CLASSES, part) for part in _FINGERPRINTS}
    for part, names in listed.items():
        for name, files in zip(CLASSES, names, strict=True):
            if len(files) != _EACH:
                raise DataError(
                    f"{path / part / name} has {len(files):,} texts, but IMDB has {_EACH:,} there; "
                    f"{_FIX}"
                )
    splits: dict[str, Split] = {}
    total = sum(len(files) for names in listed.values() for files in names)
    done = 0
    for part, names in listed.items():
        flat = [name for files in names for name in files]
        texts = yield from text_folder.read_texts(path, flat, "reading imdb", done, total)
        done += len(texts)
        got = _fingerprint(texts, [CLASSES[i // _EACH] for i in range(len(flat))])
        if got != _FINGERPRINTS[part]:
            raise DataError(
                f"the texts in {path / part} are not those of IMDB: their fingerprint is "
                f"{got[:12]}, that of IMDB is {_FINGERPRINTS[part][:12]}; {_FIX}"
            )
        splits[part] = text_folder.make_split(names, texts)
    return Dataset.from_splits("imdb", "text", splits, classes=CLASSES)


def _unpack(folder: Path, download: bool) -> Steps[None]:
    (artifact,) = artifacts(CATALOG["imdb"])
    if not download and not (folder / artifact.file).exists():
        raise absent("imdb", folder)
    archive = yield from fetch(artifact, folder)
    lock = FileLock(folder / ".papertrial.lock", thread_local=False)
    try:
        yield from wait_for(lock, "unpacking imdb")
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {error.strerror}") from error
    try:
        if find(folder) is None:  # another process may have unpacked it in the meantime
            yield from extract(archive, folder / "aclImdb", prefix="aclImdb")
    finally:
        lock.release()


def _fingerprint(texts: Sequence[str], classes: Sequence[str]) -> str:
    digests = [
        hashlib.sha256(f"{name}\n{text}".encode()).digest()
        for name, text in zip(classes, texts, strict=True)
    ]
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()
