"""The movie review sentences of Pang and Lee 2005, known as MR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.sources.fetched import fetched_files
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.texts.ragged_column import text_column
from papertrial.progress import Steps

CLASSES = ("neg", "pos")


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load the sentences, 5,331 negative ones and as many positive ones, without a test part.

    Each line of a file is a sentence, in lower case, its words separated by spaces.

    Raises:
        DataError: a file is absent and cannot or may not be downloaded, or is another file.
    """
    paths = yield from fetched_files(spec, folder)
    texts, labels = list[str](), list[int]()
    for label, name in enumerate(CLASSES):
        # A byte is a character in these files. str.splitlines would split at some of them.
        lines = paths[f"rt-polarity.{name}"].read_text("latin-1").removesuffix("\n").split("\n")
        texts += [line.strip() for line in lines]
        labels += [label] * len(lines)
    split = Split(text_column(texts), torch.tensor(labels), np.arange(len(texts)))
    return LoadedSet(Dataset("rt-polarity", "text", split, classes=CLASSES))
