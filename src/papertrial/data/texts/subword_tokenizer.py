"""Tokenizers of pretrained models, which split texts into parts of words."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import field_validator
from torch import Tensor

from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.data.texts.token_column import Side, TokenColumn
from papertrial.data.texts.tokenizer import tokenizer_on_all_cores
from papertrial.data.texts.vocabulary import EmptyTextError
from papertrial.errors import DataError
from papertrial.extras import import_extra, quiet_transformers
from papertrial.hub import TOKENIZER_FILES, is_on_hub, read_reference, snapshot
from papertrial.record import Part

_NO_LIMIT = 10**9  # transformers writes 10^30 where a tokenizer sets no limit
_TEXTS_PER_BATCH = 256


class SubwordTokenizerState(Part):
    """A tokenizer as a run stores it: the content of its tokenizer.json, and how texts are padded.

    `max_length` and the side from which longer texts are cut are also in `definition`.
    """

    definition: str
    padding: int
    side: Side
    max_length: int | None
    fixed: bool

    @field_validator("definition")
    @classmethod
    def _check_definition(cls, text: str) -> str:
        json.loads(text)
        return text


class EncodedTokens(NamedTuple):
    """The tokens of texts, and how many of the texts were cut to the longest length."""

    column: TokenColumn
    cut: int


class SubwordTokenizer:
    """The tokenizer of a pretrained model, with its special tokens, as transformers applies it.

    Args:
        definition: the content of tokenizer.json, with the truncation of long texts.
        padding: the token of the padding.
        side: where the padding stands.
        max_length: how many tokens of a text are kept, the special ones included; None for all.
        fixed: pad every batch to `max_length`, not to its longest text.
    """

    def __init__(
        self,
        definition: str,
        *,
        padding: int,
        side: Side = "right",
        max_length: int | None = None,
        fixed: bool = False,
    ) -> None:
        assert max_length is not None or not fixed, "a fixed length needs a length"
        self.definition = definition
        self.padding = padding
        self.side: Side = side
        self.max_length = max_length
        self.fixed = fixed

    @classmethod
    def load(
        cls, source: str, *, max_length: int | None = None, fixed: bool = False
    ) -> SubwordTokenizer:
        """Load a tokenizer with transformers, without running code of its folder.

        Args:
            source: a folder as transformers saves it, or `hf:NAME@COMMIT`.
            max_length: how many tokens are kept; None for the limit that the tokenizer names.
            fixed: pad every batch to this length.

        Raises:
            DataError: the folder has no tokenizer, or one that cannot be used.
            HubError: the files cannot be fetched.
            MissingExtraError: transformers is not installed.
        """
        transformers = import_extra("transformers")
        folder = tokenizer_folder(source)
        try:
            with quiet_transformers():
                found = transformers.AutoTokenizer.from_pretrained(
                    str(folder), local_files_only=True, trust_remote_code=False
                )
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise DataError(
                f"data.text.tokenizer: {source} has no tokenizer that transformers can load "
                f"({reason}); give a folder with tokenizer.json, as save_pretrained() writes it"
            ) from error
        fast = getattr(found, "backend_tokenizer", None)
        if fast is None:
            raise DataError(
                f"data.text.tokenizer: {source} has a tokenizer in Python, which a run cannot "
                "store; use one with tokenizer.json"
            )
        if found.pad_token_id is None:
            raise DataError(
                f"data.text.tokenizer: the tokenizer of {source} has no padding token; name one as "
                "pad_token in tokenizer_config.json"
            )
        limit = max_length
        if limit is None and found.model_max_length < _NO_LIMIT:
            limit = int(found.model_max_length)
        if fixed and limit is None:
            raise DataError(
                "data.text.padding: max_length needs a length, and the tokenizer names none; set "
                "data.text.max_length"
            )
        special = fast.num_special_tokens_to_add(is_pair=False)
        if limit is not None and limit <= special:
            raise DataError(
                f"data.text.max_length: must be more than the {special} special tokens that the "
                f"tokenizer adds to each text, got {limit}"
            )
        fast.no_padding()
        fast.no_truncation()
        if limit is not None:
            fast.enable_truncation(limit, direction=found.truncation_side)
        return cls(
            fast.to_str(),
            padding=int(found.pad_token_id),
            side=found.padding_side,
            max_length=limit,
            fixed=fixed,
        )

    def __len__(self) -> int:
        """Return the largest token number plus one: the rows of an embedding."""
        return int(max(self._tokenizer.get_vocab(with_added_tokens=True).values())) + 1

    def encode(self, texts: Iterable[str]) -> TokenColumn:
        """Return the tokens of the texts, cut to `max_length`.

        Raises:
            EmptyTextError: a text has no tokens.
            DataError: the tokenizer gives a single text several token types.
        """
        return self.encode_counting(texts).column

    def encode_counting(self, texts: Iterable[str]) -> EncodedTokens:
        """Return the tokens of the texts as `encode` does, and how many texts were cut.

        Raises:
            EmptyTextError: a text has no tokens.
            DataError: the tokenizer gives a single text several token types.
        """
        encoded, cut = list[np.ndarray](), 0
        for one in self._encode(self._tokenizer, texts):
            encoded.append(np.array(one.ids, dtype=np.int32))
            cut += bool(one.overflowing)
        lengths = torch.tensor([len(one) for one in encoded], dtype=torch.int64)
        flat = np.concatenate(encoded) if encoded else np.empty(0, np.int32)
        width = self.max_length if self.fixed else None
        tokens = RaggedColumn(torch.from_numpy(flat), lengths)
        return EncodedTokens(TokenColumn(tokens, self.padding, self.side, width), cut)

    @property
    def unknown(self) -> int | None:
        """The token of unknown parts of words; None if the tokenizer has no such token."""
        model = json.loads(self.definition)["model"]
        word = model.get("unk_token")
        if word is None:
            number = model.get("unk_id")
            return None if number is None else int(number)
        found = self._tokenizer.token_to_id(word)
        return None if found is None else int(found)

    def whole_lengths(self, texts: Iterable[str]) -> list[int]:
        """Return how many tokens each text has before it is cut."""
        whole = _from_definition(self.definition)
        whole.no_truncation()
        return [len(one.ids) for one in self._encode(whole, texts)]

    def zeros(self, rows: int) -> dict[str, Tensor]:
        """Return a batch of texts of one length that have nothing but token 0."""
        ids = torch.zeros(rows, self.max_length or 512, dtype=torch.int32)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def put_largest(self, x: dict[str, Tensor]) -> None:
        """Set a token of a batch to the largest token number, in place."""
        x["input_ids"][0, -1 if self.side == "left" else 0] = len(self) - 1

    def state(self) -> SubwordTokenizerState:
        """Return what a run stores of the tokenizer."""
        return SubwordTokenizerState(
            definition=self.definition,
            padding=self.padding,
            side=self.side,
            max_length=self.max_length,
            fixed=self.fixed,
        )

    @classmethod
    def from_state(cls, state: SubwordTokenizerState) -> SubwordTokenizer:
        """Return the tokenizer that `state()` was called on."""
        return cls(
            state.definition,
            padding=state.padding,
            side=state.side,
            max_length=state.max_length,
            fixed=state.fixed,
        )

    @cached_property
    def _tokenizer(self) -> Any:
        return _from_definition(self.definition)

    def _encode(self, tokenizer: Any, texts: Iterable[str]) -> Iterable[Any]:
        """Yield the library's encoding of each text."""
        remaining, row = iter(texts), 0
        with tokenizer_on_all_cores():
            while some := list(itertools.islice(remaining, _TEXTS_PER_BATCH)):
                for text, one in zip(
                    some, tokenizer.encode_batch_fast(list(map(_clean, some))), strict=True
                ):
                    if not one.ids:
                        raise EmptyTextError((row,), text)
                    if any(one.type_ids):
                        raise DataError(
                            "data.text.tokenizer: the tokenizer gives a single text several token "
                            "types, which are not supported; use another one"
                        )
                    row += 1
                    yield one


def tokenizer_folder(source: str) -> Path:
    """Return the folder with the files of a tokenizer, fetched from the hub if it is there.

    Raises:
        DataError: there is no such folder.
        HubError: the files cannot be fetched.
    """
    if is_on_hub(source):
        required = [name for name in TOKENIZER_FILES if name != "config.json"]
        return snapshot(read_reference(source), TOKENIZER_FILES, required)
    if not Path(source).is_dir():
        raise DataError(
            f"data.text.tokenizer: there is no folder {source}; give a folder with tokenizer.json, "
            "or hf:NAME@COMMIT"
        )
    return Path(source)


def _from_definition(definition: str) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415  (slow to import)

    return Tokenizer.from_str(definition)


def _clean(text: str) -> str:
    """Replace halves of surrogate pairs, which the library refuses."""
    return (
        text
        if text.isascii()
        else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
