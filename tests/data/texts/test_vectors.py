"""Word vectors: files of every make, the wanted lines alone, bad lines by number, placing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from papertrial.data.texts.vectors import Vectors, copy_into_embedding, read_vectors
from papertrial.errors import DataError, ModelError

WORDS = ("<pad>", "<unk>", "the", "naïve", ".")
GLOVE = "the 0.1 0.2 -3\n. 1 2 3\n. . . 7 7 7\nnaïve 4e-1 5 6\nnew york 0 0 0\nThe 9 9 9\n"
VALUES = [[0, 0, 0], [0, 0, 0], [0.1, 0.2, -3], [0.4, 5, 6], [1, 2, 3]]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        "6 3\n" + GLOVE,
        "\ufeff" + GLOVE,
        GLOVE.replace("\n", "\r\n"),
        GLOVE.replace("\n", " \n"),
        GLOVE + "the 8 8 8\n\n",
        ". . . 7 7 7\n" + GLOVE,
    ],
)
def test_files_of_every_make_give_the_wanted_words(content: str, tmp_path: Path) -> None:
    got = read_vectors(written(tmp_path / "v.txt", content), WORDS)
    assert np.array_equal(got.values, np.array(VALUES, dtype=np.float32))
    assert got.values.dtype == np.float32
    assert got.covered.tolist() == [False, False, True, True, True]
    assert got.covered.mean() == pytest.approx(0.6)


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def test_the_member_of_a_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "g.zip", a__txt=GLOVE, b__txt="the 1 2\n")
    assert read_vectors(path, WORDS, member="b.txt").values[2].tolist() == [1, 2]
    assert read_vectors(path, WORDS, member="a.txt").values.shape == (5, 3)
    with pytest.raises(DataError, match=r"has not exactly one text file; .*: a.txt, b.txt"):
        read_vectors(path, WORDS)
    with pytest.raises(DataError, match=r"has no c.txt.*a.txt, b.txt"):
        read_vectors(path, WORDS, member="c.txt")
    only = zipped(tmp_path / "one.zip", a__txt=GLOVE)
    assert read_vectors(only, WORDS).covered.mean() == pytest.approx(0.6)


def test_a_cut_off_zip_is_told(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "g.zip", a__txt=GLOVE * 1000).read_bytes()
    with pytest.raises(DataError, match=r"not a complete zip archive.*download it again"):
        read_vectors(written(tmp_path / "cut.zip", whole[: len(whole) // 2]), WORDS)
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    with pytest.raises(DataError, match="is damaged"):
        read_vectors(written(tmp_path / "damaged.zip", bytes(damaged)), WORDS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "v.txt is empty"),
        ("2 3\n", "v.txt is empty"),
        ("the 1 2 3\n. 1 2\n", "line 2 has 2 numbers, but the lines before have 3"),
        ("other 1 2 3\nthe 1 2 3 4\n", "line 2 has 4 numbers, but the lines before have 3"),
        ("a 1 2 3\nthe 1 x 3\n", "line 2 must have finite numbers, got 'x'"),
        ("the 1 nan 3\n", "line 1 must have finite numbers, got 'nan'"),
        ("the 1 1e39 3\n", "line 1 must have finite numbers, got '1e39'"),
        ("hello\n", "line 1 does not end in numbers"),
        ("cat 1 2 3\n", "none of the 5 words"),
        (b"the 1 2 3\nna\xefve 1 2 3\n", "line 2 is not UTF-8"),
        ("the 1 2 3\n".encode("utf-16"), "line 1 is not UTF-8"),
    ],
)
def test_a_wrong_file_is_told(content: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        read_vectors(written(tmp_path / "v.txt", content), WORDS)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*v\.txt"):
        read_vectors(tmp_path / "v.txt", WORDS)
    with pytest.raises(DataError, match="cannot read"):
        read_vectors(tmp_path, WORDS)


def made() -> Vectors:
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    return Vectors(values, np.array([True, False, True, True, False]), "glove")


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_only_covered_rows_are_placed(kind: type[nn.Embedding] | type[nn.EmbeddingBag]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(kind(7, 3, padding_idx=0), nn.Linear(3, 1))
    weight = model[0].weight
    before = weight.detach().clone()
    copy_into_embedding(model, made())
    assert weight[2:4].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert torch.equal(weight[[0, 1, 4, 5, 6]], before[[0, 1, 4, 5, 6]])
    assert not weight[0].any()
    assert weight.requires_grad


def test_the_embedding_must_be_one_and_fit() -> None:
    with pytest.raises(ModelError, match=r"none has; it has no torch.nn.Embedding"):
        copy_into_embedding(nn.Linear(3, 1), made())
    with pytest.raises(ModelError, match=r"none has; its embeddings: Embedding \(4 rows\)"):
        copy_into_embedding(nn.Embedding(4, 3), made())
    with pytest.raises(ModelError, match=r"several.*0 \(5 rows\), 1 \(6 rows\)"):
        copy_into_embedding(nn.Sequential(nn.Embedding(5, 3), nn.Embedding(6, 3)), made())
    with pytest.raises(
        DataError, match=r"glove has 3 numbers for each word, but the model's .* 50"
    ):
        copy_into_embedding(nn.Embedding(5, 50), made())
