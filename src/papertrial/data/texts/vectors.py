"""Pre-trained word vectors: read from text files, and copied into a model's embedding."""

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

from papertrial.data.numbers import LARGEST_FLOAT32
from papertrial.errors import DataError, ModelError, nearest

_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class Vectors:
    """A vector for each word of a vocabulary, [V, D] float32; zeros for words without one.

    `covered` says which words have a vector, bool [V]; `name` is the file, for messages.
    """

    values: np.ndarray
    covered: np.ndarray
    name: str


def read_vectors(path: Path, words: Sequence[str], *, member: str | None = None) -> Vectors:
    """Read the vectors of `words` from a GloVe or word2vec text file, or a zip that holds one.

    Each line has a word, which may contain spaces, and its numbers. The header "400000 100" of
    word2vec is skipped. If a word occurs twice, its first line counts. The lines of other words are
    not checked.

    Args:
        path: a `.txt` or `.zip` file.
        words: the vocabulary, V words.
        member: the file in the zip; optional if the zip has only one text file.

    Raises:
        DataError: the file cannot be read, is truncated or of another kind, or has none of the
            words.
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
                size = _dimension(name, number, text)
                values = np.zeros((len(words), size), dtype=np.float32)
            if text.count(b" ") < size:
                raise DataError(
                    f"{name} line {number} has {text.count(b' ')} numbers, but the lines before "
                    f"have {size}; the file may be truncated: download it again"
                )
            row = rows.get(word)
            if row is None or covered[row]:
                continue
            first, *fields = text.rsplit(b" ", size)
            if first != word:  # a longer word that contains spaces, or too many numbers
                if _parse_float(first.split(b" ")[-1]) is None:
                    continue
                raise DataError(
                    f"{name} line {number} has {text.count(b' ')} numbers, but the lines before "
                    f"have {size}; correct the line"
                )
            values[row] = _parse_vector(name, number, fields)
            covered[row] = True
    if not size:
        raise DataError(f"{name} is empty; each line of word vectors is a word and its numbers")
    if not covered.any():
        raise DataError(
            f"{name} has none of the {len(words):,} words of the vocabulary; check that both have "
            "the same language, and that data.text.lower fits"
        )
    return Vectors(values, covered, name)


def copy_into_embedding(model: nn.Module, vectors: Vectors) -> None:
    """Copy word vectors into the rows of their words in the model's embedding.

    The rows of other words and of the padding do not change.

    Raises:
        ModelError: the model has no embedding with a row for every word, or several.
        DataError: the embedding has another dimension.
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
            f"word vectors for {words:,} words need exactly one embedding with at least as many "
            f"rows in the model, but {'several have' if fit else 'none has'}; {got}"
        )
    (name, embedding), size = fit.popitem(), vectors.values.shape[1]
    if embedding.embedding_dim != size:
        raise DataError(
            f"{vectors.name} has {size} numbers for each word, but the model's {name} has "
            f"{embedding.embedding_dim}; choose vectors or a model with the same dimension"
        )
    covered = vectors.covered.copy()
    if embedding.padding_idx is not None and embedding.padding_idx < words:
        covered[embedding.padding_idx] = False
    covered_rows = torch.from_numpy(np.flatnonzero(covered))
    weight = embedding.weight
    with torch.no_grad():
        weight[covered_rows.to(weight.device)] = torch.from_numpy(vectors.values)[covered_rows].to(
            weight
        )


@contextlib.contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    """Open a file of word vectors, or a member of a zip; errors while open become DataErrors."""
    try:
        with contextlib.ExitStack() as stack:
            if not zipfile.is_zipfile(path):
                with path.open("rb") as start:
                    if path.suffix.lower() == ".zip" or start.read(4) == b"PK\x03\x04":
                        raise DataError(
                            f"{path} is not a complete zip archive; it may be truncated: download "
                            "it again"
                        )
                yield stack.enter_context(path.open("rb"))
                return
            archive = stack.enter_context(zipfile.ZipFile(path))
            chosen = _member(path, archive.namelist(), member)
            packed: Any = stack.enter_context(archive.open(chosen))
            yield io.BufferedReader(
                packed, _BUFFER_BYTES
            )  # without a buffer, reading lines is slow
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path} of word vectors") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is damaged ({error}); download it again") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or with a rare compression
        raise DataError(f"cannot unpack {path}: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _member(path: Path, names: Sequence[str], member: str | None) -> str:
    texts = [name for name in names if name.lower().endswith((".txt", ".vec"))]
    if member in texts:
        return str(member)
    if member is None and len(texts) == 1:
        return texts[0]
    rule = f"has no {member}{nearest(member, texts)}" if member else "has not exactly one text file"
    raise DataError(f"{path} {rule}; its text files are: {', '.join(texts) or 'none'}")


def _is_header(text: bytes) -> bool:
    fields = text.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _dimension(name: str, number: int, text: bytes) -> int:
    """Return the dimension of word vectors: how many numbers the first line ends in."""
    fields = text.split(b" ")[1:]
    size = next((i for i, f in enumerate(reversed(fields)) if _parse_float(f) is None), len(fields))
    if not size:
        raise DataError(
            f"{name} line {number} does not end in numbers; each line of word vectors is a word "
            "and its numbers, separated by spaces"
        )
    return size


def _check_utf8(name: str, number: int, word: bytes) -> None:
    try:
        word.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} line {number} is not UTF-8 text; give word vectors as text, not as .bin"
        ) from error


def _parse_vector(name: str, number: int, fields: Sequence[bytes]) -> list[float]:
    values = []
    for field in fields:
        value = _parse_float(field)
        if value is None or not abs(value) <= LARGEST_FLOAT32:
            raise DataError(
                f"{name} line {number} must have finite numbers, got "
                f"{field.decode(errors='replace')!r}"
            )
        values.append(value)
    return values


def _parse_float(field: bytes) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None
