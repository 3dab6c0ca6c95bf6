"""A million characters of Shakespeare, as windows for a language model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset
from papertrial.data.sources.fetched import fetched_files
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.windows import windows
from papertrial.progress import Steps

_LENGTH = 256
_TRAIN = 0.9  # share of the text; the rest is for validation, as in karpathy/nanoGPT


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load the text: uint8 [N, T], where y is x one character later; no test part.

    A character is its place among the 65 that occur, sorted. The training part has a window at each
    place of the first nine tenths of the text, so a random sample is a window at a random place.
    The windows for validation follow each other.

    Raises:
        DataError: the file is absent and cannot or may not be downloaded, or is another file; or a
            part is shorter than a window.
    """
    paths = yield from fetched_files(spec, folder)
    text = np.frombuffer(paths["input.txt"].read_bytes(), dtype=np.uint8)
    codes = torch.from_numpy(np.unique(text, return_inverse=True)[1].astype(np.uint8))
    length, cut = spec.window.length or _LENGTH, int(len(codes) * _TRAIN)
    train = windows(codes[:cut], length, 1, target=length)
    validation = windows(codes[cut:], length, 1, target=length, stride=length)
    return LoadedSet(Dataset("tiny-shakespeare", "tensor", train, validation=validation))
