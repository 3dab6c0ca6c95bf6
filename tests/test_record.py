"""JSON documents: what is written is read back; newer and damaged ones are refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import Field, ValidationError

from papertrial.errors import RunError
from papertrial.record import Part, Record


class Row(Part):
    class_: str = Field(alias="class")
    score: float | None


class Document(Record):
    FORMAT = 2

    name: str
    rows: tuple[Row, ...]
    matrix: list[list[int]] | None = None


DOCUMENT = Document(name="é", rows=(Row(class_="a", score=0.1 + 0.2),), matrix=[[1, 2]])
PLAIN: dict[str, Any] = {
    "format": 2,
    "name": "é",
    "rows": [{"class": "a", "score": 0.1 + 0.2}],
    "matrix": [[1, 2]],
}


def test_a_document_is_read_back_as_it_was_written() -> None:
    assert json.loads(DOCUMENT.to_json()) == PLAIN
    assert Document.from_json(DOCUMENT.to_json(), "file") == DOCUMENT
    assert "\n" not in DOCUMENT.to_json(indent=None)


def test_a_document_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DOCUMENT.name = "other"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is damaged"]),
        ("{", ["is damaged"]),
        ("[" * 100_000, ["is damaged"]),
        ("[]", ["is damaged"]),
        (json.dumps({**PLAIN, "format": 3}), ["format 3", "format 2", "newer"]),
        (json.dumps({**PLAIN, "format": 1}), ["format 1", "format 2", "older"]),
        (json.dumps({k: v for k, v in PLAIN.items() if k != "format"}), ["no format version"]),
        (json.dumps({**PLAIN, "format": True}), ["no format version"]),
        (json.dumps({**PLAIN, "name": 3}), ["is damaged", "name"]),
        (json.dumps({**PLAIN, "nmae": "x"}), ["is damaged", "nmae"]),
        (json.dumps({**PLAIN, "rows": [{"class": "a", "score": "1"}]}), ["rows.0.score"]),
        (json.dumps({**PLAIN, "rows": [{"class": "a", "score": float("nan")}]}), ["rows.0.score"]),
        (
            json.dumps({**PLAIN, "rows": [{"class": "a", "score": 7}]}).replace("7", "1e999"),
            ["rows.0.score"],
        ),
        (json.dumps({**PLAIN, "name": "\ud800"}), ["is damaged"]),
    ],
)
def test_other_documents_are_refused_by_file_and_key(text: str, parts: list[str]) -> None:
    with pytest.raises(RunError) as caught:
        Document.from_json(text, "runs/x/document.json")
    for part in ["runs/x/document.json", *parts]:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_that_json_lacks_is_refused_when_the_document_is_made() -> None:
    with pytest.raises(ValidationError, match="finite"):
        Row(class_="a", score=float("inf"))


def test_text_that_is_not_unicode_can_be_read_back() -> None:
    text = Document(name="a\udcff", rows=()).to_json()
    assert Document.from_json(text, "file").name == "a?"
