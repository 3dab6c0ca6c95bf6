"""What is told of a loaded set: every number of it by hand."""

from __future__ import annotations

import numpy as np
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.describe import SplitDescription, describe
from papertrial.data.texts.ragged_column import text_column
from papertrial.progress import finish


def test_images() -> None:
    x = DenseColumn(torch.zeros(6, 3, 4, 5, dtype=torch.uint8))
    train = Split(x, torch.tensor([0, 0, 2, 2, 2, 0]), np.arange(6))
    test = train.rows(torch.tensor([5]))
    about = finish(describe(Dataset("set", "image", train, test=test, classes=("a", "b", "c"))))
    assert about["train"] == SplitDescription(
        rows=6,
        shape=(3, 4, 5),
        dtype="uint8",
        nbytes=360,
        fingerprint=train.fingerprint,
        classes={"a": 3, "b": 0, "c": 3},
    )
    assert (about["test"].rows, about["test"].classes) == (1, {"a": 1, "b": 0, "c": 0})


def test_tables_have_the_range_of_each_column() -> None:
    x = DenseColumn(torch.tensor([[1.0, 10.0], [3.0, 30.0], [2.0, -10.0]]))
    split = Split(x, torch.tensor([0.5, 1.5, 1.0]), np.arange(3))
    dataset = Dataset("set", "table", split, features=("age", "bmi"), target="risk")
    assert finish(describe(dataset))["train"].to_plain()["columns"] == {
        "age": {"min": 1, "mean": 2, "max": 3},
        "bmi": {"min": -10, "mean": 10, "max": 30},
        "risk": {"min": 0.5, "mean": 1, "max": 1.5},
    }


def test_texts_have_their_lengths_in_words_and_samples_from_all_over() -> None:
    texts = ["word " * n for n in range(1, 101)]
    names = [f"{n}.txt" for n in range(100)]
    y = torch.tensor([0] * 50 + [1] * 50)
    split = Split(text_column(texts), y, np.arange(100), names)
    about = finish(describe(Dataset("set", "text", split, classes=("neg", "pos"))))["train"]
    assert about.words == {
        "min": 1, "5%": 6, "median": 50.5, "mean": 50.5, "95%": 95, "max": 100,
    }  # fmt: skip
    assert about.shape == ()
    assert about.samples is not None
    samples = [(sample.name, sample.label) for sample in about.samples]
    assert samples == [("0.txt", "neg"), ("33.txt", "neg"), ("66.txt", "pos"), ("99.txt", "pos")]
    assert about.samples[0].text == "word"
    assert [len(sample.text) for sample in about.samples[1:]] == [120] * 3
    assert about.samples[1].text.endswith(" word…")
