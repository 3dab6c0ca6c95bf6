"""What is in the samples of the sets of texts, series and graphs, on small files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from papertrial.data.column import Dataset
from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import SourceSpec, WindowOptions
from papertrial.data.sources.windows import windows
from papertrial.data.texts.ragged_column import texts_of
from papertrial.errors import DataError
from papertrial.progress import finish


@pytest.fixture
def load(
    small_set: Callable[[str, Path, pytest.MonkeyPatch], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Dataset]:
    """Load a small set with windows of this length and horizon."""

    def loaded(name: str, *window: int) -> Dataset:
        small_set(name, tmp_path, monkeypatch)
        spec = SourceSpec(name, targets="tensors", window=WindowOptions(*window))
        return finish(open_source(spec, tmp_path)).dataset

    return loaded


def test_windows_are_an_input_and_what_follows() -> None:
    series = torch.arange(10)
    split = windows(series, 3, 3, target=2)
    assert len(split) == 6
    assert split.x.take(slice(0, 2)).tolist() == [[0, 1, 2], [1, 2, 3]]
    assert split.y[-1].tolist() == [8, 9]
    shifted = windows(series, 4, 1, target=4, stride=4)
    assert shifted.x.take(torch.tensor([1])).tolist() == [[4, 5, 6, 7]]
    assert (shifted.y.tolist(), shifted.ids.tolist()) == ([[1, 2, 3, 4], [5, 6, 7, 8]], [0, 4])
    assert len(windows(series, 9, 1, target=9)) == 1
    with pytest.raises(DataError, match=r"10 steps.*need 11; lower data\.window\.length"):
        windows(series, 10, 1, target=10)
    two = windows(torch.arange(20).view(10, 2), 3, 3, target=2)
    assert two.x.take(slice(1, 2)).tolist() == [[[2, 3], [4, 5], [6, 7]]]
    assert two.y[0].tolist() == [[6, 7], [8, 9]]


def test_characters_are_numbered_and_the_target_is_one_later(load: Callable[..., Dataset]) -> None:
    text = "the cat sat on the mat, to be or not.\n" * 160
    codes = [sorted(set(text)).index(letter) for letter in text]
    cut = len(text) * 9 // 10
    dataset = load("tiny-shakespeare", 32)
    assert len(dataset.train) == cut - 32
    assert dataset.train.x.take(torch.tensor([5]))[0].tolist() == codes[5:37]
    assert dataset.train.y[5].tolist() == codes[6:38]
    assert dataset.validation is not None
    assert dataset.validation.x.take(slice(1, 2))[0].tolist() == codes[cut + 32 : cut + 64]
    assert len(dataset.validation) == (len(text) - cut - 1) // 32
    assert load("tiny-shakespeare").train.x.shape == (256,)


def test_a_forecast_continues_its_input_and_parts_do_not_overlap(
    load: Callable[..., Dataset], tmp_path: Path
) -> None:
    dataset = load("etth1", 24, 6)
    lines = (tmp_path / "ETT-small" / "ETTh1.csv").read_text().splitlines()[1:]
    raw = np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines])
    known = (raw - raw[:8640].mean(0)) / raw[:8640].std(0)
    sizes = {name: len(split) for name, split in dataset.splits.items()}
    assert sizes == {"train": 8640 - 29, "validation": 2880 - 5, "test": 2880 - 5}
    for name, start in (("train", 0), ("validation", 8640 - 24), ("test", 11520 - 24)):
        split = dataset.splits[name]
        x, y = split.x.take(torch.tensor([7]))[0].numpy(), split.y[7].numpy()
        np.testing.assert_allclose(x, known[start + 7 : start + 31], atol=1e-5)
        np.testing.assert_allclose(y, known[start + 31 : start + 37], atol=1e-5)
    last = dataset.splits["test"].y[-1].numpy()
    np.testing.assert_allclose(last, known[-6:], atol=1e-5)
    with pytest.raises(DataError, match=r"lower data\.window\.length"):
        load("etth1", 9000)


def test_a_graph_has_its_edges_and_the_labels_of_each_part(load: Callable[..., Dataset]) -> None:
    dataset = load("cora")
    draw = np.random.default_rng(0)
    words = (draw.random((600, 20)) < 0.2).astype(np.float32)  # as the fixture draws them
    x = dataset.train.x.take(slice(0, 1))
    expected = words / np.maximum(words.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(x["features"][0].numpy(), expected, rtol=1e-6)
    edges = {tuple(pair) for pair in x["edges"][0].T.tolist()}
    assert len(edges) == x["edges"].shape[2] == 4 * 600  # to 7 and 14 places on, and back
    assert {(3, 10), (10, 3), (3, 17), (17, 3), (595, 2)} <= edges
    assert not any(one == other for one, other in edges)
    labelled = {name: (split.y[0] != -100) for name, split in dataset.splits.items()}
    rows = {name: mask.nonzero().flatten().tolist() for name, mask in labelled.items()}
    assert rows == {
        "train": list(range(21)),
        "validation": list(range(21, 521)),
        "test": list(range(550, 600)),
    }
    for name, split in dataset.splits.items():
        assert split.y[0][rows[name]].tolist() == [row % 7 for row in rows[name]]


def test_sentences_are_lines_in_latin_1(load: Callable[..., Dataset]) -> None:
    dataset = load("rt-polarity")
    assert (dataset.classes, dataset.train.y.bincount().tolist()) == (("neg", "pos"), [60, 60])
    texts = list(texts_of(dataset.train.x))
    assert texts[1] == "neg film number 1 café"
    assert texts[60] == "pos film number 0 café"


def test_other_classes_than_those_of_the_files_are_not_unpickled(
    load: Callable[..., Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from papertrial.data.sources import cora

    path = tmp_path / "odd"
    path.write_bytes(b"\x80\x02cos\nsystem\n.")
    with pytest.raises(DataError, match=r"cannot read .*odd: os\.system is not expected"):
        cora._unpickled(path)
