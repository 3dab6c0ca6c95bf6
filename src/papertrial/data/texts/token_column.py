"""Texts as tokens of a pretrained tokenizer: padded batches with a mask."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from papertrial.data.column import BaseColumn, Moved, SampleColumn
from papertrial.data.texts.ragged_column import RaggedColumn

Side = Literal["left", "right"]


class TokenColumn(BaseColumn):
    """Texts of different lengths, taken as `input_ids` and `attention_mask`, int32 [B, T].

    The mask is 1 for the tokens of a text and 0 for the padding.

    Args:
        tokens: the tokens of all texts.
        padding: the token of the padding.
        side: where the padding stands.
        width: T; None for the length of the longest text of a batch.
    """

    def __init__(
        self, tokens: RaggedColumn, padding: int, side: Side = "right", width: int | None = None
    ) -> None:
        self.tokens = tokens
        self.padding = padding
        self.side: Side = side
        self.width = width
        self.shape = ()
        self.dtype = tokens.dtype

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> Tensor | None:
        """The length of each text in tokens, [N] int64."""
        return self.tokens.lengths

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> dict[str, Tensor]:  # type: ignore[override]
        """Return the texts at `rows` by the names of the arguments of a transformer."""
        tokens = self.tokens.take(rows)
        all_lengths = self.tokens.lengths
        assert all_lengths is not None, "texts have lengths"
        lengths = all_lengths[rows if isinstance(rows, slice) else rows.to(all_lengths.device)]
        if self.width is not None:
            tokens = torch.nn.functional.pad(tokens, (0, self.width - tokens.shape[1]))
        longest = tokens.shape[1]
        place = torch.arange(longest, device=tokens.device)
        if self.side == "left":
            shift = longest - lengths[:, None]
            tokens = tokens.gather(1, (place - shift) % max(1, longest))
            inside = place >= shift
        else:
            inside = place < lengths[:, None]
        ids = torch.where(inside, tokens, self.padding)
        return {"input_ids": ids, "attention_mask": inside.to(ids.dtype)}

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a new column with copies of the texts at `rows`."""
        return self._with(self.tokens.rows(rows))

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the column on `device`."""
        return self._with(self.tokens.to(device, moved))

    @property
    def nbytes(self) -> int:
        """Bytes of all texts, without padding."""
        return self.tokens.nbytes

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the lengths and the tokens, in order."""
        return self.tokens.fingerprint

    def _with(self, tokens: SampleColumn) -> TokenColumn:
        assert isinstance(tokens, RaggedColumn), "rows of a ragged column are ragged"
        return TokenColumn(tokens, self.padding, self.side, self.width)
