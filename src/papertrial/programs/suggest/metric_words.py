"""Words by which a program's output names a score."""

from __future__ import annotations

import re
from typing import Literal

_HIGHER = (
    "accuracy", "acc", "f1", "bleu", "rouge", "auroc", "auc", "precision", "recall", "r2", "miou",
    "iou", "top1", "top5", "top-1", "top-5", "map", "dice", "reward", "return",
)  # fmt: skip
_LOWER = (
    "loss", "error", "err", "perplexity", "ppl", "mse", "rmse", "mae", "nll", "bpb", "bpc", "wer",
    "cer", "fid",
)  # fmt: skip
_SHARES = frozenset((
    "accuracy", "acc", "f1", "auroc", "auc", "precision", "recall", "miou", "iou", "top1", "top5",
    "top-1", "top-5", "map", "dice",
))  # fmt: skip
QUALIFIERS = (
    "train", "training", "test", "testing", "val", "valid", "validation", "eval", "dev", "best",
    "final", "average", "avg", "mean", "top1", "top3", "top5", "top10", "macro", "micro",
    "tta", "ema", "median",
)  # fmt: skip
WORD = re.compile(
    r"(?<![A-Za-z0-9])(?P<word>" + "|".join(
        sorted((*_HIGHER, *_LOWER), key=len, reverse=True)
    ) + r")(?P<at>@[0-9]+)?(?![A-Za-z0-9])",
    re.IGNORECASE,
)  # fmt: skip
NUMBER = re.compile(r"(?<![\w.])-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]\w)")


def better_of(word: str) -> Literal["higher", "lower"]:
    """Return which values of a metric are better, by its word."""
    return "lower" if word.lower() in _LOWER else "higher"


def is_share(word: str) -> bool:
    """Whether a metric is usually a fraction or a percentage."""
    return word.lower() in _SHARES


def name_of(phrase: str, word: str) -> str:
    """Return the name of a score: the qualifiers before a metric's word, and the word."""
    words = re.findall(r"[a-z]+[0-9]*", re.sub(r"top-(?=[0-9])", "top", phrase.lower()))
    before = [one for one in words if one in QUALIFIERS]
    return "_".join(dict.fromkeys([*before, re.sub("[-@]", "", word.lower())]))
