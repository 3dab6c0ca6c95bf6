"""Pre-trained word vectors: read from their text files, placed in a model's embedding."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import nn

from papertrial.errors import DataError, ModelError, nearest

_AT_ONCE = 2**20  # bytes unpacked
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class NamedVectors:
    """Vectors that a recipe can name: their archive, and the file in it."""

    archive: str
    member: str


NAMED = {
    f"glove.6B.{size}d": NamedVectors("glove.6B.zip", f"glove.6B.{size}d.txt")
    for size in (50, 100, 200, 300)
}


@dataclass(frozen=True)
class Vectors:
    """A vector for every word of a vocabulary, [V, D] float32; zeros where none was found.

    `covered` tells which words were found, bool [V]; `name` is what to call the file.
    """

    values: np.ndarray
    covered: np.ndarray
    name: str

    @property
    def coverage(self) -> float:
        """The share of the words that were found."""
        return float(self.covered.mean())


def find(name_or_path: str, folder: Path) -> tuple[Path, str | None] | None:
    """Return the file of named vectors in the data folder, or of a path, and its member.

    None where nothing of that name is there: named vectors can then be fetched. Of a named set the
    unpacked file is taken before the archive.
    """
    named = NAMED.get(name_or_path)
    if named is None:
        path = Path(name_or_path).expanduser()
        return (path, None) if path.is_file() else None
    if (folder / named.member).is_file():
        return folder / named.member, None
    if (folder / named.archive).is_file():
        return folder / named.archive, named.member
    return None


def read_vectors(
    path: Path, words: Sequence[str], *, member: str | None = None, dimension: int | None = None
) -> Vectors:
    """Read the vectors of `words` from a GloVe or word2vec text file, or a zip that holds one.

    A line is a word, which may have spaces in it, and its numbers; a first line "400000 100" of
    word2vec is passed over. Of a word that is there twice the first line counts. Lines of other
    words are not looked into.

    Args:
        path: a `.txt`, or a `.zip`.
        words: the vocabulary, V words.
        member: the file in the zip; may be left out where it has one text file.
        dimension: how many numbers a word must have, the embedding's; None takes the file's.

    Raises:
        DataError: the file cannot be read or is cut off, is no such file, has another number of
            numbers a word, or none of the words.
    """
    rows = {word.encode(errors="replace"): row for row, word in enumerate(words)}
    covered = np.zeros(len(words), dtype=bool)
    name = member or path.name
    values = np.empty((0, 0), dtype=np.float32)
    size = 0
    with _opened(path, member) as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(b"\xef\xbb\xbf").rstrip() if number == 1 else line.rstrip()
            word = text.partition(b" ")[0]
            if not text or (number == 1 and _is_header(text)):
                continue
            if not word.isascii():
                _check_utf8(name, number, word)
            if not size:
                size = _dimension(name, number, text, dimension)
                values = np.zeros((len(words), size), dtype=np.float32)
            if text.count(b" ") < size:
                raise DataError(
                    f"{name} line {number} has {text.count(b' ')} numbers, the lines before have "
                    f"{size}; the file may be cut off: fetch it again"
                )
            row = rows.get(word)
            if row is None or covered[row]:
                continue
            first, *fields = text.rsplit(b" ", size)
            if first != word:  # a longer word, with spaces in it, or too many numbers
                if _float(first.split(b" ")[-1]) is None:
                    continue
                raise DataError(
                    f"{name} line {number} has {text.count(b' ')} numbers, a word has {size} here"
                )
            values[row] = _numbers(name, number, fields)
            covered[row] = True
    if not size:
        raise DataError(f"{name} is empty; word vectors are lines of a word and its numbers")
    if not covered.any():
        raise DataError(
            f"{name} has none of the {len(words):,} words of the vocabulary; are they of one "
            "language, and lower-cased alike?"
        )
    return Vectors(values, covered, name)


def place(model: nn.Module, vectors: Vectors) -> None:
    """Copy the vectors into the rows of their words in the model's embedding.

    The rows of other words stay as they are, and so does the padding's.

    Raises:
        ModelError: the model has no embedding with a row for every word, or several.
        DataError: the embedding has another number of numbers a word.
    """
    words = len(vectors.values)
    found = {
        name or type(module).__name__: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
    }
    fit = {name: one for name, one in found.items() if one.num_embeddings >= words}
    if len(fit) != 1:
        rows = ", ".join(f"{name} ({one.num_embeddings:,} rows)" for name, one in found.items())
        got = f"its embeddings: {rows}" if found else "it has no torch.nn.Embedding"
        raise ModelError(
            f"word vectors for {words:,} words need one embedding of the model with as many rows "
            f"or more, {'and several could be it' if fit else 'and there is none'}; {got}"
        )
    (name, embedding), size = fit.popitem(), vectors.values.shape[1]
    if embedding.embedding_dim != size:
        raise DataError(
            f"{vectors.name} has {size} numbers a word, the model's {name} has "
            f"{embedding.embedding_dim}; choose vectors or a model of one size"
        )
    covered = vectors.covered.copy()
    if embedding.padding_idx is not None and embedding.padding_idx < words:
        covered[embedding.padding_idx] = False
    rows_ = torch.from_numpy(np.flatnonzero(covered))
    weight = embedding.weight
    with torch.no_grad():
        weight[rows_.to(weight.device)] = torch.from_numpy(vectors.values)[rows_].to(weight)


@contextlib.contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """Open a file, or the member of a zip; whatever is wrong with it is told as a DataError."""
    try:
        with contextlib.ExitStack() as stack:
            if not zipfile.is_zipfile(path):
                with path.open("rb") as start:
                    if path.suffix.lower() == ".zip" or start.read(4) == b"PK\x03\x04":
                        raise DataError(
                            f"{path} is no whole zip archive; it may be cut off: fetch it again"
                        )
                yield stack.enter_context(path.open("rb"))
                return
            archive = stack.enter_context(zipfile.ZipFile(path))
            chosen = _member(path, archive.namelist(), member)
            packed: Any = stack.enter_context(archive.open(chosen))
            yield io.BufferedReader(packed, _AT_ONCE)  # by itself it reads lines slowly
    except FileNotFoundError as error:
        raise DataError(f"there is no vectors file {path}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in some rare way
        raise DataError(f"cannot unpack {path}: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _member(path: Path, names: Sequence[str], member: str | None) -> str:
    texts = [name for name in names if name.lower().endswith((".txt", ".vec"))]
    if member in texts:
        return str(member)
    if member is None and len(texts) == 1:
        return texts[0]
    rule = f"has no {member}{nearest(member, texts)}" if member else "holds several or no vectors"
    raise DataError(f"{path} {rule}; name one of its text files: {', '.join(texts) or 'none'}")


def _is_header(text: bytes) -> bool:
    fields = text.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _dimension(name: str, number: int, text: bytes, wanted: int | None) -> int:
    """Return how many numbers end the first line, after one word or more."""
    fields = text.split(b" ")[1:]
    size = next((i for i, f in enumerate(reversed(fields)) if _float(f) is None), len(fields))
    if not size:
        raise DataError(
            f"{name} line {number} does not end in numbers; word vectors are lines of a word and "
            "its numbers, with spaces between"
        )
    if wanted is not None and size != wanted:
        raise DataError(
            f"{name} has {size} numbers a word, the model's embedding has {wanted}; choose vectors "
            "or a model of one size"
        )
    return size


def _check_utf8(name: str, number: int, word: bytes) -> None:
    try:
        word.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} line {number} is not UTF-8 text; word vectors are read as text, not as .bin"
        ) from error


def _numbers(name: str, number: int, fields: Sequence[bytes]) -> list[float]:
    values = []
    for field in fields:
        value = _float(field)
        if value is None or not abs(value) <= _LARGEST:
            raise DataError(
                f"{name} line {number} must have finite numbers, got "
                f"{field.decode(errors='replace')!r}"
            )
        values.append(value)
    return values


def _float(field: bytes) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None
