"""Descriptions in the format Croissant: checksums verified, licence, citation and splits shown."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from papertrial.data.cards.open_card import describe_path
from papertrial.errors import DataError
from papertrial.progress import finish

ROWS = b"a,b\n1,x\n2,y\n"


@pytest.fixture
def described(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "secret.csv").write_bytes(ROWS)
    for name in ("train.csv", "test.csv"):
        (folder / name).write_bytes(ROWS)
    good = hashlib.sha256(ROWS).hexdigest()

    def file(url: str, digest: str = good, **more: Any) -> dict[str, Any]:
        return {"@type": "cr:FileObject", "contentUrl": url, "sha256": digest, **more}

    document = {
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "@type": "sc:Dataset", "name": "letters", "url": "https://example.org/letters",
        "license": {"@type": "CreativeWork", "name": "CC-BY-4.0"}, "citeAs": "Doe 2020",
        "distribution": [
            file("train.csv"), file("https://example.org/test.csv", "0" * 64),
            file("extra.csv"), file("../secret.csv"), file("inside.csv", containedIn={"@id": "z"}),
            {"@type": "cr:FileSet", "includes": "*.csv"},
        ],
        "recordSet": [{
            "@type": "cr:RecordSet", "dataType": "cr:Split", "key": {"@id": "splits/name"},
            "data": [{"splits/name": "train"}, {"splits/name": "test"}],
        }],
    }  # fmt: skip
    (folder / "croissant.json").write_text(json.dumps(document))
    return folder


def test_files_are_verified_and_what_is_said_is_shown(described: Path) -> None:
    card = finish(describe_path(described))
    assert {one.file: one.state for one in card.checks} == {
        "train.csv": "verified", "https://example.org/test.csv": "wrong checksum",
        "extra.csv": "not there", "../secret.csv": "not there",
    }  # fmt: skip
    assert (card.licence, card.citation) == ("CC-BY-4.0", "Doe 2020")
    assert card.homepage == "https://example.org/letters"
    assert card.splits == ("train", "test")
    assert card.notes == ()  # the description is read


def test_other_metadata_is_a_file_like_others(described: Path) -> None:
    (described / "croissant.json").rename(described / "metadata.json")
    assert len(finish(describe_path(described)).checks) == 4
    (described / "metadata.json").write_text("{not json")
    card = finish(describe_path(described))
    assert (card.checks, card.licence) == ((), "")
    assert [note.example for note in card.notes] == ["metadata.json"]
    (described / "croissant.json").write_text("{not json")
    with pytest.raises(DataError, match=r"croissant\.json is not JSON"):
        finish(describe_path(described))
