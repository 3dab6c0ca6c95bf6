"""Tokenizers of pretrained models, checked against transformers itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.texts.encode import encode
from papertrial.data.texts.ragged_column import text_column
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.errors import DataError
from papertrial.evaluate.inputs import TextInputs, difference, inputs_from

TEXTS = ["A good film", "dull\nacting, and a bad plot " * 3, "", "café \ud800 <br /> [SEP] good"]
CLEAN = [text.replace("\ud800", "\ufffd") for text in TEXTS]


@pytest.fixture(scope="module")
def ours(tiny_bert: Path) -> SubwordTokenizer:
    return SubwordTokenizer.load(str(tiny_bert))


@pytest.fixture(scope="module")
def theirs(tiny_bert: Path) -> Any:
    import transformers

    return transformers.AutoTokenizer.from_pretrained(tiny_bert)


def plain(x: dict[str, torch.Tensor]) -> dict[str, list[list[int]]]:
    return {name: one.tolist() for name, one in x.items()}


def test_batches_are_those_of_transformers(ours: SubwordTokenizer, theirs: Any) -> None:
    column = ours.encode(TEXTS)
    wanted = theirs(CLEAN, padding=True, truncation=True)
    got = plain(column.take(slice(0, len(TEXTS))))
    assert got == {name: wanted[name] for name in ("input_ids", "attention_mask")}
    assert len(got["input_ids"][1]) == 16  # cut to the limit of the tokenizer
    assert column.lengths is not None
    assert column.lengths.tolist() == [sum(row) for row in wanted["attention_mask"]]
    some = theirs([CLEAN[3], CLEAN[0]], padding=True)
    assert plain(column.take(torch.tensor([3, 0])))["input_ids"] == some["input_ids"]
    assert plain(column.rows(torch.tensor([3, 0])).take(slice(None))) == plain(
        column.take(torch.tensor([3, 0]))
    )


def test_fixed_length_and_padding_on_the_left(tiny_bert: Path, theirs: Any) -> None:
    fixed = SubwordTokenizer.load(str(tiny_bert), max_length=9, fixed=True)
    wanted = theirs(CLEAN, padding="max_length", truncation=True, max_length=9)
    assert plain(fixed.encode(TEXTS).take(slice(None)))["input_ids"] == wanted["input_ids"]
    left = SubwordTokenizer(fixed.definition, padding=0, side="left", max_length=9)
    theirs.padding_side = "left"
    wanted = theirs(CLEAN[::2], padding=True, truncation=True, max_length=9)
    theirs.padding_side = "right"
    got = plain(left.encode(TEXTS[::2]).take(slice(None)))
    assert got == {name: wanted[name] for name in got}


def test_a_run_keeps_the_tokenizer(ours: SubwordTokenizer) -> None:
    inputs = TextInputs(ours)
    again = inputs_from(type(inputs.state()).model_validate_json(inputs.state().model_dump_json()))
    assert difference(inputs, again) == ""
    read, long = "good film", "good " * 30
    (one,) = again.read([read, long], 10)
    assert plain(one.column.take(slice(None))) == plain(ours.encode([read, long]).take(slice(None)))
    assert one.notes == ["", "cut from 32 to 16 tokens"]
    shorter = TextInputs(SubwordTokenizer(ours.definition, padding=1))
    assert difference(inputs, shorter) == "has another tokenizer"


def test_largest_token_and_fingerprint(ours: SubwordTokenizer, theirs: Any) -> None:
    assert len(ours) == len(theirs)
    x = ours.encode(TEXTS).take(slice(0, 2))
    TextInputs(ours).put_largest(x)
    assert int(x["input_ids"].max()) == len(theirs) - 1
    assert ours.encode(TEXTS).fingerprint == ours.encode(CLEAN).fingerprint
    assert ours.encode(TEXTS).fingerprint != ours.encode(CLEAN[::-1]).fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pad_token": None}, "no padding token"),
        ({"model_max_length": 10**30}, "data.text.max_length"),
    ],
)
def test_tokenizers_that_do_not_fit(
    tiny_bert: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    shutil.copytree(tiny_bert, tmp_path / "t")
    place = tmp_path / "t" / "tokenizer_config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **change}))
    with pytest.raises(DataError, match=message):
        SubwordTokenizer.load(str(tmp_path / "t"), fixed=True)


def test_folders_without_a_tokenizer(tmp_path: Path, tiny_bert: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        SubwordTokenizer.load("bert-base-uncased")
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        SubwordTokenizer.load(str(tmp_path))
    with pytest.raises(DataError, match="2 special tokens"):
        SubwordTokenizer.load(str(tiny_bert), max_length=2)


def test_a_text_without_tokens_is_named(ours: SubwordTokenizer) -> None:
    bare = json.loads(ours.definition)
    bare["post_processor"] = None
    tokenizer = SubwordTokenizer(json.dumps(bare), padding=0)
    split = Split(text_column(["good", " "]), torch.zeros(2), torch.arange(2).numpy())
    with pytest.raises(DataError, match="train: row 1 has no words"):
        encode(Dataset("set", "text", split), tokenizer)
