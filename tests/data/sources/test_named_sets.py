"""Sets by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from papertrial.data.files.catalog import CATALOG
from papertrial.data.sources.named_sets import loading
from papertrial.errors import DataError
from papertrial.progress import finish


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_a_loaded_set_is_of_the_kind_and_name_of_its_source(tmp_path: Path, name: str) -> None:
    dataset = finish(loading(name, tmp_path))
    assert (dataset.name, dataset.kind) == (name, CATALOG[name].kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fashion_mnist", "there is no source 'fashion_mnist'; did you mean \"fashion-mnist\"?"),
        ("Digits", "there is no source 'Digits'; did you mean \"digits\"?"),
        (
            "imagenet",
            "there is no source 'imagenet'; valid: breast-cancer, cifar10, cifar100, cora, ",
        ),
    ],
)
def test_an_unknown_name_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match="^" + re.escape(message)):
        finish(loading(name, tmp_path))
