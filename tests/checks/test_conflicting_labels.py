"""Identical samples with different labels are reported with examples, chance agreements are not."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from papertrial.checks.conflicting_labels import conflicting_labels
from papertrial.checks.leaks import digests_of
from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.texts.ragged_column import text_column
from papertrial.diagnose.diagnosis import Diagnosis


def split(x: Tensor, y: Tensor, names: list[str] | None = None) -> Split:
    return Split(DenseColumn(x), y, np.arange(len(y)), names)


def found(dataset: Dataset) -> list[Diagnosis]:
    return conflicting_labels(dataset, digests_of(dataset))


def test_images_within_a_part_and_across_parts() -> None:
    draws = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (20, 1, 4, 4), dtype=torch.uint8, generator=draws)
    test = torch.randint(0, 256, (5, 1, 4, 4), dtype=torch.uint8, generator=draws)
    y = torch.arange(20) % 2
    x[6], x[8], test[2] = x[3], x[4], x[5]  # classes 0 and 1; twice 0; 1 and 0
    names = [f"{k}.png" for k in range(5)]
    parts = split(x, y), split(test, torch.zeros(5, dtype=torch.long), names)
    (warning,) = found(Dataset("m", "image", parts[0], test=parts[1], classes=("cat", "dog")))
    assert (warning.severity, warning.where) == ("warning", "data.source")
    assert "2 pairs of identical images have different ones" in warning.message
    assert "train row 3 (dog) = train row 6 (cat), train row 5 (dog) = 2.png (cat)" in (
        warning.message
    )
    numbers = split(x, y.float())
    assert found(Dataset("m", "image", numbers)) == []  # two measurements may differ
    assert found(Dataset("m", "image", split(x[:6], y[:6]), classes=("cat", "dog"))) == []


def test_texts_with_several_labels() -> None:
    texts = text_column(["a film", "good", "a film", "a film"])
    y = torch.tensor([[1, 0], [1, 1], [1, 0], [0, 0]], dtype=torch.uint8)
    part = Split(texts, y, np.arange(4))
    (warning,) = found(Dataset("m", "text", part, targets=("drama", "new")))
    assert "1 pairs" in warning.message
    assert "train row 2 (drama) = train row 3 (none)" in warning.message


def test_rows_of_a_table_that_agree_by_chance_are_not_reported() -> None:
    draws = torch.Generator().manual_seed(1)
    y = torch.randint(0, 2, (400,), generator=draws)
    measured = torch.rand(400, 3, generator=draws)
    measured[7] = measured[300]
    y[7], y[300] = 0, 1
    (warning,) = found(Dataset("m", "table", split(measured, y), classes=("a", "b")))
    assert "train row 7 (a) = train row 300 (b)" in warning.message
    coarse = torch.randint(0, 3, (400, 3), generator=draws).float()  # 27 different rows
    assert found(Dataset("m", "table", split(coarse, y), classes=("a", "b"))) == []
    # Few conflicts, but between rows whose values are frequent.
    mixed = torch.rand(400, 3, generator=draws)
    mixed[:12] = torch.tensor([1.0, 0, 0])
    assert found(Dataset("m", "table", split(mixed, y), classes=("a", "b"))) == []
