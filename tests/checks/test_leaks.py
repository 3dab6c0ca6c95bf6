"""Samples that are in two splits are reported, with their files and rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from papertrial.checks.leaks import leaks
from papertrial.data.column import Dataset, DenseColumn, SampleColumn, Split
from papertrial.data.texts.ragged_column import text_column


def split(x: Tensor | SampleColumn, y: Tensor, names: list[str] | None = None) -> Split:
    column = DenseColumn(x) if isinstance(x, Tensor) else x
    return Split(column, y, np.arange(len(y)), names)


def images(count: int, seed: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=draws)


def test_shared_images_are_reported_by_name_and_row() -> None:
    train, test, validation = images(20, 0), images(10, 1), images(5, 2)
    test[3], test[7], validation[4] = train[11], train[2], train[19]
    labels = torch.zeros(20, dtype=torch.long)
    names = [f"test/{i}.png" for i in range(10)]
    other = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    dataset = Dataset(
        "mine",
        "image",
        split(train, labels),
        split(validation, labels[:5]),
        split(test, other, names),
        classes=("a", "b"),
    )
    found, shared = leaks(dataset)
    assert [(f.severity, f.where) for f in found] == [
        ("warning", "data.splits.validation"),
        ("warning", "data.source"),
    ]
    assert "1 of 5 validation images is also in the training split" in found[0].message
    assert "validation row 4 = train row 19" in found[0].message
    assert "2 of 10 test images are also in the training split (1 with the same" in found[1].message
    assert "test/3.png (test row 3) = train row 11" in found[1].message
    assert shared.to_json() == {
        "train/validation": [[19, 4]],
        "train/test": [[11, 3], [2, 7]],
        "validation/test": [],
        "repeated": {"train": 0, "validation": 0, "test": 0},
    }


def test_rows_of_a_table_count_only_if_targets_agree() -> None:
    values = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    train = split(values, torch.tensor([1.0, 2.0, 3.0]))
    test = split(values[[0, 1]], torch.tensor([9.0, 2.0]))
    found, shared = leaks(Dataset("mine", "table", train, test=test))
    assert shared.pairs["train", "test"] == [(1, 1)]
    assert "1 of 2 test rows is also" in found[0].message
    assert "can be chance" in found[0].message


def test_splits_that_share_nothing_are_not_reported() -> None:
    labels = torch.zeros(9, dtype=torch.long)
    dataset = Dataset(
        "mine", "image", split(images(9, 0), labels), test=split(images(9, 1), labels)
    )
    found, shared = leaks(dataset)
    assert found == []
    assert shared.pairs == {("train", "test"): []}


def test_the_real_imdb_has_123_test_reviews_in_its_training_split(imdb_folder: Path) -> None:
    def read(part: str) -> Split:
        files = [
            (path, label)
            for label, name in enumerate(("neg", "pos"))
            for path in sorted((imdb_folder / "aclImdb" / part / name).glob("*.txt"))
        ]
        texts = text_column([path.read_text("utf-8") for path, _ in files])
        names = [f"{part}/{path.parent.name}/{path.name}" for path, _ in files]
        return split(texts, torch.tensor([label for _, label in files]), names)

    found, shared = leaks(
        Dataset("imdb", "text", read("train"), test=read("test"), classes=("neg", "pos"))
    )
    assert len(found) == 1
    assert found[0].severity == "warning"
    assert "123 of 25,000 test texts are also in the training split (all with the same target)" in (
        found[0].message
    )
    assert "test/neg/12043_2.txt (test row 2270) = train/neg/1655_2.txt" in found[0].message
    assert len(shared.pairs["train", "test"]) == 123
    assert shared.repeated == {"train": 96, "test": 199}


def test_fashion_mnist_shares_no_image(fashion_mnist: Dataset) -> None:
    found, shared = leaks(fashion_mnist)
    assert found == []
    assert shared.to_json() == {"train/test": [], "repeated": {"train": 0, "test": 0}}
